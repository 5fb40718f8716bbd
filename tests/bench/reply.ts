/**
 * A reply of 64 tokens over `POST /chat/stream`, history saved, beside a bare pass-through.
 *
 * The CPU is the serving process's own. Rounds of all sides alternate, so that what else the machine does falls on all.
 * `paced` is a model that takes 5 ms for every token, the first one too, asked by clients who begin one after the
 * other. `burst` is one that takes no time at all, which no model does: what is compared is the bare work. Two more
 * baselines are shown for the CPU, without a goal: one that never looks at a byte (`pipe.ts`), and one that decodes the
 * provider's frames and sends each token as an event of its own (`relay.ts`).
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

const BASELINES = ["pass_through", "pipe", "relay"] as const;

type Name = "product" | typeof BASELINES[number];

function toBare(child: Child, mark: string): Side {
  return { child, request: toRequest(child.url, { method: "POST", body: { message: QUESTION } }), mark };
}

function toProduct(child: Child): Side {
  const path = "/api/v1/chat/stream";
  const request = toRequest(child.url, { method: "POST", path, key: BENCH_KEY, body: { message: QUESTION } });
  return { child, request, mark: "event: model.delta" };
}

/** See the module. */
export const reply: Walk = async ({ rounds, note }) => {
  const figures: Figure[] = [];
  for (const { name, flags, replies, warm, stagger_ms } of CASES) {
    await using stack = new AsyncDisposableStack();
    const folder = stack.use(await openFolder());
    const provider = stack.use(await startProvider(flags));
    const sides = new Map<Name, Side>();
    for (const bare of BASELINES) {
      const child = stack.use(await startChild([`tests/bench/baseline/${bare}.ts`, provider.url]));
      sides.set(bare, toBare(child, bare === "relay" ? "event: model.delta" : '"content":"The '));
    }
    sides.set("product", toProduct(stack.use(await startMuxi({ provider: provider.url, data_dir: folder.path }))));
    const seen = new Map<Name, Round[]>();
    for (const [side, how] of sides) {
      await ask(how, warm, stagger_ms);
      seen.set(side, []);
    }
    for (let i = 1; i <= rounds; i++) {
      for (const [side, how] of sides) seen.get(side)!.push(await ask(how, replies, stagger_ms));
      const cpus = Array.from(seen, ([side, all]) => `${side} ${all.at(-1)!.cpu.toFixed(2)}`);
      note(`  ${name} ${i}: ms of CPU per reply: ${cpus.join(", ")}`);
    }
    const middle = (field: keyof Round, baseline: Name = "pass_through") => ({
      product: median(seen.get("product")!.map((round) => round[field])),
      baseline: median(seen.get(baseline)!.map((round) => round[field])),
    });
    figures.push(
      { name: `CPU per reply, ${name}`, unit: "ms", ...middle("cpu"), goal: { most: 1.5, of: "ratio" } },
      { name: `CPU per reply, ${name}, beside a relay`, unit: "ms", ...middle("cpu", "relay") },
      { name: `CPU per reply, ${name}, beside a pipe`, unit: "ms", ...middle("cpu", "pipe") },
      { name: `replies a second, ${name}`, unit: "/s", ...middle("rate"), goal: { least: 0.75, of: "ratio" } },
      { name: `wait for the first token, ${name}`, unit: "ms", ...middle("first"), goal: { most: 1.5, of: "ratio" } },
      { name: `bytes per reply, ${name}`, unit: "B", ...middle("bytes"), goal: { most: 8192, of: "figure" } },
    );
  }
  return figures;
};

if (import.meta.main) await runWalks({ reply });
