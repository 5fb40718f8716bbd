import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import type { MediaPacket } from "../../src/ports/peers.ts";
import { findBrowser, startBrowser } from "../support/browser.ts";
import { realTime } from "../support/real_time.ts";
import { type RtcPage, type RtcPageOptions, serveRtcPage } from "../support/rtc_page.ts";
import { ESPEAK, pocketsphinx, speechEnv, writeGrammar } from "../support/speech.ts";
import { until } from "../support/story.ts";
import { type Heard, makeEcho, openPeers } from "../support/webrtc_peers.ts";
import type { Peer } from "../../src/ports/peers.ts";

const BROWSER = findBrowser();
const SENTENCE = "please open the garden door";

declare const rtc: RtcPage;

/** A test that needs a browser. */
function inBrowser(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: BROWSER === undefined, fn });
}

/** Opens the page that calls. */
async function openPage(stack: AsyncDisposableStack, sound?: Uint8Array<ArrayBuffer>): Promise<Page> {
  const site = stack.use(serveRtcPage({ ...sound && { sound } }));
  const browser = stack.use(await startBrowser(BROWSER!));
  const { page } = await browser.newPage();
  await page.goto(site.url);
  await page.click("button");
  return page;
}

/** Calls a peer from the page. */
async function call(page: Page, { peer }: { peer: Peer }, options: RtcPageOptions = {}): Promise<void> {
  const offer = await page.evaluate((options) => rtc.open(options), options);
  const answer = await peer.answer(offer);
  await page.evaluate((answer) => rtc.accept(answer), answer);
  await page.evaluate(() => rtc.connected());
}

/** Words and sound come back. */
async function assertEchoes(page: Page, { heard }: { heard: Heard }): Promise<void> {
  await page.evaluate(() => rtc.channelOpen());
  for (const word of ["one", "two", "three"]) {
    assert.equal(await page.evaluate((word) => rtc.ask(word), word), `echo:${word}`);
  }
  const from = heard.media.length;
  await heard.until(() => heard.media.length > from + 20);
}

