/**
 * The looks of a call: consent, limits and records, on a clock that the test moves.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { openFileBlobs } from "../../src/adapters/files/blobs.ts";
import { openLibsqlStore } from "../../src/adapters/libsql/store.ts";
import { LookRecords } from "../../src/core/calls/look_records.ts";
import { type LookOptions, Looks } from "../../src/core/calls/looks.ts";
import { RunEyes, withEyes } from "../../src/core/calls/run_eyes.ts";
import { readVideo } from "../../src/core/calls/video_offer.ts";
import { Files } from "../../src/core/files/files.ts";
import { Retention } from "../../src/core/system/retention.ts";
import type { AuditEntry } from "../../src/core/identity/audit.ts";
import type { Principal } from "../../src/domain/access.ts";
import type { LookSource, NewRtcEvent } from "../../src/domain/rtc_event.ts";
import type { RtcSessionRow } from "../../src/domain/table.ts";
import { createLog } from "../../src/kit/log.ts";
import type { Blobs } from "../../src/ports/blobs.ts";
import type { Model } from "../../src/ports/model.ts";
import type { Peer } from "../../src/ports/peers.ts";
import { FULL_ROWS, run } from "../contracts/sample_rows.ts";
import { MovingClock } from "../support/moving_clock.ts";
import { toPackets } from "../support/vp8.ts";

const { signal } = new AbortController();
const log = createLog({ level: "error", format: "text", write: () => {} });
/** All that is read of a key frame: its head, with the size. */
const KEYFRAME = new Uint8Array([0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00, 1, 2, 3]);
const SESSION: RtcSessionRow = {
  ...FULL_ROWS.rtc_sessions,
  room_id: null,
  state: "active",
  held: false,
  modalities: ["audio", "text", "camera", "screen"],
};
const CALLER: Principal = {
  tenant_id: SESSION.tenant_id,
  key_id: SESSION.key_id,
  ...SESSION.user_id !== null && { user_id: SESSION.user_id },
  access: "user",
  scopes: [],
  may_assert_user: false,
};

