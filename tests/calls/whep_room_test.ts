/**
 * A standard player watches a room: who may, who is told, and one stream of whoever speaks, until the room ends.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { openLibsqlStore } from "../../src/adapters/libsql/store.ts";
import { createLog } from "../../src/kit/log.ts";
import type { MediaPacket } from "../../src/ports/peers.ts";
import type { Store } from "../../src/ports/store.ts";
import { speechPackets } from "../support/caller.ts";
import { CallStory, good, speechSettings } from "../support/calls.ts";
import { hasProgram } from "../support/parts.ts";
import { startProvider } from "../support/provider.ts";
import { ADMIN_KEY, startServer, type TestServer } from "../support/server.ts";
import { speechEnv, writeGrammar } from "../support/speech.ts";
import { until } from "../support/story.ts";
import { makePeer, openPeers } from "../support/webrtc_peers.ts";
import { CAMERA, sampleOffer, type SampleSection, VOICE } from "../support/whip_offer.ts";
import { OTHER_KEY } from "../support/world.ts";

const OFFER = "application/sdp";
const EAR: SampleSection = { ...VOICE, direction: "recvonly" };
const EYE: SampleSection = { ...CAMERA, direction: "recvonly" };

// deno-lint-ignore no-explicit-any -- tests look into answers of every shape
type Json = any;

const start = (rtc: Record<string, unknown> = {}, ports: { store?: Store } = {}) =>
  startServer({ ports, settings: { auth: { api_keys: [`other:user:${OTHER_KEY}`] }, rtc } });

const makeRoom = async (server: TestServer, body: Record<string, unknown> = {}): Promise<string> =>
  (await good<Json>(await server.request("POST", "/rtc/rooms", { body: { name: "Morning", ...body } }))).id;

const join = async (server: TestServer, room_id: string, name: string, key?: string): Promise<Json> => {
  const as = key === undefined ? {} : { key };
  return await good(await server.request("POST", `/rtc/rooms/${room_id}/members`, { ...as, body: { name } }));
};

const makeSecret = (server: TestServer, body: Record<string, unknown>) =>
  server.request("POST", "/rtc/secrets", { body });

const secretOf = async (server: TestServer, body: Record<string, unknown>): Promise<string> =>
  (await good<Json>(await makeSecret(server, body))).secret;

function view(
  server: TestServer,
  room_id: string,
  { key, body = sampleOffer([EAR, EYE]) }: { key?: string | null; body?: string } = {},
): Promise<Response> {
  const as = key === undefined ? {} : { key };
  return server.request("POST", `/rtc/whep/${room_id}`, { ...as, body, headers: { "content-type": OFFER } });
}

/** Watches; the viewer's session. */
async function viewing(server: TestServer, room_id: string, options: Parameters<typeof view>[2] = {}): Promise<string> {
  const response = await view(server, room_id, options);
  assert.equal(response.status, 201, await response.text());
  return response.headers.get("location")!.split("/").at(-1)!;
}

async function refused(response: Response, status: number, words = /./): Promise<void> {
  const text = await response.text();
  assert.equal(response.status, status, text);
  assert.match(text, words);
}

const show = async (server: TestServer, id: string, key = ADMIN_KEY): Promise<Json> =>
  await good(await server.request("GET", `/rtc/sessions/${id}`, { key }));

/** Why a session ended, once it has. */
async function endOf(server: TestServer, id: string): Promise<string> {
  const { reason } = await until("the session ends", async () => {
    const shown = await show(server, id);
    return shown.state === "ended" ? shown : null;
  });
  return reason;
}

