/**
 * Media dies altogether in the middle of a call: what is typed takes the side way, is answered there, and belongs to the
 * same conversation as what was said before and after.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import type { Page } from "playwright-core";
import { DEVICES, startBrowser } from "../support/browser.ts";
import { BROWSER, CallStory, good, inBrowser } from "../support/calls.ts";
import { freePort } from "../support/free_port.ts";
import { startProvider } from "../support/provider.ts";
import { startServer, USER_KEY } from "../support/server.ts";
import { type Json, until } from "../support/story.ts";
import { startUdpRelay } from "../support/udp_relay.ts";
import { PATIENCE_MS } from "../support/waiting.ts";

/** Keeps every connection that the page makes. */
const KEEP = `{
  const connections = globalThis.connections = [];
  globalThis.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...given) {
      super(...given);
      connections.push(this);
    }
  };
}`;

/** Types `text`; resolves when the page shows the answer. */
async function ask(page: Page, text: string): Promise<void> {
  await page.locator("#text").fill(text);
  await page.locator("#text").press("Enter");
  await page.locator("#transcript").getByText(`You said ${text}.`).waitFor();
}

inBrowser("words go on while no media does, in the same conversation", async () => {
  await using stack = new AsyncDisposableStack();
  const to = freePort();
  const relay = stack.use(await startUdpRelay({ seed: 1, to }));
  const provider = stack.use(
    await startProvider({ script: ({ body }) => ({ tokens: [`You said ${body.messages.at(-1).content}.`] }) }),
  );
  const media = { port: to, tcp: false, advertised_addresses: ["127.0.0.1"], advertised_port: relay.port };
  const settings = { rtc: { ...media, lost_seconds: 2 }, speech: { stt: { engine: "none" }, tts: { engine: "none" } } };
  const server = stack.use(await startServer({ provider: provider.url, settings }));
  const browser = stack.use(await startBrowser(BROWSER!, { flags: DEVICES }));
  const { page } = await browser.newPage({ permissions: ["microphone"] });
  page.setDefaultTimeout(PATIENCE_MS);
  await page.addInitScript(KEEP);
  await page.goto(`${server.url}/call`);
  await page.getByLabel("Key").fill(USER_KEY);
  await page.locator("#start:enabled").click();
  const connected = page.locator('#state[data-state="connected"]');
  await connected.waitFor();
  const sessions = () => server.request("GET", "/rtc/sessions").then((one) => good<{ data: Json[] }>(one));
  await ask(page, "One");
  const [{ id, conversation_id }] = (await sessions()).data as [Json];
  const story = stack.use(new CallStory(server, id));
  relay.cut(true);
  const { passed } = relay.counts;
  await story.state("lost");
  // The page has given up the first connection; nothing reaches the server by the second.
  const isGivenUp = "connections.length > 1 && connections[0].connectionState === 'closed'";
  await until("another connection is tried", () => page.evaluate<boolean>(isGivenUp), { every_ms: 100 });
  await ask(page, "Two");
  assert.equal(relay.counts.passed, passed, "not by way of media");
  assert.equal(await page.locator("#state").getAttribute("data-state"), "reconnecting");
  relay.cut(false);
  await connected.waitFor();
  await ask(page, "Three");
  assert.deepEqual(story.events.map(({ seq }) => seq), story.events.map((_, at) => at + 1));
  assert.deepEqual((await sessions()).data.map((one) => [one.id, one.conversation_id]), [[id, conversation_id]]);
  const path = `/conversations/${conversation_id}/messages`;
  const { data } = await good<{ data: Json[] }>(await server.request("GET", path));
  const said = ["One", "Two", "Three"].flatMap((text) => [text, `You said ${text}.`]);
  assert.deepEqual(data.map(({ content }) => content), said);
  assert.equal(provider.requests.at(-1)!.body.messages.filter(({ role }: Json) => role === "user").length, 3);
});
