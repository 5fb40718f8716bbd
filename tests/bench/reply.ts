/**
 * A reply of 64 tokens over `POST /chat/stream`, history saved, beside a bare pass-through.
 *
 * The CPU is the serving process's own. Rounds of all sides alternate, so that what else the machine does falls on all.
 * `paced` is a model that takes 5 ms for every token, the first one too, asked by clients who begin one after the
 * other. `burst` is one that takes no time at all, which no model does: what is compared is the bare work. A baseline
 * that never looks at a byte (`pipe.ts`) is shown for the CPU, without a goal.
 *
 * @module
 */
import { BENCH_KEY, type Child, openFolder, pause, startChild, startMuxi, startProvider } from "./support/child.ts";
import { type Figure, median, runWalks, type Walk } from "./support/report.ts";
import { toRequest, Wire } from "./support/wire.ts";

const CLIENTS = 8;
const QUESTION = "Tell me something about foxes";
const CASES = [
  { name: "paced", flags: ["--delay", "5", "--hang", "5"], replies: 12, warm: 24, stagger_ms: 45 },
  { name: "burst", flags: ["--chunks", "16"], replies: 40, warm: 100, stagger_ms: 0 },
];

/** One side: how it is asked, and what begins its answer. */
interface Side {
  child: Child;
  request: Uint8Array;
  mark: string;
}

interface Round {
  cpu: number;
  rate: number;
  first: number;
  bytes: number;
}

/** Each of the clients asks `replies` times, one after the other. */
async function ask({ child, request, mark }: Side, replies: number, stagger_ms: number): Promise<Round> {
  const wires = await Promise.all(Array.from({ length: CLIENTS }, () => Wire.open(child.url)));
  const firsts: number[] = [];
  let bytes = 0;
  const cpu = child.cpuMs();
  const started = performance.now();
  await Promise.all(wires.map(async (wire, index) => {
    await pause(index * stagger_ms);
    for (let i = 0; i < replies; i++) {
      const seen = await wire.ask(request, mark);
      if (seen.status !== 200 || seen.firstMs === undefined) throw new Error(`Got status ${seen.status}, or no token`);
      firsts.push(seen.firstMs);
      bytes += seen.bytes;
    }
  }));
  const seconds = (performance.now() - started) / 1000;
  // What is done after the answer counts too.
  await pause(100);
  const count = CLIENTS * replies;
  const used = child.cpuMs() - cpu;
  for (const wire of wires) wire[Symbol.dispose]();
  return { cpu: used / count, rate: count / seconds, first: median(firsts), bytes: bytes / count };
}

/** See the module. */
export const reply: Walk = async ({ rounds, note }) => {
  const figures: Figure[] = [];
  for (const { name, flags, replies, warm, stagger_ms } of CASES) {
    await using folder = await openFolder();
    await using provider = await startProvider(flags);
    await using bare = await startChild(["tests/bench/baseline/pass_through.ts", provider.url]);
    await using pipe = await startChild(["tests/bench/baseline/pipe.ts", provider.url]);
    await using muxi = await startMuxi({ provider: provider.url, data_dir: folder.path });
    const baseline: Side = {
      child: bare,
      request: toRequest(bare.url, { method: "POST", body: { message: QUESTION } }),
      mark: '"content":"The ',
    };
    const product: Side = {
      child: muxi,
      request: toRequest(muxi.url, {
        method: "POST",
        path: "/api/v1/chat/stream",
        key: BENCH_KEY,
        body: { message: QUESTION },
      }),
      mark: "event: model.delta",
    };
    const floor: Side = {
      ...baseline,
      child: pipe,
      request: toRequest(pipe.url, { method: "POST", body: { message: QUESTION } }),
    };
    for (const side of [baseline, floor, product]) await ask(side, warm, stagger_ms);
    const seen = { baseline: [] as Round[], floor: [] as Round[], product: [] as Round[] };
    for (let i = 0; i < rounds; i++) {
      seen.baseline.push(await ask(baseline, replies, stagger_ms));
      seen.floor.push(await ask(floor, replies, stagger_ms));
      seen.product.push(await ask(product, replies, stagger_ms));
      const [one, two] = [seen.baseline[i]!, seen.product[i]!];
      note(`  ${name} ${i + 1}: CPU ${two.cpu.toFixed(2)} : ${one.cpu.toFixed(2)} ms`);
    }
    const middle = (field: keyof Round) => ({
      product: median(seen.product.map((round) => round[field])),
      baseline: median(seen.baseline.map((round) => round[field])),
    });
    figures.push(
      { name: `CPU per reply, ${name}`, unit: "ms", ...middle("cpu"), goal: { most: 1.5, of: "ratio" } },
      {
        name: `CPU per reply, ${name}, beside a pipe`,
        unit: "ms",
        product: middle("cpu").product,
        baseline: median(seen.floor.map((round) => round.cpu)),
      },
      { name: `replies a second, ${name}`, unit: "/s", ...middle("rate"), goal: { least: 0.75, of: "ratio" } },
      { name: `wait for the first token, ${name}`, unit: "ms", ...middle("first"), goal: { most: 1.5, of: "ratio" } },
      { name: `bytes per reply, ${name}`, unit: "B", ...middle("bytes"), goal: { most: 8192, of: "figure" } },
    );
  }
  return figures;
};

if (import.meta.main) await runWalks({ reply });
