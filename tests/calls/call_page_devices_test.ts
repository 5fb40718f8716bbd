/**
 * Which microphone, speaker and camera the page `/call` uses: chosen before the call and in it, unplugged, or refused.
 * Chromium's own devices beep and show pictures; the server of the test hears and sees what comes of them.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import type { Page } from "playwright-core";
import { DEVICES, startBrowser, type TestBrowser } from "../support/browser.ts";
import { type CallDesk, openCallDesk } from "../support/call_desk.ts";
import { BROWSER, inBrowser } from "../support/calls.ts";
import { USER_KEY } from "../support/server.ts";
import { until } from "../support/story.ts";

/** The second of three cameras sends depths, which no page shows. */
const FLAGS = [...DEVICES, "--use-fake-device-for-media-stream=device-count=3"];
/** The section of the description in which the microphone is sent. */
const MICROPHONE = "0";
/** As loud as a beep at least, and as silence at most, in -dBov (RFC 6464). */
const [LOUD, SILENT] = [60, 127];
/** Packets of 20 ms: the devices beep more than once meanwhile. */
const BEEPS = 75;
const SYSTEM = "The system’s choice";

/**
 * Lets a test see which tracks are open and where sound goes, and do what Chromium's devices don't: be slow, be refused,
 * be one at a time, or be unplugged, when tracks end and the list changes, in either order.
 */
const PLUGS = `{
  const { mediaDevices } = navigator;
  const [open, list] = [mediaDevices.getUserMedia, mediaDevices.enumerateDevices].map((one) => one.bind(mediaDevices));
  const { setSinkId } = HTMLMediaElement.prototype;
  const tracks = [];
  const gone = new Set();
  const live = () => tracks.filter(({ readyState }) => readyState === "live");
  globalThis.refused = new Set();
  globalThis.cameras = Infinity;
  globalThis.live = () => live().map(({ label }) => label).sort();
  globalThis.slow = new Map();
  globalThis.unlist = (label) => {
    gone.add(label);
    mediaDevices.dispatchEvent(new Event("devicechange"));
  };
  globalThis.unplug = (label) => {
    for (const track of live().filter((one) => one.label === label)) {
      track.stop();
      track.dispatchEvent(new Event("ended"));
    }
    unlist(label);
  };
  mediaDevices.enumerateDevices = async () => (await list()).filter(({ label }) => !gone.has(label));
  mediaDevices.getUserMedia = async (wanted) => {
    const busy = wanted.video && live().filter(({ kind }) => kind === "video").length >= cameras;
    const stream = await open(wanted);
    const [track] = stream.getTracks();
    await slow.get(track.label);
    if (busy || refused.has(track.label)) {
      track.stop();
      throw new DOMException("Could not start the source", "NotReadableError");
    }
    tracks.push(track);
    return stream;
  };
  HTMLMediaElement.prototype.setSinkId = function (id) {
    globalThis.player = this;
    return setSinkId.call(this, id);
  };
}`;

/** How much of what is drawn can be seen at once. */
const DRAWN = `(() => {
  const { left, top, right, bottom } = document.querySelector("#call-devices").getBoundingClientRect();
  return {
    inside: left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight,
    wider: document.documentElement.scrollWidth > innerWidth,
    cut: [...document.querySelectorAll(".controls button")]
      .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth).map(({ id }) => id),
  };
})()`;

/** A page on which the key is filled in, and everything that is needed for that. */
async function open(stack: AsyncDisposableStack, options: Parameters<TestBrowser["newPage"]>[0] = {}) {
  const desk = stack.use(await openCallDesk());
  const browser = stack.use(await startBrowser(BROWSER!, { flags: FLAGS }));
  const { page, notes } = await browser.newPage({ permissions: ["microphone", "camera"], ...options });
  await page.addInitScript(PLUGS);
  await page.goto(`${desk.url}/call`);
  await page.getByLabel("Key").fill(USER_KEY);
  await page.locator("#start:enabled").waitFor();
  return { desk, page, notes };
}

/** Starts the call, whose microphone the server hears then. */
async function begin(page: Page, desk: CallDesk): Promise<void> {
  await page.getByRole("button", { name: "Start the call" }).click();
  await page.locator('#state[data-state="connected"]').waitFor();
  await heard(desk);
}

async function showDevices(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Devices" }).click();
  await page.locator("#call-devices:popover-open").waitFor();
}

function choose(page: Page, kind: "Microphone" | "Speaker" | "Camera", label: string) {
  return page.getByRole("combobox", { name: kind }).selectOption({ label });
}

/** Resolves when these devices are open, and no others. */
async function opened(page: Page, ...labels: string[]): Promise<void> {
  let live: string[] = [];
  await until(() => `${labels} to be open, not ${live}`, async () => {
    live = await page.evaluate<string[]>("live()");
    return live.join() === labels.join();
  });
}

