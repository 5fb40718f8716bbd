/**
 * The server died while a tool was called that must not be called twice.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { checkEffects, checkRows, readDatabase } from "../support/crash_checks.ts";
import { Client, createPromises } from "../support/crash_client.ts";
import { startChild } from "../support/crash_process.ts";
import { AGENTS, startScript } from "../support/crash_script.ts";
import { ADMIN_KEY } from "../support/server.ts";

/** How many commits the story "tools" makes until both calls have begun. */
const BOTH_CALLED = 6;

for (const decision of ["approve", "deny"] as const) {
  Deno.test(`a call with unknown outcome waits for who may approve calls, who says: ${decision}`, async () => {
    const data_dir = await Deno.makeTempDir({ prefix: "muxi-unknown-" });
    try {
      const [effects, agents] = [join(data_dir, "effects.txt"), join(data_dir, "agents.yaml")];
      await Deno.writeTextFile(agents, AGENTS.replace("ask:", "decide: admin\n      ask:"));
      await using provider = await startScript();
      const options = { data_dir, provider: provider.url, settings: { agents: { file: agents } }, effects };
      const promises = createPromises();
      let run_id = "";
      {
        await using server = await startChild({ ...options, stop: { at: BOTH_CALLED + 1, when: "before" } });
        const talk = await new Client(server, promises, "story-tools").chat("tools 1");
        await server.stopped("tools");
        run_id = talk.run_id!;
        await server.kill();
        await talk.over;
      }
      await using server = await startChild(options);
      const talk = await new Client(server, promises, "story-tools").follow(run_id);
      const waiting = await talk.until("run.waiting");
      assert.equal(waiting.data.reason, "tool_outcome_unknown");
      assert.equal(waiting.data.tool_call_ids.length, 1, "the call that may be repeated was, without asking");
      const path = `/runs/${run_id}/tool_calls/${waiting.data.tool_call_ids[0]}/decision`;
      const decide = async (key?: string) => {
        const body = { user_id: "story-tools", decision };
        const response = await server.request("POST", path, { body, ...key !== undefined && { key } });
        await response.body?.cancel();
        return response.status;
      };
      assert.equal(await decide(), 403);
      assert.equal(await decide(ADMIN_KEY), 200);
      assert.equal(await decide(ADMIN_KEY), 409);
      assert.equal((await talk.end()).type, "run.completed");
      await server.kill();

      const rows = readDatabase(join(data_dir, "muxi.db"));
      const lines = (await Deno.readTextFile(effects)).split("\n").slice(0, -1);
      assert.deepEqual([...checkRows(rows), ...checkEffects(lines, rows), ...provider.problems], []);
      const booked = lines.filter((line) => line.startsWith("book")).length;
      assert.equal(booked, decision === "approve" ? 2 : 1);
      const book = rows.tool_calls.find(({ tool }) => tool === "book")!;
      assert.deepEqual([book.status, book.attempt], decision === "approve" ? ["completed", 2] : ["denied", 1]);
    } finally {
      await Deno.remove(data_dir, { recursive: true });
    }
  });
}
