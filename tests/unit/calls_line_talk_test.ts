/**
 * The flow of texts of a call without WebRTC, on a clock that the test moves.
 */
import { strict as assert } from "node:assert";
import { CallEvents } from "../../src/core/calls/call_events.ts";
import { CallTaps, type DirectedPacket } from "../../src/core/calls/call_tap.ts";
import type { CallMedia } from "../../src/core/calls/call_media.ts";
import { LineTalk } from "../../src/core/calls/line_talk.ts";
import { PCM_CODEC } from "../../src/core/calls/pcm_codec.ts";
import type { CallSession } from "../../src/core/calls/session.ts";
import type { Principal } from "../../src/domain/access.ts";
import { AppError } from "../../src/domain/error.ts";
import { Queue } from "../../src/kit/queue.ts";
import type { MediaPacket, Peer, PeerState } from "../../src/ports/peers.ts";
import { MovingClock, settlePromises } from "../support/moving_clock.ts";

/** A talk whose call is the test. */
async function open() {
  const clock = new MovingClock({ settle: settlePromises });
  const talk = new LineTalk();
  const [states, heard, taken]: [PeerState[], MediaPacket[], string[]] = [[], [], []];
  const media = talk.line.over({ codec: PCM_CODEC } as CallMedia);
  let peer: Peer | undefined;
  const events = new CallEvents("rtc_1");
  const taps = new CallTaps();
  const session = {
    events,
    taps,
    signalling: {
      answer: (offer: string) => {
        peer = media.peers.create({
          audio: "sendrecv",
          video: "inactive",
          ice_servers: [],
          relay_only: false,
          events: {
            onState: (state) => void states.push(state),
            onCandidate: () => {},
            onMedia(packet) {
              heard.push({ ...packet, payload: packet.payload.slice() });
              taps.packet("in", packet);
            },
            onChannel: () => ({ onMessage: () => {}, onClose: () => {} }),
            onKeyframeAsked: () => {},
          },
        });
        return peer.answer(offer);
      },
    },
    take: (text: string) => void taken.push(text),
  } as unknown as CallSession;
  const incoming = new Queue<string>({ capacity: 1000, overflow: "drop_newest" });
  const signal = new AbortController().signal;
  const told = await talk.begin(session, {} as Principal, { clock, incoming, signal });
  const say = (ms = 20) =>
    peer!.sendAudio({ kind: "audio", payload: new Uint8Array(ms * 48), timestamp: 0, marker: false });
  return { clock, talk, states, heard, taken, events, taps, incoming, told: told[Symbol.asyncIterator](), say, media };
}

const sound = (ms: number) => JSON.stringify({ type: "sound", data: new Uint8Array(ms * 48).toBase64() });

Deno.test("who takes nothing makes the agent wait, and go on when there is room", async () => {
  const { states, say, told, talk } = await open();
  for (let i = 0; i < 99; i++) say();
  assert.deepEqual(states, ["connected"]);
  say();
  assert.deepEqual(states, ["connected", "lost"]);
  say();
  for (let i = 0; i < 94; i++) await told.next();
  assert.deepEqual(states, ["connected", "lost"], "what is lost isn't sent");
  for (let i = 0; i < 3; i++) await told.next();
  assert.deepEqual(states, ["connected", "lost", "connected"]);
  talk.line.close();
});

Deno.test("sound comes after what is told of it", async () => {
  const { say, told, events, talk } = await open();
  events.emit({ type: "agent.speaking", data: { turn_id: "turn_1", run_id: null, text: "Hi", aloud: true } });
  say();
  assert.match((await told.next()).value!, /"type":"agent.speaking"/);
  assert.match((await told.next()).value!, /^\{"type":"sound","data":"A+/);
  talk.line.close();
});

Deno.test("sound that comes at once is listened to twenty times as fast as it was spoken, and messages keep their place", async () => {
  const { clock, heard, taken, incoming, talk } = await open();
  incoming.push(sound(4000));
  incoming.push('{"type":"commit"}');
  await clock.pass(1);
  assert.equal(heard.length, 20, "400 ms");
  await clock.pass(100);
  assert.ok(heard.length >= 100 && heard.length <= 140, `${heard.length}`);
  assert.deepEqual(taken, []);
  await clock.pass(200);
  assert.equal(heard.length, 200);
  assert.deepEqual(taken, ['{"type":"commit"}']);
  const stamps = heard.map(({ sequence, timestamp }) => [sequence, timestamp]);
  assert.deepEqual(stamps, stamps.map((_, i) => [i, i * 960]));
  talk.line.close();
});

Deno.test("who follows the packets gets them packed, and a pause of the client is one in their stamps", async () => {
  const { clock, incoming, taps, talk } = await open();
  const packets: DirectedPacket[] = [];
  taps.add({
    onPacket: (...packet) => void packets.push(packet),
    onEvent: () => {},
    nameTracks: () => {},
    onEnd: () => {},
  });
  incoming.push(sound(30));
  incoming.push(sound(30));
  await clock.pass(10);
  await clock.pass(5000);
  incoming.push(sound(20));
  await clock.pass(10);
  const stamps = packets.map(([, packet]) => packet.timestamp);
  assert.equal(stamps.length, 4, "three frames, and one");
  assert.deepEqual([stamps[1]! - stamps[0]!, stamps[2]! - stamps[1]!], [960, 960]);
  assert.ok(stamps[3]! - stamps[2]! > 4500 * 48, `${stamps[3]! - stamps[2]!}`);
  talk.line.close();
});

Deno.test("it ends with what comes in", async () => {
  const { clock, states, incoming } = await open();
  incoming.end();
  await clock.pass(10);
  assert.deepEqual(states, ["connected", "closed"]);
});

Deno.test("a call that can't begin leaves nothing open", async () => {
  let open = 0;
  const codec: typeof PCM_CODEC = {
    ...PCM_CODEC,
    async createEncoder(options) {
      open++;
      return { ...await PCM_CODEC.createEncoder(options), [Symbol.dispose]: () => void open-- };
    },
  };
  const talk = new LineTalk();
  talk.line.over({ codec } as CallMedia);
  const ended = new AppError("GoneError", "Cannot signal: the call has ended");
  const session = {
    events: new CallEvents("rtc_1"),
    taps: new CallTaps(),
    signalling: { answer: () => Promise.reject(ended) },
  } as unknown as CallSession;
  const incoming = new Queue<string>({ capacity: 1, overflow: "drop_newest" });
  const options = { clock: new MovingClock(), incoming, signal: new AbortController().signal };
  await assert.rejects(talk.begin(session, {} as Principal, options), ended);
  assert.equal(open, 0);
});
