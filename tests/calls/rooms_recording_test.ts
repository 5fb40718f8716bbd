/**
 * A room is recorded: a track for everybody's voice and picture and one for the agent, who comes late and who leaves.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { aloud, good, pipe, speechSettings, understood } from "../support/calls.ts";
import { readError } from "../support/errors.ts";
import { hasProgram } from "../support/parts.ts";
import { probe } from "../support/probe.ts";
import { startProvider } from "../support/provider.ts";
import { joinRoom, openRoomSite, type RoomPage } from "../support/room_page.ts";
import { ADMIN_KEY, startServer, type TestServer } from "../support/server.ts";
import { speechEnv, writeGrammar } from "../support/speech.ts";
import { until } from "../support/story.ts";
import { OTHER_KEY } from "../support/world.ts";

declare const room: RoomPage;

interface Shown {
  id: string;
  state: string;
  reason: string | null;
  session_id: string | null;
  room_id: string | null;
  tracks: { kind: string; name: string }[];
}

const TONES = { Ana: 400, Ben: 900, Cleo: 1700 };
const RATE = 16_000;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** The newest recording of a room, once its file is made. */
async function finished(server: TestServer, room_id: string): Promise<Shown> {
  let shown: Shown | undefined;
  return await until(() => `the file of ${JSON.stringify(shown)}`, async () => {
    const path = `/rtc/recordings?room_id=${room_id}`;
    [shown] = (await good<{ data: Shown[] }>(await server.request("GET", path))).data;
    return ["ready", "failed"].includes(shown!.state) && shown;
  }, { every_ms: 50 });
}

/** Whether `tone` sounds, for each second of stream `index`. */
async function sounds(path: string, { index, tone }: { index: number; tone: number }): Promise<boolean[]> {
  const args = ["-v", "error", "-i", path, "-map", `0:${index}`, "-ar", `${RATE}`, "-ac", "1", "-f", "s16le", "pipe:1"];
  const bytes = await pipe(["ffmpeg", ...args], new Uint8Array());
  const samples = new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1);
  return Array.from({ length: Math.floor(samples.length / RATE) }, (_, second) => {
    let [sine, cosine] = [0, 0];
    for (let n = 0; n < RATE; n++) {
      const sample = samples[second * RATE + n]! / 32_768;
      sine += sample * Math.sin(2 * Math.PI * tone * n / RATE);
      cosine += sample * Math.cos(2 * Math.PI * tone * n / RATE);
    }
    return Math.hypot(sine, cosine) * 2 / RATE > 0.05;
  });
}