Deno.test("a room is watched by a key that sees it, or a secret for it, and by nobody else", async () => {
  await using server = await start();
  const [id, other] = [await makeRoom(server), await makeRoom(server)];
  const member = await join(server, id, "Ana");
  await refused(await view(server, id, { key: null }), 401);
  await refused(await view(server, id, { key: "sk_muxi_user_wrong_0123456789012345" }), 401);
  await refused(await view(server, id, { key: OTHER_KEY }), 404, /Cannot find room/);
  await refused(await view(server, "room_0000"), 404);
  await refused(await view(server, id, { body: sampleOffer([VOICE]) }), 422);
  const plain = await secretOf(server, {});
  await refused(await view(server, id, { key: plain }), 403);
  // Who is invited joins, and is seen.
  await refused(await view(server, id, { key: await secretOf(server, { room_id: id }) }), 403);
  const call = await good<Json>(await server.request("POST", "/rtc/sessions", { body: {} }));
  await refused(await view(server, id, { key: await secretOf(server, { watch: call.id }) }), 404);

  const own = await viewing(server, id);
  const { dialect, metadata, room_id, conversation_id } = await show(server, own);
  assert.deepEqual([dialect, metadata, room_id, conversation_id], ["whep", { watched_room_id: id }, null, null]);
  const { secret: _, ...plainly } = await good<Json>(
    await server.request("POST", `/rtc/rooms/${id}/viewers`, { body: { sdp: sampleOffer([EAR]) } }),
  );
  assert.deepEqual([plainly.type, typeof plainly.session_id], ["answer", "string"]);

  const key = await secretOf(server, { watch: id });
  const watching = await viewing(server, id, { key });
  assert.equal((await show(server, watching, key)).dialect, "whep");
  await refused(await view(server, other, { key }), 404);
  const asked = await Promise.all([
    server.request("GET", `/rtc/sessions/${own}`, { key }),
    server.request("GET", `/rtc/sessions/${member.session.id}`, { key }),
    server.request("POST", `/rtc/whep/${member.session.id}`, {
      key,
      body: sampleOffer([EAR]),
      headers: { "content-type": OFFER },
    }),
    server.request("POST", `/rtc/rooms/${id}/members`, { key, body: { name: "Eve" } }),
    server.request("GET", `/rtc/rooms/${id}`, { key }),
    server.request("POST", "/rtc/sessions", { key, body: {} }),
    server.request("POST", `/rtc/rooms/${id}/recording`, { key }),
  ]);
  assert.deepEqual(asked.map(({ status }) => status), [404, 404, 404, 403, 403, 403, 403]);
  for (const response of asked) await response.body?.cancel();
  const { members } = await good<Json>(await server.request("GET", `/rtc/rooms/${id}`));
  assert.deepEqual(members.map(({ name }: Json) => name), ["Ana"], "who watches is no member");
});

Deno.test("a secret for what has ended is refused, as is one that was made before", async () => {
  await using server = await start();
  const id = await makeRoom(server);
  const key = await secretOf(server, { watch: id });
  const call = await good<Json>(await server.request("POST", "/rtc/sessions", { body: {} }));
  assert.equal((await server.request("DELETE", `/rtc/rooms/${id}`)).status, 204);
  assert.equal((await server.request("DELETE", `/rtc/sessions/${call.id}`)).status, 204);
  await refused(await makeSecret(server, { room_id: id }), 410, /it has ended/);
  await refused(await makeSecret(server, { watch: id }), 410, /it has ended/);
  await refused(await makeSecret(server, { watch: call.id }), 410, /it has ended/);
  await refused(await makeSecret(server, { watch: "room_0000" }), 404);
  await refused(await makeSecret(server, { watch: "member_0000" }), 400);
  await refused(await view(server, id, { key }), 410, /it has ended/);
  await refused(await view(server, id), 410);
});

Deno.test("everybody in the room is told who watches, who joins later too; too many are refused; an admin ends it", async () => {
  const log = createLog({ level: "error", format: "json", write: () => {} });
  await using store = await openLibsqlStore({ path: ":memory:", log });
  await using server = await start({ max_viewers: 2 }, { store });
  const id = await makeRoom(server);
  const ana = await join(server, id, "Ana");
  await using anas = new CallStory(server, ana.session.id);
  const [one, two] = [await viewing(server, id), await viewing(server, id)];
  await refused(await view(server, id), 429, /Cannot watch room .*at most 2/);
  const ben = await join(server, id, "Ben");
  await using bens = new CallStory(server, ben.session.id);
  const there = [
    { viewer_id: one, present: true, viewers: 1 },
    { viewer_id: two, present: true, viewers: 2 },
  ];
  for (const story of [anas, bens]) {
    await story.until(({ type, data }) => type === "session.viewer" && data.viewer_id === two);
  }
  assert.deepEqual([anas.of("session.viewer"), bens.of("session.viewer")], [there, there]);
  assert.equal((await show(server, ben.session.id)).recording_id, null);

  assert.equal((await server.request("DELETE", `/rtc/sessions/${one}`, { key: OTHER_KEY })).status, 404);
  assert.equal((await server.request("DELETE", `/rtc/sessions/${one}`, { key: ADMIN_KEY })).status, 204);
  assert.equal((await show(server, one)).reason, "deleted");
  for (const story of [anas, bens]) {
    await story.until(({ type, data }) => type === "session.viewer" && !data.present);
    assert.deepEqual(story.of("session.viewer").at(-1), { viewer_id: one, present: false, viewers: 1 });
  }
  const three = await viewing(server, id);
  assert.equal((await server.request("DELETE", `/rtc/rooms/${id}`)).status, 204);
  await bens.state("ended");
  for (const viewer of [two, three]) {
    assert.equal(await endOf(server, viewer), "room_ended");
  }
  await server[Symbol.asyncDispose]();
  const audited = await store.read({
    from: "audit",
    where: { action: "rtc_viewer" },
    order: [["id", "asc"]],
    limit: 9,
  });
  assert.deepEqual(
    audited.map(({ details }) => details),
    [one, two, three].map((viewer_id) => ({
      room_id: id,
      viewer_id,
    })),
  );
});

