/**
 * From the start of the program to its first 200, warm, and what it holds when nobody asks. The program is the file
 * that `MUXI_BIN` names, or the sources.
 *
 * @module
 */
import { BOX, openFolder, pause, startChild, startMuxi } from "./support/child.ts";
import { median, runWalks, type Walk } from "./support/report.ts";

/** Long enough for the first collection after the start. */
const SETTLE_MS = 5000;

async function firstAnswer(url: string, path: string): Promise<void> {
  const { status, body } = await fetch(`${url}${path}`);
  await body?.cancel();
  if (status !== 200) throw new Error(`Got status ${status} of ${path}`);
}

/** See the module. */
export const start: Walk = async ({ rounds, note }) => {
  const product: number[] = [];
  const baseline: number[] = [];
  let idle = NaN;
  await using folder = await openFolder();
  // The first start fills caches and makes the database; the built file unpacks itself.
  for (let i = 0; i <= rounds; i++) {
    const bareAt = performance.now();
    await using bare = await startChild(["tests/bench/baseline/sse_fanout.ts"]);
    const bareMs = performance.now() - bareAt;
    const at = performance.now();
    await using muxi = await startMuxi({ data_dir: folder.path });
    await firstAnswer(muxi.url, "/health/live");
    const ms = performance.now() - at;
    void bare;
    if (i === 0) continue;
    baseline.push(bareMs);
    product.push(ms);
    note(`  start ${i}: ${ms.toFixed(0)} : ${bareMs.toFixed(0)} ms`);
    if (i < rounds) continue;
    await pause(SETTLE_MS);
    idle = muxi.rssKb() / 1024;
  }
  return [
    {
      name: "start to first 200",
      unit: "ms",
      product: median(product),
      baseline: median(baseline),
      // The built file also makes sure that what it unpacked is there.
      goal: { most: BOX === undefined ? 500 : 600, of: "figure" },
    },
    { name: "memory idle", unit: "MB", product: idle, goal: { most: 120, of: "figure" } },
  ];
};

if (import.meta.main) await runWalks({ start });
