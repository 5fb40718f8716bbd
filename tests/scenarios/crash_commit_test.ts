/**
 * The process ends before and after every commit of scripted runs.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { checkEffects, checkPromises, checkRows, readDatabase } from "../support/crash_checks.ts";
import type { ChildOptions } from "../support/crash_child.ts";
import { catchUp, Client, createPromises, type Promises, settle, type Wanted } from "../support/crash_client.ts";
import type { Stop } from "../support/crash_gate.ts";
import { NotServing, startChild } from "../support/crash_process.ts";
import { AGENTS, startScript } from "../support/crash_script.ts";
import { STORIES } from "../support/crash_stories.ts";

/** More than any scan needs, so that a fault can't make it endless. */
const MOST_ROUNDS = 60;
/** Of the commits of a process that goes on with all stories, every so manyth is tried. */
const STRIDE = 6;
/** Processes that are killed at the same time. */
const AT_ONCE = 2;

/** Where the processes of one folder end. */
interface Ends {
  /** The first one, for each story. */
  first: Stop;
  /** The second one, while it goes on with what the first one left. */
  second?: Stop;
}

/** What became of a {@linkcode round}. */
interface Reached {
  /** The stories that got to where the first process ends. */
  stories: string[];
  /** Whether the second one got to where it ends. */
  second: boolean;
}

/** Tells every story to a server that dies, once or twice, and checks everything once another one has gone on. */
async function round({ first, second }: Ends, provider: string): Promise<Reached> {
  const data_dir = await Deno.makeTempDir({ prefix: "muxi-crash-" });
  const path = join(data_dir, "muxi.db");
  const promises = createPromises();
  try {
    const [effects, agents] = [join(data_dir, "effects.txt"), join(data_dir, "agents.yaml")];
    await Deno.writeTextFile(agents, AGENTS);
    await Deno.writeTextFile(effects, "");
    const settings = { agents: { file: agents }, runs: { delta_interval_ms: 100 } };
    const options = { data_dir, provider, settings, effects };
    const reached: Reached = { stories: await tellAll({ ...options, stop: first }, promises), second: false };
    const decide = ({ user_id, kind }: Wanted) => {
      // Who is asked whether to repeat a call says yes every other time.
      if (kind === "unknown") return first.at % 2 === 0 ? "approve" : "deny";
      return user_id === "story-deny" ? "deny" : "approve";
    };
    if (second) reached.second = await goOn({ ...options, doom: second }, promises, decide);
    {
      await using server = await startChild(options);
      await settle(server, promises, decide);
      for (const story of STORIES) await story.retell?.(new Client(server, promises, `story-${story.name}`));
      const users = new Map(readDatabase(path).runs.map(({ id, user_id }) => [id, user_id!]));
      await catchUp(server, promises, (run_id) => users.get(run_id)!);
      await server.kill();
      assert.equal(server.errors, "");
    }
    const rows = readDatabase(path);
    const lines = (await Deno.readTextFile(effects)).split("\n").slice(0, -1);
    const problems = [...checkRows(rows), ...checkPromises(rows, promises), ...checkEffects(lines, rows)];
    assert.deepEqual(problems, [], `ended at ${JSON.stringify({ first, second })}`);
    return reached;
  } finally {
    await Deno.remove(data_dir, { recursive: true });
  }
}

/** Tells every story until it is over or stops, then kills the server. Returns the stories that stopped. */
async function tellAll(options: ChildOptions, promises: Promises): Promise<string[]> {
  const stopped: string[] = [];
  await using server = await startChild(options);
  await Promise.all(STORIES.map(async (story) => {
    const telling = story.tell(new Client(server, promises, `story-${story.name}`));
    const isStopped = server.stopped(story.name).then(() => stopped.push(story.name));
    await Promise.race([telling, isStopped]);
    // It dies with its server.
    telling.catch(() => {});
  }));
  await server.kill();
  assert.equal(server.errors, "");
  return stopped;
}

/** Lets a server that is to end itself go on with everything. False when it had nothing left to do before it got there. */
async function goOn(options: ChildOptions, promises: Promises, decide: (wanted: Wanted) => "approve" | "deny") {
  try {
    await using server = await startChild(options);
    const settled = settle(server, promises, decide).then(() => "settled", (error) => error);
    const died = server.status.then(() => "died");
    const outcome = await Promise.race([settled, died]);
    if (outcome instanceof assert.AssertionError) throw outcome;
    // What it breaks by dying may be heard of first.
    if (outcome instanceof Error) await died;
    return outcome !== "settled";
  } catch (error) {
    if (error instanceof NotServing) return true;
    throw error;
  }
}

/** Plays rounds with number 1, 2, 3 … until `play` says that there is no such commit. */
async function scan(play: (number: number, provider: string) => Promise<boolean>): Promise<void> {
  await using provider = await startScript();
  let next = 1;
  const worker = async () => {
    for (let number = next++; await play(number, provider.url); number = next++) {
      assert.ok(number < MOST_ROUNDS, `still going on after ${number} rounds`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  assert.deepEqual([...provider.problems], []);
}

for (const when of ["before", "after"] as const) {
  Deno.test(`a process that dies right ${when} any commit loses nothing it acknowledged and leaves nothing open`, async () => {
    const reached = new Set<string>();
    await scan(async (at, provider) => {
      const { stories } = await round({ first: { at, when } }, provider);
      for (const story of stories) reached.add(story);
      return stories.length > 0;
    });
    // A story that was never stopped shows nothing.
    assert.deepEqual(STORIES.filter(({ name }) => !reached.has(name)).map(({ name }) => name), []);
  });
}

for (const first of [{ at: 3, when: "after" }, { at: 6, when: "after" }] as const) {
  Deno.test(`a process that dies while it goes on with what died after commit ${first.at} loses nothing either`, async () => {
    await scan(async (number, provider) => {
      const second: Stop = { at: 1 + (number - 1) * STRIDE, when: number % 2 === 0 ? "before" : "after" };
      return (await round({ first, second }, provider)).second;
    });
  });
}
