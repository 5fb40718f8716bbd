/**
 * The README, followed line by line as a stranger would.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { parse } from "yaml";
import { parseFrames } from "../support/events.ts";
import { hasProgram } from "../support/parts.ts";
import { startProvider } from "../support/provider.ts";
import { type Block, toChapters, toCommands } from "../support/readme.ts";
import { openReadmePlace, type ReadmePlace } from "../support/readme_place.ts";
import { wayOf } from "../support/readme_rules.ts";
import { startServer, USER_KEY } from "../support/server.ts";
import { ask } from "../support/story.ts";

const root = new URL("../../", import.meta.url);
const read = (path: string) => Deno.readTextFile(new URL(path, root));
const chapters = toChapters(await read("README.md"));
const blocks = chapters.flatMap((chapter) => chapter.blocks);
const commandsOf = (some: readonly Block[]) =>
  some.filter(({ language }) => language === "sh").flatMap(({ text }) => toCommands(text));
const commands = commandsOf(blocks);
/** What everybody has typed before reading on. */
const exports = commandsOf(chapters.find(({ title }) => title === "Start")!.blocks)
  .filter((command) => command.startsWith("export "));

/** Follows one command, in whatever way it can be tried. */
async function follow(place: ReadmePlace, command: string): Promise<void> {
  const how = wayOf(command);
  if (how.way === "elsewhere") return assert.ok((await read(how.file)).includes(how.says), `${command}: ${how.file}`);
  if (how.way === "lacking") return await checkNames(place, command);
  if (how.way === "install") return await place.install(command);
  if (command.startsWith("npx ") && !hasProgram("npx")) return;
  if (how.way === "refused") return await assert.rejects(() => place.run(command), /The policy "\w+" does not allow/);
  if (how.way === "run") return void await place.run(command);
  await using provider = await startProvider();
  if (!/^OPENAI_\w+=/.test(command)) return await place.start(command);
  // What is set before a command is all it takes to connect a model; only its address is another one here.
  const line = command.replace(/http:\/\/[\w.:]+\/v1/, provider.url);
  await place.start(line, { MODEL_PROVIDER: "", ...line === command && { OPENAI_BASE_URL: provider.url } });
  await place.run(commands.find((one) => one.includes("/chat/stream"))!);
  const { body, headers } = provider.requests[0] ?? assert.fail(`${command}: the model was not asked`);
  const model = / DEFAULT_MODEL=(\S+)/.exec(command)?.[1];
  if (model === undefined) assert.equal(headers.authorization, "Bearer sk-scripted");
  else assert.equal(body.model, model);
}

/** Checks what `command` names, since the part that runs it is not here. */
async function checkNames({ machine }: ReadmePlace, command: string): Promise<void> {
  for (const [, file] of command.matchAll(/ -f (\S+)/g)) {
    assert.ok(Object.keys(parse(await read(file!)).services).length > 0, `${command}: ${file}`);
  }
  if (command.startsWith("docker compose ")) {
    const { services } = parse(await read("docker-compose.yml"));
    const last = command.split(" ").at(-1)!;
    assert.ok(last === "-d" || last in services, `${command}: no service "${last}"`);
  }
  if (command.startsWith("docker run ")) {
    const dockerfile = await read("Dockerfile");
    assert.match(dockerfile, new RegExp(`^VOLUME ${/ -v \w+:(\S+)/.exec(command)![1]}$`, "m"));
    assert.match(dockerfile, new RegExp(`^EXPOSE ${/ -p \S+:(\d+) /.exec(command)![1]}( |$)`, "m"));
    assert.ok(commands.includes(`docker build -t ${command.split(" ").at(-1)} .`));
  }
  const unit = /^(?:sudo systemctl .*|journalctl -u) (\w+)$/.exec(command)?.[1];
  if (unit !== undefined) {
    const text = await Deno.readTextFile(`${machine}/etc/systemd/system/${unit}.service`);
    const program = /^ExecStart=(\S+)/m.exec(text)![1]!;
    assert.ok((await Deno.stat(`${machine}${program}`)).isFile);
    await Deno.stat(`${machine}${/^EnvironmentFile=-?(\S+)$/m.exec(text)![1]}`);
  }
}

