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
import { CallStory, good } from "../support/calls.ts";
import { type Coturn, findCoturn, SECRET } from "../support/coturn.ts";
import { connect, Machine } from "../support/netns.ts";
import { chromiumOn, HIDDEN, machineBehind, onNetworks, relayOn, twoMachines } from "../support/network_calls.ts";
import type { RtcPage } from "../support/rtc_page.ts";
import { startServer, type TestServer } from "../support/server.ts";

declare const rtc: RtcPage;

const COTURN = findCoturn();
/** The relay's address, which both homes can reach. */
const RELAY = "192.0.2.1";
const HOUR_MS = 3_600_000;

interface Homes {
  server: TestServer;
  page: Page;
  relay: Coturn;
}

/** What a router lets through: from inside what is `open`, and the answers to it. */
function router(open: string): string {
  return `
    chain postrouting {
      type nat hook postrouting priority 100;
      oifname wan masquerade
    }
    chain forward {
      type filter hook forward priority 0; policy drop;
      ct state established,related accept
      iifname != wan oifname wan ${open} accept
    }
    chain input {
      type filter hook input priority 0; policy accept;
      iifname wan ct state new drop
    }
  `;
}

/** Two homes and a relay: the caller's page, and a server that issues credentials for `transport`. */
async function openHomes(stack: AsyncDisposableStack, transport: "udp" | "tcp"): Promise<Homes> {
  const { server: callers, caller } = await twoMachines(stack);
  const [servers, outside] = [stack.use(await Machine.start()), stack.use(await Machine.start())];
  const machine = await machineBehind(stack, servers);
  await outside.ip(`addr add ${RELAY}/32 dev lo`);
  for (const [home, name, net] of [[callers, "eth0", "198.51.100"], [servers, "eth1", "203.0.113"]] as const) {
    await connect(
      { machine: home, name: "wan", address: `${net}.2/24` },
      { machine: outside, name, address: `${net}.1/24` },
    );
    await home.ip(`route add default via ${net}.1`);
    await home.route();
  }
  // Addresses of homes lead nowhere, without a word.
  await outside.ip("route add default via 198.51.100.2");
  const relay = await relayOn(stack, outside, { program: COTURN!, host: RELAY });
  for (const home of [callers, servers]) {
    await home.rules(router(`ip daddr ${RELAY} ${transport} dport ${relay.port}`));
  }
  const page = await chromiumOn(stack, caller, { hosts: [RELAY] });
  stack.use(machine.enter());
  const turn = { urls: [`turn:${RELAY}:${relay.port}?transport=${transport}`], secret: SECRET };
  const settings = { rtc: { host: HIDDEN, turn, connect_timeout_seconds: 8 } };
  return { server: stack.use(await startServer({ settings })), page, relay };
}

/** Calls with the help of `ice_servers`. Candidates that the server finds late follow. */
async function callWith(
  stack: AsyncDisposableStack,
  { page, server }: Homes,
  ice_servers: readonly IceServer[],
): Promise<CallStory & { id: string }> {
  const sdp = await page.evaluate((ice_servers) => rtc.open({ channel: "muxi", ice_servers }), [...ice_servers]);
  const offered = { body: { type: "offer", sdp } };
  const { session_id: id, sdp: answer } = await good<{ session_id: string; sdp: string }>(
    await server.request("POST", "/rtc/offer", offered),
  );
  await page.evaluate((answer) => rtc.accept(answer), answer);
  const story = Object.assign(stack.use(new CallStory(server, id)), { id });
  void (async () => {
    for (let from = 0;;) {
      const { seq, data } = await story.until(({ seq, type }) => type === "session.candidate" && seq > from);
      from = seq;
      if (data.candidate.candidate !== "") await page.evaluate((one) => rtc.add(one), data.candidate);
    }
  })().catch(() => {});
  return story;
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
