/**
 * Callers and strangers who mean no good: the server takes no harm, and neither do others who are in a call.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { Buffer } from "node:buffer";
import dgram from "node:dgram";
import { operations } from "../../src/operations/mod.ts";
import { type Caller, openCaller } from "../support/caller.ts";
import { type CallServer, startCallServer } from "../support/call_server.ts";
import { good } from "../support/calls.ts";
import { pickSeed, Random } from "../support/random.ts";
import { openRawCaller, type RawCaller } from "../support/raw_caller.ts";
import { SAMPLES, toRequest } from "../support/samples.ts";
import { ADMIN_KEY } from "../support/server.ts";
import { until } from "../support/story.ts";
import { dtlsRecord, sctpPacket, sendRaw, sendSctp } from "../support/werift_pair.ts";
import { OTHER_KEY, type Things } from "../support/world.ts";

const SETTINGS = { rtc: { connect_timeout_seconds: 8, reattach_seconds: 5, max_calls_per_key: 50 } };
const seed = pickSeed();

function bytes(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.whole(0, 255));
}

/** Somebody else in a call, whose sound must go on: `gaps` are packets of the agent that never came. */
async function bystander(server: CallServer): Promise<{ caller: Caller; packets(): number; gaps(): number }> {
  const sequences = new Set<number>();
  let first: number | undefined;
  let last = 0;
  const caller = await openCaller(server, {
    onMedia({ sequence }) {
      first ??= sequence;
      last = Math.max(last, (sequence - first) & 0xffff);
      sequences.add(sequence);
    },
  });
  return { caller, packets: () => sequences.size, gaps: () => last + 1 - sequences.size };
}

/** Whether somebody in a call is answered as if nothing had happened. */
async function answers(caller: Caller): Promise<void> {
  const from = caller.heard.messages.length;
  caller.send({ type: "text", text: "Are you there?" });
  await caller.told("transcript.final", from);
  await caller.told("agent.done", from);
}

/** Datagrams as strangers would send them: nonsense, and what begins like something. */
function strangers(random: Random, ufrag: string): Uint8Array[] {
  const stun = (kind: number, attributes: Uint8Array, length = attributes.length) =>
    Uint8Array.of(
      kind >> 8,
      kind & 255,
      length >> 8,
      length & 255,
      0x21,
      0x12,
      0xa4,
      0x42,
      ...bytes(random, 12),
      ...attributes,
    );
  const name = new TextEncoder().encode(`${ufrag}:abcd`);
  const username = Uint8Array.of(0, 6, 0, name.length, ...name, ...new Uint8Array(-name.length & 3));
  const make = [
    () => bytes(random, random.whole(0, 1500)),
    () => stun(1, bytes(random, random.whole(0, 64))),
    () => stun(1, username, random.pick([0, 4, 0xffff, username.length])),
    () => stun(1, Uint8Array.of(...username, 0, 8, 0, 20, ...bytes(random, 20))),
    () => stun(random.pick([0x101, 0x111, 0x11, 0x3fff]), username),
    () => stun(1, Uint8Array.of(0, 6, 0xff, 0xff)),
    () =>
      dtlsRecord(random.pick([20, 21, 22, 23, 24, 30]), {
        epoch: random.whole(0, 2),
        sequence: random.whole(0, 10),
        body: [...bytes(random, random.whole(0, 200))],
      }),
    () =>
      Uint8Array.of(
        random.pick([0x80, 0x90, 0xbf]),
        random.pick([96, 111, 200, 201, 206]),
        ...bytes(random, random.whole(0, 60)),
      ),
  ];
  return Array.from({ length: 1500 }, (_, i) => make[i % make.length]!());
}

