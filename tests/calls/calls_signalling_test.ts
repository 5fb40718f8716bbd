/**
 * Calls come about: who offers, how candidates travel, what is said on the data channel.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { DEVICES, startBrowser } from "../support/browser.ts";
import { BROWSER, callFrom, type Calling, CallStory, good, inBrowser, openPage } from "../support/calls.ts";
import { toChapters } from "../support/readme.ts";
import type { RtcPage } from "../support/rtc_page.ts";
import { startServer, USER_KEY } from "../support/server.ts";
import { until } from "../support/story.ts";
import { within } from "../support/waiting.ts";

declare const rtc: RtcPage;

/** Resolves when `page` has found another path than `path`. */
function untilAnotherPath(page: Calling, path: { id: string } | null): Promise<unknown> {
  assert.ok(path);
  const isNew = async () => {
    const now = await page.evaluate(() => rtc.path());
    return now !== null && now.id !== path.id;
  };
  return until("another path is used", isNew, { every_ms: 50 });
}

inBrowser("Chromium offers, is answered, connects, and talks on the data channel", async () => {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startServer());
  const { page } = await openPage(stack);
  const id = await callFrom(page, server);
  const story = stack.use(new CallStory(server, id));
  await story.state("active");
  const session = await good(await server.request("GET", `/rtc/sessions/${id}`));
  assert.equal(session.state, "active");
  assert.equal(session.agent_id, "assistant");
  assert.deepEqual(session.modalities, ["audio", "text"]);
  assert.ok(session.connected_at);
  const first = JSON.parse(await page.evaluate(() => rtc.ask('{"type":"ping"}')));
  assert.equal(first.type, "session.started");
  assert.equal(first.seq, 1);
  assert.equal(first.data.session.id, id);
  await page.evaluate(() => rtc.ask("no JSON"));
  const { data } = await story.until(({ type, data }) => type === "error" && data.error === "ValidationError");
  assert.match(data.message, /JSON/);
  await page.evaluate(() => rtc.ask('{"type":"text","text":"What are you?"}'));
  const { data: done } = await story.until(({ type, data }) => type === "run.event" && data.event === "run.completed");
  assert.match(done.data.message.content, /offline/i);
  const { conversation_id } = await good(await server.request("GET", `/rtc/sessions/${id}`));
  const { data: messages } = await good<{ data: { role: string; content: string; metadata: unknown }[] }>(
    await server.request("GET", `/conversations/${conversation_id}/messages`),
  );
  assert.deepEqual(messages.map(({ role }) => role), ["user", "assistant"]);
  assert.equal(messages[0]!.content, "What are you?");
  await server.request("DELETE", `/rtc/sessions/${id}`);
  await story.over;
  assert.deepEqual(story.events.at(-1)!.data, { state: "ended", held: false, reason: "deleted" });
});

const isCandidate = (line: string) => line.startsWith("a=candidate:");

inBrowser("candidates travel by themselves, one, several, and the end of them", async () => {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startServer());
  const { page } = await openPage(stack);
  const lines = (await page.evaluate(() => rtc.open({ channel: "muxi" }))).split("\r\n");
  const sdp = lines.filter((line) => !isCandidate(line)).join("\r\n");
  const answer = await good<{ session_id: string; sdp: string; candidates_follow: boolean }>(
    await server.request("POST", "/rtc/offer", { body: { sdp } }),
  );
  assert.equal(answer.candidates_follow, false);
  const { session_id } = answer;
  const candidates = lines.filter(isCandidate).map((line) => ({ candidate: line.slice(2), sdp_mid: "0" }));
  const tell = async (body: Record<string, unknown>) => {
    const response = await server.request("POST", "/rtc/ice-candidate", { body: { session_id, ...body } });
    assert.equal(response.status, 204);
  };
  await tell(candidates[0]!);
  await tell({ candidates: [...candidates, null] });
  await tell({ candidate: null });
  await page.evaluate((sdp) => rtc.accept(sdp), answer.sdp);
  await page.evaluate(() => rtc.connected());
  const neither = await server.request("POST", "/rtc/ice-candidate", { body: { session_id } });
  assert.equal(neither.status, 400);
  await neither.body?.cancel();
});

inBrowser("the server offers, Chromium answers, and the server's channel is the same as any", async () => {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startServer());
  const { page } = await openPage(stack);
  const offer = await good<{ session_id: string; type: string; sdp: string }>(
    await server.request("POST", "/rtc/offer", { body: { request: true } }),
  );
  assert.equal(offer.type, "offer");
  const story = stack.use(new CallStory(server, offer.session_id));
  const sdp = await page.evaluate((sdp) => rtc.answer(sdp), offer.sdp);
  const body = { session_id: offer.session_id, sdp };
  assert.equal((await server.request("POST", "/rtc/answer", { body })).status, 204);
  await page.evaluate(() => rtc.connected());
  await story.state("active");
  await page.evaluate(() => rtc.channelOpen());
  await page.evaluate(() => rtc.ask('{"type":"text","text":"Who are you?"}'));
  await story.until(({ type, data }) => type === "run.event" && data.event === "run.completed");
  const again = await server.request("POST", "/rtc/answer", { body });
  assert.equal(again.status, 409);
  await again.body?.cancel();
});

