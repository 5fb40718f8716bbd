/**
 * What the sandbox costs: one question to the permission broker, beside the same access without it; and the start of a
 * program in it, beside a bare Deno.
 *
 * @module
 */
import { createSandbox } from "../../src/adapters/sandbox/sandbox.ts";
import { Policy } from "../../src/domain/policy.ts";
import { systemClock } from "../../src/kit/clock.ts";
import { createLog } from "../../src/kit/log.ts";
import type { Process, Sandbox } from "../../src/ports/sandbox.ts";
import { openFolder } from "./support/child.ts";
import { type Figure, median, runWalks, type Walk } from "./support/report.ts";

const QUESTIONS = 5000;
/** Says that it has started; then what an access takes, in microseconds. */
const PROGRAM = `
  console.log("up");
  const at = performance.now();
  for (let i = 0; i < ${QUESTIONS}; i++) Deno.statSync(Deno.args[0]);
  console.log((performance.now() - at) * 1000 / ${QUESTIONS});
`;

/** What one start told. */
interface Told {
  startMs: number;
  accessUs: number;
}

async function listen(begun: number, stdout: ReadableStream<Uint8Array>): Promise<Told> {
  const decoder = new TextDecoder();
  let text = "";
  let startMs = NaN;
  for await (const chunk of stdout) {
    if (Number.isNaN(startMs)) startMs = performance.now() - begun;
    text += decoder.decode(chunk, { stream: true });
  }
  const accessUs = Number(text.trim().split("\n")[1]);
  if (!(accessUs > 0)) throw new Error(`Cannot read what the program said: ${JSON.stringify(text)}`);
  return { startMs, accessUs };
}

async function bare(dir: string): Promise<Told> {
  const begun = performance.now();
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", "--no-config", "--no-lock", `${dir}/program.js`, dir],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const told = await listen(begun, child.stdout);
  await child.status;
  return told;
}

async function held(dir: string, sandbox: Sandbox): Promise<Told & { tier: string }> {
  const begun = performance.now();
  const process: Process = await sandbox.start(
    { name: "bench", command: "deno", args: ["run", `${dir}/program.js`, dir], env: {}, cwd: dir },
    {
      policy: { id: "bench", ...Policy.parse({ sandbox: { read: [dir] } }) },
      signal: new AbortController().signal,
    },
  );
  const told = await listen(begun, process.stdout);
  await process.exited;
  return { ...told, tier: process.report.tier };
}

function toFigures(name: string, sandboxed: readonly Told[], plain: readonly Told[]): Figure[] {
  return [
    {
      name: `one access, asked of the broker (${name}), beside one that isn't`,
      unit: "us",
      product: median(sandboxed.map(({ accessUs }) => accessUs)),
      baseline: median(plain.map(({ accessUs }) => accessUs)),
    },
    {
      name: `start of a program (${name}), beside a bare Deno`,
      unit: "ms",
      product: median(sandboxed.map(({ startMs }) => startMs)),
      baseline: median(plain.map(({ startMs }) => startMs)),
    },
  ];
}

/** See the module. */
export const sandbox: Walk = async ({ rounds, note }) => {
  await using folder = await openFolder();
  const dir = await Deno.realPath(folder.path);
  await Deno.writeTextFile(`${dir}/program.js`, PROGRAM);
  const log = createLog({ level: "error", format: "text", write: () => {} });
  const options = { deno: Deno.execPath(), hidden: () => [], env: Deno.env.toObject(), clock: systemClock, log };
  const full = createSandbox({ ...options, dir: `${dir}/full` });
  const broker = createSandbox({ ...options, dir: `${dir}/broker`, abilities: { notes: [] } });
  const told = { bare: [] as Told[], broker: [] as Told[], full: [] as Told[] };
  for (let i = 0; i <= rounds; i++) {
    const each = { bare: await bare(dir), broker: await held(dir, broker), full: await held(dir, full) };
    if (i === 0 && each.full.tier !== "full") note("  no bubblewrap here: both are held by the broker alone");
    // The first start fills caches.
    if (i === 0) continue;
    told.bare.push(each.bare);
    told.broker.push(each.broker);
    told.full.push(each.full);
  }
  return [...toFigures("no box", told.broker, told.bare), ...toFigures("in a box", told.full, told.bare)];
};

if (import.meta.main) await runWalks({ sandbox });