/** Somebody in a room, with a microphone and a camera that are on. */
interface Person {
  /** What was sent that is by no means silence. */
  sent: Set<string>;
  session_id: string;
  /** How often the camera was asked for a whole picture. */
  asked(): number;
  /** Resolves when it was said. */
  say(sound: readonly Uint8Array[]): Promise<void>;
  send(message: Record<string, unknown>): void;
  /** What the person was told of a type. */
  told(type: string): Json[];
  until(holds: () => boolean): Promise<void>;
  video: string;
}

const FRAME_MS = 20;
/** Of silence there is so little to say that one's is as another's. */
const isLoud = (payload: Uint8Array) => payload.length > 30;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A packet of a VP8 picture with a number of 15 bits; the last byte says whose it is. */
function picture(number: number, { key, own }: { key: boolean; own: number }): Uint8Array {
  return new Uint8Array([0x90, 0xe0, 0x80 | number >> 8 & 0x7f, number & 0xff, number & 0xff, 0, key ? 0 : 1, 7, own]);
}

async function enter(
  stack: AsyncDisposableStack,
  { server, room_id, name, silence }: { server: TestServer; room_id: string; name: string; silence: Uint8Array },
): Promise<Person> {
  const { session: { id: session_id } } = await join(server, room_id, name);
  const peers = stack.use(await openPeers({ lite: false, tcp: false, ipv6: false }));
  const { peer, heard } = makePeer(peers, { video: "sendonly", onMedia: () => void (heard.media.length = 0) });
  peer.openChannel("muxi");
  const offer = await server.request("POST", "/rtc/offer", { body: { sdp: await peer.offer(), session_id } });
  await peer.accept((await good<Json>(offer)).sdp);
  await heard.until(() => heard.messages.length > 0);
  const own = name.charCodeAt(0);
  const sent = new Set<string>();
  const queue: Uint8Array[] = [];
  const began = performance.now();
  let [count, keyframes] = [0, -1];
  const timer = setInterval(() => {
    for (; began + count * FRAME_MS <= performance.now(); count++) {
      const payload = queue.shift();
      if (payload && isLoud(payload)) sent.add(payload.toBase64());
      peer.sendAudio({ kind: "audio", payload: payload ?? silence, timestamp: count * 960, marker: false });
      if (count % 2 === 1) continue;
      const key = heard.keyframes > keyframes;
      keyframes = heard.keyframes;
      // Each begins with numbers of its own.
      const shown = picture(own * 200 + count / 2, { key, own });
      peer.sendVideo({ kind: "video", payload: shown, timestamp: count * 1800, marker: true });
    }
  }, 5);
  stack.defer(() => clearInterval(timer));
  return {
    sent,
    session_id,
    video: peer.outlets.find(({ kind }) => kind === "video")!.mid,
    asked: () => heard.keyframes,
    async say(sound) {
      queue.push(...sound);
      while (queue.length > 0) await pause(FRAME_MS);
    },
    send: (message) => void heard.channels.get("muxi")!.send(JSON.stringify(message)),
    told: (type) => heard.messages.map((text) => JSON.parse(text)).filter((event) => event.type === type),
    until: (holds) => heard.until(holds),
  };
}

/** Numbers that count on from one to the next, however often they begin again. */
function steps(packets: readonly MediaPacket[], of: (packet: MediaPacket) => number, bits: number): number[] {
  return packets.slice(1).map((packet, n) => {
    const step = of(packet) - of(packets[n]!);
    return ((step % 2 ** bits) + 2 ** bits) % 2 ** bits;
  });
}

const SPEAKS = ["espeak-ng", "pocketsphinx_continuous", "ffmpeg"].every((program) => hasProgram(program));

