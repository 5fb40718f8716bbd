/**
 * An agent looks at what a person shows in Chromium, on the page of calls.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import type { Page } from "playwright-core";
import { openLibsqlStore } from "../../src/adapters/libsql/store.ts";
import { createLog } from "../../src/kit/log.ts";
import { DEVICES, findBrowser, startBrowser } from "../support/browser.ts";
import { callFrom, CallStory, good, inBrowser, openPage } from "../support/calls.ts";
import { filesBelow } from "../support/files_below.ts";
import { hasProgram } from "../support/parts.ts";
import { type Provider, type ProviderRequest, startProvider } from "../support/provider.ts";
import type { RtcPage } from "../support/rtc_page.ts";
import { picturesIn, seer } from "../support/seer.ts";
import { startServer, type TestServer, USER_KEY } from "../support/server.ts";
import { createAgent, type Json } from "../support/story.ts";

declare const rtc: RtcPage;

const executablePath = findBrowser();
const SILENT = createLog({ level: "error", format: "text", write: () => {} });
const BLUE = "#1040c0";

/** A screen of one colour, as the browser's own choice of a window would give it. */
const SCREEN = `navigator.mediaDevices.getDisplayMedia = async () => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 642, height: 358 });
  const pen = canvas.getContext("2d");
  const draw = () => {
    pen.fillStyle = "${BLUE}";
    pen.fillRect(0, 0, canvas.width, canvas.height);
  };
  draw();
  setInterval(draw, 100);
  return canvas.captureStream(10);
}`;

interface Place {
  page: Page;
  server: TestServer;
  provider: Provider;
  session_id: string;
  data_dir: string;
  /** Writes something; resolves when the agent has answered so. */
  ask(answer: RegExp, act?: () => Promise<void>): Promise<void>;
}

/** A call from the page with an agent that may look. */
async function callByPage(stack: AsyncDisposableStack, { looks, look }: { looks: Json[]; look: Json }): Promise<Place> {
  const data_dir = await Deno.makeTempDir({ prefix: "muxi-look-" });
  stack.defer(() => Deno.remove(data_dir, { recursive: true }));
  const provider = stack.use(await startProvider({ script: seer(looks) }));
  const settings = { rtc: { look } };
  const server = stack.use(await startServer({ provider: provider.url, settings, data_dir }));
  await createAgent(server, "seer", { look: true });
  const browser = stack.use(await startBrowser(executablePath!, { flags: DEVICES }));
  const { page } = await browser.newPage({ permissions: ["microphone", "camera"] });
  await page.addInitScript(SCREEN);
  await page.goto(`${server.url}/call?agent=seer`);
  await page.getByLabel("Key").fill(USER_KEY);
  await page.locator("#start:enabled").waitFor();
  await page.getByRole("button", { name: "Start the call" }).click();
  await page.locator('#state[data-state="connected"]').waitFor();
  const { data: [session] } = await good<{ data: { id: string }[] }>(await server.request("GET", "/rtc/sessions"));
  let asked = 0;
  return {
    ...{ page, server, provider, session_id: session!.id, data_dir },
    async ask(answer, act) {
      const question = `Question ${++asked}`;
      await page.getByLabel("Write instead of speaking").fill(question);
      await page.getByRole("button", { name: "Send" }).click();
      await page.locator("#transcript > .caller", { hasText: question }).waitFor();
      await act?.();
      const answered = page.locator("#transcript > .caller", { hasText: question }).locator("~ .agent", {
        hasText: answer,
      });
      await answered.waitFor().catch(async (cause) => {
        throw new Error(`${answer} isn't there, but: ${await page.locator("#transcript").innerText()}`, { cause });
      });
    },
  };
}

/** A test that needs a browser and a decoder. */
function inSight(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: executablePath === undefined || !hasProgram("ffmpeg"), fn });
}

const looksOf = async ({ server, session_id }: Place) =>
  (await good<{ data: Json[] }>(await server.request("GET", `/rtc/sessions/${session_id}/looks?order=asc`))).data;

