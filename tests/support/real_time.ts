/**
 * Tests of what happens in real time: people speak, and wait for nobody. A machine that stands still meanwhile, because
 * its host gives the time to others, cuts words in two; what fails then may say nothing of us.
 *
 * @module
 */
import { countStolen, toWords } from "./machine_time.ts";
import { note } from "./note.ts";
import { InVain, within } from "./waiting.ts";

/** A machine that stands still for so long cuts a word in two. */
export const STILL_MS = 250;
/** A machine whose host withholds such a part of its time is late at any moment. */
const STOLEN = 0.2;
/** How often something is told at most. */
const TOLD = 3;
/** While nothing comes, a question may still be said and understood for so long. What stands still later harms nothing. */
const SAID_MS = 20_000;

/** From when until when, in milliseconds since 1970. */
export interface Span {
  from: number;
  until: number;
}

/** Watches the machine. */
export interface Watch extends Disposable {
  /** For how long it stood still at worst, of all that lies within or reaches into a span: milliseconds. */
  most(span?: Partial<Span>): Promise<number>;
  /** What part of the machine's time its host has given to others since. */
  stolen(): Promise<number>;
}

/** Watches the machine from a thread that has nothing else to do, so that only a machine can hold it up. */
export async function watchMachine(): Promise<Watch> {
  const stolen = await countStolen();
  const worker = new Worker(new URL("./standstill_watch.ts", import.meta.url), { type: "module" });
  const heard = () =>
    new Promise<number>((resolve) => {
      worker.onmessage = ({ data }: MessageEvent<number>) => resolve(data);
    });
  try {
    await within("a thread that watches the machine", heard());
  } catch (error) {
    worker.terminate();
    throw error;
  }
  return {
    most({ from = -Infinity, until = Infinity } = {}) {
      const most = heard();
      worker.postMessage({ from, until });
      return within("what a thread saw of the machine", most);
    },
    stolen,
    [Symbol.dispose]: () => worker.terminate(),
  };
}

/** Tells a story. One that fails while the machine has no time for it is told again, and `note` is told of it. */
export async function tellInRealTime(
  story: () => Promise<void>,
  { watch: open = watchMachine, note: tell = note }: { watch?: () => Promise<Watch>; note?: (text: string) => void } =
    {},
): Promise<void> {
  for (let left = TOLD; left > 0; left--) {
    using watch = await open();
    try {
      return await story();
    } catch (thrown) {
      const most = await watch.most(thrown instanceof InVain ? { until: thrown.since + SAID_MS } : {});
      const stolen = await watch.stolen();
      if (left === 1 || (most < STILL_MS && stolen < STOLEN)) throw thrown;
      tell(`The machine stood still for ${most.toFixed(0)} ms and ${toWords(stolen)}. Again, after: ${thrown}`);
    }
  }
}

/** A test of what happens in real time. */
export function realTime({ fn, ...test }: Deno.TestDefinition & { fn(): Promise<void> }): void {
  Deno.test({ ...test, fn: () => tellInRealTime(fn) });
}
