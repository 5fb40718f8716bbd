/**
 * 5,000 readers of one run that waits: what each costs, and how long one event takes to reach all.
 *
 * The same client reads both servers. The event begins with a token of the model, so that the product's time holds the
 * provider's connection, the commit and the wake; the baseline's begins with a request.
 *
 * @module
 */
import { BENCH_KEY, type Child, openFolder, pause, startChild, startMuxi } from "./support/child.ts";
import { startModelOnDemand } from "./support/model_on_demand.ts";
import { median, runWalks, type Walk } from "./support/report.ts";
import { toRequest, Wire } from "./support/wire.ts";

const READERS = 5000;
/** How many connect at the same time. */
const BATCH = 100;
const EVENTS = 9;

/** Readers that count how often `mark` came. */
class Crowd implements Disposable {
  #wires: Wire[] = [];
  #mark: string;
  #missing = 0;
  #all = Promise.withResolvers<void>();

  constructor(mark: string) {
    this.#mark = mark;
  }

  /** Connects everybody, each until it has had a first body byte. */
  async join(url: string, request: Uint8Array): Promise<void> {
    for (let i = 0; i < READERS; i += BATCH) {
      await Promise.all(Array.from({ length: Math.min(BATCH, READERS - i) }, async () => {
        const wire = await Wire.open(url);
        this.#wires.push(wire);
        await wire.send(request);
        let head = "";
        while (!/\r\n\r\n.+/s.test(head)) head += await wire.receive() ?? "";
        if (!head.startsWith("HTTP/1.1 200")) throw new Error(`A reader was refused: ${head.slice(0, 200)}`);
        this.#listen(wire).catch(() => {});
      }));
    }
  }

  /** Resolves when every reader has seen the mark once more. */
  async everybody(begin: () => unknown): Promise<number> {
    this.#missing = READERS;
    this.#all = Promise.withResolvers();
    const started = performance.now();
    begin();
    await this.#all.promise;
    return performance.now() - started;
  }

  [Symbol.dispose](): void {
    for (const wire of this.#wires) wire[Symbol.dispose]();
  }

  async #listen(wire: Wire): Promise<void> {
    for (let text = await wire.receive(); text !== null; text = await wire.receive()) {
      if (text.includes(this.#mark) && --this.#missing === 0) this.#all.resolve();
    }
  }
}

async function measure(child: Child, request: Uint8Array, mark: string, begin: () => unknown) {
  const before = child.rssKb();
  using crowd = new Crowd(mark);
  await crowd.join(child.url, request);
  await pause(1000);
  const each = (child.rssKb() - before) / READERS;
  const times: number[] = [];
  for (let i = 0; i < EVENTS; i++) {
    times.push(await crowd.everybody(begin));
    await pause(300);
  }
  return { each, ms: median(times) };
}

async function measureBare() {
  await using child = await startChild(["tests/bench/baseline/sse_fanout.ts"]);
  const text = JSON.stringify({ step_id: "step_01k9x3v8m2q4z7w1n5p8r3t6y0", text: "Hello again " });
  const say = () => fetch(child.url, { method: "POST", body: text }).then((response) => response.body?.cancel());
  return await measure(child, toRequest(child.url, { path: "/events" }), "model.delta", say);
}

async function measureMuxi() {
  await using folder = await openFolder();
  await using model = startModelOnDemand();
  await using child = await startMuxi({ provider: model.url, data_dir: folder.path });
  const started = await fetch(`${child.url}/api/v1/chat/stream`, {
    method: "POST",
    headers: { authorization: `Bearer ${BENCH_KEY}`, "content-type": "application/json" },
    body: JSON.stringify({ message: "Wait" }),
  });
  const reader = started.body!.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
    .getReader();
  await model.asked;
  model.say("Hello ");
  let seen = "";
  while (!seen.includes("event: model.delta")) seen += (await reader.read()).value ?? "";
  const run_id = /"run_id":"(run_\w+)"/.exec(seen)![1]!;
  await reader.cancel();
  const request = toRequest(child.url, {
    path: `/api/v1/runs/${run_id}/events`,
    key: BENCH_KEY,
    accept: "text/event-stream",
  });
  return await measure(child, request, "Hello again", () => model.say("Hello again "));
}

/** See the module. */
export const fanout: Walk = async () => {
  const bare = await measureBare();
  const muxi = await measureMuxi();
  return [
    {
      name: `memory of an idle reader, of ${READERS}`,
      unit: "KB",
      product: muxi.each,
      baseline: bare.each,
      goal: { most: 90, of: "figure" },
    },
    {
      name: `one event to ${READERS} readers`,
      unit: "ms",
      product: muxi.ms,
      baseline: bare.ms,
      goal: { most: 2, of: "ratio" },
    },
  ];
};

if (import.meta.main) await runWalks({ fanout });
