/**
 * Callers whose network changes, or goes away, in the middle of a call.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { BROWSER, callFrom, CallStory, good, inBrowser, openPage } from "../support/calls.ts";
import { freePort } from "../support/free_port.ts";
import { CALLER, chromiumOn, countMoved, MOVED, onNetworks, SERVER, twoMachines } from "../support/network_calls.ts";
import { startProvider } from "../support/provider.ts";
import type { RtcPage } from "../support/rtc_page.ts";
import { startServer, USER_KEY } from "../support/server.ts";
import { startUdpRelay } from "../support/udp_relay.ts";

declare const rtc: RtcPage;

/** A model that says a word each quarter of a second. */
const SLOW = { tokens: Array.from({ length: 40 }, (_, i) => `word${i} `), delay: 250 };

function isRunEvent(name: string) {
  return ({ type, data }: { type: string; data: { event?: string } }) => type === "run.event" && data.event === name;
}

onNetworks("a page whose address changes in the middle of an answer goes on with it", async (stack) => {
  const { server: machine, caller } = await twoMachines(stack);
  stack.use(machine.enter());
  const provider = stack.use(await startProvider({ script: SLOW }));
  const settings = { rtc: { host: SERVER, tcp: false } };
  const server = stack.use(await startServer({ host: SERVER, settings, provider: provider.url }));
  const browser = stack.use(await caller.browser(BROWSER!, { hosts: [SERVER], trusted: [server.url] }));
  const { page } = await browser.newPage({ permissions: ["microphone"] });
  await page.goto(`${server.url}/call`);
  await page.getByLabel("Key").fill(USER_KEY);
  await page.locator("#start:enabled").click();
  await page.locator('#state[data-state="connected"]').waitFor();
  const sessions = () => server.request("GET", "/rtc/sessions").then((one) => good<{ data: { id: string }[] }>(one));
  const [{ id }] = (await sessions()).data as [{ id: string }];
  const story = stack.use(new CallStory(server, id));
  await page.locator("#text").fill("Tell me");
  await page.locator("#text").press("Enter");
  await story.until(isRunEvent("model.delta"));
  const moved = await countMoved(machine);
  await caller.ip(`addr del ${CALLER}/24 dev eth0`);
  await caller.ip(`addr add ${MOVED}/24 dev eth0`);
  await caller.ip(`route add default via ${SERVER}`);
  await moved();
  await page.locator('#state[data-state="connected"]').waitFor();
  await story.until(isRunEvent("run.completed"));
  await page.locator("#transcript").getByText("word39").waitFor();
  assert.equal((await sessions()).data.length, 1);
  const { data: runs } = await good<{ data: { status: string }[] }>(await server.request("GET", "/runs"));
  assert.deepEqual(runs.map(({ status }) => status), ["completed"]);
  assert.equal(story.of("session.state").at(-1).state, "active");
});

onNetworks("a caller whose cable is cut is lost within ten seconds, and given up in time", async (stack) => {
  const { server: machine, caller } = await twoMachines(stack);
  const page = await chromiumOn(stack, caller);
  stack.use(machine.enter());
  const settings = { rtc: { host: SERVER, reattach_seconds: 2 } };
  const server = stack.use(await startServer({ settings }));
  const id = await callFrom(page, server);
  const story = stack.use(new CallStory(server, id));
  await story.state("active");
  await caller.rules("chain output { type filter hook output priority 0; policy accept; oif eth0 drop; }");
  const cut = performance.now();
  await story.state("lost");
  assert.ok(performance.now() - cut < 10_000, "this figure is promised");
  assert.equal((await story.state("ended")).data.reason, "lost");
  await story.over;
  const { reason, stats } = await good<{ reason: string; stats: { path: string } }>(
    await server.request("GET", `/rtc/sessions/${id}`),
  );
  assert.equal(reason, "lost");
  // Of what was, not of what is left.
  assert.equal(stats.path, "udp host");
});

inBrowser("a network that comes back finds the call as it was", async () => {
  await using stack = new AsyncDisposableStack();
  const to = freePort();
  const relay = stack.use(await startUdpRelay({ seed: 1, to }));
  const rtc_ = { port: to, tcp: false, advertised_addresses: ["127.0.0.1"], advertised_port: relay.port };
  const server = stack.use(await startServer({ settings: { rtc: { ...rtc_, lost_seconds: 2 } } }));
  const { page } = await openPage(stack);
  const id = await callFrom(page, server);
  const story = stack.use(new CallStory(server, id));
  relay.cut(true);
  await story.state("lost");
  relay.cut(false);
  await story.until(({ seq, type, data }) =>
    type === "session.state" && data.state === "active" &&
    seq > story.events.find((one) => one.data.state === "lost")!.seq
  );
  await page.evaluate(() => rtc.ask('{"type":"text","text":"Hello"}'));
  await story.until(isRunEvent("run.completed"));
});
