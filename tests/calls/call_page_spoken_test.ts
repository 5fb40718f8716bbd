/**
 * Somebody speaks into the microphone of the page `/call`, and its player answers: espeak-ng speaks, pocketsphinx hears
 * it in the server, and understands what the page plays.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import type { Page } from "playwright-core";
import { DEVICES, startBrowser } from "../support/browser.ts";
import { aloud, BROWSER, CallStory, good, pipe, speech, understood } from "../support/calls.ts";
import type { Script } from "../support/provider.ts";
import { USER_KEY } from "../support/server.ts";
import { ASKED, startSpeaking } from "../support/voice_story.ts";

/** How long the person says nothing at first: the microphone is open before there is a call that hears it. */
const SILENT_MS = 8000;
/** After how long the page no longer waits for an answer to be heard. */
const HEARD_MAX_MS = 60_000;
const ANSWER = { tokens: ["Please open", " the garden", " door."] };

/** Opens the page in a call with an agent that answers by `script`; the microphone hears `filter` of the question. */
async function openSpoken(stack: AsyncDisposableStack, { script, filter }: { script: Script; filter: string }) {
  const { server, grammar } = await startSpeaking(stack, script);
  const microphone = await Deno.makeTempFile({ prefix: "muxi-microphone-", suffix: ".wav" });
  stack.defer(() => Deno.remove(microphone));
  const spoken = ["-af", filter, "-ar", "48000", "-f", "wav", microphone];
  await pipe(["ffmpeg", "-v", "error", "-y", "-i", "pipe:0", ...spoken], await speech(ASKED));
  const flags = [...DEVICES, `--use-file-for-fake-audio-capture=${microphone}%noloop`];
  const browser = stack.use(await startBrowser(BROWSER!, { flags }));
  const { page, notes } = await browser.newPage({ permissions: ["microphone"] });
  await page.goto(`${server.url}/call?agent=speaker`);
  await page.getByLabel("Key").fill(USER_KEY);
  await page.locator("#start:enabled").click();
  await page.locator('#state[data-state="connected"]').waitFor();
  const { data: [{ id }] } = await good<{ data: [{ id: string }] }>(await server.request("GET", "/rtc/sessions"));
  return { page, notes, grammar, story: stack.use(new CallStory(server, id)) };
}

/** Finds the page's player, which is in no document, and begins to record it. */
async function recordPlayer(page: Page): Promise<void> {
  const devtools = await page.context().newCDPSession(page);
  const { result: prototype } = await devtools.send("Runtime.evaluate", { expression: "HTMLAudioElement.prototype" });
  const { objects } = await devtools.send("Runtime.queryObjects", { prototypeObjectId: prototype.objectId! });
  await devtools.send("Runtime.callFunctionOn", {
    objectId: objects.objectId!,
    functionDeclaration: `function () {
      globalThis.players = this;
      globalThis.parts = [];
      globalThis.recorder = new MediaRecorder(this[0].captureStream());
      recorder.ondataavailable = ({ data }) => parts.push(data);
      recorder.start();
    }`,
  });
  await devtools.detach();
}

/** Ends the recording after a last silence; resolves with the file's bytes in base64. */
const RECORDED = `(async () => {
  // What was sent is played a little later, and recorded later still by a machine that is busy.
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const stopped = new Promise((resolve) => recorder.onstop = resolve);
  recorder.stop();
  await stopped;
  return new Uint8Array(await new Blob(parts).arrayBuffer()).toBase64();
})()`;

/** What the page shows of the conversation, once the answer is there. */
async function shownTexts(page: Page): Promise<string[]> {
  const texts = page.locator("#transcript > li > p");
  await texts.filter({ hasText: "Please open the garden door." }).waitFor();
  return await texts.allTextContents();
}

/** After how long the page says that the last answer was heard. */
async function shownHeard(page: Page): Promise<string | null> {
  await page.locator("summary", { hasText: "Connection and timing" }).click();
  return await page.locator("#figures div", { hasText: "You heard the answer after" }).locator("dd").textContent();
}

aloud("a person asks through the page's microphone, and its player answers aloud", async () => {
  await using stack = new AsyncDisposableStack();
  const filter = `adelay=${SILENT_MS}:all=1`;
  const { page, notes, grammar, story } = await openSpoken(stack, { script: [ANSWER], filter });
  await recordPlayer(page);
  const { data: final } = await story.until(({ type }) => type === "transcript.final");
  assert.equal(final.text, ASKED);
  const { data: done } = await story.until(({ type, data }) => type === "agent.done" && data.turn_id === final.turn_id);
  const players = await page.evaluate("players.map(({ paused, muted, volume }) => ({ paused, muted, volume }))");
  assert.deepEqual(players, [{ paused: false, muted: false, volume: 1 }]);
  assert.deepEqual(await understood(await page.evaluate<string>(RECORDED), grammar), ["please open the garden door"]);
  const { heard_ms } = done.latency;
  assert.ok(heard_ms > 0 && heard_ms <= HEARD_MAX_MS, `heard after ${heard_ms} ms`);
  assert.equal(await shownHeard(page), `${heard_ms} ms`);
  assert.deepEqual(await shownTexts(page), [ASKED, "Please open the garden door."]);
  assert.deepEqual(notes.complaints, []);
});

aloud("who speaks into an answer that the page plays interrupts it, and hears the next one", async () => {
  await using stack = new AsyncDisposableStack();
  const long = Array.from({ length: 20 }, (_, i) => `This is sentence number ${i + 1} of a long story.`);
  // The same once more, in the middle of the answer.
  const filter = `adelay=${SILENT_MS}:all=1,aloop=loop=1:size=${60 * 48_000}`;
  const { page, notes, story } = await openSpoken(stack, {
    script: [{ tokens: long.map((sentence) => `${sentence} `) }, ANSWER],
    filter,
  });
  const { data: interrupted } = await story.until(({ type }) => type === "agent.interrupted");
  const { data: done } = await story.until(({ type, data }) =>
    type === "agent.done" && data.run_id !== interrupted.run_id
  );
  assert.deepEqual(story.of("transcript.final").map(({ text }) => text), [ASKED, ASKED]);
  const { heard_ms } = done.latency;
  assert.ok(heard_ms > 0 && heard_ms <= HEARD_MAX_MS, `heard after ${heard_ms} ms`);
  assert.equal(await shownHeard(page), `${heard_ms} ms`);
  const said = [ASKED, interrupted.heard, ASKED, "Please open the garden door."];
  assert.deepEqual(await shownTexts(page), said);
  assert.equal(await page.locator("#transcript > li.cut").count(), 1);
  assert.deepEqual(notes.complaints, []);
});
