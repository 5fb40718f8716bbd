/**
 * WHEP (draft-ietf-wish-whep): the table of answers, row by row, and who may watch.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { openLibsqlStore } from "../../src/adapters/libsql/store.ts";
import { createLog } from "../../src/kit/log.ts";
import type { Store } from "../../src/ports/store.ts";
import { CallStory, good } from "../support/calls.ts";
import { startServer, type TestServer, USER_KEY } from "../support/server.ts";
import { until } from "../support/story.ts";
import { CAMERA, sampleOffer, type SampleSection, VOICE } from "../support/whip_offer.ts";

const OFFER = "application/sdp";
const FRAGMENT = "application/trickle-ice-sdpfrag";
const HOST = "candidate:1 1 udp 2122260223 127.0.0.1 9 typ host";
const fragment = (ufrag: string, pwd: string) =>
  `a=ice-ufrag:${ufrag}\r\na=ice-pwd:${pwd}\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=${HOST}\r\n`;
const OLD = fragment("EsAw", "bP+XJMM09aR8AiX1jdukzR6Y");
const NEW = fragment("n3wu", "0123456789abcdefghijklmn");
const NONE = { engine: "none" };
const EAR: SampleSection = { ...VOICE, direction: "recvonly" };
const EYE: SampleSection = { ...CAMERA, direction: "recvonly" };
const OTHER = "sk_muxi_user_other_012345678901234";

// deno-lint-ignore no-explicit-any -- tests look into answers of every shape
type Json = any;

const start = (rtc: Record<string, unknown> = {}, more: Record<string, unknown> = {}, ports: { store?: Store } = {}) =>
  startServer({
    ports,
    settings: {
      rtc: { host: "127.0.0.1", port: 0, ...rtc },
      speech: { stt: NONE, tts: NONE },
      auth: { api_keys: [`other:user:${OTHER}`] },
      ...more,
    },
  });

/** A call that somebody publishes to, and that never connects. */
async function publish(server: TestServer, key = USER_KEY, path = "/rtc/whip/assistant"): Promise<string> {
  const response = await server.request("POST", path, {
    key,
    body: sampleOffer([VOICE, CAMERA]),
    headers: { "content-type": OFFER },
  });
  assert.equal(response.status, 201, await response.text());
  return response.headers.get("location")!.split("/").at(-1)!;
}

function view(
  server: TestServer,
  id: string,
  { key = USER_KEY as string | null, body = sampleOffer([EAR, EYE]), type = OFFER } = {},
) {
  return server.request("POST", `/rtc/whep/${id}`, { key, body, headers: { "content-type": type } });
}

/** Watches, and gives what the client keeps. */
async function viewing(server: TestServer, id: string, options: Parameters<typeof view>[2] = {}) {
  const response = await view(server, id, options);
  assert.equal(response.status, 201, await response.clone().text());
  const location = response.headers.get("location")!;
  return {
    answer: await response.text(),
    headers: response.headers,
    etag: response.headers.get("etag")!,
    url: new URL(location, server.url).href,
    id: location.split("/").at(-1)!,
  };
}

function patch(server: TestServer, url: string, { body = OLD, tag, type = FRAGMENT, key = USER_KEY }: {
  body?: string;
  tag?: string;
  type?: string;
  key?: string;
} = {}) {
  const headers = { "content-type": type, ...tag !== undefined && { "if-match": tag } };
  return server.request("PATCH", url, { key, body, headers });
}

async function problem(response: Response, status: number, words = /./): Promise<Response> {
  const text = await response.text();
  assert.equal(response.status, status, text);
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  assert.match(JSON.parse(text).detail, words);
  return response;
}

const show = async (server: TestServer, id: string, key = USER_KEY) =>
  good<Json>(await server.request("GET", `/rtc/sessions/${id}`, { key }));

Deno.test("an offer that receives is answered by one that sends, and is a session of its own", async () => {
  await using server = await start({ ice_lite: "yes" });
  const call = await publish(server);
  const { answer, headers, etag, url, id } = await viewing(server, call);
  assert.match(url, /\/api\/v1\/rtc\/whep\/sessions\/rtc_[0-9a-z]+$/);
  assert.equal(headers.get("content-type"), OFFER);
  assert.equal(headers.get("accept-patch"), FRAGMENT);
  assert.ok(answer.includes(`a=ice-ufrag:${etag.slice(1, -1)}\r\n`));
  assert.equal(answer.match(/^a=sendonly\r$/gm)?.length, 2);
  assert.match(answer, /a=group:BUNDLE 0 1\r\n/);
  assert.match(answer, /^a=setup:passive\r$/m);
  assert.match(answer, /^a=candidate:/m);
  const { dialect, state, modalities, metadata, conversation_id } = await show(server, id);
  assert.deepEqual([dialect, state, modalities, metadata.watched_session_id, conversation_id], [
    "whep",
    "connecting",
    ["audio", "camera"],
    call,
    null,
  ]);
  const two = await viewing(server, call, {
    body: sampleOffer([EAR, EYE, { ...EAR, mid: "2" }, { ...EYE, mid: "3", direction: "sendrecv" }]),
  });
  assert.equal(two.answer.match(/^a=sendonly\r$/gm)?.length, 4);
});

