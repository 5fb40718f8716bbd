/**
 * What is typed on the page of calls arrives, and once: also while the way is cut and nobody has noticed, and when it is
 * more than the channel takes.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import type { Page, WebSocket } from "playwright-core";
import { DEVICES, startBrowser } from "../support/browser.ts";
import { BROWSER, CallStory, good, inBrowser } from "../support/calls.ts";
import { openCallDesk } from "../support/call_desk.ts";
import { freePort } from "../support/free_port.ts";
import { onNetworks, SERVER, twoMachines } from "../support/network_calls.ts";
import { startServer, type TestServer, USER_KEY } from "../support/server.ts";
import { until } from "../support/story.ts";
import { startUdpRelay } from "../support/udp_relay.ts";
import { PATIENCE_MS } from "../support/waiting.ts";

const CONNECTED = '#state[data-state="connected"]';
const RECONNECTING = '#state[data-state="reconnecting"]';
/** Nothing gets through. */
const CUT = `
  chain input { type filter hook input priority 0; policy accept; iif eth0 drop; }
  chain output { type filter hook output priority 0; policy accept; oif eth0 drop; }
`;
/** Nobody listens to the beeps of the browser's microphone. */
const SPEECH = { stt: { engine: "none" }, tts: { engine: "none" } };
/** Counts the connections that a page makes. */
const COUNT = `
  globalThis.connections = 0;
  globalThis.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...given) {
      super(...given);
      connections++;
    }
  };
`;

/** Begins a call on the page of a server. */
async function begin(page: Page, { url }: { url: string }): Promise<void> {
  page.setDefaultTimeout(PATIENCE_MS);
  await page.addInitScript(COUNT);
  await page.goto(`${url}/call`);
  await page.getByLabel("Key").fill(USER_KEY);
  await page.locator("#start:enabled").click();
  await page.locator(CONNECTED).waitFor();
}

async function type(page: Page, text: string): Promise<void> {
  await page.locator("#text").fill(text);
  await page.locator("#text").press("Enter");
}

/** A person in a call. */
class Caller {
  readonly page: Page;
  readonly story: CallStory;
  readonly #said: string[] = [];

  constructor(page: Page, story: CallStory) {
    this.page = page;
    this.story = story;
  }

  /** Begins a call on the page of `server`. */
  static async begin(stack: AsyncDisposableStack, page: Page, server: TestServer): Promise<Caller> {
    await begin(page, server);
    const { data: [{ id }] } = await good<{ data: [{ id: string }] }>(await server.request("GET", "/rtc/sessions"));
    return new Caller(page, stack.use(new CallStory(server, id)));
  }

  async type(text: string): Promise<void> {
    this.#said.push(text);
    await type(this.page, text);
  }

