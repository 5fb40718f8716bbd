import { strict as assert } from "node:assert";
import { parseFrames } from "../support/events.ts";
import { startProvider } from "../support/provider.ts";

const root = new URL("../../", import.meta.url);
const README = await Deno.readTextFile(new URL("README.md", root));

/** The commands of the README's shell blocks, in order. */
const commands = [...README.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, block]) => block!.trim().split("\n"));

async function bash(script: string): Promise<string> {
  const { stdout, stderr, success } = await new Deno.Command("bash", { args: ["-euc", script] }).output();
  const decoder = new TextDecoder();
  assert.ok(success, `${script}\n${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}

/** Starts the program as the README does, in a folder of its own, and waits for the banner. */
async function startProgram(env: Record<string, string>) {
  const folder = await Deno.makeTempDir({ prefix: "muxi-readme-" });
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "main.ts", "serve"],
    cwd: root,
    env: { MUXI_PORT: "0", MUXI_DATA_DIR: folder, ...env },
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
    .getReader();
  let banner = "";
  while (!/(\n.*){15}╯\n(?!.*╭)/.test(banner) && !banner.endsWith("╯\n")) {
    const { done, value } = await reader.read();
    assert.ok(!done, "The program ended before its banner");
    banner += value;
  }
  return {
    banner,
    address: /http:\/\/[\w.:]+/.exec(banner)![0],
    key: /sk_muxi_user_\w+/.exec(banner)![0],
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await reader.cancel();
      await child.status;
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** The README's command that holds `part`, for this server. */
function commandWith(part: string, { address, key }: { address: string; key: string }, run = ""): string {
  const command = commands.find((line) => line.startsWith("curl") && line.includes(part));
  assert.ok(command, `The README has no command with "${part}"`);
  return `KEY=${key} RUN=${run}; ${command.replace("http://127.0.0.1:8000", address)}`;
}

for (const connected of [false, true]) {
  const who = connected ? "a scripted provider" : "the offline model";
  Deno.test(`the README's first two commands stream an answer of ${who} and resume it`, async () => {
    await using provider = await startProvider({ script: { tokens: ["These ", "are ", "scripted ", "tokens."] } });
    await using program = await startProgram(
      connected ? { OPENAI_BASE_URL: provider.url } : { MODEL_PROVIDER: "offline" },
    );
    assert.match(program.banner, /Version: \d/);
    const first = parseFrames(await bash(commandWith("/chat/stream", program)));
    assert.deepEqual(first.map((frame) => frame.id), first.map((_, i) => i + 1));
    assert.equal(first.at(-1)!.type, "run.completed");
    assert.match(first.at(-1)!.data.message.content, connected ? /^These are scripted tokens\.$/ : /offline model/);
    const second = parseFrames(await bash(commandWith("/events", program, first[0]!.data.run_id)));
    assert.deepEqual(second, first.slice(2));
  });
}

Deno.test("both set-up commands of the README name the same tasks and this Deno", () => {
  for (const task of ["start", "test"]) {
    assert.ok(commands.includes(`deno task ${task}`));
    assert.ok(commands.includes(`npx -y deno@${Deno.version.deno} task ${task}`));
  }
});