Deno.test(`strangers who send garbage to the port disturb nobody (TEST_SEED=${seed})`, async () => {
  const random = new Random(seed);
  await using server = await startCallServer({ settings: SETTINGS });
  const { caller, packets, gaps } = await bystander(server);
  await using _ = caller;
  const before = await server.held();
  const socket = dgram.createSocket("udp4");
  let answered = 0;
  socket.on("message", () => answered++);
  const { ufrag } = caller.peer.ice.remote!;
  for (const datagram of strangers(random, ufrag)) {
    await new Promise<void>((resolve) =>
      socket.send(Buffer.from(datagram), server.media_port, "127.0.0.1", () => resolve())
    );
  }
  await new Promise<void>((resolve) => socket.close(resolve));
  for (let n = 0; n < 60; n++) {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: server.media_port });
    await connection.write(bytes(random, random.whole(0, 3000))).catch(() => {});
    if (n % 3 > 0) connection.close();
    else {
      // The server ends it.
      while (await connection.read(new Uint8Array(100)).catch(() => null));
      connection.close();
    }
  }
  await answers(caller);
  assert.equal(answered, 0);
  assert.ok(packets() > 20);
  assert.equal(gaps(), 0);
  const after = await server.held();
  assert.ok(after.counts.forged > before.counts.forged && after.counts.unknown > before.counts.unknown);
  assert.deepEqual([after.peers, after.remotes, after.expected], [before.peers, before.remotes, before.expected]);
  assert.ok(after.descriptors <= before.descriptors + 1, JSON.stringify({ before, after }));
  await caller[Symbol.asyncDispose]();
  assert.equal(await server.stop(), 0);
  assert.equal(server.log(), "");
});

