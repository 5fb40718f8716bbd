import { strict as assert } from "node:assert";
import { frameOf, readFragment } from "../../src/transports/rtc/sdp_fragment.ts";
import { ADMIN_KEY, startServer, type TestServer, USER_KEY } from "../support/server.ts";
import { CAMERA, sampleOffer, VOICE } from "../support/whip_offer.ts";

const ENDPOINT = "/rtc/whip/assistant";
const OFFER = "application/sdp";
const FRAGMENT = "application/trickle-ice-sdpfrag";
const HOST = "candidate:1 1 udp 2122260223 127.0.0.1 9 typ host";
const NEW = "a=ice-ufrag:n3wu\r\na=ice-pwd:0123456789abcdefghijklmn\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n";
const OLD = "a=ice-ufrag:EsAw\r\na=ice-pwd:bP+XJMM09aR8AiX1jdukzR6Y\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n";

const start = (rtc: Record<string, unknown> = {}, more: Record<string, unknown> = {}) =>
  startServer({
    settings: { rtc: { host: "127.0.0.1", port: 0, ...rtc }, speech: { stt: NONE, tts: NONE }, ...more },
  });
const NONE = { engine: "none" };

function publish(
  server: TestServer,
  body: string,
  { key = USER_KEY as string | null, type = OFFER, path = ENDPOINT } = {},
) {
  return server.request("POST", path, { key, body, headers: { "content-type": type } });
}

/** Publishes, and gives what the client keeps. */
async function published(server: TestServer, body = sampleOffer([VOICE, CAMERA]), path = ENDPOINT) {
  const response = await publish(server, body, { path });
  assert.equal(response.status, 201, await response.clone().text());
  return {
    answer: await response.text(),
    headers: response.headers,
    etag: response.headers.get("etag")!,
    url: new URL(response.headers.get("location")!, server.url).href,
  };
}

function patch(
  server: TestServer,
  url: string,
  { body = `${OLD}a=${HOST}\r\n`, tag, type = FRAGMENT, key = USER_KEY as string }: {
    body?: string;
    tag?: string;
    type?: string;
    key?: string;
  },
) {
  const headers = { "content-type": type, ...tag !== undefined && { "if-match": tag } };
  return server.request("PATCH", url, { key, body, headers });
}

async function problem(response: Response, status: number, words = /./): Promise<Response> {
  const text = await response.text();
  assert.equal(response.status, status, text);
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  const { type, detail, status: said } = JSON.parse(text);
  assert.equal(type, "about:blank");
  assert.equal(said, status);
  assert.match(detail, words);
  return response;
}

Deno.test("an offer is answered whole, with what the client needs to go on", async () => {
  await using server = await start({
    ice_servers: [{ urls: ["turn:127.0.0.1:9?transport=udp"], username: "ann", credential: "secret" }],
    ice_lite: "yes",
  });
  const { answer, headers, etag, url } = await published(server);
  assert.equal(headers.get("content-type"), OFFER);
  assert.equal(headers.get("accept-patch"), FRAGMENT);
  assert.match(etag, /^"[A-Za-z0-9+/]+"$/);
  assert.ok(answer.includes(`a=ice-ufrag:${etag.slice(1, -1)}\r\n`));
  assert.match(
    headers.get("link")!,
    /^<turn:127\.0\.0\.1:9\?transport=udp>; rel="ice-server"; username="ann"; credential="secret"; credential-type="password"$/,
  );
  assert.match(answer, /a=group:BUNDLE 0 1\r\n/);
  assert.equal(answer.match(/^a=recvonly\r$/gm)?.length, 2, "what is sent is only received");
  assert.equal(answer.match(/^a=rtcp-mux-only\r$/gm)?.length, 2);
  assert.match(answer, /^a=setup:passive\r$/m);
  assert.match(answer, /^a=candidate:/m);
  const { state, dialect, agent_id, modalities } =
    await (await server.request("GET", `/rtc/sessions/${url.split("/").at(-1)}`)).json();
  assert.deepEqual([state, dialect, agent_id, modalities], ["connecting", "whip", "assistant", [
    "audio",
    "camera",
    "text",
  ]]);
});

Deno.test("the endpoint alone is the default agent's, and an unknown agent is nobody's", async () => {
  await using server = await start();
  await published(server, sampleOffer([VOICE]), "/rtc/whip");
  await problem(await publish(server, sampleOffer([VOICE]), { path: "/rtc/whip/nobody" }), 404, /nobody/);
});