/** Runs a program on bytes. */
async function pipe([program = "", ...args]: readonly string[], input: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const child = new Deno.Command(program, {
    args,
    clearEnv: true,
    env: speechEnv(),
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const writer = child.stdin.getWriter();
  const written = writer.write(input as BufferSource as Uint8Array).then(() => writer.close()).catch(() => {});
  const { stdout } = await child.output();
  await written;
  return new Uint8Array(stdout);
}

realTime({
  name: "Chromium calls over UDP: what is said comes back and is understood",
  ignore: BROWSER === undefined,
  async fn() {
    await using stack = new AsyncDisposableStack();
    const grammar = stack.use(await writeGrammar());
    const espeak = ESPEAK.map((part) => part.replace("{voice}", "en-us").replace("{words_per_minute}", "140"));
    const page = await openPage(stack, await pipe(espeak, new TextEncoder().encode(SENTENCE)));
    const peers = stack.use(await openPeers());
    const echo = makeEcho(peers);
    await call(page, echo, { channel: "muxi" });
    await assertEchoes(page, echo);
    assert.equal((await page.evaluate(() => rtc.path()))!.path, "udp prflx host");
    await page.evaluate(() => rtc.record());
    await page.waitForTimeout(1000 * await page.evaluate(() => rtc.play()));
    const recorded = await page.evaluate(() => rtc.recorded());
    const webm = Uint8Array.from(atob(recorded), (character) => character.charCodeAt(0));
    const pcm = await pipe(
      ["ffmpeg", "-v", "error", "-i", "pipe:0", "-ar", "16000", "-ac", "1", "-f", "s16le", "pipe:1"],
      webm,
    );
    const understood = new TextDecoder().decode(await pipe(pocketsphinx(grammar.path), pcm)).trim();
    assert.equal(understood, SENTENCE);
    assert.ok(echo.heard.media.some(({ level }) => level !== undefined && level < 60), "nobody said how loud it is");
    const { jitter_ms, round_trip_ms, packets_lost } = echo.peer.stats();
    assert.ok(jitter_ms !== null && round_trip_ms !== null && packets_lost === 0);
    await page.evaluate(() => rtc.close());
    await echo.heard.until(() => echo.heard.states.includes("closed"));
    await echo.peer[Symbol.asyncDispose]();
    assert.deepEqual(peers.size, { peers: 0, names: 0, remotes: 0, expected: 0 });
  },
});

inBrowser("Chromium calls over TCP alone", async () => {
  await using stack = new AsyncDisposableStack();
  const page = await openPage(stack);
  const peers = stack.use(await openPeers({ udp: false }));
  const echo = makeEcho(peers);
  await call(page, echo, { channel: "muxi" });
  await assertEchoes(page, echo);
  assert.match((await page.evaluate(() => rtc.path()))!.path, /^tcp \w+ host$/);
  assert.equal(echo.peer.stats().path, "tcp host");
});

inBrowser("Chromium finds a new way in the middle of a call", async () => {
  await using stack = new AsyncDisposableStack();
  const page = await openPage(stack);
  const peers = stack.use(await openPeers());
  const echo = makeEcho(peers);
  await call(page, echo, { channel: "muxi" });
  await assertEchoes(page, echo);
  const before = await page.evaluate(() => rtc.path());
  const answer = await echo.peer.answer(await page.evaluate(() => rtc.restart()));
  await page.evaluate((answer) => rtc.accept(answer), answer);
  const isNew = async () => (await page.evaluate(() => rtc.path()))?.id !== before!.id;
  await until("another path is used", isNew, { every_ms: 50 });
  await assertEchoes(page, echo);
  assert.deepEqual(echo.heard.states, ["connecting", "connected"]);
});

inBrowser("Chromium answers an offer of ours", async () => {
  await using stack = new AsyncDisposableStack();
  const page = await openPage(stack);
  const peers = stack.use(await openPeers());
  const echo = makeEcho(peers);
  echo.peer.openChannel("muxi");
  const answer = await page.evaluate((offer) => rtc.answer(offer), await echo.peer.offer());
  await echo.peer.accept(answer);
  await page.evaluate(() => rtc.connected());
  await echo.heard.until(() => echo.heard.media.length > 20);
});

inBrowser("Chromium shows a picture when it is asked for a whole one", async () => {
  await using stack = new AsyncDisposableStack();
  const page = await openPage(stack);
  const peers = stack.use(await openPeers());
  const echo = makeEcho(peers, { video: "recvonly" });
  await call(page, echo, { channel: "muxi", video: true });
  const track = () => echo.peer.tracks.find(({ kind }) => kind === "video");
  await echo.heard.until(() => echo.heard.media.some(({ kind }) => kind === "video"));
  const from = echo.heard.media.length;
  echo.peer.requestKeyframe(track()!.mid);
  // In VP8 a whole picture begins with a start of a partition and a zero bit (RFC 7741, RFC 6386).
  const isWhole = ({ kind, payload }: MediaPacket) =>
    kind === "video" && (payload[0]! & 0x10) !== 0 && (pictureOf(payload)[0]! & 1) === 0;
  await echo.heard.until(() => echo.heard.media.slice(from).some(isWhole));
});

/** What follows the description of a payload of VP8. */
function pictureOf(payload: Uint8Array): Uint8Array {
  if ((payload[0]! & 0x80) === 0) return payload.subarray(1);
  const fields = payload[1]!;
  const pictureId = (fields & 0x80) === 0 ? 0 : (payload[2]! & 0x80) !== 0 ? 2 : 1;
  return payload.subarray(2 + pictureId + ((fields & 0x40) !== 0 ? 1 : 0) + ((fields & 0x30) !== 0 ? 1 : 0));
}
