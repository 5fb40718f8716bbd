/**
 * Whoever was taken over writes nothing more.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { openFileBlobs } from "../../src/adapters/files/blobs.ts";
import { openLibsqlStore } from "../../src/adapters/libsql/store.ts";
import { MemoryWake } from "../../src/adapters/memory/wake.ts";
import { CommitRefused } from "../../src/domain/error.ts";
import { type Clock, systemClock } from "../../src/kit/clock.ts";
import { createLog } from "../../src/kit/log.ts";
import type { Store } from "../../src/ports/store.ts";
import { checkRows, readDatabase } from "../support/crash_checks.ts";
import { startProvider } from "../support/provider.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { scriptedToolbox } from "../support/toolbox.ts";

const RUNS = 8;
/** How often each run calls a tool. */
const LOOKS = 3;
/** Between two takeovers, so that they fall among what the runs write. */
const PAUSE_MS = 200;
const LEASE_SECONDS = 15;

/** A clock that can be put ahead, so that the leases of others look expired; its repeated work comes every 20 ms. */
function createFastClock(): Clock & { ahead: number } {
  return {
    ahead: 0,
    now() {
      return systemClock.now() + this.ahead;
    },
    after: (wait, work) => systemClock.after(wait, work),
    every: (_, work) => systemClock.every(20, work),
  };
}

/** A commit that carries an owner's fence. */
interface Fenced {
  owner: string;
  run_id: string;
  epoch: number;
  refused: boolean;
}

/**
 * Notes every fenced commit that `owner` makes through `store`, in the order of the answers. What is read is 25 ms old
 * when it comes, as from a database far away, so that others write in between.
 */
function watch(store: Store, owner: string, notes: Fenced[]): Store {
  return {
    async read(query) {
      const rows = await store.read(query);
      await new Promise((resolve) => setTimeout(resolve, 25));
      return rows;
    },
    sum: (query) => store.sum(query),
    backup: (path) => store.backup(path),
    check: () => store.check(),
    async commit(change) {
      const [fence] = change.preconditions ?? [];
      const { id, epoch, status } = (fence?.from === "runs" ? fence.where : {}) as Record<string, unknown>;
      const note = (refused: boolean) => {
        // A condition on the status belongs to a takeover, which is no owner's write yet.
        if (typeof epoch === "number" && status === undefined) {
          notes.push({ owner, run_id: String(id), epoch, refused });
        }
      };
      try {
        await store.commit(change);
      } catch (error) {
        if (error instanceof CommitRefused && error.index === 0) note(true);
        throw error;
      }
      note(false);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

Deno.test("an owner whose runs are taken over, twice, writes nothing more and stops asking the model", async () => {
  const data_dir = await Deno.makeTempDir({ prefix: "muxi-fencing-" });
  const lines: string[] = [];
  const log = createLog({ level: "debug", format: "json", write: (line) => lines.push(line) });
  try {
    await using provider = await startProvider({
      script({ body }) {
        const looked = body.messages.filter(({ role }: { role: string }) => role === "tool").length;
        const call = { name: "look", arguments: { looked } };
        return { tokens: 25, delay: 15, ...looked < LOOKS && { tool_calls: [call] } };
      },
    });
    const toolbox = scriptedToolbox({ look: { idempotent: true, act: () => ({ result: "seen", is_error: false }) } });
    const agents = join(data_dir, "agents.yaml");
    await Deno.writeTextFile(agents, 'agents: { assistant: { allowed_tools: ["look"] } }');
    const path = join(data_dir, "muxi.db");
    await using store = await openLibsqlStore({ path, log });
    const blobs = await openFileBlobs({ dir: join(data_dir, "files") });
    const wake = new MemoryWake({ log });
    const notes: Fenced[] = [];
    const open = (owner: string, clock: Clock = systemClock) =>
      startServer({
        data_dir,
        provider: provider.url,
        settings: { agents: { file: agents }, runs: { lease_seconds: LEASE_SECONDS, delta_interval_ms: 5 } },
        ports: {
          store: watch(store, owner, notes),
          blobs,
          wake,
          log,
          toolbox,
          clock,
        },
      });
    // A server that starts takes everything, so all of them start first. Then each takes the runs of the one before it.
    const clocks = [createFastClock(), createFastClock()] as const;
    await using first = await open("first");
    await using _second = await open("second", clocks[0]);
    await using third = await open("third", clocks[1]);
    const run_ids: string[] = [];
    for (let i = 0; i < RUNS; i++) run_ids.push(await begin(first));
    for (const [i, clock] of clocks.entries()) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      clock.ahead = (i + 1) * LEASE_SECONDS * 2000;
    }
    for (const run_id of run_ids) {
      const response = await third.request("GET", `/runs/${run_id}/events`, {
        headers: { accept: "text/event-stream" },
      });
      await response.text();
    }

    const rows = readDatabase(path);
    assert.deepEqual(checkRows(rows), []);
    assert.deepEqual(new Set(rows.runs.map(({ id }) => id)), new Set(run_ids));
    for (const run of rows.runs) {
      assert.equal(run.status, "completed", JSON.stringify(run.error));
      // Once by each of the others at most: nobody loses what it took.
      assert.ok(run.epoch === 2 || run.epoch === 3, `${run.id} has epoch ${run.epoch}`);
      const mine = notes.filter(({ run_id }) => run_id === run.id);
      const kept = mine.filter(({ refused }) => !refused).map(({ epoch }) => epoch);
      assert.deepEqual(kept, kept.toSorted((a, b) => a - b), `${run.id} was written by one owner after the other`);
    }
    // The stale owners did try, and each found out by being refused.
    const refused = (owner: string) => notes.filter((note) => note.refused && note.owner === owner).length;
    assert.ok(refused("first") > 0 && refused("second") > 0);
    assert.equal(refused("third"), 0);
    assert.ok(lines.some((line) => line.includes("Run was taken over")));
    const tokens = provider.requests.filter(({ closed_at }) => closed_at !== null);
    assert.ok(tokens.length > 0, "no stale owner closed its connection to the provider");
  } finally {
    await Deno.remove(data_dir, { recursive: true });
  }
});

async function begin(server: TestServer): Promise<string> {
  const { id } = await (await server.request("POST", "/conversations", { body: {} })).json();
  await server.request("POST", `/conversations/${id}/messages`, { body: { content: `hello ${id}` } });
  const response = await server.request("POST", `/conversations/${id}/runs`, { body: {} });
  const run = await response.json();
  assert.equal(response.status, 202, JSON.stringify(run));
  return run.id;
}
