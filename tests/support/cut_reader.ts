/**
 * Readers whose connection breaks again and again, and who come back for the rest.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { createClient } from "../../src/client.ts";
import { chatStream } from "../../src/operations/chat.ts";
import { runEvents } from "../../src/operations/runs.ts";
import { chooseCut, type CutClass, type CutLine } from "./cut_line.ts";
import type { Cut } from "./cutter.ts";
import { type Frame, parseFrames } from "./events.ts";
import type { Random } from "./random.ts";
import { USER_KEY } from "./server.ts";

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
  let parked = false;
  const choose = (): Cut => {
    const cut = chooseCut(random);
    // What is waited for should come while a slow model still speaks.
    return cut.at === "end" && onFirstCut && !parked && classes.includes("slow model") ? choose() : cut;
  };
  line.plan(name, () => left > 0 ? choose() : undefined, (cut) => made = cut);
  for (;;) {
    made = undefined;
    const request = run_id === undefined
      ? begin(line.cutter.url, name, beginning)
      : resume(line.cutter.url, name, { run_id, last: frames.at(-1)?.id ?? 0, inQuery: random.chance(0.4) });
    const response = await request.catch(() => NO_ANSWER);
    if (response instanceof Response) {
      if (response.status === 204) return { run_id: run_id!, frames };
      assert.equal(response.status, 200, `${name}: ${response.status} after event ${frames.at(-1)?.id}`);
      const more = await wholeFrames(response);
      // A message that is sent again is answered from the beginning.
      if (run_id === undefined) frames.length = 0;
      frames.push(...more);
      run_id ??= frames[0]?.data.run_id;
    }
    if (!made) {
      // Nobody is there yet.
      if (response === NO_ANSWER) await new Promise((resolve) => setTimeout(resolve, 20));
      continue;
    }
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
  let first = true;
  line.plan(
    name,
    () => {
      const cut = left > 0 ? chooseCut(random) : undefined;
      // Before the headers there is no stream yet that could break off.
      const early = first && (cut?.at === "request" || cut?.at === "headers");
      first = false;
      return early ? { at: "headers", part: 1 } : cut;
    },
    (cut) => {
      left--;
      line.tally.add(cut, classes);
    },
  );
  const asked = { idempotency_key: name };
  const items = "run_id" in beginning
    ? await client.stream(runEvents, beginning, asked)
    : await client.stream(chatStream, beginning, asked);
  for await (const { seq, type, data } of items!) frames.push({ id: seq, type, data: JSON.parse(data) });
  return { run_id: frames[0]!.data.run_id, frames };
}

function begin(url: string, name: string, body: Beginning): Promise<Response> {
  return fetch(`${url}/api/v1/chat/stream`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${USER_KEY}`,
      "content-type": "application/json",
      "idempotency-key": name,
    },
    body: JSON.stringify(body),
  });
}

function resume(
  url: string,
  name: string,
  { run_id, last, inQuery }: { run_id: string; last: number; inQuery: boolean },
): Promise<Response> {
  return fetch(`${url}/api/v1/runs/${run_id}/events${inQuery ? `?starting_after=${last}` : ""}`, {
    headers: {
      authorization: `Bearer ${USER_KEY}`,
      accept: "text/event-stream",
      "idempotency-key": name,
      ...!inQuery && { "last-event-id": String(last) },
    },
  });
}

/** The whole frames that came, however the answer ended. */
async function wholeFrames(response: Response): Promise<Frame[]> {
  let text = "";
  try {
    const body = response.body!.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>);
    for await (const piece of body) text += piece;
  } catch {
    // The connection broke off.
  }
  return parseFrames(text);
}
