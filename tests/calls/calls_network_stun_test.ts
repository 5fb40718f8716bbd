/**
 * Calls between two homes, each behind a router of its own that lets nobody in: all the help there is tells each end which
 * address it has outside (STUN, by coturn).
 *
 * @module
 */
import { strict as assert } from "node:assert";
import type { RtcStats } from "../../src/domain/rtc_session.ts";
import { good, speechSettings, understood } from "../support/calls.ts";
import { findCoturn } from "../support/coturn.ts";
import { callWith, chromiumOn, HIDDEN, onNetworks, OUTSIDE, relayOn, twoHomes } from "../support/network_calls.ts";
import { startProvider } from "../support/provider.ts";
import type { RtcPage } from "../support/rtc_page.ts";
import { startServer } from "../support/server.ts";
import { speechEnv, writeGrammar } from "../support/speech.ts";

declare const rtc: RtcPage;

const COTURN = findCoturn();

/** The caller's page and the server, which both know the helper, or neither. */
async function openHomes(stack: AsyncDisposableStack, { helped }: { helped: boolean }) {
  const homes = await twoHomes(stack);
  const { stun } = await relayOn(stack, homes.outside, { program: COTURN!, host: OUTSIDE, stun_only: true });
  await homes.open("meta l4proto udp");
  const page = await chromiumOn(stack, homes.caller, { hosts: [OUTSIDE] });
  stack.use(homes.server.enter());
  const grammar = stack.use(await writeGrammar());
  const provider = stack.use(await startProvider({ script: { tokens: ["Your order", " is", " ready."] } }));
  const ice_servers = helped ? [stun] : [];
  const rtc = { host: HIDDEN, ice_lite: "no", ice_servers, connect_timeout_seconds: helped ? 60 : 8 };
  const settings = { ...speechSettings(grammar.path), rtc };
  const server = stack.use(await startServer({ provider: provider.url, settings, variables: speechEnv() }));
  return { server, page, ice_servers, grammar: grammar.path };
}

onNetworks("two homes talk straight to each other once both know their addresses outside", async (stack) => {
  const { server, page, ice_servers, grammar } = await openHomes(stack, { helped: true });
  const story = await callWith(stack, { page, server }, ice_servers);
  await page.evaluate(() => rtc.connected());
  await page.evaluate(() => rtc.channelOpen());
  await page.evaluate(() => rtc.record());
  await page.evaluate(() => rtc.ask('{"type":"text","text":"Is it ready?"}'));
  await story.until(({ type }) => type === "agent.done");
  assert.deepEqual(await understood(await page.evaluate(() => rtc.recorded()), grammar), ["your order is ready"]);
  const { path } = (await page.evaluate(() => rtc.path()))!;
  assert.match(path, /^udp (srflx|prflx) (srflx|prflx)$/);
  const late = story.of("session.candidate").map(({ candidate }) => candidate.candidate);
  assert.match(
    [story.answer, ...late].join("\n"),
    /203\.0\.113\.2 \d+ typ srflx/,
    "the server's router, as seen outside",
  );
  await good(await server.request("DELETE", `/rtc/sessions/${story.id}`));
  const { stats } = await good<{ stats: RtcStats }>(await server.request("GET", `/rtc/sessions/${story.id}`));
  assert.ok(stats.packets_received > 0 && stats.packets_sent > 0, JSON.stringify(stats));
}, { path: COTURN });

onNetworks("two homes that know only their addresses inside find no way, which the caller is told", async (stack) => {
  const { server, page, ice_servers } = await openHomes(stack, { helped: false });
  const story = await callWith(stack, { page, server }, ice_servers);
  assert.equal((await story.state("ended")).data.reason, "connect_timeout");
}, { path: COTURN });
