/**
 * The reference servers of npm, in the sandbox, at the work of an agent.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { osAbilities } from "../../src/adapters/sandbox/os_abilities.ts";
import { type Call, type Office, openOffice } from "../support/mcp_servers_office.ts";
import { type Json, until } from "../support/story.ts";

const npx = (server: string, ...args: string[]) => ({
  command: "npx",
  args: ["-y", `@modelcontextprotocol/server-${server}@2026.8.31`, ...args],
});

/** A question to one of them, in two ways. */
interface Question {
  server: string;
  call(dir: string): Required<Call>;
  /** For the model that chooses by words. */
  words(dir: string): string;
  answer: RegExp;
  /** A path it had to be asked about. */
  touches?(dir: string): string;
}

const QUESTIONS: Question[] = [
  {
    server: "filesystem",
    call: (dir) => ({ tool: "filesystem__read_text_file", arguments: { path: `${dir}/notes/harbour.txt` } }),
    words: (dir) => `Call filesystem__read_text_file with path="${dir}/notes/harbour.txt"`,
    answer: /opens at seven/,
    touches: (dir) => `${dir}/notes/harbour.txt`,
  },
  {
    server: "memory",
    call: () => ({
      tool: "memory__create_entities",
      arguments: { entities: [{ name: "Ada", entityType: "person", observations: ["likes boats"] }] },
    }),
    words: () => `Call memory__search_nodes with query="Ada"`,
    answer: /likes boats/,
    touches: (dir) => `${dir}/memory/memory.jsonl`,
  },
  {
    server: "sequential-thinking",
    call: () => ({
      tool: "sequential-thinking__sequentialthinking",
      arguments: { thought: "Boats float", nextThoughtNeeded: false, thoughtNumber: 1, totalThoughts: 1 },
    }),
    words: () =>
      `Call sequential-thinking__sequentialthinking with ` +
      JSON.stringify({ thought: "Boats sink", nextThoughtNeeded: false, thoughtNumber: 1, totalThoughts: 1 }),
    answer: /thoughtHistoryLength/,
  },
  {
    server: "everything",
    call: () => ({ tool: "everything__get-sum", arguments: { a: 2, b: 40 } }),
    words: () => "Call everything__get-sum with a=2 and b=40",
    answer: /The sum of 2 and 40 is 42/,
  },
];

function openReference(): Promise<Office> {
  return openOffice({
    async furnish(dir) {
      for (const name of ["notes", "memory"]) await Deno.mkdir(`${dir}/${name}`);
      await Deno.writeTextFile(`${dir}/notes/harbour.txt`, "The harbour opens at seven.");
    },
    // The policies are those of the product's own file.
    servers: (dir) => ({
      filesystem: { ...npx("filesystem", `${dir}/notes`), cwd: `${dir}/notes` },
      memory: { ...npx("memory"), cwd: `${dir}/memory`, env: { MEMORY_FILE_PATH: `${dir}/memory/memory.jsonl` } },
      "sequential-thinking": npx("sequential-thinking"),
      everything: npx("everything"),
    }),
  });
}

function assertToldWhole({ events, row }: Awaited<ReturnType<Office["ask"]>>, { tool, answer }: Json): void {
  const types = events.map(({ type }) => type).filter((type) => type.startsWith("tool.") || type === "run.completed");
  assert.deepEqual(types, ["tool.call.started", "tool.call.result", "run.completed"]);
  assert.deepEqual(events.map(({ id }) => id), events.map((_, i) => i + 1));
  const result = events.find(({ type }) => type === "tool.call.result")!.data;
  assert.equal(result.error, undefined);
  assert.match(JSON.stringify(result.result), answer);
  assert.deepEqual([row.tool, row.status, row.error], [tool, "completed", null]);
  assert.match(JSON.stringify(row.result), answer);
}

Deno.test("an agent answers by the reference servers, each in the sandbox, whatever chooses the call", async (t) => {
  const { bubblewrap } = await osAbilities();
  await using office = await openReference();
  const { dir } = office;
  for (const { server, call, words, answer, touches } of QUESTIONS) {
    await t.step(server, async () => {
      const before = await office.ready(server);
      assert.deepEqual([before.type, before.last_error, before.restarts], ["command_line", null, 0]);
      const { tool, arguments: args } = call(dir);
      assert.ok(before.tools.includes(tool), before.tools.join(" "));
      const scripted = await office.ask({ tool, arguments: args });
      assert.match(scripted.content, answer);
      assertToldWhole(scripted, { tool, answer });
      assert.deepEqual(scripted.row.arguments, args);
      const offline = await office.askOffline(words(dir));
      assert.match(offline.content, answer);
      assertToldWhole(offline, { tool: offline.row.tool, answer });
      const after = await office.view(server);
      assert.deepEqual([after.state, after.calls, after.failures], ["ready", 2, 0]);
      assert.deepEqual([after.sandbox.tier, after.sandbox.policy], [bubblewrap ? "full" : "broker", server]);
      if (touches) {
        // The allowed are told a little later than they happen.
        await until(`"${touches(dir)}" is counted`, async () => {
          const { decisions } = (await office.view(server)).sandbox;
          return decisions.some(({ value, allowed }: Json) => value === touches(dir) && allowed > 0);
        });
      }
    });
  }
});