inSight("the screen is seen once it is allowed, the camera isn't when it is refused, and nothing is kept", async () => {
  await using stack = new AsyncDisposableStack();
  const place = await callByPage(stack, {
    looks: [{ source: "screen", reason: "To read the form" }, { source: "camera", reason: "To see your desk" }],
    look: { timeout_seconds: 60 },
  });
  const { page, server, provider, ask } = place;
  await ask(/It is blue/, async () => {
    const card = page.getByRole("group", { name: "May the agent look at your screen?" });
    await card.getByText("To read the form").waitFor();
    await card.getByRole("button", { name: "Share the screen, allow once" }).click();
  });
  const [seen] = await looksOf(place);
  const { source, consent, width, height, file_id } = seen!;
  assert.deepEqual({ source, consent, width, height, file_id }, {
    ...{ source: "screen", consent: "once", width: 642, height: 358, file_id: null },
  });
  const [given] = await picturesIn(provider.requests[1]!);
  assert.deepEqual([given!.width, given!.height], [642, 358]);
  const wanted = [0x10, 0x40, 0xc0];
  given!.colour.forEach((value, n) => assert.ok(Math.abs(value - wanted[n]!) < 24, `${given!.colour}`));
  const tools = (request: ProviderRequest) => request.body.tools.map(({ function: { name } }: Json) => name);
  assert.deepEqual(tools(provider.requests[0]!), ["look"]);
  await page.locator("#transcript > .note", { hasText: "The agent looked at your screen." }).waitFor();
  await page.locator("#looking", { hasText: /Your screen is on|is looking at your screen/ }).waitFor();

  await ask(/Not seen: Cannot look at the camera: the person said no/, async () => {
    await page.getByRole("button", { name: "No", exact: true }).click();
  });
  assert.equal((await looksOf(place)).length, 1);
  // What was seen for an earlier answer is gone.
  const later = provider.requests[2]!.body.messages.find(({ role }: Json) => role === "tool");
  assert.match(later.content, /"picture":"gone, as it was not kept: look again if you need it"/);
  assert.deepEqual(await picturesIn(provider.requests[2]!), []);
  const { status } = await server.request("GET", `/rtc/sessions/${place.session_id}/looks?user_id=somebody`);
  assert.equal(status, 404, "another's call");
  await page.getByRole("button", { name: "Hang up" }).click();
  await server[Symbol.asyncDispose]();
  for (const file of await filesBelow(place.data_dir)) {
    const bytes = new TextDecoder("latin1").decode(await Deno.readFile(file));
    assert.doesNotMatch(bytes, /WEBPVP8|UklGR/, `a picture is in ${file}`);
  }
  await using store = await openLibsqlStore({ path: `${place.data_dir}/muxi.db`, log: SILENT });
  const audited = await store.read({ from: "audit", where: { action: "rtc_look" }, order: [["id", "asc"]], limit: 10 });
  assert.deepEqual(audited.map(({ outcome, details }) => [outcome, (details as Json).source]), [
    ["allowed", "screen"],
    ["refused", "camera"],
  ]);
});

