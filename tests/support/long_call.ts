/**
 * A call that lasts: the caller asks again and again, and everything that comes back is measured.
 *
 * @module
 */
import { type CallDoor, openCaller, type Packets } from "./caller.ts";

/** What was seen of it. */
export interface LongCallReport {
  seconds: number;
  /** Questions, and answers that were said to their end. */
  asked: number;
  answered: number;
  /** Packets of the agent that came, and that never came. */
  packets: number;
  lost: number;
  /** Sound that was left out because the server was late, in milliseconds. */
  skipped_ms: number;
  /** How much later than by its own clock the agent's sound came in the last third than in the first, at the quickest. */
  drift_ms: number;
  /** What the server says it lost of the caller's. */
  lost_there: number;
}

/** Options for {@linkcode holdCall}. */
export interface HoldCallOptions {
  seconds: number;
  question: Packets;
  body?: Record<string, unknown>;
  /** Called once the first third is over. */
  onThird?(): Promise<void>;
}

interface Came {
  at: number;
  sequence: number;
  timestamp: number;
}

/** How long a question and its answer may take, silence included. */
const TURN_MS = 4000;
const FRAME_MS = 20;
const TICKS = 48;

/** The quickest way from the agent's clock to ours. */
function quickest(came: readonly Came[]): number {
  return came.reduce((least, { at, timestamp }) => Math.min(least, at - timestamp / TICKS), Infinity);
}

/** Calls, and hangs up after the time that is wanted. */
export async function holdCall(
  door: CallDoor,
  { seconds, question: { sound, silence }, body = {}, onThird }: HoldCallOptions,
): Promise<LongCallReport> {
  const came: Came[] = [];
  let [turns, first] = [0, 0];
  const onMedia = ({ sequence, timestamp }: Came, at: number) => {
    const last = came.at(-1);
    if (last === undefined) return void came.push({ at, sequence: 0, timestamp: first = timestamp });
    // Numbers go round; nothing comes out of order on one machine.
    const ahead = (sequence - (last.sequence + turns)) & 0xffff;
    came.push({ at, sequence: last.sequence + ahead, timestamp: (timestamp - first) >>> 0 });
  };
  await using caller = await openCaller(door, {
    body,
    onMedia: (packet, at) => {
      if (came.length === 0) turns = packet.sequence;
      onMedia({ ...packet, at }, at);
    },
  });
  const started = performance.now();
  let [asked, third] = [0, false];
  while (performance.now() - started < seconds * 1000) {
    const turn = performance.now();
    asked++;
    await caller.say(sound);
    while (performance.now() - turn < TURN_MS) await caller.say([silence]);
    if (third || performance.now() - started < seconds * 1000 / 3) continue;
    third = true;
    await onThird?.();
  }
  const told = (type: string) => caller.heard.messages.filter((text) => JSON.parse(text).type === type);
  const stats = told("stats").at(-1);
  const at = (part: number) => came.slice(Math.floor(came.length * part / 3), Math.floor(came.length * (part + 1) / 3));
  const { sequence, timestamp } = came.at(-1)!;
  came[0]!.timestamp = 0;
  return {
    seconds: (performance.now() - started) / 1000,
    asked,
    answered: told("agent.done").length,
    packets: came.length,
    lost: sequence + 1 - came.length,
    skipped_ms: timestamp / TICKS - sequence * FRAME_MS,
    drift_ms: quickest(at(2)) - quickest(at(0)),
    lost_there: stats === undefined ? NaN : JSON.parse(stats).data.packets_lost,
  };
}
