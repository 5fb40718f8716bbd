/**
 * Calls through firewalls, from another machine: one open port is enough, and where none is, the caller is told.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import type { Page } from "playwright-core";
import type { RtcStats } from "../../src/domain/rtc_session.ts";
import { callFrom, CallStory, good } from "../support/calls.ts";
import { freePort } from "../support/free_port.ts";
import type { Machine } from "../support/netns.ts";
import { chromiumOn, HIDDEN, machineBehind, onNetworks, SERVER, twoMachines } from "../support/network_calls.ts";
import type { RtcPage } from "../support/rtc_page.ts";
import { startServer, type TestServer, USER_KEY } from "../support/server.ts";

declare const rtc: RtcPage;

/** What `machine` takes from outside: what `open` says, in nft's words; the rest is dropped and counted. */
function allow(machine: Machine, open: readonly string[]): Promise<void> {
  return machine.rules(`
    counter dropped { }
    counter taken { }
    chain input {
      type filter hook input priority 0; policy accept;
      iif lo accept
      ${open.map((what) => `${what} counter name taken accept`).join("\n      ")}
      counter name dropped drop
    }
  `);
}

/** A server behind a firewall, whose page of calls is opened on the caller's machine. */
async function openBehind(
  stack: AsyncDisposableStack,
  { rtc, open }: { rtc: Record<string, unknown>; open(ports: { http: number; media: number }): string[] },
) {
  const { server: machine, caller } = await twoMachines(stack);
  const page = await chromiumOn(stack, caller);
  stack.use(machine.enter());
  const media = freePort();
  const { origin } = new URL(page.url());
  const settings = { rtc: { host: SERVER, port: media, ...rtc }, server: { cors: { origins: [origin] } } };
  const server = stack.use(await startServer({ host: SERVER, settings }));
  const http = Number(new URL(server.url).port);
  await allow(machine, open({ http, media }));
  return { machine, page, server, media };
}

/** The page offers and takes the answer by itself, over HTTP. Resolves with the call's id. */
async function callByItself(page: Page, server: TestServer): Promise<string> {
  return await page.evaluate(async ({ url, key }) => {
    const sdp = await rtc.open({ channel: "muxi" });
    const response = await fetch(`${url}/api/v1/rtc/offer`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ type: "offer", sdp }),
    });
    const answer = await response.json();
    await rtc.accept(answer.sdp);
    return answer.session_id;
  }, { url: server.url, key: USER_KEY });
}

/** Words go there, and sound and words come back. */
async function assertTalks(page: Page, server: TestServer, id: string): Promise<RtcStats> {
  const story = new CallStory(server, id);
  await page.evaluate(() => rtc.connected());
  await page.evaluate(() => rtc.channelOpen());
  await page.evaluate(() => rtc.ask('{"type":"text","text":"Hello"}'));
  await story.until(({ type, data }) => type === "run.event" && data.event === "run.completed");
  await story[Symbol.asyncDispose]();
  await good(await server.request("DELETE", `/rtc/sessions/${id}`));
  const { stats } = await good<{ stats: RtcStats }>(await server.request("GET", `/rtc/sessions/${id}`));
  assert.ok(stats.packets_received > 0 && stats.packets_sent > 0, JSON.stringify(stats));
  return stats;
}

onNetworks("one port for HTTP and one for UDP are all that a call needs", async (stack) => {
  const { machine, page, server } = await openBehind(stack, {
    rtc: { tcp: false },
    open: ({ http, media }) => [`tcp dport ${http}`, `udp dport ${media}`],
  });
  const id = await callByItself(page, server);
  const { path } = await assertTalks(page, server, id);
  assert.match(path!, /^udp /);
  assert.ok(await machine.counted("taken") > 0);
  assert.equal(await machine.counted("dropped"), 0);
});

onNetworks("where UDP is closed, a call goes over TCP", async (stack) => {
  const { machine, page, server } = await openBehind(stack, {
    rtc: {},
    open: ({ http, media }) => [`tcp dport { ${http}, ${media} }`],
  });
  const id = await callByItself(page, server);
  await page.evaluate(() => rtc.connected());
  assert.match((await page.evaluate(() => rtc.path()))!.path, /^tcp /);
  const { path } = await assertTalks(page, server, id);
  assert.match(path!, /^tcp /);
  assert.ok(await machine.counted("dropped") > 0, "UDP was tried");
});

onNetworks("where everything is closed, both ends are told in time", async (stack) => {
  const { page, server, media } = await openBehind(stack, {
    rtc: { connect_timeout_seconds: 8 },
    open: ({ http }) => [`tcp dport ${http}`],
  });
  const id = await callByItself(page, server);
  const story = stack.use(new CallStory(server, id));
  const { data: error } = await story.until(({ type, data }) => type === "error" && data.error === "TimeoutError");
  const { data: ended } = await story.state("ended");
  assert.equal(ended.reason, "connect_timeout");
  assert.ok(error.message.includes(`${SERVER}:${media}/udp`), error.message);
  const session = await good<{ state: string; reason: string }>(await server.request("GET", `/rtc/sessions/${id}`));
  assert.deepEqual([session.state, session.reason], ["ended", "connect_timeout"]);
});

onNetworks("a server behind a router that passes one port on is found at the router's address", async (stack) => {
  const { server: router, caller } = await twoMachines(stack);
  const machine = await machineBehind(stack, router);
  const [media, shown] = [freePort(), 9000];
  await router.rules(`
    chain prerouting {
      type nat hook prerouting priority -100;
      iifname eth0 udp dport ${shown} dnat to ${HIDDEN}:${media}
    }
    chain forward {
      type filter hook forward priority 0; policy drop;
      ct state established,related accept
      iifname eth0 udp dport ${media} accept
    }
  `);
  stack.use(machine.enter());
  const rtc = { host: HIDDEN, port: media, tcp: false, advertised_addresses: [SERVER], advertised_port: shown };
  const server = stack.use(await startServer({ settings: { rtc } }));
  const page = await chromiumOn(stack, caller);
  const id = await callFrom(page, server);
  const { path } = await assertTalks(page, server, id);
  assert.match(path!, /^udp /);
});