Deno.test({
  name: "two people and an agent speak in turn, and a viewer gets one stream of each in turn, until the room ends",
  ignore: !SPEAKS,
  async fn() {
    await using stack = new AsyncDisposableStack();
    const [first, second] = ["what is the weather in london today", "please open the garden door"];
    const grammar = stack.use(await writeGrammar());
    const provider = stack.use(await startProvider({ script: [{ tokens: ["Your order", " is ready."] }] }));
    const server = stack.use(
      await startServer({
        provider: provider.url,
        settings: { ...speechSettings(grammar.path), rtc: { voice: { echo_guard: false } } },
        variables: speechEnv(),
      }),
    );
    await good(await server.request("POST", "/agents", { key: ADMIN_KEY, body: { id: "speaker", name: "Nova" } }));
    const room_id = await makeRoom(server, { agents: [{ agent_id: "speaker" }] });
    const { sound: asked, silence } = await speechPackets(first!);
    const { sound: wished } = await speechPackets(second!);
    const ana = await enter(stack, { server, room_id, name: "Ana", silence });
    const ben = await enter(stack, { server, room_id, name: "Ben", silence });

    const peers = stack.use(await openPeers({ lite: false, tcp: false, ipv6: false, stale_audio_ms: 60_000 }));
    const { peer, heard } = makePeer(peers, { audio: "recvonly", video: "recvonly" });
    const key = await secretOf(server, { watch: room_id });
    const response = await view(server, room_id, { key, body: await peer.offer() });
    assert.equal(response.status, 201);
    const viewer = response.headers.get("location")!.split("/").at(-1)!;
    await peer.accept(await response.text());
    for (const person of [ana, ben]) {
      await person.until(() => person.told("session.viewer").length > 0);
      assert.deepEqual(person.told("session.viewer")[0].data, { viewer_id: viewer, present: true, viewers: 1 });
    }
    const of = (kind: string) => heard.media.filter((packet) => packet.kind === kind);
    const soundOf = (person: Person) => of("audio").filter(({ payload }) => person.sent.has(payload.toBase64()));
    const shownNow = () => String.fromCharCode(of("video").at(-1)?.payload.at(-1) ?? 0);
    const agents = () =>
      of("audio").filter(({ payload }) => {
        const text = payload.toBase64();
        return isLoud(payload) && !ana.sent.has(text) && !ben.sent.has(text);
      });

    await ana.say(asked);
    await heard.until(() => soundOf(ana).length > asked.filter(isLoud).length / 2 && shownNow() === "A");
    await ben.say(wished);
    await heard.until(() => soundOf(ben).length > wished.filter(isLoud).length / 2 && shownNow() === "B");
    const before = soundOf(ana).length;
    ana.send({ type: "text", text: "Nova, is his order ready?" });
    await heard.until(() => agents().length > 25);
    await ana.until(() => ana.told("agent.done").length > 0);
    // The picture of who spoke last stays, and who is muted isn't heard.
    assert.equal(shownNow(), "B");
    ana.send({ type: "mute", who: "caller" });
    await ana.until(() => ana.told("room.speaker").at(-1)?.data.member_id === null);
    await ana.say(asked);
    assert.equal(soundOf(ana).length, before);
    ana.send({ type: "unmute", who: "caller" });
    // A screen goes before who speaks.
    ben.send({ type: "tracks", tracks: { [ben.video]: "camera" } });
    ana.send({ type: "tracks", tracks: { [ana.video]: "screen" } });
    await heard.until(() => shownNow() === "A");

    // One stream: numbers and times go on, whoever it was.
    const [sounds, pictures] = [of("audio"), of("video")];
    for (const [packets, most] of [[sounds, 20], [pictures, 20]] as const) {
      assert.ok(packets.length > 100);
      const counted = steps(packets, ({ sequence }) => sequence, 16);
      assert.deepEqual(counted.filter((step) => step === 0 || step > most), [], "no break, and nothing twice");
      const times = steps(packets, ({ timestamp }) => timestamp, 32);
      assert.deepEqual(times.filter((step) => step === 0 || step > 30 * 90_000), [], "time goes on");
    }
    const whose = pictures.map(({ payload }) => payload.at(-1)!);
    const changes = pictures.filter((_, n) => n === 0 || whose[n] !== whose[n - 1]);
    assert.ok(changes.length >= 3 && changes.length <= 6, `${changes.length} changes`);
    for (const { payload } of changes) assert.equal(payload[6]! & 1, 0, "each begins with a key frame");
    const numbered = steps(pictures, ({ payload }) => (payload[2]! & 0x7f) << 8 | payload[3]!, 15);
    assert.deepEqual(numbered.filter((step) => step === 0 || step > 20), [], "pictures are counted on");
    assert.ok(ana.asked() > 0 && ben.asked() > 0);

    assert.equal((await server.request("DELETE", `/rtc/rooms/${room_id}`)).status, 204);
    assert.equal(await endOf(server, viewer), "room_ended");
    const got = heard.media.length;
    await pause(300);
    assert.equal(heard.media.length, got, "nothing comes of a room that has ended");
    await refused(await view(server, room_id, { key }), 410);
  },
});
