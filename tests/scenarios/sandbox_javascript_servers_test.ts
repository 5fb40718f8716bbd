import { strict as assert } from "node:assert";
import type { Program } from "../../src/ports/sandbox.ts";
import { openSandbox, type ProfileInput, type SandboxWorld, toPolicy } from "../support/sandbox.ts";
import { openTalk, type Talk } from "../support/tool_talk.ts";

const VERSION = "2026.8.31";

/** A server of the registry, at work. */
interface Story {
  server: string;
  args?(dir: string): string[];
  env?(dir: string): Record<string, string>;
  profile?(dir: string): ProfileInput;
  /** What it is for. */
  work(talk: Talk, dir: string): Promise<void>;
}

const STORIES: Story[] = [
  {
    server: "filesystem",
    args: (dir) => [`${dir}/notes`, `${dir}/private`],
    profile: (dir) => ({ write: [`${dir}/notes`] }),
    async work(talk, dir) {
      assert.equal((await talk.call("read_text_file", { path: `${dir}/notes/a.txt` })).text, "a note");
      assert.ok(!(await talk.call("write_file", { path: `${dir}/notes/b.txt`, content: "b" })).failed);
      assert.equal((await talk.call("read_text_file", { path: `${dir}/notes/b.txt` })).text, "b");
      assert.match((await talk.call("list_directory", { path: `${dir}/notes` })).text, /a\.txt[^]*b\.txt/);
    },
  },
  {
    server: "memory",
    env: (dir) => ({ MEMORY_FILE_PATH: `${dir}/notes/memory.jsonl` }),
    profile: (dir) => ({ write: [`${dir}/notes`] }),
    async work(talk) {
      const entities = [{ name: "MUXI", entityType: "server", observations: ["remembers"] }];
      assert.ok(!(await talk.call("create_entities", { entities })).failed);
      assert.match((await talk.call("search_nodes", { query: "MUXI" })).text, /remembers/);
    },
  },
  {
    server: "sequential-thinking",
    async work(talk) {
      const thought = { thought: "x", nextThoughtNeeded: false, thoughtNumber: 1, totalThoughts: 1 };
      assert.match((await talk.call("sequentialthinking", thought)).text, /thoughtHistoryLength/);
    },
  },
  {
    server: "everything",
    async work(talk) {
      assert.match((await talk.call("echo", { message: "hello" })).text, /hello/);
      assert.ok(!(await talk.call("get-env")).text.includes("TOP SECRET"));
    },
  },
];

async function prepare(world: SandboxWorld, { server, args, env }: Story): Promise<Program> {
  await Deno.mkdir(`${world.dir}/notes`);
  await Deno.mkdir(`${world.dir}/private`);
  await Deno.writeTextFile(`${world.dir}/notes/a.txt`, "a note");
  await Deno.writeTextFile(`${world.dir}/private/diary.txt`, "TOP SECRET");
  return {
    name: server,
    command: "npx",
    args: ["-y", `@modelcontextprotocol/server-${server}@${VERSION}`, ...args?.(world.dir) ?? []],
    env: env?.(world.dir) ?? {},
  };
}

for (const walls of ["full", "broker"] as const) {
  for (const story of STORIES) {
    Deno.test(`server-${story.server} works under its policy (${walls})`, async () => {
      await using world = await openSandbox(walls);
      const program = await prepare(world, story);
      const policy = toPolicy(story.profile?.(world.dir));
      const process = await world.sandbox.start(program, { policy, signal: new AbortController().signal });
      try {
        assert.equal(process.report.tier, walls);
        await story.work(await openTalk(process), world.dir);
      } finally {
        await process.kill();
      }
    });
  }
}

for (const story of STORIES) {
  Deno.test(`what was learned of server-${story.server} is enough for it`, async () => {
    await using world = await openSandbox("full");
    const program = await prepare(world, story);
    const { signal } = new AbortController();
    const { profile: learned, refused } = await world.sandbox.learn(program, {
      policy: toPolicy(),
      signal,
      drive: async (process) => await story.work(await openTalk(process), world.dir),
    });
    assert.deepEqual(refused, []);
    // What it wrote while somebody looked went to copies.
    assert.deepEqual([...Deno.readDirSync(`${world.dir}/notes`)].map(({ name }) => name), ["a.txt"]);
    assert.deepEqual([learned.unsandboxed, learned.run, learned.ffi, learned.net], [false, [], false, []]);
    for (const path of [...learned.read, ...learned.write]) assert.ok(path.startsWith(`${world.dir}/`), path);
    const process = await world.sandbox.start(program, { policy: { ...toPolicy(), sandbox: learned }, signal });
    try {
      await story.work(await openTalk(process), world.dir);
    } finally {
      await process.kill();
    }
  });
}

Deno.test("what is denied to a server's tool says what to allow", async () => {
  await using world = await openSandbox("broker");
  const program = await prepare(world, STORIES[0]!);
  await Deno.symlink(`${world.dir}/private`, `${world.dir}/notes/more`);
  const words: string[] = [];
  const process = await world.sandbox.start(program, {
    policy: toPolicy({ write: [`${world.dir}/notes`] }),
    signal: new AbortController().signal,
    onDenied: (denial) => words.push(denial),
  });
  try {
    const talk = await openTalk(process);
    const said = await talk.call("read_text_file", { path: `${world.dir}/notes/more/diary.txt` });
    const expected = `The policy "strict" does not allow reading "${world.dir}/private/diary.txt": ` +
      "add it to sandbox.read of that policy";
    assert.ok(said.failed && words.includes(expected), `${said.text}\n${words.join("\n")}`);
    assert.ok(process.report.decisions().some(({ value, denied }) => value.endsWith("diary.txt") && denied > 0));
  } finally {
    await process.kill();
  }
});