Deno.test("a client that wants to be the DTLS client is taken, and one that would also listen hears nothing", async () => {
  await using server = await start();
  const { answer } = await published(server, sampleOffer([VOICE], { setup: "active" }));
  assert.match(answer, /^a=setup:passive\r$/m);
  const both = await published(server, sampleOffer([{ ...VOICE, direction: "sendrecv" }]));
  assert.match(both.answer, /^a=recvonly\r$/m);
});

Deno.test("bodies of other types are refused with 415 and the type to send", async () => {
  await using server = await start();
  const posted = await problem(await publish(server, "{}", { type: "application/json" }), 415);
  assert.equal(posted.headers.get("accept-post"), OFFER);
  const { url, etag } = await published(server);
  const patched = await problem(await patch(server, url, { tag: etag, type: OFFER }), 415);
  assert.equal(patched.headers.get("accept-patch"), FRAGMENT);
});

Deno.test("what is malformed is refused with 400, what can't be taken whole with 422", async () => {
  await using server = await start();
  await problem(await publish(server, "hello"), 400, /no description/);
  await problem(await publish(server, sampleOffer([VOICE]).replace(/a=fingerprint.*\r\n/, "")), 400);
  await problem(await publish(server, sampleOffer([VOICE, { ...VOICE, mid: "1" }])), 422, /2 sections of audio/);
  await problem(await publish(server, sampleOffer([VOICE, { ...CAMERA, codecs: ["H264/90000"] }])), 422, /vp8/);
  await problem(await publish(server, sampleOffer([{ ...VOICE, direction: "recvonly" }])), 422, /recvonly/);
  await problem(await publish(server, sampleOffer([VOICE, { ...CAMERA, stream: "other" }])), 422, /2 streams/);
  const { data } = await (await server.request("GET", "/rtc/sessions")).json();
  assert.deepEqual(data, [], "nothing began");
});

Deno.test("who shows no key, or a wrong one, is told how to", async () => {
  await using server = await start();
  for (const key of [null, "sk_muxi_user_wrong_0123456789012345"]) {
    const response = await problem(await publish(server, sampleOffer([VOICE]), { key }), 401);
    assert.match(response.headers.get("www-authenticate")!, /^Bearer /);
  }
});

Deno.test("too many calls of a key are 429, of all 503, both with the time to wait", async () => {
  await using one = await start({ max_calls_per_key: 1 });
  await published(one);
  const many = await problem(await publish(one, sampleOffer([VOICE])), 429);
  assert.match(many.headers.get("retry-after")!, /^\d+$/);
  await using all = await start({ max_calls: 1 });
  await published(all);
  const full = await problem(await publish(all, sampleOffer([VOICE]), { key: ADMIN_KEY }), 503);
  assert.match(full.headers.get("retry-after")!, /^\d+$/);
});

Deno.test("options tell what may be sent, and pages are let in with what they read", async () => {
  await using server = await start({}, { server: { cors: { origins: ["https://app.example.org"] } } });
  const plain = await server.request("OPTIONS", ENDPOINT, { key: null });
  assert.equal(plain.status, 204);
  assert.equal(plain.headers.get("accept-post"), OFFER);
  assert.equal(plain.headers.get("allow"), "OPTIONS, POST");
  const origin = "https://app.example.org";
  const preflight = await server.request("OPTIONS", ENDPOINT, {
    key: null,
    headers: { origin, "access-control-request-method": "PATCH", "access-control-request-headers": "if-match" },
  });
  assert.match(preflight.headers.get("access-control-allow-headers")!, /If-Match/);
  assert.match(preflight.headers.get("access-control-allow-methods")!, /PATCH/);
  const response = await server.request("POST", ENDPOINT, {
    body: sampleOffer([VOICE]),
    headers: { "content-type": OFFER, origin },
  });
  const exposed = response.headers.get("access-control-expose-headers")!;
  for (const name of ["Location", "ETag", "Link", "Accept-Patch"]) assert.match(exposed, new RegExp(`\\b${name}\\b`));
});

