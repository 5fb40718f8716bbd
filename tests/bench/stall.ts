/**
 * How long the event loop is held up at the longest, under the load of replies.
 *
 * A thread of its own asks for the health every few milliseconds: what an answer takes is what it waited for the loop,
 * plus the way. The bare pass-through is asked in the same way under the same load.
 *
 * @module
 */
import { BENCH_KEY, openFolder, startChild, startMuxi, startProvider } from "./support/child.ts";
import { startProber } from "./support/prober.ts";
import { runWalks, type Walk } from "./support/report.ts";
import { toRequest, Wire } from "./support/wire.ts";

const CLIENTS = 8;
const REPLIES = 25;

async function longest(url: string, request: Uint8Array, rounds: number): Promise<{ p99: number; most: number }> {
  using prober = await startProber(url);
  const times: number[] = [];
  for (let i = 0; i <= rounds; i++) {
    const wires = await Promise.all(Array.from({ length: CLIENTS }, () => Wire.open(url)));
    await Promise.all(wires.map(async (wire) => {
      for (let n = 0; n < REPLIES; n++) await wire.ask(request);
      wire[Symbol.dispose]();
    }));
    const seen = await prober.take();
    // The first round warms up.
    if (i > 0) times.push(...seen);
  }
  times.sort((a, b) => a - b);
  return { p99: times[Math.floor(times.length * 0.99)] ?? NaN, most: times.at(-1) ?? NaN };
}

/** See the module. */
export const stall: Walk = async ({ rounds }) => {
  await using folder = await openFolder();
  await using provider = await startProvider(["--delay", "5"]);
  await using bare = await startChild(["tests/bench/baseline/pass_through.ts", provider.url]);
  await using muxi = await startMuxi({ provider: provider.url, data_dir: folder.path });
  const body = { message: "Tell me something about foxes" };
  const baseline = await longest(bare.url, toRequest(bare.url, { method: "POST", body }), rounds);
  const ask = toRequest(muxi.url, { method: "POST", path: "/api/v1/chat/stream", key: BENCH_KEY, body });
  const product = await longest(muxi.url, ask, rounds);
  return [
    { name: "health under load, 99 of 100", unit: "ms", product: product.p99, baseline: baseline.p99 },
    { name: "longest stall under load", unit: "ms", product: product.most, baseline: baseline.most },
  ];
};

if (import.meta.main) await runWalks({ stall });
