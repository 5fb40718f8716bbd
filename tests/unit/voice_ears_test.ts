/**
 * From packets to speech: order, loss, echo, and who decides that a turn is over.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { Ears } from "../../src/core/voice/ears.ts";
import { EchoGuard } from "../../src/core/voice/echo_guard.ts";
import { SemanticTurns } from "../../src/core/voice/semantic_turns.ts";
import { SilenceTurns } from "../../src/core/voice/silence_turns.ts";
import type { OpusDecoder } from "../../src/ports/audio_codec.ts";
import { MovingClock } from "../support/moving_clock.ts";
import { Random } from "../support/random.ts";

/** Frames that hold the number of their packet; what is made up is negative, or the next packet's where it helped. */
const decoder: OpusDecoder = {
  unreadable: 0,
  decode: (packet) => new Int16Array(320).fill(packet[0]!),
  conceal: (next) => new Int16Array(320).fill(next ? -next[0]! : -1000),
  [Symbol.dispose]() {},
};

function ears() {
  const made = new Ears({ decoder, rate: 16_000, reorder_ms: 60 });
  const heard: number[] = [];
  const note = (frames: Int16Array[]) => void heard.push(...frames.map((frame) => frame[0]!));
  return {
    heard,
    stats: () => made.stats,
    push(sequence: number, now: number, mark = sequence & 0xff) {
      const payload = new Uint8Array([mark]);
      const packet = { mid: "0", kind: "audio", payload, sequence, timestamp: 0, marker: false } as const;
      note(made.push(packet, now));
    },
    due: (now: number) => note(made.due(now)),
  };
}

Deno.test("packets in order are heard at once, others are put in order, doubled ones are dropped", () => {
  const { push, heard, stats } = ears();
  push(10, 0);
  push(11, 20);
  push(13, 40);
  push(13, 41);
  assert.deepEqual(heard, [10, 11]);
  push(12, 50);
  push(11, 55);
  assert.deepEqual(heard, [10, 11, 12, 13]);
  assert.deepEqual(stats(), { stale: 2, concealed: 0, waiting: 0 });
});

Deno.test("a lost packet is made up for after 60 ms, with what the next one knows of it", () => {
  const { push, due, heard, stats } = ears();
  push(1, 0);
  push(4, 20);
  push(5, 40);
  due(79);
  assert.deepEqual(heard, [1]);
  due(80);
  assert.deepEqual(heard, [1, -1000, -4, 4, 5]);
  push(2, 90);
  assert.deepEqual(stats(), { stale: 1, concealed: 2, waiting: 0 });
});

Deno.test("numbers go round, and a jump is a new beginning", () => {
  const { push, heard } = ears();
  for (const sequence of [65_534, 65_535, 0, 1]) push(sequence, 0);
  push(30_000, 20, 7);
  push(30_001, 40, 8);
  assert.deepEqual(heard, [254, 255, 0, 1, 7, 8]);
});

Deno.test("whatever order packets come in, little is kept and nothing is heard twice", () => {
  const random = new Random(5);
  const { push, heard, stats } = ears();
  for (let i = 0; i < 20_000; i++) {
    if (random.next() < 0.1) continue;
    push((i + Math.floor(random.next() * 8)) & 0xffff, i * 20, 1 + i % 100);
    assert.ok(stats().waiting <= 50);
  }
  assert.ok(heard.length <= 20_008);
});

Deno.test("the agent's own voice, coming back softer and later, is an echo; somebody else's is not", () => {
  const random = new Random(3);
  const guard = new EchoGuard();
  const played: number[] = [];
  let echoes = 0;
  for (let i = 0; i < 200; i++) {
    played.push(-20 - random.next() * 25);
    guard.played(played[i]!);
    // 120 ms later, 8 dB softer.
    if (i > 60 && guard.isEcho((played[i - 6] ?? -60) - 8)) echoes++;
    else if (i <= 60) guard.isEcho((played[i - 6] ?? -60) - 8);
  }
  assert.ok(echoes > 120, `${echoes} of 139`);
  assert.equal(guard.isEcho(-15), false, "louder than the agent");
  for (let i = 0; i < 20; i++) guard.played(-100);
  assert.equal(guard.isEcho(-40), false, "the agent has long been silent");
});

Deno.test("a model decides whether a turn is over, and silence does when it can't", async () => {
  const clock = new MovingClock();
  const { signal } = new AbortController();
  const asked: string[] = [];
  const turns = (answer: string | Error | null) =>
    new SemanticTurns({
      ask: ({ text }) => {
        asked.push(text);
        if (answer === null) return new Promise(() => {});
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
      },
      clock,
      timeout_ms: 400,
      done_ms: 150,
      wait_ms: 1500,
      fallback: new SilenceTurns({ end_ms: 500 }),
    });
  const turn = { text: "book a table for", language: "en", recent: ["hello", "How can I help?"], pauses: 1 };
  assert.equal(await turns("WAIT").decide(turn, { signal }), 1500);
  assert.equal(await turns("done.").decide(turn, { signal }), 150);
  assert.equal(await turns("I think so").decide(turn, { signal }), 500);
  assert.equal(await turns(new Error("Down")).decide(turn, { signal }), 500);
  assert.equal(await turns("DONE").decide({ ...turn, text: " " }, { signal }), 500);
  const before = asked.length;
  assert.equal(await turns("WAIT").decide({ ...turn, pauses: 13 }, { signal }), 500);
  assert.equal(asked.length, before, "one turn costs no more than that");
  const slow = turns(null).decide(turn, { signal });
  await clock.pass(400);
  assert.equal(await slow, 500);
  assert.equal(asked[0], "Before: hello\nBefore: How can I help?\nNow: book a table for");
  const gone = new AbortController();
  const left = turns(null).decide(turn, { signal: gone.signal });
  gone.abort(new Error("The caller goes on"));
  await assert.rejects(left, /goes on/);
  assert.equal(clock.timers, 0);
});