inBrowser("who only reads the events of a call answers the server's offer, which is answered once", async () => {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startServer());
  const { page } = await openPage(stack);
  const session_id = await callFrom(page, server);
  const story = stack.use(new CallStory(server, session_id));
  const path = await page.evaluate(() => rtc.path());
  const ask = async () =>
    await good<{ sdp: string }>(await server.request("POST", "/rtc/offer", { body: { session_id, request: true } }));
  const asked = await Promise.all([ask(), ask()]);
  const { data: offer } = await story.until(({ type }) => type === "session.offer");
  assert.deepEqual(asked.map(({ sdp }) => sdp), [offer.sdp, offer.sdp]);
  const body = { session_id, sdp: await page.evaluate((sdp) => rtc.answer(sdp), offer.sdp) };
  const statuses = await Promise.all([1, 2].map(async () => {
    const response = await server.request("POST", "/rtc/answer", { body });
    await response.body?.cancel();
    return response.status;
  }));
  assert.deepEqual(statuses.toSorted(), [204, 409]);
  await untilAnotherPath(page, path);
  await page.evaluate(() => rtc.ask('{"type":"text","text":"Still there?"}'));
  await story.until(({ type, data }) => type === "run.event" && data.event === "run.completed");
  // Whoever comes later finds nothing to be answered.
  const late = stack.use(new CallStory(server, session_id));
  await late.until(({ seq }) => seq === story.events.at(-1)!.seq);
  assert.deepEqual(late.of("session.offer"), [{ sdp: null }]);
  assert.deepEqual(story.of("session.offer"), [offer]);
});

inBrowser("a client's offer takes the place of the server's, which nobody may answer any more", async () => {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startServer());
  const { page } = await openPage(stack);
  const session_id = await callFrom(page, server);
  await good(await server.request("POST", "/rtc/offer", { body: { session_id, request: true } }));
  const sdp = await page.evaluate(() => rtc.restart());
  const answer = await good<{ sdp: string }>(await server.request("POST", "/rtc/offer", { body: { session_id, sdp } }));
  await page.evaluate((sdp) => rtc.accept(sdp), answer.sdp);
  const story = stack.use(new CallStory(server, session_id));
  assert.deepEqual((await story.until(({ type }) => type === "session.offer")).data, { sdp: null });
  const refused = await server.request("POST", "/rtc/answer", { body: { session_id, sdp: answer.sdp } });
  assert.equal(refused.status, 409);
  await refused.body?.cancel();
});

inBrowser("when both offer at once, the client's offer is answered", async () => {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startServer());
  const { page } = await openPage(stack);
  const { session_id } = await good<{ session_id: string }>(
    await server.request("POST", "/rtc/offer", { body: { request: true } }),
  );
  assert.equal(await callFrom(page, server, { body: { session_id } }), session_id);
  const story = stack.use(new CallStory(server, session_id));
  await story.state("active");
  // In the middle of a call as well.
  await good(await server.request("POST", "/rtc/offer", { body: { session_id, request: true } }));
  const sdp = await page.evaluate(() => rtc.restart());
  const answer = await good<{ sdp: string }>(await server.request("POST", "/rtc/offer", { body: { session_id, sdp } }));
  await page.evaluate((sdp) => rtc.accept(sdp), answer.sdp);
  assert.match(await page.evaluate(() => rtc.ask('{"type":"hold"}')), /session\./);
});

inBrowser("the code that the README shows calls an agent", async () => {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startServer());
  const browser = stack.use(await startBrowser(BROWSER!, { flags: DEVICES }));
  const { page } = await browser.newPage();
  await page.route(
    `${server.url}/page`,
    (route) => route.fulfill({ contentType: "text/html", body: "<audio></audio>" }),
  );
  await page.goto(`${server.url}/page`);
  const readme = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
  const [block] = toChapters(readme).flatMap(({ blocks }) => blocks).filter(({ language }) => language === "js");
  const told = await page.evaluate(`(async () => {
    const KEY = ${JSON.stringify(USER_KEY)}, told = [];
    console.log = ({ type }) => told.push(type);
    ${block!.text}
    while (!told.includes("session.state")) await new Promise((resolve) => setTimeout(resolve, 20));
    return told;
  })()`);
  assert.equal((told as string[])[0], "session.started");
});

inBrowser("a call is described over a WebSocket, whoever offers", async () => {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startServer());
  const { page } = await openPage(stack);
  const { id } = await good<{ id: string }>(await server.request("POST", "/rtc/sessions", { body: {} }));
  const story = stack.use(new CallStory(server, id));
  const address = `${server.url.replace("http", "ws")}/api/v1/rtc/sessions/${id}/attach`;
  const socket = new WebSocket(address, { headers: { authorization: `Bearer ${USER_KEY}` } });
  stack.defer(() => socket.close());
  await within("the WebSocket", new Promise((resolve) => socket.onopen = resolve));
  const say = (message: unknown) => socket.send(JSON.stringify(message));
  const offered = await page.evaluate(() => rtc.open({ channel: "muxi", keep: "none" }));
  say({ type: "offer", sdp: offered });
  const { data: answer } = await story.until(({ type }) => type === "session.answer");
  const candidate = "candidate:1 1 udp 2122260223 127.0.0.1 9 typ host";
  say({ type: "candidate", candidate: { candidate, sdp_m_line_index: 0 } });
  await page.evaluate((sdp) => rtc.accept(sdp), answer.sdp);
  await page.evaluate(() => rtc.connected());
  await page.evaluate(() => rtc.channelOpen());
  await story.state("active");
  const path = await page.evaluate(() => rtc.path());
  const asked = await server.request("POST", "/rtc/offer", { body: { session_id: id, request: true } });
  const offer = await good<{ sdp: string }>(asked);
  say({ type: "answer", sdp: await page.evaluate((sdp) => rtc.answer(sdp), offer.sdp) });
  await untilAnotherPath(page, path);
  await page.evaluate(() => rtc.ask('{"type":"text","text":"Still there?"}'));
  await story.until(({ type, data }) => type === "run.event" && data.event === "run.completed");
  assert.deepEqual(story.of("error").filter(({ error }) => error !== "UnavailableError"), []);
});