/** Runs code as somebody who copied it into a file of the checkout. */
async function runCode(place: ReadmePlace, { language, text, line }: Block): Promise<void> {
  const file = `line_${line}.${{ ts: "ts", python: "py" }[language]}`;
  const address = (await place.run('echo "http://127.0.0.1:8000"')).trim();
  await Deno.writeTextFile(`${place.folder}/${file}`, text.replaceAll("http://127.0.0.1:8000", address));
  if (language === "ts") await place.run(`deno check --quiet ${file}`);
  const out = await place.run(language === "ts" ? `deno run -A ${file}` : `python3 ${file}`);
  assert.match(out, /offline model/, `The code of line ${line}`);
}

for (const { title, blocks } of chapters) {
  if (!blocks.some(({ language }) => ["sh", "ts", "python"].includes(language))) continue;
  Deno.test(`whoever follows the README's chapter "${title}" gets through`, async () => {
    await using place = await openReadmePlace(exports);
    for (const block of blocks) {
      if (block.language === "sh") { for (const command of toCommands(block.text)) await follow(place, command); }
      else if (block.language === "python" && !hasProgram("python3")) continue;
      else if (block.language === "ts" || block.language === "python") await runCode(place, block);
    }
  });
}

Deno.test("a command, a block or a placeholder that nobody thought of is not passed over", async () => {
  assert.throws(() => wayOf("rm -r data"), /Nothing says how CI tries this command[^]*readme_rules\.ts/);
  assert.deepEqual(toCommands("a \\\n  b\ncat <<END\nc\nEND\n\nd\n"), ["a \\\n  b", "cat <<END\nc\nEND", "d"]);
  assert.throws(() => toCommands("cat <<END\nc\n"), /does not end/);
  assert.deepEqual(toChapters("## A\n```sh\nb\n```\n"), [{
    title: "A",
    blocks: [{ language: "sh", text: "b\n", line: 3 }],
  }]);
  assert.deepEqual([...new Set(blocks.map(({ language }) => language))].sort(), [
    "",
    "js",
    "json",
    "python",
    "sh",
    "ts",
  ]);
  await using place = await openReadmePlace();
  await assert.rejects(() => place.run("echo conv_01…"), /Nothing says what "…" stands for/);
  await assert.rejects(() => place.run("curl http://127.0.0.1:8000/api/v1/runs"), /UnauthorizedError/);
});

Deno.test("the README begins with the commands that set it up, and they name this Deno", () => {
  const { version } = Deno;
  const wanted = ["deno task", `npx -y deno@${version.deno} task`].flatMap((by) => [`${by} start`, `${by} test`]);
  assert.deepEqual(commands.slice(0, 4), wanted);
});

Deno.test("the README's first two requests stream an answer and resume it, and its event is like theirs", async () => {
  await using place = await openReadmePlace(exports);
  const of = (part: string) => commands.find((command) => command.startsWith("curl ") && command.includes(part))!;
  const first = parseFrames(await place.run(of("/chat/stream")));
  assert.deepEqual(first.map((frame) => frame.id), first.map((_, i) => i + 1));
  assert.equal(first.at(-1)!.type, "run.completed");
  assert.match(first.at(-1)!.data.message.content, /offline model/);
  assert.deepEqual(parseFrames(await place.run(of("/events"))), first.slice(2));
  const [shown] = parseFrames(`${blocks.find(({ language }) => language === "")!.text}\n`);
  const { id, type, data } = first[0]!;
  assert.deepEqual([shown!.id, shown!.type, Object.keys(shown!.data)], [id, type, Object.keys(data)]);
});

Deno.test("an error looks as the README shows it", async () => {
  await using server = await startServer();
  const shown = JSON.parse(blocks.find(({ language }) => language === "json")!.text);
  const error = await ask(server, "GET /runs/run_1", { key: USER_KEY, status: shown.statusCode });
  const { timestamp, request_id } = error;
  assert.deepEqual(error, { ...shown, timestamp, request_id });
  assert.deepEqual([typeof timestamp, request_id.slice(0, 6)], ["number", "req_01"]);
});