Deno.test("who is in the call is told of each viewer, who ends with it", async () => {
  const log = createLog({ level: "error", format: "json", write: () => {} });
  await using store = await openLibsqlStore({ path: ":memory:", log });
  await using server = await start({}, {}, { store });
  const call = await publish(server);
  await using story = new CallStory(server, call);
  const one = await viewing(server, call);
  const other = await viewing(server, call);
  await server.request("DELETE", one.url).then((response) => response.body?.cancel());
  await story.until(({ type, data }) => type === "session.viewer" && !data.present);
  assert.deepEqual(story.of("session.viewer"), [
    { viewer_id: one.id, present: true, viewers: 1 },
    { viewer_id: other.id, present: true, viewers: 2 },
    { viewer_id: one.id, present: false, viewers: 1 },
  ]);
  await server.request("DELETE", `/rtc/sessions/${call}`).then((response) => response.body?.cancel());
  await until("the other viewer is gone", async () => (await show(server, other.id)).state === "ended");
  await problem(await view(server, call), 410);
  await server[Symbol.asyncDispose]();
  const audited = await store.read({
    from: "audit",
    where: { action: "rtc_viewer" },
    order: [["id", "asc"]],
    limit: 9,
  });
  assert.deepEqual(audited.map(({ details }) => (details as Json).viewer_id), [one.id, other.id]);
});

Deno.test("bodies of other types are 415, what is malformed 400, what can't be taken whole 422", async () => {
  await using server = await start();
  const call = await publish(server);
  const posted = await problem(await view(server, call, { body: "{}", type: "application/json" }), 415);
  assert.equal(posted.headers.get("accept-post"), OFFER);
  const offer = (...sections: SampleSection[]) => view(server, call, { body: sampleOffer(sections) });
  await problem(await view(server, call, { body: "hello" }), 400, /no description/);
  await problem(await view(server, call, { body: sampleOffer([EAR]).replace(/a=fingerprint.*\r\n/, "") }), 400);
  await problem(await offer(VOICE), 422, /sendonly/);
  await problem(await offer({ ...EAR, direction: "inactive" }), 422);
  await problem(await offer({ ...EYE, codecs: ["H264/90000"] }), 422, /vp8/);
  await problem(await offer(EAR, { ...EAR, mid: "1" }, { ...EAR, mid: "2" }), 422, /3 sections of audio/);
  const { data } = await good<Json>(await server.request("GET", "/rtc/sessions"));
  assert.deepEqual(data.map(({ dialect }: Json) => dialect), ["whip"], "nobody watches");
  const { url, etag } = await viewing(server, call);
  const patched = await problem(await patch(server, url, { tag: etag, type: OFFER }), 415);
  assert.equal(patched.headers.get("accept-patch"), FRAGMENT);
});

Deno.test("a call is watched by its own key alone, with a key, and not beyond its limits", async () => {
  await using server = await start({ max_viewers: 1, max_calls_per_key: 3 });
  const call = await publish(server);
  for (const key of [null, "sk_muxi_user_wrong_0123456789012345"]) {
    const response = await problem(await view(server, call, { key }), 401);
    assert.match(response.headers.get("www-authenticate")!, /^Bearer /);
  }
  await problem(await view(server, call, { key: OTHER }), 404);
  await problem(await view(server, "rtc_0000"), 404);
  const { id } = await viewing(server, call);
  const many = await problem(await view(server, call), 429, /at most 1/);
  assert.match(many.headers.get("retry-after")!, /^\d+$/);
  await problem(await view(server, id), 409, /only watches/);
  await server.request("DELETE", `/rtc/sessions/${id}`).then((response) => response.body?.cancel());
  await viewing(server, call);
  const second = await publish(server);
  await problem(await view(server, second), 429, /./);
  await using none = await start({ max_viewers: 0 });
  await problem(await view(none, await publish(none)), 429);
});

