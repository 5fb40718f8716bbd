/**
 * A room of Firefox and Chromium, each with a page made with the module: they hear each other's tone and see each other's
 * camera.
 *
 * @module
 */
import { type Calling, CallStory, good } from "../support/calls.ts";
import { chromiumOn, firefoxOn, onNetworks, SERVER, twoMachines } from "../support/network_calls.ts";
import { startServer, type TestServer, USER_KEY } from "../support/server.ts";
import { type Json, until } from "../support/story.ts";

/** What the page keeps, as `kept`, from one thing that it is told to do to the next. */
interface Kept {
  /** The module's own. */
  call: Json;
  /** The sections for others, by `mid`: what plays them. */
  players: Record<string, Json>;
}

declare const kept: Kept;

/** Firefox's own microphone hums at one of them. */
const TONES = { Firefox: 1000, Chromium: 400, nobody: 2300 };
const RECORD_MS = 2000;

interface Member {
  page: Calling;
  story: CallStory;
  member_id: string;
}

/** Lets a page join the room; its camera shows `colour`. */
async function join(
  stack: AsyncDisposableStack,
  { page, server, room_id, name, tone, colour }: {
    page: Calling;
    server: TestServer;
    room_id: string;
    name: string;
    /** What its microphone hears; the browser's own unless told. */
    tone?: number;
    colour: string;
  },
): Promise<Member> {
  const { id, member_id } = await page.evaluate(async ({ url, key, room, tone, colour }) => {
    const scope = globalThis as Json;
    const { document, Audio, AudioContext, OscillatorNode, MediaStream } = scope;
    const kept: Kept = { call: null, players: {} };
    scope.kept = kept;
    const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 240 });
    const pen = canvas.getContext("2d");
    setInterval(() => {
      pen.fillStyle = colour;
      pen.fillRect(0, 0, 320, 240);
    }, 100);
    const [camera] = canvas.captureStream(10).getVideoTracks();
    let audio: unknown = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    if (tone !== undefined) {
      const context = new AudioContext();
      const destination = context.createMediaStreamDestination();
      const oscillator = new OscillatorNode(context, { frequency: tone });
      oscillator.connect(destination);
      oscillator.start();
      [audio] = destination.stream.getAudioTracks();
    }
    const { Call } = await import(`${url}/call/session_client.js`);
    kept.call = await Call.start({ base_url: url, key, room, audio, camera, play: false });
    kept.call.on("other", ({ mid, track }: Json) => {
      const player = track.kind === "audio" ? new Audio() : document.createElement("video");
      kept.players[mid] = Object.assign(player, { srcObject: new MediaStream([track]), muted: true });
      void player.play();
    });
    return { id: kept.call.id as string, member_id: kept.call.place.member.id as string };
  }, { url: server.url, key: USER_KEY, room: { id: room_id, name }, tone, colour });
  return { page, story: stack.use(new CallStory(server, id)), member_id };
}

/** Resolves with the section that carries a member's media of a source to another. */
async function sectionOf(to: Member, from: Member, source: "microphone" | "camera"): Promise<string> {
  const find = () => {
    const { slots = {} } = to.story.of("room.tracks").at(-1) ?? {};
    const carries = (slot: Json) => slot?.member_id === from.member_id && slot.source === source;
    return Object.keys(slots).find((mid) => carries(slots[mid]));
  };
  await to.story.until(() => find() !== undefined);
  return find()!;
}

/** Which of the tones make up what comes in a section. */
function tonesIn({ page }: Member, mid: string): Promise<number[]> {
  return page.evaluate(async ({ mid, tones, ms }) => {
    const { MediaRecorder, OfflineAudioContext } = globalThis as Json;
    const recorder = new MediaRecorder(kept.players[mid].srcObject);
    const parts: Blob[] = [];
    recorder.ondataavailable = ({ data }: { data: Blob }) => parts.push(data);
    const stopped = new Promise((resolve) => recorder.onstop = resolve);
    recorder.start();
    await new Promise((resolve) => setTimeout(resolve, ms));
    recorder.stop();
    await stopped;
    // Firefox starts no audio context without a loudspeaker, except for one that plays nothing.
    const context = new OfflineAudioContext(1, 1, 48_000);
    const sound = await context.decodeAudioData(await new Blob(parts).arrayBuffer());
    const samples: Float32Array = sound.getChannelData(0);
    let all = 0;
    for (const sample of samples) all += sample * sample;
    const partOf = (tone: number) => {
      let [real, imaginary] = [0, 0];
      for (let n = 0; n < samples.length; n++) {
        const angle = 2 * Math.PI * tone * n / sound.sampleRate;
        real += samples[n]! * Math.cos(angle);
        imaginary += samples[n]! * Math.sin(angle);
      }
      return 2 * (real * real + imaginary * imaginary) / (samples.length * all);
    };
    return tones.filter((tone) => partOf(tone) > 0.2);
  }, { mid, tones: Object.values(TONES), ms: RECORD_MS });
}

/** The colour that is seen in a section. */
function colourIn({ page }: Member, mid: string): Promise<string | null> {
  return page.evaluate((mid) => {
    const player = kept.players[mid];
    const pen = new (globalThis as Json).OffscreenCanvas(1, 1).getContext("2d");
    if (player.videoWidth > 0) pen.drawImage(player, 0, 0, 1, 1);
    const [red, green, blue] = pen.getImageData(0, 0, 1, 1).data;
    const most = Math.max(red, green, blue);
    return most < 100 ? null : most === red ? "red" : most === green ? "green" : "blue";
  }, mid);
}

/** Waits until exactly `tone` is heard in a section, which begins with silence. */
async function hears(member: Member, mid: string, tone: number): Promise<void> {
  let heard: number[] = [];
  await until(() => `${tone} Hz are heard, not ${heard}`, async () => {
    heard = await tonesIn(member, mid);
    return heard.join() === `${tone}`;
  });
}

/** Waits until `colour` is seen in a section. */
async function sees(member: Member, mid: string, colour: string): Promise<void> {
  let seen: string | null = null;
  await until(() => `${colour} is seen, not ${seen}`, async () => {
    seen = await colourIn(member, mid);
    return seen === colour;
  }, { every_ms: 100 });
}

onNetworks("Firefox and Chromium are in a room: each hears and sees the other", async (stack) => {
  const machines = await twoMachines(stack);
  const [fox, crow] = [await firefoxOn(stack, machines.caller), await chromiumOn(stack, machines.caller)];
  using _ = machines.server.enter();
  const settings = { rtc: { host: SERVER }, server: { cors: { origins: ["*"] } } };
  const server = stack.use(await startServer({ host: SERVER, settings }));
  const { id: room_id } = await good<{ id: string }>(
    await server.request("POST", "/rtc/rooms", { body: { name: "Morning" } }),
  );
  const ana = await join(stack, { page: fox, server, room_id, name: "Ana", colour: "red" });
  const ben = await join(stack, { page: crow, server, room_id, name: "Ben", colour: "lime", tone: TONES.Chromium });
  for (
    const [one, other, tone, colour] of [[ana, ben, TONES.Chromium, "green"], [ben, ana, TONES.Firefox, "red"]] as const
  ) {
    await hears(one, await sectionOf(one, other, "microphone"), tone);
    await sees(one, await sectionOf(one, other, "camera"), colour);
  }
  await fox.evaluate(() => kept.call.hangUp());
  await ben.story.until(({ type, data }) => type === "room.left" && data.name === "Ana");
});