/** A call whose caller sends a camera as section 1 and a screen as section 2, as soon as somebody looks. */
async function openCall(options: Partial<LookOptions> & { keep?: boolean } = {}) {
  await using stack = new AsyncDisposableStack();
  const clock = new MovingClock();
  const store = stack.use(await openLibsqlStore({ path: ":memory:", log }));
  const dir = await Deno.makeTempDir({ prefix: "muxi-looks-" });
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  await store.commit({ writes: [{ insert: "runs", rows: [{ ...run("run_1"), conversation_id: "conv_7" }] }] });
  const files = new Files({ store, blobs: await openFileBlobs({ dir }), clock, max_bytes: 10_000 });
  const meanwhile: { held?(): void; stored?(): void } = {};
  const holding: Pick<Files, "hold"> = {
    async hold(...given) {
      const file = await files.hold(...given);
      meanwhile.held?.();
      return file;
    },
  };
  const commit = store.commit.bind(store);
  store.commit = async (change) => {
    await commit(change);
    if (change.writes?.some((write) => "insert" in write && write.insert === "rtc_looks")) meanwhile.stored?.();
  };
  const audited: AuditEntry[] = [];
  const { keep = false, ...given } = options;
  const records = new LookRecords({
    store,
    files: holding,
    audit: { record: (one) => void audited.push(one) },
    clock,
    keep,
  });
  const events: NewRtcEvent[] = [];
  const asked: string[] = [];
  const world = { row: SESSION, tracks: [{ mid: "1", kind: "video" }, { mid: "2", kind: "video" }], still: false };
  let sequence = 0;
  const peer = {
    get tracks() {
      return world.tracks;
    },
    requestKeyframe(mid: string) {
      asked.push(mid);
      if (world.still) return;
      const packets = toPackets([KEYFRAME], { mid, sequence: sequence++ }).flat();
      clock.after(10, () => packets.forEach((packet) => looks.take(packet)));
    },
  } as unknown as Peer;
  const looks: Looks = stack.use(
    new Looks({
      clock,
      principal: CALLER,
      options: { consent: "ask", ask_ms: 30_000, timeout_ms: 5000, max_per_minute: 12, ...given },
      records,
      row: () => world.row,
      peer: () => peer,
      emit: (event) => void events.push(event),
    }),
  );
  looks.begin();
  looks.name({ "0": "microphone", "1": "camera", "2": "screen" });
  const look = (source?: LookSource, id = "tool_1", run_id = "run_1") => {
    const asked = { run_id, agent_id: "guide", tool_call_id: id, reason: "To read it", ...source && { source } };
    return looks.look(asked, { signal });
  };
  const say = (source: LookSource, allow: boolean, until: "once" | "call" = "once") =>
    looks.say({ source, allow, until }, CALLER);
  const owned = stack.move();
  return {
    ...{ clock, store, looks, look, say, events, asked, audited, world, meanwhile },
    of: (type: NewRtcEvent["type"]) => events.filter((event) => event.type === type).map(({ data }) => data),
    rows: () => store.read({ from: "rtc_looks", order: [["id", "asc"]], limit: 100 }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Lets a moment pass, again and again, until `work` is done. */
async function after<T>(clock: MovingClock, work: Promise<T>, ms = 20): Promise<T> {
  let done = false;
  work.then(() => done = true, () => done = true);
  for (let turn = 0; turn < 50 && !done; turn++) await clock.pass(ms);
  return await work;
}

Deno.test("nobody looks before the person said yes, and once is once", async () => {
  await using call = await openCall();
  const { clock, look, say, of, asked } = call;
  const first = look("camera");
  await clock.pass(1000);
  assert.deepEqual(asked, [], "nothing is asked of the camera before");
  const [question] = of("look.asked");
  assert.deepEqual(question, {
    ...question,
    ...{ source: "camera", reason: "To read it", agent_id: "guide", run_id: "run_1" },
  });
  assert.throws(() => say("screen", true), { name: "ConflictError", message: /nobody asked to see the screen/ });
  say("camera", true);
  const { image, ...sight } = await after(clock, first);
  assert.deepEqual([sight.source, sight.width, sight.height, sight.file], ["camera", 320, 240, null]);
  assert.deepEqual(image.subarray(20, 33), KEYFRAME);
  assert.deepEqual(
    of("look.done"),
    [{ look_id: (question as { look_id: string }).look_id, source: "camera", file_id: null }],
  );
  const [row] = await call.rows();
  assert.deepEqual(row, {
    ...{ tenant_id: SESSION.tenant_id, key_id: SESSION.key_id, user_id: SESSION.user_id },
    ...{ id: row!.id, session_id: SESSION.id, run_id: "run_1", tool_call_id: "tool_1", source: "camera" },
    ...{ consent: "once", width: 320, height: 240, file_id: null, created_at: row!.created_at },
  });
  assert.deepEqual(call.audited.map(({ action, outcome }) => [action, outcome]), [["rtc_look", "allowed"]]);
  const second = look("camera");
  await clock.pass(0);
  assert.equal(of("look.asked").length, 2, "it is asked again");
  say("camera", false);
  await assert.rejects(second, { name: "ForbiddenError", message: "Cannot look at the camera: the person said no" });
  assert.equal(of("look.refused").length, 1);
  assert.deepEqual(call.audited.at(-1)!.outcome, "refused");
  assert.equal((await call.rows()).length, 1);
  assert.equal(clock.timers, 0);
});

Deno.test("a consent for the call holds for its source, until it is taken back", async () => {
  await using call = await openCall();
  const { clock, look, say, of } = call;
  const first = look("screen");
  await clock.pass(0);
  say("screen", true, "call");
  await after(clock, first);
  await after(clock, look("screen"));
  assert.equal(of("look.asked").length, 1);
  const other = look("camera");
  await clock.pass(0);
  assert.equal(of("look.asked").length, 2, "the camera is another thing");
  say("camera", false, "call");
  await assert.rejects(other, { name: "ForbiddenError" });
  await assert.rejects(look("camera"), { message: /said no for the rest of the call/ });
  assert.equal(of("look.asked").length, 2, "who said no for good isn't asked again");
  say("screen", false);
  const again = look("screen");
  await clock.pass(0);
  assert.equal(of("look.asked").length, 3);
  say("screen", true);
  await after(clock, again);
  assert.deepEqual((await call.rows()).map(({ consent }) => consent), ["call", "call", "once"]);
  assert.deepEqual(of("look.consent"), [
    { source: "screen", state: "call" },
    { source: "camera", state: "refused" },
    { source: "screen", state: "ask" },
  ]);
});

Deno.test("who doesn't answer has said no; what is said later is for nothing", async () => {
  await using call = await openCall({ ask_ms: 10_000 });
  const { clock, look, say, of, asked } = call;
  const refused = assert.rejects(look("camera"), {
    name: "ForbiddenError",
    message: "Cannot look at the camera: the person didn't answer in 10 s",
  });
  await clock.pass(9999);
  assert.equal(of("look.refused").length, 0);
  await clock.pass(1);
  await refused;
  assert.equal(of("look.refused").length, 1);
  assert.throws(() => say("camera", true), { name: "ConflictError" });
  assert.deepEqual([asked, clock.timers], [[], 0]);
});

Deno.test("who didn't answer isn't asked for the same again in that answer, but for something else, and in the next", async () => {
  await using call = await openCall({ ask_ms: 1000 });
  const { clock, look, say, of } = call;
  const vain = async (source: LookSource, run_id: string) => {
    const refused = assert.rejects(look(source, "tool_1", run_id), { message: /didn't answer in 1 s/ });
    await clock.pass(1000);
    await refused;
  };
  await vain("camera", "run_1");
  await assert.rejects(look("camera"), {
    name: "ForbiddenError",
    message: "Cannot look at the camera: the person was asked before and didn't answer, " +
      "and isn't asked again in this answer",
  });
  assert.equal(of("look.asked").length, 1);
  await vain("screen", "run_1");
  await vain("camera", "run_2");
  assert.equal(of("look.asked").length, 3);
  say("camera", true, "call");
  assert.equal(
    (await after(clock, look("camera", "tool_2", "run_2"))).source,
    "camera",
    "a leave that came later holds",
  );
  assert.equal(clock.timers, 0);
});

Deno.test("in a call whose client can't be asked the agent is told so at once, unless the caller is there beside it", async () => {
  await using call = await openCall();
  const { clock, look, looks, say, of, world } = call;
  world.row = { ...SESSION, dialect: "whip" };
  const nobody = {
    name: "ForbiddenError",
    message: "Cannot look at the camera: the person has to be asked, and this call's client (WHIP) can't be",
  };
  await assert.rejects(look("camera"), nobody);
  const somebody = looks.attend({ ...CALLER, key_id: "key_other" });
  await assert.rejects(look("camera"), nobody, "somebody else can't answer");
  const caller = looks.attend(CALLER);
  const going = look("camera");
  await clock.pass(0);
  say("camera", true);
  assert.equal((await after(clock, going)).source, "camera");
  caller[Symbol.dispose]();
  await assert.rejects(look("camera"), nobody);
  say("camera", true, "call");
  await after(clock, look("camera"));
  assert.equal(of("look.asked").length, 1);
  looks.name({ "0": "microphone", "1": "camera" });
  await assert.rejects(look("screen"), { message: "Cannot look at the screen: it is off" });
  somebody[Symbol.dispose]();
  assert.equal(clock.timers, 0);
});

Deno.test("a camera that the caller's client refuses or stops is none: nobody is asked, and nothing waited for", async () => {
  await using call = await openCall();
  const { clock, look, looks, say, of, world, asked } = call;
  const section = (mid: number, port: number, more = "a=sendonly") =>
    `m=video ${port} UDP/TLS/RTP/SAVPF 96\r\na=mid:${mid}\r\n${more}\r\na=rtpmap:96 VP8/90000\r\n`;
  const describe = (...sections: string[]) => looks.describe(`v=0\r\n${sections.join("")}`);
  describe(section(1, 9), section(2, 0, "a=bundle-only"));
  say("camera", true, "call");
  say("screen", true, "call");
  await after(clock, look("camera"));
  await after(clock, look("screen"));
  world.still = true;
  const going = assert.rejects(look("camera"), { name: "ConflictError", message: /what is shared has changed/ });
  await clock.pass(20);
  describe(section(1, 0), section(2, 9));
  await going;
  await assert.rejects(look("camera"), { message: "Cannot look at the camera: it is off" });
  say("camera", false);
  say("screen", false);
  describe(section(1, 0), section(2, 0));
  asked.length = 0;
  for (const source of ["camera", "screen"] as const) {
    await assert.rejects(look(source), {
      name: "ConflictError",
      message: `Cannot look at the ${source}: there is none, the caller's client has no video`,
    });
  }
  assert.deepEqual([of("look.asked"), asked, clock.timers], [[], [], 0]);
  describe(section(1, 0), section(2, 9));
  world.still = false;
  say("screen", true, "call");
  assert.equal((await after(clock, look("screen"))).source, "screen");
});

Deno.test("in a room a picture that is kept is the person's own: the conversation that all share has none", async () => {
  await using call = await openCall({ consent: "always", keep: true });
  const { clock, look, store, world, of } = call;
  world.row = { ...SESSION, room_id: "room_1" };
  assert.equal((await after(clock, look("camera"))).file, null, "nothing for the message");
  const [kept] = await store.read({ from: "files", limit: 10 });
  assert.deepEqual([kept!.key_id, kept!.user_id, kept!.conversation_id], [SESSION.key_id, SESSION.user_id, "conv_7"]);
  assert.deepEqual(of("look.done").map((data) => (data as { file_id: string }).file_id), [kept!.id]);
  assert.equal((await call.rows())[0]!.file_id, kept!.id);
});

Deno.test("a consent that is taken back stops the look that goes on, also where none was needed", async () => {
  await using call = await openCall({ consent: "always" });
  const { clock, look, say, world, of } = call;
  await after(clock, look("camera"));
  assert.deepEqual([of("look.asked"), (await call.rows())[0]!.consent], [[], "settings"]);
  const told = (["camera", "screen"] as const).map((source) => ({ source, state: "settings" }));
  assert.deepEqual(of("look.consent"), told);
  world.still = true;
  const going = assert.rejects(look("camera"), { message: /took the consent back/ });
  await clock.pass(100);
  say("camera", false);
  await going;
  const next = look("camera");
  await clock.pass(0);
  assert.equal(of("look.asked").length, 1, "from now on the person is asked");
  world.still = false;
  say("camera", true);
  await after(clock, next);
  assert.equal(clock.timers, 0);
});

Deno.test("a consent that is taken back before anybody looks by it lets nobody look", async () => {
  await using call = await openCall();
  const { clock, look, say, of, asked } = call;
  for (const until of ["once", "call"] as const) {
    const going = assert.rejects(look("camera"), { name: "ForbiddenError", message: /took the consent back/ });
    await clock.pass(0);
    // Both in one go, as two messages of one packet.
    say("camera", true, until);
    say("camera", false);
    await going;
  }
  assert.deepEqual(asked, [], "the camera was asked for no picture");
  assert.deepEqual([of("look.done"), (await call.rows()).length, clock.timers], [[], 0, 0]);
});

Deno.test("a picture whose consent is taken back while it is stored is not kept", async () => {
  for (const moment of ["held", "stored"] as const) {
    await using call = await openCall({ consent: "always", keep: true });
    const { clock, look, say, store, of, meanwhile } = call;
    meanwhile[moment] = () => say("camera", false);
    await assert.rejects(after(clock, look("camera")), { name: "ForbiddenError", message: /took the consent back/ });
    assert.deepEqual(await store.read({ from: "files", limit: 10 }), [], moment);
    assert.deepEqual([(await call.rows()).length, of("look.done")], [0, []]);
    assert.deepEqual(call.audited.map(({ outcome }) => outcome), ["refused"]);
  }
});

Deno.test("a consent is that of its connection: on another one the person is asked again", async () => {
  await using call = await openCall();
  const { clock, looks, look, say, of } = call;
  say("camera", true, "call");
  say("screen", false, "call");
  await after(clock, look("camera"));
  looks.replace();
  looks.name({ "1": "camera", "2": "screen" });
  assert.deepEqual(of("look.consent").at(-1), { source: "camera", state: "ask" });
  const again = look("camera");
  await clock.pass(0);
  assert.equal(of("look.asked").length, 1);
  say("camera", false);
  await assert.rejects(again, { name: "ForbiddenError" });
  await assert.rejects(look("screen"), { message: /said no for the rest of the call/ }, "a no holds");
});

Deno.test("a yes to one question is none to the next", async () => {
  await using call = await openCall({ ask_ms: 1000 });
  const { clock, looks, look, of } = call;
  const first = assert.rejects(look("camera"), { message: /didn't answer/ });
  await clock.pass(1000);
  await first;
  const second = look("camera", "tool_2", "run_2");
  await clock.pass(0);
  const [before, now] = of("look.asked").map((data) => (data as { look_id: string }).look_id);
  const yes = { source: "camera", allow: true, until: "once" } as const;
  assert.throws(() => looks.say({ ...yes, look_id: before }, CALLER), {
    name: "ConflictError",
    message: "Cannot take the consent: nobody waits for it any more",
  });
  looks.say({ ...yes, look_id: now }, CALLER);
  await after(clock, second);
});

Deno.test("only who is in the call gives its consent", async () => {
  await using call = await openCall();
  const { clock, looks, look, say } = call;
  const going = look("camera");
  await clock.pass(0);
  for (const other of [{ key_id: "key_other" }, { user_id: "somebody" }, { tenant_id: "another" }]) {
    const consent = { source: "camera", allow: true, until: "call" } as const;
    assert.throws(() => looks.say(consent, { ...CALLER, ...other }), { name: "ForbiddenError" });
  }
  say("camera", true);
  await after(clock, going);
});

Deno.test("for a guest who is no user, only the secret that began the call gives its consent", async () => {
  await using call = await openCall();
  const { clock, looks, look, world } = call;
  world.row = { ...SESSION, user_id: null, secret_id: "sec_1" };
  const { user_id: _, ...host } = CALLER;
  const by = (id: string) => ({ ...host, grant: { id, operations: [] } });
  const yes = { source: "camera", allow: true, until: "once" } as const;
  const going = look("camera");
  await clock.pass(0);
  for (const other of [host, by("sec_2")]) assert.throws(() => looks.say(yes, other), { name: "ForbiddenError" });
  looks.say(yes, by("sec_1"));
  await after(clock, going);
});

Deno.test("looks stand in line, and there are only so many a minute", async () => {
  await using call = await openCall({ max_per_minute: 3 });
  const { clock, look, say, of } = call;
  const both = [look("camera", "tool_1"), look("screen", "tool_2")];
  await clock.pass(0);
  assert.deepEqual(of("look.asked").length, 1, "one question at a time");
  say("camera", true, "call");
  await after(clock, both[0]!);
  await clock.pass(0);
  say("screen", true, "call");
  await after(clock, both[1]!);
  await after(clock, look("screen"));
  await assert.rejects(look("screen"), {
    name: "TooManyRequestsError",
    message: /^Cannot look more than 3 times a minute: look again in \d+ s$/,
  });
  await clock.pass(60_000);
  await after(clock, look("screen"));
});

Deno.test("nobody looks while the call is on hold, without the source, after the call, or where nobody may", async () => {
  await using call = await openCall({ consent: "always" });
  const { clock, look, looks, world, say } = call;
  world.row = { ...SESSION, held: true };
  await assert.rejects(look("camera"), { message: "Cannot look at the camera: the call is on hold" });
  world.row = { ...SESSION, modalities: ["audio", "camera"] };
  await assert.rejects(look("screen"), { message: "Cannot look at the screen: this call carries none" });
  world.row = SESSION;
  assert.equal((await after(clock, look())).source, "screen", "what is shared, the screen first");
  looks.name({ "1": "camera" });
  assert.equal((await after(clock, look())).source, "camera");
  await assert.rejects(look("screen"), { message: "Cannot look at the screen: it is off" });
  world.still = true;
  const late = assert.rejects(look("camera"), { name: "TimeoutError" });
  await clock.pass(5000);
  await late;
  looks.describe("v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=sendonly\r\na=rtpmap:96 H264/90000\r\n");
  world.tracks = [];
  await assert.rejects(look("camera"), {
    message: "Cannot look at the camera: the caller's video is in H264, wanted VP8",
  });
  looks[Symbol.dispose]();
  await assert.rejects(look("camera"), { name: "CancelledError", message: "Cannot look: the call has ended" });
  assert.equal(clock.timers, 0);
  await using never = await openCall({ consent: "never" });
  assert.equal(never.looks.possible, false);
  await assert.rejects(never.look("camera"), { name: "ForbiddenError", message: /the settings don't allow it/ });
  assert.throws(() => never.say("camera", true, "call"), { name: "ConflictError" });
  world.row = { ...SESSION, modalities: ["audio"] };
  assert.equal(looks.possible, false);
  say("camera", false);
});

Deno.test("what is off is asked for, since the person may share it before they say yes", async () => {
  await using call = await openCall();
  const { clock, look, looks, say, of } = call;
  looks.name({ "0": "microphone" });
  const going = look("screen");
  await clock.pass(0);
  assert.equal(of("look.asked").length, 1);
  looks.name({ "0": "microphone", "2": "screen" });
  say("screen", true);
  assert.equal((await after(clock, going)).source, "screen");
  looks.name({ "0": "microphone" });
  const vain = assert.rejects(look("screen"), { message: "Cannot look at the screen: it is off" });
  await clock.pass(0);
  say("screen", true);
  await vain;
});

Deno.test("a picture that is kept is a file of the run's conversation; an answer holds it while it goes on", async () => {
  await using call = await openCall({ consent: "always", keep: true });
  const { clock, looks, store, of } = call;
  const interrupted = new AbortController();
  const eyes = new RunEyes({ looks, agent_id: "guide", model: undefined, interrupted: interrupted.signal });
  const asked = { run_id: "run_1", tool_call_id: "tool_9", source: "camera", reason: "To see" } as const;
  const { file } = await after(clock, eyes.look(asked, { signal }));
  const [row] = await store.read({ from: "files", limit: 10 });
  assert.deepEqual(row, file);
  assert.deepEqual([row!.name, row!.media_type, row!.conversation_id], ["camera.webp", "image/webp", "conv_7"]);
  assert.deepEqual((await call.rows())[0]!.file_id, row!.id);
  assert.deepEqual(of("look.done").map((data) => (data as { file_id: string }).file_id), [row!.id]);
  assert.equal(eyes.sight("tool_9")!.image.length % 2, 0);
  assert.equal(eyes.sight("tool_1"), undefined);
  call.world.still = true;
  const vain = assert.rejects(eyes.look(asked, { signal }), /no more/);
  await clock.pass(10);
  interrupted.abort(new Error("no more"));
  await vain;
  await clock.pass(0);
  assert.equal(clock.timers, 0, "nobody is looked at for an answer that nobody wants");
});

Deno.test("an answer of a model that can't read the pictures sees nothing, so that nobody is asked in vain", async () => {
  await using call = await openCall();
  const whose = { looks: call.looks, agent_id: "guide" };
  const base = { interrupted: signal, over: signal, heard: (text: string) => Promise.resolve(text) };
  const reading = (pictures?: string[]) => ({ ...base, model: { pictures } as Model });
  assert.equal(withEyes(reading(["image/png", "image/jpeg"]), whose).eyes, undefined);
  for (const pictures of [undefined, ["image/webp"]]) assert.ok(withEyes(reading(pictures), whose).eyes);
  assert.ok(withEyes(base, whose).eyes);
});

Deno.test("an answer holds only so many pictures, and so many bytes of them", async () => {
  const sizes: Record<string, number> = {};
  const seen = { source: "camera", width: 1, height: 1, at: "now", file: null } as const;
  const looks: Pick<Looks, "look"> = {
    look: ({ tool_call_id }) => Promise.resolve({ ...seen, image: new Uint8Array(sizes[tool_call_id] ?? 1) }),
  };
  const eyes = new RunEyes({ looks, agent_id: "guide", model: undefined, interrupted: signal });
  const ids = Array.from({ length: 20 }, (_, n) => `tool_${n}`);
  for (const id of ids) await eyes.look({ run_id: "run_1", tool_call_id: id, reason: "To see" }, { signal });
  assert.deepEqual(ids.filter((id) => eyes.sight(id)), ids.slice(-8));
  for (const id of ["big", "bigger"]) {
    sizes[id] = 4 * 1024 * 1024;
    await eyes.look({ run_id: "run_1", tool_call_id: id, reason: "To see" }, { signal });
  }
  sizes.one = 2;
  await eyes.look({ run_id: "run_1", tool_call_id: "one", reason: "To see" }, { signal });
  assert.deepEqual([...ids, "big", "bigger", "one"].filter((id) => eyes.sight(id)), ["bigger", "one"]);
});

Deno.test("the record of looks goes with that of calls", async () => {
  await using call = await openCall({ consent: "always" });
  const { clock, look, store } = call;
  await after(clock, look("camera"));
  const none = Object.fromEntries(
    ["delta", "run", "conversation", "audit", "file", "user"].map((name) => [`${name}_days`, 0]),
  ) as Record<"delta_days" | "run_days" | "conversation_days" | "audit_days" | "file_days" | "user_days", number>;
  const limits = { max_runs: 0, max_audit_rows: 0, max_model_calls: 0, max_tool_calls: 0 };
  const options = {
    ...none,
    ...limits,
    ephemeral_hours: 0,
    idempotency_hours: 0,
    orphan_file_hours: 1,
    call_days: 36_500,
  };
  const blobs = { list: async function* () {} } as unknown as Blobs;
  const retention = new Retention({ store, blobs, runs: undefined as never, clock, log, options });
  const sweep = () => after(clock, retention.sweep(signal));
  assert.equal((await sweep()).looks, 0);
  retention.update({ ...options, call_days: 1 });
  assert.equal((await sweep()).looks, 1);
  assert.deepEqual(await call.rows(), []);
});

Deno.test("what video a caller offers is known by its codecs", () => {
  const section = (direction: string, ...codecs: string[]) =>
    `m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=${direction}\r\n${
      codecs.map((name, n) => `a=rtpmap:${96 + n} ${name}/90000\r\n`).join("")
    }`;
  const head = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n";
  const foreignIn = (sdp: string) => readVideo(sdp).foreign;
  assert.equal(foreignIn(head), undefined);
  assert.equal(foreignIn(head + section("sendrecv", "VP8", "rtx")), undefined);
  assert.equal(foreignIn(head + section("sendonly", "H264", "rtx", "VP9")), "H264, VP9");
  assert.equal(foreignIn(head + section("recvonly", "H264")), undefined);
  assert.equal(foreignIn(head + section("sendonly", "H264") + section("sendonly", "VP8")), undefined);
});
