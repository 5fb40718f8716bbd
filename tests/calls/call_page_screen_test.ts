/**
 * A person shares a real tab by the button of the page of calls, and the agent sees what is in it.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import type { Page } from "playwright-core";
import { sharingTab, startBrowser } from "../support/browser.ts";
import { BROWSER, CallStory, good } from "../support/calls.ts";
import { hasProgram } from "../support/parts.ts";
import { type Provider, type ProviderRequest, startProvider } from "../support/provider.ts";
import { seer } from "../support/seer.ts";
import { startServer, type TestServer, USER_KEY } from "../support/server.ts";
import { createAgent, type Json, until } from "../support/story.ts";
import { ffmpeg } from "../support/vp8.ts";
import { PATIENCE_MS } from "../support/waiting.ts";

const TITLE = "Form to be filled in";
/** What a look is for, as the person reads it. */
const REASON = "To read the form";
const ORANGE = [0xe0, 0x60, 0x10];
const TEAL = [0x10, 0x80, 0x90];
const PURPLE = [0x80, 0x20, 0xc0];
/** How far video may be from the colour that it shows. */
const NEAR = 32;

/** The model names the colour that there is most of in both halves together. */
const SEEN = /It is (red|green|blue)/;

/** Paints the halves of a tab. */
const painting = (left: number[], right: number[]) =>
  `document.body.style.background = "linear-gradient(90deg, rgb(${left}) 50%, rgb(${right}) 50%)"`;

/** The colours in the middle of both halves of what the page shows of its own screen. */
const PREVIEW = `(() => {
  const video = document.querySelector("#screen-view video");
  const pen = new OffscreenCanvas(2, 1).getContext("2d");
  pen.drawImage(video, 0, 0, 2, 1);
  const { data } = pen.getImageData(0, 0, 2, 1);
  return [[...data.slice(0, 3)], [...data.slice(4, 7)]];
})()`;

const isNear = (colour: number[], wanted: number[]) => colour.every((value, n) => Math.abs(value - wanted[n]!) < NEAR);

function assertHalves([left, right]: number[][], ...wanted: [left: number[], right: number[]]): void {
  assert.ok(isNear(left!, wanted[0]) && isNear(right!, wanted[1]), `${left} and ${right}, not ${wanted.join(" and ")}`);
}

/** The last picture that the model was given, as bytes of WebP. */
function pictureIn({ body }: ProviderRequest): Uint8Array<ArrayBuffer> {
  const parts = body.messages.flatMap(({ content }: Json) => Array.isArray(content) ? content : []);
  const url = parts.flatMap(({ image_url }: Json) => image_url?.url ?? []).at(-1);
  assert.match(url, /^data:image\/webp;base64,/);
  return Uint8Array.fromBase64(url.split(",")[1]);
}

/** The average colours of the halves of a picture. */
async function halvesOf(webp: Uint8Array): Promise<number[][]> {
  const scaling = "-vf format=rgb24,scale=2:1:flags=area -f rawvideo -pix_fmt rgb24 -".split(" ");
  const pixels = [...await ffmpeg(["-f", "webp_pipe", "-i", "-", ...scaling], webp)];
  assert.equal(pixels.length, 6);
  return [pixels.slice(0, 3), pixels.slice(3)];
}

interface Place {
  server: TestServer;
  provider: Provider;
  /** In the call. */
  page: Page;
  /** What is shared. */
  tab: Page;
  session_id: string;
  story: CallStory;
}

