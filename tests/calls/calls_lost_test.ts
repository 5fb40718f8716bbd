/**
 * Calls whose way is lost: noticed, taken up again, and what was being answered goes on.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { chromium, type Page } from "playwright-core";
import { BROWSER, callFrom, CallStory, good, inBrowser, openPage } from "../support/calls.ts";
import { startProvider } from "../support/provider.ts";
import { type RtcPage, serveRtcPage } from "../support/rtc_page.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { until } from "../support/story.ts";

declare const rtc: RtcPage;

/** A model that says a word each quarter of a second. */
const SLOW = { tokens: Array.from({ length: 60 }, (_, i) => `word${i} `), delay: 250 };

/** A browser that can be killed. */
async function openMortal(stack: AsyncDisposableStack): Promise<{ page: Page; kill(): Promise<void> }> {
  const site = stack.use(serveRtcPage());
  // Killed, it leaves its temporary things.
  const TMPDIR = await Deno.makeTempDir({ prefix: "muxi-browser-" });
  stack.defer(() => Deno.remove(TMPDIR, { recursive: true }));
  const env = { ...Deno.env.toObject(), TMPDIR };
  const host = await chromium.launchServer({ executablePath: BROWSER!, args: ["--no-sandbox"], env });
  stack.defer(() => host.kill());
  const browser = await chromium.connect(host.wsEndpoint());
  const page = await browser.newPage();
  await page.goto(site.url);
  await page.click("button");
  return { page, kill: () => host.kill() };
}

async function startSlow(stack: AsyncDisposableStack): Promise<TestServer> {
  const provider = stack.use(await startProvider({ script: SLOW }));
  return stack.use(await startServer({ provider: provider.url }));
}

function isRunEvent(name: string) {
  return ({ type, data }: { type: string; data: { event?: string } }) => type === "run.event" && data.event === name;
}

inBrowser("a changed network gives a call another way, and the run that answers goes on", async () => {
  await using stack = new AsyncDisposableStack();
  const server = await startSlow(stack);
  const { page } = await openPage(stack);
  const id = await callFrom(page, server);
  const story = stack.use(new CallStory(server, id));
  await page.evaluate(() => rtc.ask('{"type":"text","text":"Tell me"}'));
  await story.until(isRunEvent("model.delta"));
  const before = await page.evaluate(() => rtc.path());
  const sdp = await page.evaluate(() => rtc.restart());
  const answer = await good<{ session_id: string; sdp: string }>(
    await server.request("POST", "/rtc/offer", { body: { session_id: id, sdp } }),
  );
  assert.equal(answer.session_id, id);
  await page.evaluate((sdp) => rtc.accept(sdp), answer.sdp);
  const isNew = async () => (await page.evaluate(() => rtc.path()))?.id !== before!.id;
  await until("another path is used", isNew, { every_ms: 50 });
  await story.until(isRunEvent("run.completed"));
  const { data } = await good<{ data: { status: string }[] }>(await server.request("GET", "/runs"));
  assert.deepEqual(data.map(({ status }) => status), ["completed"]);
  assert.deepEqual(story.of("session.state").map(({ state }) => state), ["connecting", "active"]);
});

inBrowser("a browser that dies is noticed within ten seconds, and a new one takes its call up", async () => {
  await using stack = new AsyncDisposableStack();
  const server = await startSlow(stack);
  const first = await openMortal(stack);
  const id = await callFrom(first.page, server);
  const story = stack.use(new CallStory(server, id));
  await first.page.evaluate(() => rtc.ask('{"type":"text","text":"Tell me"}'));
  await story.until(isRunEvent("model.delta"));
  const killed = performance.now();
  await first.kill();
  await story.state("lost");
  assert.ok(performance.now() - killed < 10_000, "this figure is promised");
  const { page } = await openPage(stack);
  assert.equal(await callFrom(page, server, { body: { session_id: id } }), id);
  await story.until(isRunEvent("run.completed"));
  assert.deepEqual(story.of("session.state").map(({ state }) => state), ["connecting", "active", "lost", "active"]);
  const { conversation_id } = await good(await server.request("GET", `/rtc/sessions/${id}`));
  await page.evaluate(() => rtc.ask('{"type":"text","text":"And then?"}'));
  await story.until(({ type, data }) =>
    isRunEvent("run.started")({ type, data }) && data.seq === 1 && data.run_id !==
      story.of("run.event")[0].run_id
  );
  const { data } = await good<{ data: { conversation_id: string }[] }>(await server.request("GET", "/runs"));
  assert.deepEqual(new Set(data.map((run) => run.conversation_id)), new Set([conversation_id]));
});

inBrowser("who takes a call up and never connects leaves it lost, for the next one to take up", async () => {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startServer());
  const { page } = await openPage(stack);
  const id = await callFrom(page, server);
  const story = stack.use(new CallStory(server, id));
  await story.state("active");
  const vain = await openPage(stack);
  const sdp = await vain.page.evaluate(() => rtc.open({ channel: "muxi" }));
  await good(await server.request("POST", "/rtc/offer", { body: { session_id: id, sdp } }));
  await story.state("lost");
  const next = await openPage(stack);
  assert.equal(await callFrom(next.page, server, { body: { session_id: id } }), id);
  await story.until(({ seq, type, data }) =>
    type === "session.state" && data.state === "active" &&
    seq > story.events.find(({ data }) => data.state === "lost")!.seq
  );
});

inBrowser("a lost call ends when nobody comes back; text goes on while somebody is attached", async () => {
  await using stack = new AsyncDisposableStack();
  const settings = { rtc: { lost_seconds: 2, reattach_seconds: 2 } };
  const server = stack.use(await startServer({ settings }));
  const { page, kill } = await openMortal(stack);
  const id = await callFrom(page, server);
  const story = stack.use(new CallStory(server, id));
  const url = `${server.url.replace("http", "ws")}/api/v1/rtc/sessions/${id}/attach`;
  const { ticket } = await good<{ ticket: string }>(await server.request("POST", "/tickets"));
  const socket = new WebSocket(`${url}?ticket=${ticket}`);
  await new Promise((resolve) => socket.onopen = resolve);
  await kill();
  await story.state("lost");
  socket.send(JSON.stringify({ type: "text", text: "Are you there?" }));
  await story.until(isRunEvent("run.completed"));
  const closed = new Promise((resolve) => socket.onclose = resolve);
  socket.close();
  await closed;
  const { data } = await story.state("ended");
  assert.equal(data.reason, "lost");
});

inBrowser("who closes the page hangs up", async () => {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startServer());
  const { page } = await openPage(stack);
  const id = await callFrom(page, server);
  const story = stack.use(new CallStory(server, id));
  await story.state("active");
  await page.evaluate(() => rtc.close());
  await story.over;
  const session = await good<{ reason: string; stats: { packets_sent: number } }>(
    await server.request("GET", `/rtc/sessions/${id}`),
  );
  assert.equal(session.reason, "hung_up");
  assert.ok(session.stats.packets_sent > 0);
});
