import assert from "node:assert/strict";
import { type Clock, systemClock } from "../../src/kit/clock.ts";
import { findBrowser, startBrowser } from "../support/browser.ts";
import { findCoturn, startCoturn } from "../support/coturn.ts";
import { type RtcPage, type RtcPageOptions, serveRtcPage } from "../support/rtc_page.ts";
import { makeEcho, makePeer, openPeers } from "../support/webrtc_peers.ts";

const COTURN = findCoturn();
const BROWSER = findBrowser();

declare const rtc: RtcPage;

/** A page in a browser, ready to call. */
async function openPage(stack: AsyncDisposableStack) {
  const site = stack.use(serveRtcPage());
  const browser = stack.use(await startBrowser(BROWSER!));
  const { page } = await browser.newPage();
  await page.goto(site.url);
  await page.click("button");
  return page;
}

for (const transport of ["udp", "tcp"] as const) {
  Deno.test({
    name: `The server reaches Chromium through a relay alone, which it speaks ${transport} to`,
    ignore: COTURN === undefined || BROWSER === undefined,
    async fn() {
      await using stack = new AsyncDisposableStack();
      const coturn = stack.use(await startCoturn(COTURN!));
      const peers = stack.use(await openPeers());
      const page = await openPage(stack);
      const ice_servers = [await coturn.server(transport)];
      const { peer, heard } = makeEcho(peers, { ice_servers, relay_only: true });
      // A relay lets through only whom the server knows of, so that the page must know its own address.
      const stun = [{ urls: `stun:127.0.0.1:${coturn.port}` }];
      const options: RtcPageOptions = { channel: "muxi", ice_servers: stun };
      const offer = await page.evaluate((options) => rtc.open(options), options);
      assert.match(offer, /typ srflx/);
      const answer = await peer.answer(offer);
      const types = answer.match(/^a=candidate:.*/gm)!.map((line) => /typ (\w+)/.exec(line)![1]);
      assert.deepEqual([...new Set(types)], ["relay"]);
      assert.doesNotMatch(answer, /^a=ice-lite/m);
      await page.evaluate((answer) => rtc.accept(answer), answer);
      await page.evaluate(() => rtc.connected());
      await page.evaluate(() => rtc.channelOpen());
      assert.equal(await page.evaluate(() => rtc.ask("through the relay")), "echo:through the relay");
      await heard.until(() => heard.media.length > 20);
      assert.equal(peer.stats().path, "udp relay");
    },
  });

  Deno.test({
    name: `Chromium reaches the server through a relay alone, which it speaks ${transport} to`,
    ignore: COTURN === undefined || BROWSER === undefined,
    async fn() {
      await using stack = new AsyncDisposableStack();
      const coturn = stack.use(await startCoturn(COTURN!));
      const peers = stack.use(await openPeers());
      const page = await openPage(stack);
      const { urls: [urls], username, credential } = await coturn.server(transport);
      const options: RtcPageOptions = {
        channel: "muxi",
        relay_only: true,
        ice_servers: [{ urls: urls!, username: username!, credential: credential! }],
      };
      const { peer, heard } = makeEcho(peers);
      const answer = await peer.answer(await page.evaluate((options) => rtc.open(options), options));
      await page.evaluate((answer) => rtc.accept(answer), answer);
      await page.evaluate(() => rtc.connected());
      await page.evaluate(() => rtc.channelOpen());
      assert.equal(await page.evaluate(() => rtc.ask("through the relay")), "echo:through the relay");
      await heard.until(() => heard.media.length > 20);
      assert.equal((await page.evaluate(() => rtc.path()))!.path, "udp relay host");
      assert.equal(peer.stats().path, "udp relay");
    },
  });
}

Deno.test({
  name: "A relay is one way among others, and a server tells how others see us",
  ignore: COTURN === undefined,
  async fn() {
    await using stack = new AsyncDisposableStack();
    const coturn = stack.use(await startCoturn(COTURN!));
    // A busy machine is given longer than people would wait for a relay.
    const patient: Clock = { ...systemClock, after: (ms, task) => systemClock.after(30 * ms, task) };
    const clients = stack.use(await openPeers({ lite: false }));
    const servers = stack.use(await openPeers({ clock: patient }));
    const client = makePeer(clients);
    const ice_servers = [{ urls: [`stun:127.0.0.1:${coturn.port}`] }, await coturn.server("udp")];
    const server = makeEcho(servers, { ice_servers });
    const answer = await server.peer.answer(await client.peer.offer());
    const types = new Set(answer.match(/typ \w+/g));
    assert.ok(types.has("typ host") && types.has("typ relay") && types.has("typ srflx"), answer);
    await client.peer.accept(answer);
    await client.heard.until(() => client.heard.states.includes("connected"));
    assert.equal(server.heard.candidates.at(-1), null);
  },
});

Deno.test("A relay that doesn't answer delays a call, but doesn't stop it", async () => {
  await using stack = new AsyncDisposableStack();
  // Bound, and deaf.
  const deaf = stack.adopt(
    Deno.listen({ hostname: "127.0.0.1", port: 0 }),
    (listener) => listener.close(),
  );
  const [clients, servers] = [stack.use(await openPeers({ lite: false })), stack.use(await openPeers())];
  const client = makePeer(clients);
  const urls = [`turn:127.0.0.1:${deaf.addr.port}?transport=tcp`];
  const server = makeEcho(servers, { ice_servers: [{ urls, username: "x", credential: "y" }] });
  const answer = await server.peer.answer(await client.peer.offer());
  assert.deepEqual([...new Set(answer.match(/typ \w+/g))], ["typ host"]);
  await client.peer.accept(answer);
  await client.heard.until(() => client.heard.states.includes("connected"));
});
