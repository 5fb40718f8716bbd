/**
 * Readers whose connection breaks again and again, and who come back for the rest.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { createClient } from "../../src/client.ts";
import { chatStream } from "../../src/operations/chat.ts";
import { runEvents } from "../../src/operations/runs.ts";
import { type Cut, Cutter } from "./cutter.ts";
import { type Frame, parseFrames } from "./events.ts";
import type { Random } from "./random.ts";
import { USER_KEY } from "./server.ts";

/** Classes of cuts, by where the connection breaks and in what story. */
export const CLASSES = [
  "inside a frame",
  "between frames",
  "before the first event",
  "after the last event",
  "slow model",
  "fast model",
  "two readers at once",
  "server restarted in between",
  "server killed in between",
  "the product's client",
] as const;
/** One of {@linkcode CLASSES}. */
export type CutClass = typeof CLASSES[number];

const PLACES: Record<Cut["at"], CutClass> = {
  inside: "inside a frame",
  between: "between frames",
  request: "before the first event",
  headers: "before the first event",
  end: "after the last event",
};

/** Cuts that were made, by class. */
export class Tally {
  total = 0;
  readonly counts = new Map<CutClass, number>(CLASSES.map((name) => [name, 0]));

  /** Counts a cut under its place and `classes`. */
  add(cut: Cut, classes: Iterable<CutClass>): void {
    this.total++;
    for (const name of new Set([PLACES[cut.at], ...classes])) this.counts.set(name, this.counts.get(name)! + 1);
  }

  toString(): string {
    const rows = Array.from(this.counts, ([name, count]) => `  ${name.padEnd(28)}${String(count).padStart(6)}`);
    return [...rows, `  ${"cuts in all".padEnd(28)}${String(this.total).padStart(6)}`].join("\n");
  }
}

/** Breaks the connections of readers as each one plans it. */
export class CutLine implements AsyncDisposable {
  readonly cutter: Cutter;
  readonly tally = new Tally();
  readonly #plans = new Map<string, { cut: () => Cut | undefined; onCut: (cut: Cut) => void }>();

  constructor(url: string) {
    const planOf = (head: string) => this.#plans.get(/\r\nx-request-id: ([\w-]+)/i.exec(head)?.[1] ?? "");
    this.cutter = new Cutter({
      url,
      plan: (head) => planOf(head)?.cut(),
      onCut: (head, cut) => planOf(head)?.onCut(cut),
    });
  }

  /** Cuts requests that carry `request_id` as `cut` says. */
  plan(request_id: string, cut: () => Cut | undefined, onCut: (cut: Cut) => void): void {
    this.#plans.set(request_id, { cut, onCut });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cutter[Symbol.asyncDispose]();
  }
}

/** Somewhere in an answer. */
export function chooseCut(random: Random): Cut {
  const part = random.next();
  const frames = random.whole(0, 3);
  switch (random.whole(0, 5)) {
    case 0:
      return { at: "request" };
    case 1:
      return { at: "headers", part: part < 0.5 ? 1 : part };
    case 2:
      return { at: "end" };
    case 3:
      return { at: "between", frames: frames + 1 };
    default:
      return { at: "inside", frames, part };
  }
}

/** What a reader begins with: a message to send, or a run to follow. */
export type Beginning = { message: string } | { run_id: string };

/** Options for {@linkcode readWithCuts}. */
export interface CutReaderOptions {
  line: CutLine;
  name: string;
  random: Random;
  /** How many cuts at most. */
  cuts: number;
  classes: readonly CutClass[];
  /** Waited for after the first cut; what it resolves with counts for that cut, too. */
  onFirstCut?: () => Promise<CutClass>;
}

/** What a reader has in the end. */
export interface Read {
  run_id: string;
  frames: Frame[];
}

const NO_ANSWER = Symbol("no answer");

/** Follows a run to its end through broken connections, as `EventSource` would, until it is told that nothing is left. */
export async function readWithCuts(beginning: Beginning, options: CutReaderOptions): Promise<Read> {
  const { line, name, random, cuts, classes, onFirstCut } = options;
  const frames: Frame[] = [];
  let run_id = "run_id" in beginning ? beginning.run_id : undefined;
  let left = cuts;
  let made: Cut | undefined;
  line.plan(name, () => left > 0 ? chooseCut(random) : undefined, (cut) => made = cut);
  for (let parked = false;;) {
    made = undefined;
    const request = run_id === undefined
      ? begin(line.cutter.url, name, beginning)
      : resume(line.cutter.url, name, { run_id, last: frames.at(-1)?.id ?? 0, inQuery: random.chance(0.4) });
    const response = await request.catch(() => NO_ANSWER);
    if (response instanceof Response) {
      if (response.status === 204) return { run_id: run_id!, frames };
      assert.equal(response.status, 200, `${name}: ${response.status} after event ${frames.at(-1)?.id}`);
      const more = await readFrames(response);
      // A message that is sent again is answered from the beginning.
      if (run_id === undefined) frames.length = 0;
      frames.push(...more);
      run_id ??= frames[0]?.data.run_id;
    }
    if (!made) continue;
    left--;
    const parking = !parked && onFirstCut;
    parked = true;
    line.tally.add(made, parking ? [...classes, await parking()] : classes);
  }
}

/** The same through the product's own client, which comes back by itself. */
export async function clientWithCuts(beginning: Beginning, options: CutReaderOptions): Promise<Read> {
  const { line, name, random, cuts, classes } = options;
  const client = createClient({ url: line.cutter.url, key: USER_KEY });
  const frames: Frame[] = [];
  let left = cuts;
  // The client names its requests itself.
  using naming = nameRequests(name);
  line.plan(
    name,
    () => {
      const cut = left > 0 ? chooseCut(random) : undefined;
      // Before the headers there is no stream yet that could break off.
      return cut?.at === "request" || cut?.at === "headers" ? { at: "headers", part: 1 } : cut;
    },
    (cut) => {
      left--;
      line.tally.add(cut, classes);
    },
  );
  void naming;
  const items = "run_id" in beginning
    ? await client.stream(runEvents, beginning)
    : await client.stream(chatStream, beginning, { idempotency_key: name });
  for await (const { seq, type, data } of items!) frames.push({ id: seq, type, data: JSON.parse(data) });
  return { run_id: frames[0]!.data.run_id, frames };
}