Deno.test("other methods are 405 and name those that are", async () => {
  await using server = await start();
  const { url } = await published(server);
  for (const method of ["GET", "PUT", "PATCH", "DELETE"]) {
    const response = await server.request(method, ENDPOINT);
    assert.equal(response.status, 405, method);
    assert.match(response.headers.get("allow")!, /POST/);
    await response.body?.cancel();
  }
  assert.equal((await server.request("HEAD", ENDPOINT)).status, 405);
  for (const method of ["GET", "PUT", "POST"]) {
    const response = await server.request(method, url);
    assert.equal(response.status, 405, method);
    assert.match(response.headers.get("allow")!, /PATCH, DELETE/);
    await response.body?.cancel();
  }
});

Deno.test("candidates are taken with the tag, and answered without one", async () => {
  await using server = await start();
  const { url, etag } = await published(server);
  const odd = "a=candidate:2 1 sctp 1 127.0.0.1 9 typ host\r\na=candidate:3 1 udp 1 host.local 9 typ host\r\n";
  const response = await patch(server, url, { tag: etag, body: `${OLD}a=${HOST}\r\n${odd}a=end-of-candidates\r\n` });
  assert.equal(response.status, 204);
  assert.equal(response.headers.get("etag"), null);
});

Deno.test("a missing tag is 428, another one 412, a malformed fragment 400", async () => {
  await using server = await start();
  const { url, etag } = await published(server);
  await problem(await patch(server, url, {}), 428, /If-Match/);
  await problem(await patch(server, url, { tag: '"xyzzy"' }), 412);
  await problem(await patch(server, url, { tag: "nonsense" }), 412);
  await problem(await patch(server, url, { tag: etag, body: "hello" }), 400);
});

Deno.test("new credentials find a new path, and the old tag is worth nothing then", async () => {
  await using server = await start();
  const { url, etag, answer } = await published(server);
  const response = await patch(server, url, { tag: "*", body: `${NEW}a=${HOST}\r\n` });
  const text = await response.text();
  assert.equal(response.status, 200, text);
  assert.equal(response.headers.get("content-type"), FRAGMENT);
  const tag = response.headers.get("etag")!;
  assert.notEqual(tag, etag);
  const { ufrag, candidates } = readFragment(text);
  assert.equal(tag, `"${ufrag}"`);
  assert.ok(candidates.length > 0);
  const { head, media } = frameOf(answer);
  for (const line of [...head, ...media]) assert.ok(text.includes(`${line}\r\n`), line);
  assert.ok(head.includes("a=ice-lite"));
  await problem(await patch(server, url, { tag: etag, body: `${NEW}a=${HOST}\r\n` }), 412);
  assert.equal((await patch(server, url, { tag, body: `${NEW}a=${HOST}\r\n` })).status, 204);
});

Deno.test("a new path that can't be found now is refused, and the session goes on", async () => {
  await using server = await start();
  const { url } = await published(server);
  const session_id = url.split("/").at(-1)!;
  const asked = await server.request("POST", "/rtc/offer", { body: { session_id, request: true } });
  assert.equal(asked.status, 200, await asked.text());
  await problem(await patch(server, url, { tag: "*", body: `${NEW}a=${HOST}\r\n` }), 409, /restart/);
  assert.equal((await (await server.request("GET", `/rtc/sessions/${session_id}`)).json()).state, "connecting");
  assert.equal((await patch(server, url, { tag: "*" })).status, 204);
  assert.equal((await server.request("DELETE", url)).status, 200);
});

Deno.test("any tag with the old credentials is only more candidates", async () => {
  await using server = await start();
  const { url } = await published(server);
  const response = await patch(server, url, { tag: "*" });
  assert.equal(response.status, 204, await response.text());
});

Deno.test("a session is ended once, whatever the tag, and is nobody else's", async () => {
  const other = "sk_muxi_user_other_012345678901234";
  await using server = await start({}, { auth: { api_keys: [`other:user:${other}`] } });
  const { url } = await published(server);
  await problem(await server.request("DELETE", url, { key: other }), 404);
  await problem(await patch(server, url, { tag: "*", key: other }), 404);
  const ended = await server.request("DELETE", url, { headers: { "if-match": '"xyzzy"' } });
  assert.equal(ended.status, 200);
  await problem(await server.request("DELETE", url), 404);
  const unknown = new URL(url).pathname.replace(/[^/]+$/, "rtc_0000");
  await problem(await server.request("DELETE", `${server.url}${unknown}`), 404);
});
