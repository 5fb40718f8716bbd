/**
 * Every test. Most files run side by side, each in a process of its own, as many as the machine has processors; then
 * those of calls one after the other, as people who speak wait for nobody. What this is given, such as `--filter`, is
 * given to `deno test`.
 *
 * @module
 */
import { note } from "./support/note.ts";

const CALLS = "tests/calls/";
/** A process may leave others behind that never close what they write to. */
const LAST_WORDS_MS = 5000;

const children = new Set<Deno.ChildProcess>();
// A terminal's interrupt reaches them by itself.
Deno.addSignalListener("SIGTERM", () => {
  for (const child of children) child.kill("SIGKILL");
  Deno.exit(143);
});

const isPainted = Deno.stdout.isTerminal() && !Deno.noColor;

async function* testsIn(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}${name}${isDirectory ? "/" : ""}`;
    if (isDirectory) yield* testsIn(path);
    else if (name.endsWith("_test.ts")) yield path;
  }
}

function deno(args: string[], output: "inherit" | "piped"): Deno.ChildProcess {
  const env = { ...isPainted && { FORCE_COLOR: "1" } };
  const options = { args, env, stdin: "null", stdout: output, stderr: output } as const;
  const child = new Deno.Command(Deno.execPath(), options).spawn();
  children.add(child);
  void child.status.then(() => children.delete(child));
  return child;
}

/** What `deno test` says of one file, and whether all is well. */
async function test(file: string): Promise<{ said: string; success: boolean }> {
  const child = deno(["test", "-A", "--no-check", file, ...Deno.args], "piped");
  const textOf = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => {
    const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
    void child.status.then(() => Deno.unrefTimer(setTimeout(() => void reader.cancel(), LAST_WORDS_MS)));
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return text;
      text += value;
    }
  };
  const said = (await Promise.all([child.stdout, child.stderr].map(textOf))).join("").trim();
  return { said, success: (await child.status).success };
}

/** Runs `files`, so many at once, and tells of each when it is over. Resolves with those in which something failed. */
async function testAll(files: readonly string[], at_once: number): Promise<string[]> {
  const waiting = files.values();
  const wrong: string[] = [];
  const work = async () => {
    for (const file of waiting) {
      const { said, success } = await test(file);
      if (!success) wrong.push(file);
      note(`${said}\n`);
    }
  };
  await Promise.all(Array.from({ length: at_once }, work));
  return wrong;
}

const { success: isChecked } = await deno(["check", "--quiet", "tests/"], "inherit").status;
if (!isChecked) Deno.exit(1);
const files = (await Array.fromAsync(testsIn("tests/"))).toSorted();
const [calls, others] = [true, false].map((isCall) => files.filter((file) => file.startsWith(CALLS) === isCall));
const wrong = [...await testAll(others!, navigator.hardwareConcurrency), ...await testAll(calls!, 1)];
note(`${files.length} files; with failures: ${wrong.join(" ") || "none"}`);
Deno.exit(wrong.length === 0 ? 0 : 1);