/** Resolves when the server hears a beep from now on. */
async function heard(desk: CallDesk): Promise<void> {
  desk.media.clear();
  await desk.until(() => (desk.media.get(MICROPHONE)?.level ?? SILENT) < LOUD);
}

/** The loudest that the server hears in the next packets. */
async function loudest(desk: CallDesk, packets: number): Promise<number> {
  const levels = new Map<number, number>();
  desk.media.clear();
  await desk.until(() => {
    const packet = desk.media.get(MICROPHONE);
    if (packet) levels.set(packet.sequence, packet.level ?? 0);
    return levels.size >= packets;
  });
  return Math.min(...levels.values());
}

/** Shares the camera; resolves with the section of the description in which it is sent. */
async function shareCamera(page: Page, desk: CallDesk): Promise<string> {
  await page.getByRole("button", { name: "Camera" }).click();
  const section = () => {
    const said = desk.said.findLast(({ type }) => type === "tracks");
    const tracks = said?.type === "tracks" ? Object.entries(said.tracks) : [];
    return tracks.find(([, source]) => source === "camera")?.[0];
  };
  await desk.until(() => desk.media.has(section() ?? ""));
  return section()!;
}

const offers = (desk: CallDesk) => desk.asked.filter((one) => one === "POST /rtc/offer").length;

inBrowser("a person picks a microphone, sees it hear, and is heard through it in the call", async () => {
  await using stack = new AsyncDisposableStack();
  const { desk, page, notes } = await open(stack);
  await page.getByRole("button", { name: "Check" }).click();
  await page.locator("#microphone option:nth-child(3)").waitFor({ state: "attached" });
  await choose(page, "Microphone", "Fake Audio Input 1");
  await opened(page, "Fake Audio Input 1");
  const level = (id: string) =>
    page.evaluate<number>(`+document.getElementById("${id}").style.getPropertyValue("--level")`);
  for (const loud of [true, false, true]) {
    await until(
      `the meter to show ${loud ? "a beep" : "silence"}`,
      async () => (await level("check-level") > 0.3) === loud,
    );
  }
  await begin(page, desk);
  await opened(page, "Fake Audio Input 1");
  await showDevices(page);
  assert.equal(await page.getByRole("button", { name: "Check" }).count(), 0, "the call has a level of its own");
  assert.ok(await page.locator("#check-level").isVisible());
  await until("the meter of the call to show a beep", async () => await level("check-level") > 0.3);
  await page.getByRole("button", { name: "Hang up" }).click();
  await page.getByRole("button", { name: "Call again" }).click();
  const chosen = page.locator("#setup").getByRole("combobox", { name: "Microphone" }).locator("option:checked");
  assert.equal(await chosen.textContent(), "Fake Audio Input 1", "the choice stays");
  await opened(page);
  assert.deepEqual(notes.complaints, []);
});

inBrowser("another microphone and camera are taken into the call as it goes on, and mute stays mute", async () => {
  await using stack = new AsyncDisposableStack();
  const { desk, page, notes } = await open(stack);
  await begin(page, desk);
  const camera = await shareCamera(page, desk);
  await opened(page, "Fake Default Audio Input", "fake_device_0");
  const before = offers(desk);
  await showDevices(page);
  await choose(page, "Microphone", "Fake Audio Input 1");
  await opened(page, "Fake Audio Input 1", "fake_device_0");
  await heard(desk);
  await choose(page, "Camera", "fake_device_2");
  await opened(page, "Fake Audio Input 1", "fake_device_2");
  desk.media.clear();
  await desk.until(() => desk.media.get(camera)?.kind === "video");
  assert.equal(
    await page.evaluate('document.querySelector("#camera-view video").srcObject.getVideoTracks()[0].label'),
    "fake_device_2",
    "the person sees what is sent",
  );
  await page.keyboard.press("Alt+m");
  await desk.until(() => desk.said.at(-1)?.type === "mute");
  await choose(page, "Microphone", "Fake Audio Input 2");
  await opened(page, "Fake Audio Input 2", "fake_device_2");
  // What was on its way before may still come.
  await loudest(desk, BEEPS / 3);
  assert.equal(await loudest(desk, BEEPS), SILENT);
  assert.equal(await page.locator("#mute").getAttribute("aria-pressed"), "true");
  await page.keyboard.press("Alt+m");
  await heard(desk);
  assert.equal(offers(desk), before, "nothing has to be agreed on anew");
  assert.deepEqual(notes.complaints, []);
});

inBrowser("whoever goes through the list in a hurry stays with the last device", async () => {
  await using stack = new AsyncDisposableStack();
  const { desk, page } = await open(stack);
  await begin(page, desk);
  await showDevices(page);
  await page.evaluate('slow.set("Fake Audio Input 1", new Promise((resolve) => globalThis.hurry = resolve))');
  await choose(page, "Microphone", "Fake Audio Input 1");
  await choose(page, "Microphone", "Fake Audio Input 2");
  await heard(desk);
  await page.evaluate("hurry()");
  await opened(page, "Fake Audio Input 2");
  await heard(desk);
  await opened(page, "Fake Audio Input 2");
});