/** What a caller who is in a call sends through it, in many ways. */
const ATTACKS: Record<string, (random: Random, caller: RawCaller) => Promise<void>> = {
  async "RTP that is none"(random, caller) {
    const make = () => {
      const first = random.pick([0x80, 0x90, 0xb0, 0xbf, 0xa0]);
      const head = Uint8Array.of(first, random.pick([96, 111, 0, 127, 224]), ...bytes(random, 10));
      const extension = Uint8Array.of(random.pick([0xbe, 0x10]), random.pick([0xde, 0]), 0, random.whole(0, 4));
      return Uint8Array.of(...head, ...first & 0x10 ? extension : [], ...bytes(random, random.whole(20, 300)));
    };
    for (let n = 0; n < 500; n++) await caller.sendMedia("rtp", make()).catch(() => {});
  },
  async "sound that is none"(random, caller) {
    for (let n = 0; n < 500; n++) {
      const sequence = random.chance(0.8) ? n : random.whole(0, 65_535);
      const time = random.chance(0.8) ? n * 960 : random.whole(0, 2 ** 32 - 1);
      const head = new Uint8Array(12);
      const view = new DataView(head.buffer);
      head.set([0x80, 96]);
      view.setUint16(2, sequence);
      view.setUint32(4, time);
      view.setUint32(8, 7);
      const body = bytes(random, random.pick([0, 1, 2, 3, 60, 1200]));
      await caller.sendMedia("rtp", Uint8Array.of(...head, ...body)).catch(() => {});
    }
  },
  async "RTCP that is none"(random, caller) {
    for (let n = 0; n < 500; n++) {
      const kind = random.whole(199, 207);
      const length = random.pick([0, 1, 6, 7, 0xffff]);
      const head = Uint8Array.of(0x80 | random.whole(0, 31), kind, length >> 8, length & 255);
      await caller.sendMedia("rtcp", Uint8Array.of(...head, ...bytes(random, 4 * random.whole(1, 12)))).catch(() => {});
    }
  },
  async "SCTP that is none"(random, caller) {
    for (let n = 0; n < 800; n++) {
      const body = bytes(random, random.whole(0, 40));
      const length = random.pick([0, 3, 4, 4 + body.length, 4 + body.length, 0xffff]);
      const kind = random.pick([0, 1, 2, 3, 4, 5, 9, 10, 11, 130, 192, 200]);
      const chunk = [kind, random.whole(0, 3), length >> 8, length & 255, ...body];
      await sendSctp(caller.inner, sctpPacket(caller.inner, chunk, { soundChecksum: random.chance(0.9) }));
    }
    for (let n = 0; n < 50; n++) await sendSctp(caller.inner, bytes(random, random.whole(0, 100)));
  },
  async "DTLS that is none"(random, caller) {
    for (let n = 0; n < 500; n++) {
      const type = random.pick([20, 21, 22, 23, 24, 25, 63]);
      const body = [...bytes(random, random.whole(0, 120))];
      await sendRaw(
        caller.inner,
        dtlsRecord(type, { epoch: random.whole(0, 1), sequence: random.whole(0, 1e6), body }),
      );
    }
  },
  async "words that are none"(random, caller) {
    const texts = [
      "",
      "null",
      "[]",
      "{",
      '{"type":"text"}',
      '{"type":"nothing"}',
      '{"type":"text","text":"hi","__proto__":{"a":1}}',
      '{"type":"approval","run_id":"run_1","tool_call_id":"x","decision":"approve"}',
      '{"type":"offer","sdp":"v=0"}',
      '{"type":"answer","sdp":"v=0"}',
      '{"type":"candidate","candidate":{"candidate":"candidate:x"}}',
      `{"type":"voice","speed":1e9}`,
      "[".repeat(20_000),
      "\0".repeat(100),
    ];
    for (let n = 0; n < 300; n++) caller.say(random.pick(texts));
    const { sctp } = caller.inner.sctp as unknown as {
      sctp: { send(stream: number, protocol: number, data: Uint8Array): Promise<void> };
    };
    for (let n = 0; n < 100; n++) {
      await sctp.send(
        random.whole(0, 200),
        random.pick([50, 51, 53, 56, 57, 99]),
        Buffer.from(bytes(random, random.whole(1, 60))),
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  },
  async "channels without end"(_, caller) {
    for (let n = 0; n < 200; n++) caller.inner.pc.createDataChannel(`${n}`.repeat(20));
    await new Promise((resolve) => setTimeout(resolve, 300));
  },
};

Deno.test(`callers who send garbage through their call disturb nobody else (TEST_SEED=${seed})`, async () => {
  const random = new Random(seed);
  await using server = await startCallServer({ settings: SETTINGS });
  const { caller, packets, gaps } = await bystander(server);
  await using _ = caller;
  for (const [name, attack] of Object.entries(ATTACKS)) {
    await using hostile = await openRawCaller(server);
    await hostile.until(() => hostile.heard.length > 0);
    const before = packets();
    await attack(random, hostile);
    await answers(caller);
    assert.ok(packets() > before, name);
    assert.equal(gaps(), 0, name);
  }
  const live = async () => {
    const response = await server.request("GET", "/rtc/sessions?state=active&limit=100", { key: ADMIN_KEY });
    return (await good<{ data: unknown[] }>(response)).data.length;
  };
  await until("one call is left", async () => await live() <= 1, { every_ms: 100 });
  await until("no other connection is left", async () => (await server.held()).peers === 1, { every_ms: 100 });
  await caller[Symbol.asyncDispose]();
  assert.equal(await server.stop(), 0, server.log());
  assert.doesNotMatch(server.log(), /"level":"error"|Uncaught/);
});

/** Ways to break a description. */
const BREAKS: readonly ((lines: string[], random: Random) => string[])[] = [
  (lines, random) => lines.toSpliced(random.whole(0, lines.length - 1), random.whole(1, 3)),
  (lines, random) => lines.with(random.whole(0, lines.length - 1), random.pick(lines).slice(0, random.whole(0, 12))),
  (lines, random) => {
    const at = random.whole(0, lines.length - 1);
    return lines.with(at, lines[at]!.replace(/\d+/, `${random.pick([0, -1, 65_536, 99_999_999_999, NaN])}`));
  },
  (lines, random) => lines.toSpliced(random.whole(0, lines.length - 1), 0, random.pick(lines), random.pick(lines)),
  (lines, random) => {
    const at = random.whole(0, lines.length - 1);
    const word = random.pick(["__proto__", "constructor", "video", "\0", "x".repeat(5000), "é"]);
    return lines.with(at, lines[at]!.replace(/[a-z]+/, word));
  },
  (lines, random) => lines.slice(0, random.whole(0, lines.length - 1)),
  (lines) => [...lines, ...Array.from({ length: 3000 }, (_, i) => `a=candidate:${i} 1 udp 1 192.0.2.1 9 typ host`)],
  (lines) => [...lines, ...Array.from({ length: 500 }, () => "m=audio 9 UDP/TLS/RTP/SAVPF 96")],
];

Deno.test(`two hundred broken descriptions are answered or refused (TEST_SEED=${seed})`, async () => {
  const random = new Random(seed);
  await using server = await startCallServer({ settings: SETTINGS });
  const { caller, gaps } = await bystander(server);
  await using _ = caller;
  const before = await server.held();
  const lines = (await caller.peer.offer()).split("\r\n");
  const seen = new Map<number, number>();
  const ids: string[] = [];
  for (let n = 0; n < 200; n++) {
    const sdp = BREAKS[n % BREAKS.length]!(lines, random).join("\r\n");
    const whip = n % 5 === 0;
    const response = whip
      ? await fetch(`${server.url}/api/v1/rtc/whip/assistant`, {
        method: "POST",
        headers: { authorization: `Bearer ${ADMIN_KEY}`, "content-type": "application/sdp" },
        body: sdp,
      })
      : await server.request("POST", "/rtc/offer", { body: { sdp } });
    const text = await response.text();
    seen.set(response.status, (seen.get(response.status) ?? 0) + 1);
    assert.ok([200, 201, 400, 413, 422].includes(response.status), `${response.status} ${text}\n${sdp.slice(0, 3000)}`);
    if (response.status === 200) ids.push(JSON.parse(text).session_id);
    if (response.status === 201) ids.push(response.headers.get("location")!.split("/").at(-1)!);
    if (ids.length >= 20) await Promise.all(ids.splice(0).map((id) => end(server, id)));
  }
  await Promise.all(ids.map((id) => end(server, id)));
  assert.ok(seen.get(200)! > 40 && seen.get(400)! > 20, JSON.stringify([...seen]));
  await answers(caller);
  assert.equal(gaps(), 0);
  const after = await server.held();
  assert.deepEqual([after.peers, after.names], [before.peers, before.names]);
  await caller[Symbol.asyncDispose]();
  assert.equal(await server.stop(), 0, server.log());
  assert.doesNotMatch(server.log(), /"level":"error"|Uncaught/);
});

async function end(server: CallServer, id: string): Promise<void> {
  await good(await server.request("DELETE", `/rtc/sessions/${id}`, { key: ADMIN_KEY }));
}

Deno.test("no operation reaches the call of another key", async () => {
  const auth = { api_keys: [`other:user:${OTHER_KEY}`] };
  await using server = await startCallServer({ settings: { ...SETTINGS, auth } });
  await using caller = await openCaller(server);
  const before = await good(await server.request("GET", `/rtc/sessions/${caller.id}`));
  // Ids that look sound, and are nobody's.
  const nothing = (name: string) => {
    const noun = /([a-z]+)_id$/.exec(name)?.[1] ?? "thing";
    return `${{ conversation: "conv", call: "tool", session: "rtc" }[noun] ?? noun}_01aaaaaaaaaaaaaaaaaaaaaaaa`;
  };
  const things = new Proxy({ session_id: caller.id } as unknown as Things, {
    get: (target, name: keyof Things) => target[name] ?? nothing(name),
  });
  const asked: string[] = [];
  for (const op of operations.values()) {
    if (!("session_id" in op.input.shape) || !op.id.startsWith("rtc_")) continue;
    assert.ok(SAMPLES[op.id], `${op.id} has no sample`);
    const { input } = SAMPLES[op.id]!(things) as unknown as { input: Record<string, unknown> };
    const { user_id: _, ...own } = { ...input, session_id: caller.id } as Record<string, unknown>;
    const { method, path, headers, body } = toRequest(op, own);
    const response = await fetch(`${server.url}${path}`, {
      method,
      headers: {
        ...headers,
        authorization: `Bearer ${OTHER_KEY}`,
        ...op.kind === "duplex" && { connection: "upgrade", upgrade: "websocket" },
      },
      ...body !== undefined && { body },
    });
    const text = await response.text();
    asked.push(op.id);
    if (op.id === "rtc_recording_list") {
      assert.deepEqual(JSON.parse(text).data, []);
      continue;
    }
    const hidden = response.status === 404 || (op.kind === "duplex" && response.status === 400);
    assert.ok(hidden, `${op.id}: ${response.status} ${text}`);
  }
  assert.ok(asked.length >= 10, `${asked}`);
  assert.deepEqual(await good(await server.request("GET", `/rtc/sessions/${caller.id}`)), before);
  await answers(caller);
});