aloud("a room is recorded: a track for each, also for who comes late; each is told, and only a key may", async () => {
  if (!hasProgram("ffprobe")) return;
  await using stack = new AsyncDisposableStack();
  const grammar = stack.use(await writeGrammar());
  const provider = stack.use(await startProvider({ script: [{ tokens: ["Your order", " is ready."] }] }));
  const server = stack.use(
    await startServer({
      provider: provider.url,
      // The tones by which people are told apart here are no speech.
      settings: {
        speech: { ...speechSettings(grammar.path).speech as object, stt: { engine: "none" } },
        auth: { api_keys: [`other:user:${OTHER_KEY}`] },
      },
      variables: speechEnv(),
    }),
  );
  await good(await server.request("POST", "/agents", { key: ADMIN_KEY, body: { id: "speaker", name: "Nova" } }));
  const { id: room_id } = await good<{ id: string }>(
    await server.request("POST", "/rtc/rooms", { body: { name: "Morning", agents: [{ agent_id: "speaker" }] } }),
  );
  const path = `/rtc/rooms/${room_id}/recording`;
  const { secret } = await good<{ secret: string }>(
    await server.request("POST", "/rtc/secrets", { body: { room_id } }),
  );
  const site = stack.use(await openRoomSite());
  const place = { server, site, room_id, stack };
  const ana = await joinRoom(place, { name: "Ana", tone: TONES.Ana });
  const ben = await joinRoom({ ...place, key: secret }, { name: "Ben", tone: TONES.Ben });

  for (const [key, error] of [[secret, "ForbiddenError"], [OTHER_KEY, "NotFoundError"]] as const) {
    for (const method of ["POST", "DELETE"]) {
      const refused = await server.request(method, path, { key });
      assert.equal(readError(refused.status, await refused.text()).error, error, method);
    }
  }
  // The others would be in it, and not be told.
  assert.equal((await server.request("POST", `/rtc/sessions/${ana.session_id}/recording`)).status, 409);
  const begun = await good<Shown>(await server.request("POST", path));
  assert.deepEqual([begun.state, begun.session_id, begun.room_id], ["recording", null, room_id]);
  assert.equal((await server.request("POST", path)).status, 409);
  const recordedIn = async ({ session_id }: { session_id: string }) =>
    (await good(await server.request("GET", `/rtc/sessions/${session_id}`))).recording_id;
  for (const { story } of [ana, ben]) await story.until(({ type }) => type === "recording.started");
  assert.deepEqual([await recordedIn(ana), await recordedIn(ben)], [begun.id, begun.id]);
  await pause(3000);
  const cleo = await joinRoom(place, { name: "Cleo", tone: TONES.Cleo, colour: "green" });
  const { data } = await cleo.story.until(({ type }) => type === "recording.started");
  assert.equal(data.recording_id, begun.id);
  await good(await server.request("DELETE", `/rtc/sessions/${ben.session_id}`));
  assert.equal(await recordedIn(ben), null);
  await ana.page.evaluate(() => room.say({ type: "text", text: "Nova, is his order ready?" }));
  await ana.story.until(({ type, data }) => type === "agent.done" && data.run_id !== null);
  await ana.page.evaluate(() => room.say({ type: "mute", who: "caller" }));
  await pause(3500);
  assert.equal((await good<Shown>(await server.request("DELETE", path))).reason, "stopped");
  for (const { story } of [ana, cleo]) {
    const stopped = await story.until(({ type }) => type === "recording.stopped");
    assert.deepEqual(stopped.data, { recording_id: begun.id, reason: "stopped" });
  }
  assert.deepEqual([await recordedIn(ana), await recordedIn(cleo)], [null, null]);

  const shown = await finished(server, room_id);
  assert.equal(shown.state, "ready");
  assert.deepEqual(
    shown.tracks.map(({ kind, name }) => `${kind} ${name}`).toSorted(),
    ["audio Ana", "audio Ben", "audio Cleo", "audio Nova", "video Cleo camera"],
  );
  const at = await Deno.makeTempFile({ suffix: ".webm" });
  stack.defer(() => Deno.remove(at));
  const file = await server.request("GET", `/rtc/recordings/${shown.id}/content`);
  await Deno.writeFile(at, await file.bytes());
  const { streams } = await probe(at);
  const indexOf = (name: string) => streams.findIndex(({ title }) => title === name);
  for (const [name, own] of Object.entries(TONES)) {
    for (const tone of Object.values(TONES)) {
      const heard = (await sounds(at, { index: indexOf(name), tone })).includes(true);
      assert.equal(heard, tone === own, `${tone} Hz in the track of ${name}`);
    }
  }
  // Ana was muted in the end, Ben left, Cleo came late.
  const [first, last] = [0, -1].map((n) => async (name: keyof typeof TONES) =>
    (await sounds(at, { index: indexOf(name), tone: TONES[name] })).at(n)
  ) as [(name: keyof typeof TONES) => Promise<boolean>, (name: keyof typeof TONES) => Promise<boolean>];
  assert.deepEqual([await last("Ana"), await first("Cleo"), await last("Cleo"), await last("Ben")], [
    false,
    false,
    true,
    false,
  ]);
  const wav = await pipe(
    ["ffmpeg", "-v", "error", "-i", at, "-map", `0:${indexOf("Nova")}`, "-f", "wav", "pipe:1"],
    new Uint8Array(),
  );
  assert.deepEqual(await understood(wav.toBase64(), grammar.path), ["your order is ready"]);
  const said = await (await server.request("GET", `/rtc/recordings/${shown.id}/transcript`)).text();
  assert.match(said, /<v Ana>Nova, is his order ready\?[^]*<v Nova>Your order is ready\./);

  // What was said of tracks before counts, and the end of the room ends its recording.
  const { audio, video } = await cleo.page.evaluate(() => room.mids());
  const tracks = { [audio]: "microphone", [video!]: "screen" };
  await cleo.page.evaluate((tracks) => room.say({ type: "tracks", tracks }), tracks);
  await ana.story.until(({ type, data }) => type === "room.tracks" && JSON.stringify(data).includes("screen"));
  await good(await server.request("POST", path));
  // A picture that was asked for in vain is asked for again after a second.
  await pause(3000);
  assert.equal((await server.request("DELETE", `/rtc/rooms/${room_id}`)).status, 204);
  const again = await finished(server, room_id);
  assert.deepEqual([again.state, again.reason], ["ready", "call_ended"]);
  assert.deepEqual(again.tracks.map(({ name }) => name).toSorted(), ["Cleo", "Cleo screen"]);
  assert.equal((await server.request("POST", path)).status, 410);
});