inSight("the camera may be seen until the call ends, or until that is taken back; pictures are kept", async () => {
  await using stack = new AsyncDisposableStack();
  const place = await callByPage(stack, {
    looks: Array.from({ length: 5 }, () => ({ source: "camera", reason: "To see" })),
    look: { keep: true, ask_seconds: 10, timeout_seconds: 60 },
  });
  const { page, server, ask } = place;
  const looking = page.locator("#looking");
  await page.getByRole("button", { name: "Camera" }).click();
  await looking.filter({ hasText: "The agent asks before it looks" }).waitFor();
  await ask(/It is \w+/, async () => await page.getByRole("button", { name: "Until the call ends" }).click());
  await looking.filter({ hasText: /is looking at your camera|may look at your camera until/ }).waitFor();
  await ask(/It is \w+/);
  const looks = await looksOf(place);
  assert.deepEqual(looks.map(({ consent }) => consent), ["call", "call"]);
  const file = await server.request("GET", `/files/${looks[0]!.file_id}/content`);
  assert.deepEqual([file.status, file.headers.get("content-type")], [200, "image/webp"]);
  assert.match(new TextDecoder("latin1").decode(await file.bytes()), /^RIFF....WEBPVP8 /s);
  const session = await good<Json>(await server.request("GET", `/rtc/sessions/${place.session_id}`));
  const { data } = await good<{ data: Json[] }>(
    await server.request("GET", `/conversations/${session.conversation_id}/messages?order=asc`),
  );
  const attached = data.filter(({ role }) => role === "tool").flatMap(({ attachments }) => attachments);
  assert.deepEqual(attached, looks.map(({ file_id }) => ({ file_id })));

  const camera = page.getByRole("button", { name: "Camera" });
  await camera.click();
  await looking.waitFor({ state: "hidden" });
  await ask(/Not seen: Cannot look at the camera: it is off/);
  await camera.click();
  await looking.filter({ hasText: "may look at your camera until the call ends" }).waitFor();
  await ask(/It is \w+/);
  await page.getByRole("button", { name: "Take back" }).click();
  await looking.filter({ hasText: "The agent asks before it looks" }).waitFor();
  await ask(/Not seen: Cannot look at the camera: the person didn't answer in 10 s/);
  assert.equal(await page.locator("#asks > *").count(), 0, "the question goes with its time");
  assert.equal((await looksOf(place)).length, 3);
});

inBrowser("a caller whose video is in another format is told, and so is the agent", async () => {
  await using stack = new AsyncDisposableStack();
  const provider = stack.use(await startProvider({ script: seer([{ reason: "To see" }]) }));
  const settings = { rtc: { look: { consent: "always" } } };
  const server = stack.use(await startServer({ provider: provider.url, settings }));
  await createAgent(server, "seer", { look: true });
  const { page } = await openPage(stack);
  await page.evaluate(`{
    const add = RTCPeerConnection.prototype.addTransceiver;
    RTCPeerConnection.prototype.addTransceiver = function (track, how) {
      const made = add.call(this, track, how);
      const isOther = ({ mimeType }) => /H264|VP9|rtx/i.test(mimeType);
      if (track.kind === "video") made.setCodecPreferences(RTCRtpReceiver.getCapabilities("video").codecs.filter(isOther));
      return made;
    };
  }`);
  const body = { agent_id: "seer", modalities: ["audio", "text", "camera"] };
  const id = await callFrom(page, server, { video: true, body });
  await using story = new CallStory(server, id);
  await story.until(({ type, data }) => {
    return type === "error" && /^Nobody can look at .* it is in .*(H264|VP9).*, wanted VP8$/.test(data.message);
  });
  await page.evaluate(`rtc.ask(JSON.stringify({ type: "text", text: "What do you see?" }))`);
  const done = await story.until(({ type, data }) => type === "run.event" && data.event === "tool.call.result");
  assert.match(done.data.data.error.message, /Cannot look at the camera: the caller's video is in .*, wanted VP8/);
});

inBrowser("a camera that the caller's client stops for good is none, and nobody is asked or waited for", async () => {
  await using stack = new AsyncDisposableStack();
  const provider = stack.use(await startProvider({ script: seer([{ source: "camera", reason: "To see" }]) }));
  const settings = { rtc: { look: { ask_seconds: 600, timeout_seconds: 60 } } };
  const server = stack.use(await startServer({ provider: provider.url, settings }));
  await createAgent(server, "seer", { look: true });
  const { page } = await openPage(stack);
  await page.evaluate(`{
    const offer = RTCPeerConnection.prototype.createOffer;
    RTCPeerConnection.prototype.createOffer = function (...given) {
      globalThis.stopVideo = () => this.getTransceivers().findLast(({ sender }) => sender.track?.kind === "video").stop();
      return offer.apply(this, given);
    };
  }`);
  const body = { agent_id: "seer", modalities: ["audio", "text", "camera"] };
  const session_id = await callFrom(page, server, { video: true, body });
  await using story = new CallStory(server, session_id);
  await page.evaluate("stopVideo()");
  const sdp = await page.evaluate<string>("rtc.restart()");
  assert.match(sdp, /^m=video 0 /m);
  const again = { type: "offer", session_id, sdp };
  const answer = await good<{ sdp: string }>(await server.request("POST", "/rtc/offer", { body: again }));
  await page.evaluate(([sdp]) => rtc.accept(sdp!), [answer.sdp]);
  await page.evaluate(`rtc.ask(JSON.stringify({ type: "text", text: "What do you see?" }))`);
  const done = await story.until(({ type, data }) => type === "run.event" && data.event === "tool.call.result");
  const { message } = done.data.data.error;
  assert.equal(message, "Cannot look at the camera: there is none, the caller's client has no video");
  assert.deepEqual(story.of("look.asked"), []);
});
