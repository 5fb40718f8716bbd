/**
 * A commit on the event loop, and what a Worker would add: the figures behind the decision of where the store lives.
 *
 * @module
 */
import { openLibsqlStore } from "../../src/adapters/libsql/store.ts";
import { createLog } from "../../src/kit/log.ts";
import type { Change } from "../../src/ports/store.ts";
import { openFolder } from "./support/child.ts";
import { median, runWalks, type Walk } from "./support/report.ts";

const COMMITS = 2000;
const TOGETHER = 64;

/** A delta as the journal writes it; the fence is looked for and, as it must, not found. */
function toChange(seq: number): Change {
  const data = JSON.stringify({ step_id: "step_01", text: "The quick brown fox jumps over the lazy dog" });
  return {
    preconditions: [{ from: "runs", where: { id: "run_01", epoch: 1 }, exists: false }],
    writes: [{ insert: "events", rows: [{ run_id: "run_01", seq, type: "model.delta", data, v: 1 }] }],
  };
}

async function perCall(count: number, work: (i: number) => Promise<unknown>): Promise<number> {
  const at = performance.now();
  for (let i = 0; i < count; i++) await work(i);
  return (performance.now() - at) * 1000 / count;
}

/** A Worker that answers what it is sent, which is the least that a store in one would cost. */
function startEcho(): { send(value: unknown): Promise<unknown>; [Symbol.dispose](): void } {
  const source = "onmessage = ({ data }) => postMessage(data)";
  const worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })), { type: "module" });
  const waiting: ((value: unknown) => void)[] = [];
  worker.onmessage = ({ data }) => waiting.shift()?.(data);
  return {
    send: (value) =>
      new Promise((resolve) => {
        waiting.push(resolve);
        worker.postMessage(value);
      }),
    [Symbol.dispose]: () => worker.terminate(),
  };
}

/** See the module. */
export const store: Walk = async ({ rounds }) => {
  await using folder = await openFolder();
  const log = createLog({ level: "error", format: "text", write: () => {} });
  await using libsql = await openLibsqlStore({ path: `${folder.path}/bench.db`, log });
  using echo = startEcho();
  await echo.send(1);
  let seq = 0;
  const alone: number[] = [];
  const together: number[] = [];
  const hop: number[] = [];
  for (let i = 0; i < rounds; i++) {
    alone.push(await perCall(COMMITS, () => libsql.commit(toChange(++seq))));
    together.push(
      await perCall(
        COMMITS / TOGETHER,
        () => Promise.all(Array.from({ length: TOGETHER }, () => libsql.commit(toChange(++seq)))),
      ) / TOGETHER,
    );
    hop.push(await perCall(COMMITS, () => echo.send(toChange(++seq))));
  }
  return [
    { name: "a commit alone, beside a hop to a Worker", unit: "us", product: median(alone), baseline: median(hop) },
    {
      name: `a commit of ${TOGETHER} at once, beside the same`,
      unit: "us",
      product: median(together),
      baseline: median(hop),
    },
  ];
};

if (import.meta.main) await runWalks({ store });
