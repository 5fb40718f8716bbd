/**
 * Calls between two homes, each behind a router of its own, which only a relay (coturn) joins.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import type { Page } from "playwright-core";
import { issueIceServers } from "../../src/core/calls/ice_servers.ts";
import type { RtcStats } from "../../src/domain/rtc_session.ts";
import type { IceServer } from "../../src/domain/rtc_signal.ts";
import { systemClock } from "../../src/kit/clock.ts";
import { good } from "../support/calls.ts";
import { type Coturn, findCoturn, SECRET } from "../support/coturn.ts";
import { callWith, chromiumOn, HIDDEN, onNetworks, OUTSIDE, relayOn, twoHomes } from "../support/network_calls.ts";
import type { RtcPage } from "../support/rtc_page.ts";
import { startServer, type TestServer } from "../support/server.ts";

declare const rtc: RtcPage;

const COTURN = findCoturn();
const HOUR_MS = 3_600_000;

interface Homes {
  server: TestServer;
  page: Page;
  relay: Coturn;
}

/** Two homes and a relay: the caller's page, and a server that issues credentials for `transport`. */
async function openHomes(stack: AsyncDisposableStack, transport: "udp" | "tcp"): Promise<Homes> {
  const homes = await twoHomes(stack);
  const relay = await relayOn(stack, homes.outside, { program: COTURN!, host: OUTSIDE });
  await homes.open(`ip daddr ${OUTSIDE} ${transport} dport ${relay.port}`);
  const page = await chromiumOn(stack, homes.caller, { hosts: [OUTSIDE] });
  stack.use(homes.server.enter());
  const turn = { urls: [`turn:${OUTSIDE}:${relay.port}?transport=${transport}`], secret: SECRET };
  const settings = { rtc: { host: HIDDEN, turn, connect_timeout_seconds: 8 } };
  return { server: stack.use(await startServer({ settings })), page, relay };
}

async function issued(server: TestServer): Promise<IceServer[]> {
  return (await good<{ ice_servers: IceServer[] }>(await server.request("GET", "/rtc/ice-servers"))).ice_servers;
}

for (const transport of ["udp", "tcp"] as const) {
  onNetworks(`two homes talk over a relay that both reach by ${transport.toUpperCase()}`, async (stack) => {
    const homes = await openHomes(stack, transport);
    const { server, page } = homes;
    const story = await callWith(stack, homes, await issued(server));
    await page.evaluate(() => rtc.connected());
    await page.evaluate(() => rtc.channelOpen());
    assert.match((await page.evaluate(() => rtc.path()))!.path, /relay/);
    await page.evaluate(() => rtc.ask('{"type":"text","text":"Hello"}'));
    await story.until(({ type, data }) => type === "run.event" && data.event === "run.completed");
    await good(await server.request("DELETE", `/rtc/sessions/${story.id}`));
    const { stats } = await good<{ stats: RtcStats }>(await server.request("GET", `/rtc/sessions/${story.id}`));
    assert.ok(stats.packets_received > 0 && stats.packets_sent > 0, JSON.stringify(stats));
    assert.match(stats.path!, /relay/);
  }, { path: COTURN });
}

onNetworks("credentials that have expired open no relay, which the caller is told", async (stack) => {
  const homes = await openHomes(stack, "udp");
  const { server, page, relay } = homes;
  const { urls } = (await issued(server))[0]!;
  const past = { ...systemClock, now: () => Date.now() - 2 * HOUR_MS };
  const turn = { urls, secret: SECRET, ttl_seconds: 3600 };
  const { ice_servers } = await issueIceServers({ servers: [], turn }, "caller", past);
  const refused = await page.evaluate<number>(`(async () => {
    const pc = new RTCPeerConnection({ iceServers: ${JSON.stringify(ice_servers)} });
    const told = new Promise((resolve) => pc.onicecandidateerror = ({ errorCode }) => resolve(errorCode));
    pc.createDataChannel("any");
    await pc.setLocalDescription();
    return await told.finally(() => pc.close());
  })()`);
  assert.equal(refused, 401);
  assert.match(relay.output(), /401: Unauthorized|Unauthorized/);
  const story = await callWith(stack, homes, ice_servers);
  await story.until(({ type, data }) => type === "error" && data.error === "TimeoutError");
  assert.equal((await story.state("ended")).data.reason, "connect_timeout");
}, { path: COTURN });