inBrowser("another speaker plays the agent's voice, until it is unplugged", async () => {
  await using stack = new AsyncDisposableStack();
  const { desk, page } = await open(stack);
  await begin(page, desk);
  await showDevices(page);
  const plays = async (label: string) => {
    const id = await page.evaluate(`(async () => (await navigator.mediaDevices.enumerateDevices())
      .find((one) => one.kind === "audiooutput" && one.label === "${label}")?.deviceId ?? "")()`);
    await until(`the sound to come from "${label}"`, async () => await page.evaluate("player.sinkId") === id);
  };
  await choose(page, "Speaker", "Fake Audio Output 2");
  await plays("Fake Audio Output 2");
  await page.evaluate('unplug("Fake Audio Output 2")');
  await plays(SYSTEM);
  await page.locator("#device-notice", { hasText: "The speaker is gone." }).waitFor();
});

inBrowser("who loses the microphone is heard through another one, and no other camera is shown", async () => {
  await using stack = new AsyncDisposableStack();
  const { desk, page, notes } = await open(stack);
  await begin(page, desk);
  await shareCamera(page, desk);
  await showDevices(page);
  await choose(page, "Microphone", "Fake Audio Input 2");
  await choose(page, "Camera", "fake_device_2");
  await opened(page, "Fake Audio Input 2", "fake_device_2");
  await page.keyboard.press("Escape");
  await page.locator("#call-devices").waitFor({ state: "hidden" });
  assert.equal(desk.said.filter(({ type }) => type === "interrupt").length, 0, "Escape closes, and no more");
  await page.evaluate('unplug("Fake Audio Input 2")');
  await page.locator("#notice", { hasText: "The microphone is gone. The system’s choice is used instead." }).waitFor();
  await opened(page, "Fake Default Audio Input", "fake_device_2");
  await heard(desk);
  await page.evaluate('unlist("fake_device_2")');
  await page.locator("#notice", { hasText: "The camera is gone." }).waitFor();
  await opened(page, "Fake Default Audio Input");
  await page.locator("#camera-view").waitFor({ state: "hidden" });
  await showDevices(page);
  const options = page.locator("#call-devices option:checked");
  assert.deepEqual(await options.allTextContents(), [SYSTEM, SYSTEM, SYSTEM]);
  await page.evaluate('refused.add("Fake Default Audio Input"), unplug("Fake Default Audio Input")');
  await page.locator("#device-notice", { hasText: "Another program is using the device. You are not heard." })
    .waitFor();
  await choose(page, "Microphone", "Fake Audio Input 1");
  await heard(desk);
  assert.ok(await page.locator("#device-notice").isHidden());
  assert.deepEqual(notes.complaints, []);
});

inBrowser("a device that can't be used is refused in words, and the one before goes on", async () => {
  await using stack = new AsyncDisposableStack();
  const { desk, page } = await open(stack);
  await page.getByRole("button", { name: "Check" }).click();
  await page.locator("#microphone option:nth-child(3)").waitFor({ state: "attached" });
  await choose(page, "Microphone", "Fake Audio Input 2");
  await page.evaluate('unplug("Fake Audio Input 2")');
  await page.locator("#setup #device-notice", { hasText: "The microphone is gone." }).waitFor();
  await opened(page, "Fake Default Audio Input");
  await choose(page, "Microphone", "Fake Audio Input 1");
  await begin(page, desk);
  await page.evaluate('refused.add("Fake Default Audio Input")');
  await showDevices(page);
  await choose(page, "Microphone", SYSTEM);
  await page.locator("#call-devices").getByText("Another program is using the device.", { exact: true }).waitFor();
  const chosen = page.getByRole("combobox", { name: "Microphone" }).locator("option:checked");
  assert.equal(await chosen.textContent(), "Fake Audio Input 1");
  await opened(page, "Fake Audio Input 1");
  await heard(desk);
});

inBrowser("a phone that opens one camera at a time changes it, and has the choice in sight", async () => {
  await using stack = new AsyncDisposableStack();
  const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, colorScheme: "dark" } as const;
  const { desk, page } = await open(stack, phone);
  await page.evaluate("cameras = 1");
  await begin(page, desk);
  const camera = await shareCamera(page, desk);
  await showDevices(page);
  for (const width of [390, 320]) {
    await page.setViewportSize({ width, height: 844 });
    assert.deepEqual(await page.evaluate(DRAWN), { inside: true, wider: false, cut: [] }, `${width} px`);
  }
  await choose(page, "Camera", "fake_device_2");
  await opened(page, "Fake Default Audio Input", "fake_device_2");
  desk.media.clear();
  await desk.until(() => desk.media.has(camera));
  assert.ok(await page.locator("#device-notice").isHidden());
});
