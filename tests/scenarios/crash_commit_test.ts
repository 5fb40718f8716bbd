/**
 * The process ends before and after every commit of scripted runs.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { checkPromises, checkRows, readDatabase } from "../support/crash_checks.ts";
import { catchUp, Client, createPromises, settle } from "../support/crash_client.ts";
import type { Stop } from "../support/crash_gate.ts";
import { startChild } from "../support/crash_process.ts";
import { AGENTS, startScript } from "../support/crash_script.ts";
import { STORIES, type Story } from "../support/crash_stories.ts";

/** Past the last commit of the longest story, so that a fault can't scan for ever. */
const MOST_COMMITS = 60;
/** Processes that are killed at the same time. */
const AT_ONCE = 2;

/** Tells every story to a server that dies, for each, at the commit `stop`. Returns the stories that got there. */
async function round(stop: Stop, provider: string): Promise<string[]> {
  const data_dir = await Deno.makeTempDir({ prefix: "muxi-crash-" });
  const effects = join(data_dir, "effects.txt");
  const agents = join(data_dir, "agents.yaml");
  const promises = createPromises();
  const userOf = new Map<string, string>();
  try {
    await Deno.writeTextFile(agents, AGENTS);
    await Deno.writeTextFile(effects, "");
    const settings = { agents: { file: agents }, runs: { delta_interval_ms: 100 } };
    const options = { data_dir, provider, settings, effects };
    const stopped: string[] = [];
    {
      await using server = await startChild({ ...options, stop });
      const told = STORIES.map(async (story) => {
        const telling = story.tell(new Client(server, promises, `story-${story.name}`));
        const isStopped = server.stopped(story.name).then(() => stopped.push(story.name));
        await Promise.race([telling, isStopped]);
        // It dies with its server.
        telling.catch(() => {});
      });
      await Promise.all(told);
      await server.kill();
    }
    {
      await using server = await startChild(options);
      await settle(server, promises, ({ tool, kind }) => decisionOf(stop, tool, kind));
      const rows = readDatabase(join(data_dir, "muxi.db"));
      for (const run of rows.runs) userOf.set(run.id, run.user_id!);
      for (const story of STORIES) await story.retell?.(new Client(server, promises, `story-${story.name}`));
      await settle(server, promises, ({ tool, kind }) => decisionOf(stop, tool, kind));
      await catchUp(server, promises, (run_id) => userOf.get(run_id)!);
      await server.kill();
      assert.equal(server.errors, "");
    }
    const rows = readDatabase(join(data_dir, "muxi.db"));
    const lines = (await Deno.readTextFile(effects)).trim().split("\n").filter((line) => line !== "");
    const problems = [...checkRows(rows), ...checkPromises(rows, promises), ...checkEffects(lines, rows)];
    assert.deepEqual(problems, [], `stopped ${stop.when} commit ${stop.at}`);
    return stopped;
  } finally {
    await Deno.remove(data_dir, { recursive: true });
  }
}

/** The story "deny" denies; who is asked whether to repeat a call says yes every other time. */
function decisionOf({ at }: Stop, tool: string, kind: "approval" | "unknown"): "approve" | "deny" {
  if (kind === "unknown") return at % 2 === 0 ? "approve" : "deny";
  return tool === "send" ? "approve" : "deny";
}

/** What the tools did to the world, against what the log says. */
function checkEffects(lines: string[], rows: ReturnType<typeof readDatabase>): string[] {
  const problems: string[] = [];
  for (const [line, found] of Map.groupBy(lines, (line) => line)) {
    const [tool, story] = line.split(" ");
    const runs = new Set(rows.runs.filter(({ user_id }) => user_id === `story-${story}`).map(({ id }) => id));
    const calls = rows.tool_calls.filter((call) => call.tool === tool && runs.has(call.run_id));
    const starts = rows.events.filter(({ run_id, type, data }) =>
      runs.has(run_id) && type === "tool.call.started" && JSON.parse(data).tool === tool
    );
    if (found.length > starts.length) {
      problems.push(`${line}: done ${found.length} times, begun ${starts.length} times`);
    }
    const repeats = calls.reduce((sum, { attempt }) => sum + attempt, 0);
    if (found.length > repeats) problems.push(`${line}: done ${found.length} times: want ${repeats} at most`);
  }
  return problems;
}

function scan(when: Stop["when"]) {
  return async () => {
    await using provider = await startScript();
    const reached = new Map<string, number>();
    let next = 1;
    const worker = async () => {
      for (let at = next++; at <= MOST_COMMITS; at = next++) {
        const stopped = await round({ at, when }, provider.url);
        for (const story of stopped) reached.set(story, Math.max(at, reached.get(story) ?? 0));
        if (stopped.length === 0) return;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    assert.deepEqual([...provider.problems], []);
    // A story that was never stopped shows nothing.
    const never = STORIES.filter((story: Story) => !reached.has(story.name)).map(({ name }) => name);
    assert.deepEqual(never, []);
  };
}

Deno.test(
  "a process that dies right before any commit loses nothing it acknowledged and leaves nothing open",
  scan("before"),
);

Deno.test(
  "a process that dies right after any commit loses nothing it acknowledged and leaves nothing open",
  scan("after"),
);
