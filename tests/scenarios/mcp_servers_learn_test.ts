/**
 * The least policies of the reference servers: learned by the operation, applied, enough, and no more than that.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { type Call, openOffice } from "../support/mcp_servers_office.ts";
import { askAdmin, type Json } from "../support/story.ts";

const npx = (server: string, ...args: string[]) => ({
  command: "npx",
  args: ["-y", `@modelcontextprotocol/server-${server}@2026.8.31`, ...args],
});

interface Lesson {
  /** Under this name no policy of the product's own names it. */
  name: string;
  definition(dir: string): Json;
  /** What is done while somebody looks, and again under the policy that comes of it. */
  call(dir: string): Required<Call>;
  answer: RegExp;
  least(dir: string): { read: string[]; write: string[] };
  /** What was not done then, and the words with which it is refused. */
  forbidden?: { call(dir: string, url: string): Required<Call>; words(dir: string, url: string): string };
}

const LESSONS: Lesson[] = [
  {
    name: "files",
    definition: (dir) => npx("filesystem", `${dir}/notes`),
    call: (dir) => ({ tool: "read_text_file", arguments: { path: `${dir}/notes/harbour.txt` } }),
    answer: /opens at seven/,
    least: (dir) => ({ read: [`${dir}/notes`], write: [] }),
    forbidden: {
      call: (dir) => ({ tool: "create_directory", arguments: { path: `${dir}/notes/new` } }),
      words: (dir) => `writing "${dir}/notes/new"`,
    },
  },
  {
    name: "graph",
    definition: (dir) => ({ ...npx("memory"), env: { MEMORY_FILE_PATH: `${dir}/memory/memory.jsonl` } }),
    call: () => ({ tool: "search_nodes", arguments: { query: "Ada" } }),
    answer: /entities/,
    least: (dir) => ({ read: [`${dir}/memory/memory.jsonl`], write: [] }),
    forbidden: {
      call: () => ({
        tool: "create_entities",
        arguments: { entities: [{ name: "Ada", entityType: "person", observations: ["likes boats"] }] },
      }),
      words: (dir) => `writing "${dir}/memory/memory.jsonl.`,
    },
  },
  {
    name: "thoughts",
    definition: () => npx("sequential-thinking"),
    call: () => ({
      tool: "sequentialthinking",
      arguments: { thought: "Boats float", nextThoughtNeeded: false, thoughtNumber: 1, totalThoughts: 1 },
    }),
    answer: /thoughtHistoryLength/,
    least: () => ({ read: [], write: [] }),
  },
  {
    name: "showcase",
    definition: () => npx("everything"),
    call: () => ({ tool: "get-sum", arguments: { a: 2, b: 40 } }),
    answer: /The sum of 2 and 40 is 42/,
    least: () => ({ read: [], write: [] }),
    forbidden: {
      call: (_, data) => ({ tool: "gzip-file-as-resource", arguments: { name: "page.gz", data } }),
      words: (_, url) => `connecting to "${new URL(url).host}"`,
    },
  },
];

Deno.test("the policies of the reference servers are learned, enough, and no more than that", async (t) => {
  let visits = 0;
  await using page = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => {
    visits++;
    return new Response("The harbour opens at seven.");
  });
  const url = `http://127.0.0.1:${page.addr.port}/`;
  await using office = await openOffice({
    async furnish(dir) {
      for (const name of ["notes", "memory"]) await Deno.mkdir(`${dir}/${name}`);
      await Deno.writeTextFile(`${dir}/notes/harbour.txt`, "The harbour opens at seven.");
      await Deno.writeTextFile(`${dir}/memory/memory.jsonl`, "");
    },
    servers: (dir) => Object.fromEntries(LESSONS.map(({ name, definition }) => [name, definition(dir)])),
  });
  const { dir, server } = office;
  for (const { name, call, answer, least, forbidden } of LESSONS) {
    await t.step(name, async () => {
      const path = `/agents/clerk/mcp_servers/${name}`;
      const calls = [call(dir)];
      const proposal = await askAdmin(server, `POST ${path}/learn`, { body: { calls } });
      assert.deepEqual([proposal.policy, proposal.applied, proposal.failed], [name, false, []]);
      const { read, write, net, run, ffi, unsandboxed } = proposal.proposed;
      assert.deepEqual({ read, write }, least(dir));
      assert.deepEqual([net, run, ffi, unsandboxed], [[], [], false, false]);
      const lines = proposal.difference.filter((line: string) => line.startsWith("+ read"));
      assert.deepEqual(lines, read.map((path: string) => `+ read: ${path}`));

      const applied = await askAdmin(server, `POST ${path}/learn`, { body: { calls, apply: true } });
      assert.deepEqual([applied.applied, applied.proposed], [true, proposal.proposed]);
      const { state, sandbox } = await office.ready(name);
      assert.deepEqual([state, sandbox.policy], ["ready", name]);
      const { tool, arguments: args } = call(dir);
      const answered = await office.ask({ tool: `${name}__${tool}`, arguments: args });
      assert.equal(answered.row.status, "completed");
      assert.match(answered.content, answer);

      if (forbidden === undefined) return;
      const more = forbidden.call(dir, url);
      const refused = await office.ask({ tool: `${name}__${more.tool}`, arguments: more.arguments });
      const words = `The policy "${name}" does not allow ${forbidden.words(dir, url)}`;
      assert.equal(refused.row.status, "failed");
      const { message } = refused.row.error;
      assert.ok(
        message.includes(words) && /: add (it|its folder ".*") to sandbox\.\w+ of that policy/.test(message),
        message,
      );
    });
  }
  assert.equal(visits, 0);
  assert.ok(await Deno.stat(`${dir}/notes/new`).then(() => false, () => true));
});
