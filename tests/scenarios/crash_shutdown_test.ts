/**
 * The server is told to stop, or dies again and again, and another one goes on.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { checkPromises, checkRows, readDatabase } from "../support/crash_checks.ts";
import { catchUp, Client, createPromises, settle } from "../support/crash_client.ts";
import { NotServing, type ServerProcess, startChild, startMain } from "../support/crash_process.ts";
import { AGENTS, startScript } from "../support/crash_script.ts";
import { ADMIN_KEY } from "../support/server.ts";

/** Several times what the short run lasts. */
const GRACE_SECONDS = 5;
/** More often than any step is tried. */
const MANY = 8;

/** A data folder with the agents of the stories. */
async function withFolder(body: (dir: string, agents: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "muxi-shutdown-" });
  try {
    const agents = join(dir, "agents.yaml");
    await Deno.writeTextFile(agents, AGENTS);
    await body(dir, agents);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Checks the whole database of `dir`, and what its clients were promised. */
function check(dir: string, promises = createPromises()): ReturnType<typeof readDatabase> {
  const rows = readDatabase(join(dir, "muxi.db"));
  assert.deepEqual([...checkRows(rows), ...checkPromises(rows, promises)], []);
  return rows;
}

Deno.test("a server told to stop lets runs end for its grace, releases the rest, and the next one goes on with them", () =>
  withFolder(async (data_dir, agents) => {
    await using provider = await startScript();
    const promises = createPromises();
    const settings = { MUXI_AGENTS_FILE: agents, MUXI_SERVER_SHUTDOWN_SECONDS: String(GRACE_SECONDS) };
    const options = { data_dir, provider: provider.url, settings };
    await using server = await startMain(options);
    const client = new Client(server, promises, "story-stop");
    const long = await client.chat("endless 1");
    await long.until("model.delta");
    const { conversation_id } = (await long.until("run.started")).data;
    const queued = await client.chat("plain 2", { conversation_id });
    await queued.until("run.queued");
    const short = await client.chat("cancelled 3");
    await short.until("model.delta");
    const asked = provider.requests.find(({ body }) => body.messages.at(-1).content === "endless 1")!;

    const [told, sent] = [performance.now(), asked.tokens_sent];
    server.signal("SIGTERM");
    const { code } = await server.status;
    assert.equal(code, 0, server.errors);
    // The endless run kept speaking for the whole grace, and no longer.
    await asked.settled;
    assert.ok(asked.closed_at! - told >= GRACE_SECONDS * 1000);
    assert.ok(asked.tokens_sent > sent);
    // What could end did so, for its reader too.
    assert.equal((await short.end()).type, "run.completed");

    const before = readDatabase(join(data_dir, "muxi.db"));
    const released = before.runs.find(({ id }) => id === long.run_id)!;
    assert.deepEqual([released.status, released.lease_until], ["running", 0]);
    const [call] = before.model_calls.filter(({ run_id }) => run_id === long.run_id);
    assert.equal(call?.outcome, "cancelled");
    assert.ok(call!.output_tokens > 0, "what was used before the release is on the books");

    provider.script({ tokens: ["Going ", "on."] });
    await using next = await startMain(options);
    await settle(next, promises, () => "deny");
    await catchUp(next, promises, () => "story-stop");
    await next.kill();
    const rows = check(data_dir, promises);
    const byId = new Map(rows.runs.map((run) => [run.id, run]));
    assert.deepEqual([long, queued, short].map(({ run_id }) => byId.get(run_id!)?.status), Array(3).fill("completed"));
    const attempts = rows.steps.filter(({ run_id }) => run_id === long.run_id).map(({ attempt }) => attempt);
    assert.deepEqual(attempts, [2]);
    const restarts = rows.events.filter(({ type }) => type === "step.restarted").map(({ run_id }) => run_id);
    assert.deepEqual(restarts, [long.run_id]);
    assert.equal(byId.get(long.run_id!)!.epoch, 2);
  }));

Deno.test("a second server on the same data folder is refused with the reason and exit code 69, the first one goes on", () =>
  withFolder(async (data_dir) => {
    await using provider = await startScript();
    await using first = await startMain({ data_dir, provider: provider.url });
    await assert.rejects(startMain({ data_dir, provider: provider.url }), (error) => {
      assert.ok(error instanceof NotServing);
      assert.equal(error.code, 69);
      assert.match(error.message, new RegExp(`Cannot use the data folder "${data_dir}": process ${first.pid} uses it`));
      return true;
    });
    assert.equal(
      (await new Client(first, createPromises(), "story-first").collect("hello 1", "assistant")).status,
      "completed",
    );
  }));

Deno.test("a run whose step the server died in three times fails and says so", () =>
  withFolder(async (data_dir, agents) => {
    await using provider = await startScript();
    const promises = createPromises();
    const options = { data_dir, provider: provider.url, settings: { MUXI_AGENTS_FILE: agents } };
    let run_id = "";
    for (let death = 1; death <= 3; death++) {
      await using server = await startMain(options);
      const client = new Client(server, promises, "story-endless");
      const talk = run_id === "" ? await client.chat("endless 1") : await client.follow(run_id);
      if (death > 1) await talk.until("step.restarted");
      await talk.until("model.delta");
      run_id = talk.run_id!;
      await server.kill();
      await talk.over;
    }
    await using server = await startMain(options);
    await settle(server, promises, () => "deny");
    await catchUp(server, promises, () => "story-endless");
    const { status, error } = await (await server.request("GET", `/runs/${run_id}`, { key: ADMIN_KEY })).json();
    assert.deepEqual([status, error.error], ["failed", "ProcessError"]);
    assert.equal(error.message, "The server ended 3 times while this step ran, so it is not tried again");
    await server.kill();
    check(data_dir, promises);
    assert.equal(provider.requests.length, 3);
  }));

Deno.test("a tool that ends the server every time is called three times, then its run fails", () =>
  withFolder(async (data_dir, agents) => {
    await using provider = await startScript();
    const promises = createPromises();
    const effects = join(data_dir, "effects.txt");
    const options = { data_dir, provider: provider.url, settings: { agents: { file: agents } }, effects };
    {
      await using server = await startChild(options);
      const talk = await new Client(server, promises, "story-poison").chat("poison 1");
      await talk.over;
      await server.status;
    }
    let alive: ServerProcess | undefined;
    for (let start = 1; !alive && start <= MANY; start++) {
      try {
        const server = await startChild(options);
        const died = server.status.then(() => true);
        const settled = settle(server, promises, () => "deny").then(() => false, () => true);
        if (await Promise.race([died, settled])) await server.kill();
        else alive = server;
      } catch (error) {
        // It died before it served.
        if (!(error instanceof NotServing)) throw error;
      }
    }
    assert.ok(alive, `the server did not survive ${MANY} starts`);
    await using server = alive;
    await catchUp(server, promises, () => "story-poison");
    await server.kill();
    const [run] = check(data_dir, promises).runs;
    assert.equal(run!.error!.error, "ProcessError");
    assert.equal(run!.error!.message, 'The server ended 3 times while "poison" was called, so it is not tried again');
    const lines = (await Deno.readTextFile(effects)).trim().split("\n");
    assert.deepEqual(lines, Array(3).fill("poison poison 1"));
  }));