/** A call from the page, with an agent that may look at the screen; and another tab. */
async function openPlace(stack: AsyncDisposableStack): Promise<Place> {
  const look = { source: "screen", reason: REASON };
  const provider = stack.use(await startProvider({ script: seer([look, look, look]) }));
  const settings = {
    // A browser that is busy with tests shows its picture late.
    rtc: { look: { keep: true, ask_seconds: 600, timeout_seconds: 60 } },
    speech: { stt: { engine: "none" }, tts: { engine: "none" } },
  };
  const server = stack.use(await startServer({ provider: provider.url, settings }));
  await createAgent(server, "seer", { look: true });
  const browser = stack.use(await startBrowser(BROWSER!, { flags: sharingTab(TITLE) }));
  const { page: tab } = await browser.newPage();
  await tab.setContent(`<!doctype html><title>${TITLE}</title><body>`);
  await tab.evaluate(painting(ORANGE, TEAL));
  const { page } = await browser.newPage({ permissions: ["microphone", "camera"] });
  page.setDefaultTimeout(PATIENCE_MS);
  await page.goto(`${server.url}/call?agent=seer`);
  await page.getByLabel("Key").fill(USER_KEY);
  await page.locator("#start:enabled").click();
  await page.locator('#state[data-state="connected"]').waitFor();
  const { data: [{ id }] } = await good<{ data: [{ id: string }] }>(await server.request("GET", "/rtc/sessions"));
  return { server, provider, page, tab, session_id: id, story: stack.use(new CallStory(server, id)) };
}

async function ask({ page }: Place, question: string): Promise<void> {
  await page.getByLabel("Write instead of speaking").fill(question);
  await page.getByRole("button", { name: "Send" }).click();
  await page.locator("#transcript > .caller", { hasText: question }).waitFor();
}

const answerTo = ({ page }: Place, question: string, answer: RegExp) =>
  page.locator("#transcript > .caller", { hasText: question }).locator("~ .agent", { hasText: answer }).waitFor();

async function looksOf({ server, session_id }: Place): Promise<Json[]> {
  const path = `/rtc/sessions/${session_id}/looks?order=asc`;
  return (await good<{ data: Json[] }>(await server.request("GET", path))).data;
}

Deno.test({
  name: "an agent sees the tab that the page shares, with consent, until the browser ends the sharing",
  ignore: BROWSER === undefined || !hasProgram("ffmpeg"),
  async fn() {
    await using stack = new AsyncDisposableStack();
    const place = await openPlace(stack);
    const { server, provider, page, tab, story } = place;
    const button = page.getByRole("button", { name: "Screen", exact: true });
    const view = page.locator("#screen-view");
    await button.click();
    await view.waitFor();
    assert.equal(await button.getAttribute("aria-pressed"), "true");

    await ask(place, "What is on my screen?");
    const card = page.getByRole("group", { name: "May the agent look at your screen?" });
    await card.getByText(REASON).waitFor();
    const { data: asked } = await story.until(({ type }) => type === "look.asked");
    assert.deepEqual([asked.source, asked.agent_id, asked.reason], ["screen", "seer", REASON]);
    assert.deepEqual([provider.count, await looksOf(place)], [1, []], "nobody looks before the person has said yes");
    await card.getByRole("button", { name: "Until the call ends" }).click();
    await answerTo(place, "What is on my screen?", SEEN);
    const seen = pictureIn(provider.requests[1]!);
    assertHalves(await halvesOf(seen), ORANGE, TEAL);
    const [kept] = await looksOf(place);
    assert.deepEqual([kept.id, kept.source, kept.consent], [asked.look_id, "screen", "call"]);
    const file = await server.request("GET", `/files/${kept.file_id}/content`);
    assert.deepEqual(await file.bytes(), seen, "what is on record is what the model has seen");

    // The picture is of now, not of when the sharing began.
    await tab.evaluate(painting(PURPLE, ORANGE));
    await until("the page shows what is in the tab now", async () => {
      const [left = []] = await page.evaluate(PREVIEW) as number[][];
      return isNear(left, PURPLE);
    });
    await ask(place, "And now?");
    await answerTo(place, "And now?", SEEN);
    assertHalves(await halvesOf(pictureIn(provider.requests[3]!)), PURPLE, ORANGE);
    assert.equal(story.of("look.asked").length, 1, "who has said yes for the whole call isn't asked again");

    await tab.close();
    await view.waitFor({ state: "hidden" });
    assert.equal(await button.getAttribute("aria-pressed"), "false");
    await page.locator("#looking").waitFor({ state: "hidden" });
    await ask(place, "And after that?");
    await answerTo(place, "And after that?", /Not seen: Cannot look at the screen: it is off/);
    assert.deepEqual((await looksOf(place)).map(({ consent }) => consent), ["call", "call"]);
  },
});
