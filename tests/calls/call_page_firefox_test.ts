/**
 * A person calls from the page `/call` in Firefox, on another machine, since it calls no loopback address: speaks, writes,
 * shows the camera and a tab, and loses the network for a while.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { CallStory, good, pipe, speech, speechSettings } from "../support/calls.ts";
import { ENTER, type FirefoxTab } from "../support/firefox_tab.ts";
import type { Machine } from "../support/netns.ts";
import { firefoxTabOn, onNetworks, SERVER, twoMachines } from "../support/network_calls.ts";
import { type Provider, type ProviderRequest, startProvider } from "../support/provider.ts";
import { picturesIn, seer } from "../support/seer.ts";
import { startServer, type TestServer, USER_KEY } from "../support/server.ts";
import { speechEnv, writeGrammar } from "../support/speech.ts";
import { createAgent, type Json, until } from "../support/story.ts";

const ASKED = "what is the weather in london today";
const ANSWER = "Your order is ready.";
const SOURCES = ["camera", "screen"] as const;
type Source = typeof SOURCES[number];
const showing = (source: Source) => `What does my ${source} show?`;
/** What a look is for, as the person reads it. */
const REASON = "To read the label";
const ORANGE = [0xe0, 0x60, 0x10];
/** How far video may be from the colour that it shows. */
const NEAR = 32;
const CUT = `
  chain input { type filter hook input priority 0; policy accept; iif eth0 drop; }
  chain output { type filter hook output priority 0; policy accept; oif eth0 drop; }
`;

/** What pages know beside their own. */
interface Prepared {
  /** Says what is asked into the microphone. */
  speak(): void;
  /** The colours that the page's own view of what is shared has shown. */
  colours: number[][];
}

declare const prepared: Prepared;

/** Seconds of silence after what is said, of which some are said again and again. */
const SILENCE = { length: 30, from: 12, to: 25 };

/**
 * Devices of a page in place of Firefox's own: a microphone that doesn't hum but hears `sound`, a WAV file in base64, when
 * told, and for want of a screen the tab that the page is in.
 */
const devicesOf = (sound: string) => `
  if (!globalThis.isSecureContext) return;
  const own = MediaDevices.prototype.getUserMedia;
  const player = new Audio();
  const stream = player.mozCaptureStream();
  const captured = new Promise((resolve) => stream.onaddtrack = ({ track }) => resolve(track));
  player.ontimeupdate = () => {
    if (player.currentTime > ${SILENCE.to}) player.currentTime = ${SILENCE.from};
  };
  globalThis.prepared = {
    colours: [],
    speak() {
      player.currentTime = 0;
    },
  };
  MediaDevices.prototype.getUserMedia = async function (wanted) {
    if (!wanted.audio) return await own.call(this, wanted);
    player.src = URL.createObjectURL(new Blob([Uint8Array.fromBase64("${sound}")], { type: "audio/wav" }));
    player.currentTime = ${SILENCE.from};
    await player.play();
    return new MediaStream([await captured]);
  };
  MediaDevices.prototype.getDisplayMedia = async function ({ video }) {
    return await own.call(this, { video: { ...video, mediaSource: "browser" } });
  };
`;

/** A model that looks when it is asked what is shown. */
function answers(): (request: ProviderRequest) => Promise<Json> {
  const look = seer(SOURCES.map((source) => ({ source, reason: REASON })));
  return async (request) => {
    const { content } = request.body.messages.findLast(({ role }: Json) => role === "user");
    const isShown = Array.isArray(content) || SOURCES.some((source) => content === showing(source));
    return isShown ? await look(request) : { tokens: [ANSWER] };
  };
}

interface Place {
  server: TestServer;
  provider: Provider;
  tab: FirefoxTab;
  story: CallStory;
}

/** A call from the page, in which the person has a voice. */
async function openPlace(
  stack: AsyncDisposableStack,
  { server: machine, caller }: Record<"server" | "caller", Machine>,
) {
  const grammar = stack.use(await writeGrammar());
  const silent = ["-af", `apad=pad_dur=${SILENCE.length}`, "-ar", "16000", "-f", "wav", "pipe:1"];
  const sound = await pipe(["ffmpeg", "-v", "error", "-i", "pipe:0", ...silent], await speech(ASKED));
  const tab = await firefoxTabOn(stack, caller);
  stack.use(machine.enter());
  const provider = stack.use(await startProvider({ script: answers() }));
  const settings = {
    ...speechSettings(grammar.path),
    // A browser that is busy with tests shows its picture late.
    rtc: { host: SERVER, tcp: false, look: { ask_seconds: 600, timeout_seconds: 60 } },
  };
  const server = stack.use(
    await startServer({ host: SERVER, provider: provider.url, settings, variables: speechEnv() }),
  );
  await createAgent(server, "seer", { look: true });
  await tab.prepare(devicesOf(sound.toBase64()));
  await tab.goto(`${server.url}/call?agent=seer`);
  await tab.click("#key");
  await tab.type(USER_KEY);
  await tab.click({ role: "button", name: "Start the call" });
  await tab.find('#state[data-state="connected"]');
  const { data: [{ id }] } = await good<{ data: [{ id: string }] }>(await server.request("GET", "/rtc/sessions"));
  return { server, provider, tab, story: stack.use(new CallStory(server, id)) };
}