Deno.test("a user sees the calls of that user, and a secret the call that it names", async () => {
  await using server = await start();
  const anns = await publish(server, USER_KEY, "/rtc/whip/assistant?user_id=ann");
  const asBob = await server.request("POST", `/rtc/whep/${anns}?user_id=bob`, {
    body: sampleOffer([EAR]),
    headers: { "content-type": OFFER },
  });
  await problem(asBob, 404);
  const plain = await publish(server);
  const secretOf = async (body: Json) =>
    (await good<Json>(await server.request("POST", "/rtc/secrets", { body }))).secret as string;
  const watching = await secretOf({ watch: anns });
  const { url, etag, id } = await viewing(server, anns, { key: watching });
  assert.equal((await patch(server, url, { tag: etag, key: watching })).status, 204);
  assert.equal((await show(server, id, watching)).dialect, "whep");
  await problem(await view(server, plain, { key: watching }), 404);
  for (
    const [method, path] of [["GET", ""], ["GET", "/events"], ["DELETE", ""]] as const
  ) {
    const response = await server.request(method, `/rtc/sessions/${anns}${path}`, { key: watching });
    assert.equal(response.status, 404, `${method} ${path}: it watches, no more`);
    await response.body?.cancel();
  }
  const begin = await server.request("POST", "/rtc/sessions", { key: watching, body: {} });
  assert.equal(begin.status, 403);
  await begin.body?.cancel();
  const foreign = await server.request("POST", "/rtc/secrets", { key: OTHER, body: { watch: anns } });
  assert.equal(foreign.status, 404);
  await foreign.body?.cancel();
  // Two secrets of the same key that stand for no user know nothing of each other.
  const [one, other] = [await secretOf({}), await secretOf({})];
  const own = await publish(server, one);
  await viewing(server, own, { key: one });
  await problem(await view(server, own, { key: other }), 404);
  assert.equal((await server.request("GET", `/rtc/sessions/${own}`, { key: other })).status, 404);
  assert.equal((await show(server, own)).id, own, "the key sees what its secrets began");
});

Deno.test("options and other methods tell what may be sent", async () => {
  await using server = await start({}, { server: { cors: { origins: ["https://app.example.org"] } } });
  const call = await publish(server);
  const endpoint = `/rtc/whep/${call}`;
  const plain = await server.request("OPTIONS", endpoint, { key: null });
  assert.deepEqual([plain.status, plain.headers.get("accept-post"), plain.headers.get("allow")], [
    204,
    OFFER,
    "OPTIONS, POST",
  ]);
  for (const method of ["GET", "HEAD", "PUT", "PATCH", "DELETE"]) {
    const response = await server.request(method, endpoint);
    assert.equal(response.status, 405, method);
    await response.body?.cancel();
  }
  const { url } = await viewing(server, call);
  for (const method of ["GET", "PUT", "POST"]) {
    const response = await server.request(method, url);
    assert.equal(response.status, 405, method);
    assert.match(response.headers.get("allow")!, /PATCH, DELETE/);
    await response.body?.cancel();
  }
  const origin = "https://app.example.org";
  const response = await server.request("POST", endpoint, {
    body: sampleOffer([EAR]),
    headers: { "content-type": OFFER, origin },
  });
  const exposed = response.headers.get("access-control-expose-headers")!;
  for (const name of ["Location", "ETag", "Link", "Accept-Patch"]) assert.match(exposed, new RegExp(`\\b${name}\\b`));
  await response.body?.cancel();
});

Deno.test("candidates trickle, new credentials find a new path, and tags are held to", async () => {
  await using server = await start();
  const { url, etag } = await viewing(server, await publish(server));
  const taken = await patch(server, url, { tag: etag });
  assert.deepEqual([taken.status, taken.headers.get("etag")], [204, null]);
  await problem(await patch(server, url), 428, /If-Match/);
  await problem(await patch(server, url, { tag: '"xyzzy"' }), 412);
  await problem(await patch(server, url, { tag: etag, body: "hello" }), 400);
  const restarted = await patch(server, url, { tag: "*", body: NEW });
  assert.equal(restarted.status, 200);
  assert.match(await restarted.text(), /a=ice-ufrag:\S+\r\n/);
  const tag = restarted.headers.get("etag")!;
  assert.notEqual(tag, etag);
  await problem(await patch(server, url, { tag: etag, body: NEW }), 412);
  assert.equal((await patch(server, url, { tag, body: NEW })).status, 204);
});

Deno.test("a viewer's session is ended once, and is nobody else's", async () => {
  await using server = await start();
  const call = await publish(server);
  const { url } = await viewing(server, call);
  await problem(await server.request("DELETE", url, { key: OTHER }), 404);
  await problem(await patch(server, url, { tag: "*", key: OTHER }), 404);
  assert.equal((await server.request("DELETE", url, { headers: { "if-match": '"xyzzy"' } })).status, 200);
  await problem(await server.request("DELETE", url), 404);
  assert.notEqual((await show(server, call)).state, "ended");
});