  /** Resolves when everything that was typed so far has arrived, which happens once and in order. */
  async heard(): Promise<void> {
    const last = this.#said.at(-1);
    await this.story.until(({ type, data }) => type === "transcript.final" && data.text === last);
    assert.deepEqual(this.story.of("transcript.final").map(({ text }) => text), this.#said);
    const shown = this.page.locator("#transcript > .caller");
    await shown.nth(this.#said.length - 1).waitFor();
    assert.deepEqual(await shown.locator("p").allTextContents(), this.#said);
  }
}

for (
  const { name, connections } of [
    { name: "the same connection finds a new path", connections: 1 },
    { name: "another connection takes the place of the first", connections: 2 },
  ]
) {
  inBrowser(`words that are typed while no media flows arrive once: ${name}`, async () => {
    await using stack = new AsyncDisposableStack();
    const to = freePort();
    const relay = stack.use(await startUdpRelay({ seed: 1, to }));
    const rtc = { port: to, tcp: false, advertised_addresses: ["127.0.0.1"], advertised_port: relay.port };
    const server = stack.use(await startServer({ settings: { rtc, speech: SPEECH } }));
    const browser = stack.use(await startBrowser(BROWSER!, { flags: DEVICES }));
    const { page } = await browser.newPage({ permissions: ["microphone"] });
    const caller = await Caller.begin(stack, page, server);
    relay.cut(true);
    await caller.type("Are you there?");
    assert.ok(await page.locator(CONNECTED).isVisible(), "the page knows nothing yet");
    await caller.heard();
    await page.locator(RECONNECTING).waitFor();
    await caller.type("Still?");
    await caller.heard();
    const made = () => page.evaluate<number>("connections");
    await until("the page connects anew", async () => await made() >= connections, { every_ms: 50 });
    relay.cut(false);
    await page.locator(CONNECTED).waitFor();
    await caller.type("And now?");
    await caller.heard();
  });
}

onNetworks("words that are typed while the cable is cut arrive once when it is mended", async (stack) => {
  const machines = await twoMachines(stack);
  stack.use(machines.server.enter());
  const server = stack.use(
    await startServer({ host: SERVER, settings: { rtc: { host: SERVER, tcp: false }, speech: SPEECH } }),
  );
  const browser = stack.use(await machines.caller.browser(BROWSER!, { hosts: [SERVER], trusted: [server.url] }));
  const { page } = await browser.newPage({ permissions: ["microphone"] });
  const caller = await Caller.begin(stack, page, server);
  await machines.caller.rules(CUT);
  await caller.type("Are you there?");
  assert.ok(await page.locator(CONNECTED).isVisible(), "the page knows nothing yet");
  await page.locator(RECONNECTING).waitFor();
  await caller.type("Still?");
  await caller.story.state("lost");
  assert.deepEqual(caller.story.of("transcript.final"), []);
  await machines.caller.rules("");
  await page.locator(CONNECTED).waitFor();
  await caller.heard();
  await caller.type("And now?");
  await caller.heard();
});

inBrowser("what is more than the channel takes has another way, and the next words don't", async () => {
  await using desk = await openCallDesk();
  await using browser = await startBrowser(BROWSER!, { flags: DEVICES });
  const { page, notes } = await browser.newPage({ permissions: ["microphone"] });
  await begin(page, desk);
  const long = "?".repeat(98_000);
  for (const text of [long, "And now?"]) {
    await type(page, text);
    await desk.until(() => desk.said.some((one) => one.type === "text" && one.text === text));
    // What the page shows now comes after the acknowledgement.
    desk.tell({ type: "transcript.final", data: { turn_id: "1", text: `${text.length}`, language: null } });
    await page.locator("#transcript").getByText(`${text.length}`, { exact: true }).waitFor();
  }
  const texts = desk.said.flatMap((one) => one.type === "text" ? [[one.text.length, one.way]] : []);
  assert.deepEqual(texts, [[long.length, "socket"], ["And now?".length, "channel"]]);
  assert.deepEqual(notes.complaints, []);
});

inBrowser(
  "what is longer than the server takes is given up and said, and what was typed behind it arrives",
  async () => {
    await using stack = new AsyncDisposableStack();
    const server = stack.use(
      await startServer({ settings: { server: { max_body_bytes: 80_000 }, speech: SPEECH } }),
    );
    const browser = stack.use(await startBrowser(BROWSER!, { flags: DEVICES }));
    const { page } = await browser.newPage({ permissions: ["microphone"] });
    const open = new Set<WebSocket>();
    page.on("websocket", (socket) => {
      open.add(socket);
      socket.on("close", () => void open.delete(socket));
    });
    const caller = await Caller.begin(stack, page, server);
    await type(page, "?".repeat(98_000));
    await caller.type("And now?");
    await page.locator("#transcript > .note", { hasText: "longer than the server takes" }).waitFor();
    await caller.heard();
    await until("the side way is left", () => open.size === 0, { every_ms: 50 });
    await caller.type("Still?");
    await caller.heard();
    assert.equal(open.size, 0, "by way of the channel");
    assert.equal(await page.locator("#transcript > .note", { hasText: "Cannot" }).count(), 1);
  },
);
