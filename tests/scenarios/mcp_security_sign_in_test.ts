/**
 * Sign-ins at tool servers that somebody passes on, and those that end in nothing.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { startOAuthUpstream } from "../support/mcp_client_oauth_server.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { goTo, SAME_ORIGIN, toPath } from "../support/sign_in.ts";
import { ask, askAdmin, createAgent, type Json, movableClock, until } from "../support/story.ts";

const HTML = { accept: "text/html,application/xhtml+xml" };

async function open(upstream: { url: string }, oauth: Json = {}, options: Json = {}): Promise<TestServer> {
  const server = await startServer({
    ...options,
    settings: {
      auth: { user_scopes: ["tools"] },
      mcp_servers: [{ name: "vault", url: upstream.url, oauth }],
    },
  });
  await createAgent(server, "butler", { mcp_servers: [{ name: "vault" }] });
  return server;
}

function viewOf(server: TestServer): Promise<Json> {
  return until("it was tried", async () => {
    const view = await askAdmin(server, "GET /agents/butler/mcp_servers/vault");
    return view.state === "connecting" ? undefined : view;
  });
}

/** Comes back to MUXI, as the browser that has `cookie`. */
async function comeBack(server: TestServer, query: Json, cookie?: string, accept = "*/*") {
  const headers = { accept, ...cookie !== undefined && { cookie } };
  const response = await server.request("GET", `/mcp/sign_in?${new URLSearchParams(query)}`, { key: null, headers });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

Deno.test("a sign-in begins on a page that says for whom, and only the browser that began there ends it", async () => {
  await using upstream = startOAuthUpstream();
  await using server = await open(upstream, { per_user: true });
  const everybody = await goTo(server, (await viewOf(server)).sign_in_url);
  const operator = await comeBack(server, { ...await upstream.visit(everybody.url, "operator") }, everybody.cookie);
  assert.equal(JSON.parse(operator.text).signed_in, true);

  const { details } = await ask(server, "POST /tools/vault__echo/call", { body: { user_id: "ada" }, status: 502 });
  const path = toPath(details.sign_in_url);
  assert.match(path, /^\^\/api\/v1\/mcp\/sign_in\/begin\?state=/, "the link leads to MUXI, not past it");
  const page = await server.request("GET", path, { key: null, headers: HTML });
  const text = await page.text();
  for (const part of ["vault", "ada", new URL(upstream.url).host]) assert.ok(text.includes(part), part);
  assert.equal(page.headers.get("set-cookie"), null, "looking at it begins nothing");
  assert.match(page.headers.get("content-security-policy")!, /frame-ancestors 'none'/);

  for (const headers of [{}, { "sec-fetch-site": "cross-site" }, { origin: "https://evil.test" }]) {
    const forced = await server.request("POST", path, { key: null, headers });
    assert.deepEqual([forced.status, forced.headers.get("set-cookie")], [403, null], JSON.stringify(headers));
    await forced.body?.cancel();
  }
  const begun = await server.request("POST", path, { key: null, headers: SAME_ORIGIN, redirect: "manual" });
  await begun.body?.cancel();
  assert.equal(begun.status, 303);
  assert.match(begun.headers.get("set-cookie")!, /; HttpOnly; SameSite=Lax(;|$)/);
  assert.match(begun.headers.get("set-cookie")!, /; Max-Age=600/);
  const cookie = begun.headers.get("set-cookie")!.split(";")[0]!;
  const where = begun.headers.get("location")!;
  assert.equal(new URL(where).origin, new URL(upstream.url).origin);

  // Somebody else was given the address behind the page, and signed in there.
  const answer = { ...await upstream.visit(where, "grace") };
  const mark = cookie.slice(cookie.indexOf("=") + 1);
  for (const [query, shown] of [[answer], [{ ...answer, browser: mark }], [answer, everybody.cookie]] as const) {
    const refused = await comeBack(server, query, shown);
    assert.equal(refused.status, 403, refused.text);
    assert.match(JSON.parse(refused.text).message, /did not begin/);
  }
  assert.equal(upstream.grants.length, 1, "nothing was asked for");
  assert.equal((await comeBack(server, answer, undefined, HTML.accept)).status, 403);

  const done = await comeBack(server, await upstream.visit(where, "ada"), `other=1; ${cookie}`, HTML.accept);
  assert.equal(done.status, 200, done.text);
  assert.match(done.text, /signed in at tool server &quot;vault&quot; for user &quot;ada&quot;/);
  assert.match(done.headers.get("set-cookie")!, /=; .*Max-Age=0/, "the cookie is taken back");
  const said = await ask(server, "POST /tools/vault__echo/call", { body: { user_id: "ada" } });
  assert.equal(said.result.content[0].text, "echo ada");
});

Deno.test("the page of a sign-in that nobody waits for, or not any more, says so", async () => {
  const clock = movableClock();
  await using upstream = startOAuthUpstream();
  await using server = await open(upstream, {}, { ports: { clock } });
  const path = toPath((await viewOf(server)).sign_in_url);
  const guessed = await server.request("GET", "/mcp/sign_in/begin?state=guessed", { key: null, headers: HTML });
  assert.equal(guessed.status, 404);
  assert.match(await guessed.text(), /nobody waits for it/);
  assert.match((await ask(server, `GET ${path}`, { key: null })).url, /\/authorize\?/);
  clock.move(11 * 60_000);
  const late = await server.request("POST", path, { key: null, headers: SAME_ORIGIN });
  assert.deepEqual([late.status, late.headers.get("set-cookie")], [404, null]);
  await late.body?.cancel();
});

Deno.test("behind https the cookie is bound to this very host", async () => {
  await using upstream = startOAuthUpstream();
  await using server = await startServer({
    settings: {
      server: { public_url: "https://muxi.test/at", trusted_proxies: ["127.0.0.1"] },
      mcp_servers: [{ name: "vault", url: upstream.url }],
    },
  });
  await createAgent(server, "butler", { mcp_servers: [{ name: "vault" }] });
  const { sign_in_url } = await viewOf(server);
  assert.match(sign_in_url, /^https:\/\/muxi\.test\/at\/api\/v1\/mcp\/sign_in\/begin\?/);
  const headers = { ...SAME_ORIGIN, "x-forwarded-proto": "https", "x-forwarded-host": "muxi.test" };
  const path = `/mcp/sign_in/begin${new URL(sign_in_url).search}`;
  const begun = await server.request("POST", path, { key: null, headers, redirect: "manual" });
  await begun.body?.cancel();
  assert.match(
    begun.headers.get("set-cookie")!,
    /^__Host-[^;]+; Path=\/; Max-Age=600; HttpOnly; SameSite=Lax; Secure$/,
  );
});

Deno.test("who refuses a server more rights leaves it at work with those it has", async () => {
  await using upstream = startOAuthUpstream({ tools: ["echo", "admin"] });
  await using server = await open(upstream);
  const first = await goTo(server, (await viewOf(server)).sign_in_url);
  await comeBack(server, await upstream.visit(first.url), first.cookie);
  const before = await viewOf(server);
  assert.deepEqual([before.state, before.tools], ["ready", ["vault__echo", "vault__admin"]]);
  const wanting = await ask(server, "POST /tools/vault__admin/call", { body: {}, status: 502 });
  const more = await goTo(server, wanting.details.sign_in_url);
  const { state } = await upstream.visit(more.url);
  const said = await comeBack(server, { state, error: "access_denied" }, more.cookie);
  assert.match(said.text, /"signed_in":false.*access_denied/);
  const after = await viewOf(server);
  assert.equal(after.restarts, before.restarts);
  assert.match(after.last_error, /access_denied/);
  const still = await ask(server, "POST /tools/vault__echo/call", { body: {} });
  assert.equal(still.result.content[0].text, "echo everybody");
  const again = await ask(server, "POST /tools/vault__admin/call", { body: {}, status: 502 });
  assert.notEqual(again.details.sign_in_url, wanting.details.sign_in_url, "another attempt gets another address");
});