/** What the page shows of the conversation. */
function shown({ tab }: Place): Promise<string[]> {
  return tab.evaluate(() => {
    const { document } = globalThis as Json;
    return Array.from(document.querySelectorAll("#transcript > li > p"), ({ textContent }: Json) => textContent);
  });
}

/** Resolves when the last that the page shows is an answer that fits. */
async function answered(place: Place, question: string, answer: RegExp): Promise<void> {
  let texts: string[] = [];
  await until(() => `an answer to "${question}", not ${JSON.stringify(texts)}`, async () => {
    texts = await shown(place);
    return texts.at(-2) === question && answer.test(texts.at(-1)!);
  }, { every_ms: 100 });
}

async function write({ tab }: Place, text: string): Promise<void> {
  await tab.click("#text");
  await tab.type(`${text}${ENTER}`);
}

/** The person asks aloud until it is understood: on a busy machine a syllable may be missing. */
async function askAloud(place: Place): Promise<void> {
  let text = "";
  await until(() => `"${ASKED}" is understood, not "${text}"`, async () => {
    const from = place.story.events.at(-1)?.seq ?? 0;
    await place.tab.evaluate(() => prepared.speak());
    const { data } = await place.story.until(({ seq, type }) => type === "transcript.final" && seq > from);
    text = data.text;
    return text === ASKED;
  });
  await answered(place, ASKED, /^Your order is ready\.$/);
}

/** Writes down the colours that the page shows of what it shares from now on. */
function watch({ tab }: Place, source: Source): Promise<void> {
  return tab.evaluate((source) => {
    const { document, OffscreenCanvas } = globalThis as Json;
    const video = document.querySelector(`#${source}-view video`);
    const pen = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    prepared.colours = [];
    const look = () => {
      pen.drawImage(video, 0, 0, 1, 1);
      prepared.colours.push([...pen.getImageData(0, 0, 1, 1).data.slice(0, 3)]);
      video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
  }, source);
}

/** Paints all that is seen of the tab; it can be used as before. */
function paint({ tab }: Place, colour: number[]): Promise<void> {
  return tab.evaluate((colour) => {
    const { document } = globalThis as Json;
    const sheet = document.createElement("div");
    Object.assign(sheet.style, { position: "fixed", inset: 0, zIndex: 9, pointerEvents: "none", background: colour });
    document.body.append(sheet);
  }, `rgb(${colour})`);
}

/** The person is asked whether the agent may look, and lets it. Resolves with the colour of the picture that it sees. */
async function beSeen(place: Place, source: Source): Promise<number[]> {
  const { tab, story, provider } = place;
  const before = provider.count;
  await write(place, showing(source));
  const { data: asked } = await story.until(({ type, data }) => type === "look.asked" && data.source === source);
  assert.equal(asked.reason, REASON);
  await tab.find({ role: "group", name: `May the agent look at your ${source}?` });
  assert.equal(provider.count, before + 1, "nobody looks before the person has said yes");
  await tab.click({ role: "button", name: "Allow once" });
  await story.until(({ type, data }) => type === "look.done" && data.look_id === asked.look_id);
  await answered(place, showing(source), /^It is (red|green|blue)$/);
  return (await picturesIn(provider.requests.at(-1)!)).at(-1)!.colour;
}

const isNear = (one: number[], other: number[]) => one.every((value, n) => Math.abs(value - other[n]!) < NEAR);

onNetworks("a person calls from the page in Firefox: speaks, is seen, and is cut off for a while", async (stack) => {
  const machines = await twoMachines(stack);
  const place = await openPlace(stack, machines);
  const { tab, story, server } = place;
  await askAloud(place);

  await tab.click({ role: "button", name: "Camera" });
  await tab.find("#camera-view");
  await watch(place, "camera");
  const filmed = await beSeen(place, "camera");
  const colours = await tab.evaluate(() => prepared.colours);
  assert.ok(colours.some((one) => isNear(one, filmed)), `the page has shown no ${filmed}`);

  await paint(place, ORANGE);
  await tab.click({ role: "button", name: "Screen" });
  await tab.find("#screen-view");
  await watch(place, "screen");
  await until("the page shows its tab", async () => {
    const [now = []] = await tab.evaluate(() => prepared.colours.slice(-1));
    return isNear(ORANGE, now);
  }, { every_ms: 100 });
  const shared = await beSeen(place, "screen");
  assert.ok(isNear(ORANGE, shared), `the agent has seen ${shared}`);

  await machines.caller.rules(CUT);
  await write(place, "Are you there?");
  await tab.find('#state[data-state="reconnecting"]');
  await story.state("lost");
  const before = (await shown(place)).length;
  await machines.caller.rules("");
  await tab.find('#state[data-state="connected"]');
  await answered(place, "Are you there?", /^Your order is ready\.$/);
  assert.equal((await shown(place)).length, before + 2);

  await tab.click({ role: "button", name: "Hang up" });
  await tab.find("#over-text");
  await story.state("ended");
  const said = story.of("transcript.final").map(({ text }) => text);
  assert.deepEqual(said.slice(said.indexOf(ASKED)), [ASKED, ...SOURCES.map(showing), "Are you there?"]);
  const { data: [session] } = await good<{ data: Json[] }>(await server.request("GET", "/rtc/sessions"));
  assert.deepEqual([session.state, session.stats.path], ["ended", "udp host"]);
  assert.deepEqual(tab.complaints.filter((text) => !/attach\?/.test(text)), [], "but of the way that was cut");
});
