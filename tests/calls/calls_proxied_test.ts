/**
 * Calls whose signalling comes through a proxy, below a path, while their media goes straight to the server.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { BROWSER, callFrom, CallStory, good, openPage } from "../support/calls.ts";
import { startNginx } from "../support/nginx.ts";
import { hasProgram } from "../support/parts.ts";
import type { RtcPage } from "../support/rtc_page.ts";
import { startServer, type TestServer, USER_KEY } from "../support/server.ts";
import { within } from "../support/waiting.ts";
import { sampleOffer, VOICE } from "../support/whip_offer.ts";

declare const rtc: RtcPage;

const BASE = "/muxi";
const SDP = "application/sdp";

/** A server that is asked by nginx alone. */
async function startBehind(stack: AsyncDisposableStack): Promise<TestServer> {
  const settings = {
    server: { base_path: BASE, trusted_proxies: ["127.0.0.1"] },
    speech: { stt: { engine: "none" }, tts: { engine: "none" } },
  };
  const server = stack.use(await startServer({ settings }));
  const { url } = stack.use(await startNginx({ target: server.url, path: `${BASE}/` }));
  const front = `${url}${BASE}`;
  return {
    ...server,
    url: front,
    request: (method, path, options) =>
      server.request(
        method,
        path.startsWith("http") ? path : `${front}${path.startsWith("^") ? path.slice(1) : `/api/v1${path}`}`,
        options,
      ),
  };
}

const ignore = BROWSER === undefined || !hasProgram("nginx");

Deno.test("behind nginx a browser calls, events and a WebSocket follow the call", { ignore }, async () => {
  await using stack = new AsyncDisposableStack();
  const server = await startBehind(stack);
  const { page } = await openPage(stack);
  const id = await callFrom(page, server);
  const story = stack.use(new CallStory(server, id));
  await story.state("active");
  const address = `${server.url.replace("http", "ws")}/api/v1/rtc/sessions/${id}/attach`;
  const socket = new WebSocket(address, { headers: { authorization: `Bearer ${USER_KEY}` } });
  stack.defer(() => socket.close());
  await within("the WebSocket", new Promise((resolve) => socket.onopen = resolve));
  socket.send(JSON.stringify({ type: "text", text: "Who are you?" }));
  await story.until(({ type, data }) => type === "run.event" && data.event === "run.completed");
  assert.match((await page.evaluate(() => rtc.path()))!.path, /^udp /);
});

Deno.test("behind nginx clients of WHIP and of OpenAI find their call where they are told", { ignore }, async () => {
  await using stack = new AsyncDisposableStack();
  const server = await startBehind(stack);
  const { origin } = new URL(server.url);
  const post = (path: string) =>
    server.request("POST", path, { body: sampleOffer([VOICE]), headers: { "content-type": SDP } });
  const published = await post("/rtc/whip");
  assert.equal(published.status, 201, await published.text());
  const resource = new URL(published.headers.get("location")!, `${server.url}/api/v1/rtc/whip`);
  assert.ok(resource.href.startsWith(`${origin}${BASE}/`), resource.href);
  const ended = await server.request("DELETE", resource.href);
  assert.equal(ended.status, 200, await ended.text());
  const called = await post("^/v1/realtime/calls");
  assert.equal(called.status, 201, await called.text());
  const call = new URL(called.headers.get("location")!, server.url);
  assert.ok(call.href.startsWith(`${origin}${BASE}/v1/realtime/calls/`), call.href);
  await good(await server.request("POST", `${call.href}/hangup`));
});
