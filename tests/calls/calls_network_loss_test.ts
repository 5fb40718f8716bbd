/**
 * Calls over bad networks: what is lost, late, doubled or out of order is made up for, as far as can be, and counted.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import type { RtcStats } from "../../src/domain/rtc_session.ts";
import { aloud, callFrom, CallStory, good, inBrowser, openPage } from "../support/calls.ts";
import { freePort } from "../support/free_port.ts";
import { startProvider } from "../support/provider.ts";
import type { RtcPage } from "../support/rtc_page.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { startUdpRelay, type UdpRelayOptions } from "../support/udp_relay.ts";
import { askAloud } from "../support/voice_story.ts";

declare const rtc: RtcPage;

/** A model that says a word each quarter of a second. */
const SLOW = { tokens: Array.from({ length: 12 }, (_, i) => `word${i} `), delay: 250 };

function isRunEvent(name: string) {
  return ({ type, data }: { type: string; data: { event?: string } }) => type === "run.event" && data.event === name;
}

/** A relay, and the settings of a server that can be reached through it alone. */
async function openRelay(stack: AsyncDisposableStack, options: Omit<UdpRelayOptions, "to">) {
  const to = freePort();
  const relay = stack.use(await startUdpRelay({ ...options, to }));
  const rtc = {
    host: "127.0.0.1",
    port: to,
    tcp: false,
    advertised_addresses: ["127.0.0.1"],
    advertised_port: relay.port,
  };
  return { relay, settings: { rtc } };
}

/** What was counted of a call, which ends. */
async function statsOf(server: TestServer, id: string): Promise<RtcStats> {
  await good(await server.request("DELETE", `/rtc/sessions/${id}`));
  return (await good<{ stats: RtcStats }>(await server.request("GET", `/rtc/sessions/${id}`))).stats;
}

aloud("with 5 % lost and the rest in disorder, what is said both ways is understood", async () => {
  await using stack = new AsyncDisposableStack();
  const { relay, settings } = await openRelay(stack, { seed: 7, loss: 0.05, doubled: 0.02, jitter_ms: 100 });
  const { server, id } = await askAloud(stack, {
    settings,
    open: async (stack, sound) => (await openPage(stack, sound)).page,
  });
  const story = stack.use(new CallStory(server, id));
  // Browsers report every few seconds.
  await story.until(({ type, data }) => type === "stats" && data.expected_loss_percent !== null);
  const stats = await statsOf(server, id);
  assert.ok(relay.counts.lost > 0 && relay.counts.doubled > 0);
  assert.ok(stats.packets_lost > 0 && stats.frames_concealed > 0, JSON.stringify(stats));
  assert.ok(stats.jitter_ms! > 10, JSON.stringify(stats));
});

for (const [percent, seed] of [[1, 11], [10, 5]] as const) {
  inBrowser(`with ${percent} % lost and a tenth of a second of jitter, a call connects and words arrive`, async () => {
    await using stack = new AsyncDisposableStack();
    const { relay, settings } = await openRelay(stack, { seed, loss: percent / 100, doubled: 0.02, jitter_ms: 100 });
    const server = stack.use(await startServer({ settings: { rtc: { ...settings.rtc, stale_audio_ms: 200 } } }));
    const { page } = await openPage(stack);
    const id = await callFrom(page, server);
    const story = stack.use(new CallStory(server, id));
    relay.stall(600);
    await page.evaluate(() => rtc.ask('{"type":"text","text":"Hello"}'));
    await story.until(isRunEvent("run.completed"));
    const stats = await statsOf(server, id);
    assert.ok(stats.packets_received > 0 && stats.packets_sent > 0, JSON.stringify(stats));
    assert.ok(stats.packets_stale > 0, "what came after half a second is of no use");
    assert.ok(relay.counts.lost > 0);
  });
}

inBrowser("who comes from another address in the middle of an answer hears it on", async () => {
  await using stack = new AsyncDisposableStack();
  const { relay, settings } = await openRelay(stack, { seed: 1 });
  const provider = stack.use(await startProvider({ script: SLOW }));
  const server = stack.use(await startServer({ settings, provider: provider.url }));
  const { page } = await openPage(stack);
  const id = await callFrom(page, server);
  const story = stack.use(new CallStory(server, id));
  await page.evaluate(() => rtc.ask('{"type":"text","text":"Tell me"}'));
  await story.until(isRunEvent("model.delta"));
  relay.move();
  await story.until(isRunEvent("run.completed"));
  // What the page says goes the new way.
  await page.evaluate(() => rtc.ask('{"type":"text","text":"And then?"}'));
  await story.until(({ type, data }) => type === "transcript.final" && data.text === "And then?");
  assert.deepEqual(story.of("session.state").map(({ state }) => state), ["connecting", "active"]);
  await page.evaluate(() => rtc.close());
  await story.state("ended");
  const { stats } = await good<{ stats: RtcStats }>(await server.request("GET", `/rtc/sessions/${id}`));
  assert.ok(stats.packets_received > 0 && stats.packets_sent > 0, "the last figures stay");
  assert.equal(stats.path, "udp host");
});
