/**
 * Tool servers at which a person has to sign in, from the first refusal to the day after.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { type OAuthUpstream, startOAuthUpstream } from "../support/mcp_client_oauth_server.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { goTo } from "../support/sign_in.ts";
import { ask, askAdmin, createAgent, type Json, until } from "../support/story.ts";

const WHO = "POST /tools/vault__echo/call";

/** A server at which the agent "butler" uses the tool server "vault". */
async function start(upstream: OAuthUpstream, { oauth, data_dir, public_url = "" }: Json = {}): Promise<TestServer> {
  const server = await startServer({
    ...data_dir && { data_dir },
    settings: {
      auth: { user_scopes: ["tools"] },
      server: { public_url },
      mcp_servers: [{ name: "vault", url: upstream.url, ...oauth && { oauth } }],
    },
  });
  const known = await server.request("GET", "/agents/butler");
  await known.body?.cancel();
  if (!known.ok) await createAgent(server, "butler", { mcp_servers: [{ name: "vault" }] });
  return server;
}

function viewOf(server: TestServer): Promise<Json> {
  return until("it was tried", async () => {
    const view = await askAdmin(server, "GET /agents/butler/mcp_servers/vault");
    return view.state === "connecting" ? undefined : view;
  });
}

/** Goes where `sign_in_url` leads, as a person with a browser. */
async function signIn(server: TestServer, upstream: OAuthUpstream, { url, user }: Json): Promise<Json> {
  const { url: where, cookie } = await goTo(server, url);
  const query = new URLSearchParams({ ...await upstream.visit(where, user) });
  return await ask(server, `GET /mcp/sign_in?${query}`, { key: null, headers: { cookie } });
}

const textOf = (answer: Json) => answer.result.content[0].text;

Deno.test("a person signs in once; tokens are kept sealed, renewed, and outlive the server", async () => {
  await using upstream = startOAuthUpstream();
  const data_dir = await Deno.makeTempDir({ prefix: "muxi-sign-in-" });
  try {
    {
      await using server = await start(upstream, { data_dir });
      const view = await viewOf(server);
      assert.deepEqual([view.state, view.tools], ["stopped", []]);
      assert.match(view.reason, /a person has to sign in first/);
      const { url } = await goTo(server, view.sign_in_url);
      assert.match(new URL(url).searchParams.get("redirect_uri")!, /\/api\/v1\/mcp\/sign_in$/);
      await ask(server, "GET /mcp/sign_in?state=guessed&code=x", { key: null, status: 403 });
      const done = await signIn(server, upstream, { url: view.sign_in_url });
      assert.deepEqual([done.signed_in, /"vault"/.test(done.message)], [true, true]);
      const after = await viewOf(server);
      assert.deepEqual([after.state, after.sign_in_url, after.tools], ["ready", null, ["vault__echo"]]);
      assert.equal(textOf(await ask(server, WHO, { body: {} })), "echo everybody");
      upstream.valid.clear();
      assert.equal(textOf(await ask(server, WHO, { body: {} })), "echo everybody");
      assert.deepEqual(upstream.grants, ["authorization_code", "refresh_token"]);
    }
    for await (const { name, isFile } of Deno.readDir(data_dir)) {
      if (!isFile) continue;
      const bytes = new TextDecoder("latin1").decode(await Deno.readFile(`${data_dir}/${name}`));
      assert.ok(!/(access|refresh)_token_\d/.test(bytes), `${name} holds a token as it is`);
    }
    await using server = await start(upstream, { data_dir });
    assert.equal((await viewOf(server)).state, "ready");
    assert.equal(textOf(await ask(server, WHO, { body: {} })), "echo everybody");
    assert.deepEqual(upstream.grants, ["authorization_code", "refresh_token"], "nothing new was asked for");
  } finally {
    await Deno.remove(data_dir, { recursive: true });
  }
});

Deno.test("where each user signs in, a call says where, and each is somebody else to the server", async () => {
  await using upstream = startOAuthUpstream();
  await using server = await start(upstream, { oauth: { per_user: true } });
  await signIn(server, upstream, { url: (await viewOf(server)).sign_in_url, user: "operator" });
  assert.equal((await viewOf(server)).state, "ready");
  for (const user_id of ["ada", "grace"]) {
    const refused = await ask(server, WHO, { body: { user_id }, status: 502 });
    assert.equal(refused.details.reason, "unauthorized");
    const done = await signIn(server, upstream, { url: refused.details.sign_in_url, user: user_id });
    assert.equal(done.signed_in, true);
  }
  const said = await Promise.all(["ada", "grace"].map((user_id) => ask(server, WHO, { body: { user_id } })));
  assert.deepEqual(said.map(textOf), ["echo ada", "echo grace"]);
  const view = await viewOf(server);
  assert.deepEqual([view.state, view.sign_in_url], ["ready", null], "one who hasn't signed in makes it no worse");
});

Deno.test("a server that repeats tokens, old or new or a user's own, is not heard out", async () => {
  await using upstream = startOAuthUpstream();
  await using server = await start(upstream, { oauth: { per_user: true } });
  await signIn(server, upstream, { url: (await viewOf(server)).sign_in_url, user: "operator" });
  const { details } = await ask(server, WHO, { body: { user_id: "ada" }, status: 502 });
  const done = await signIn(server, upstream, { url: details.sign_in_url, user: "ada" });
  assert.match(done.message, /signed in at tool server "vault" for user "ada"/);
  for (const user_id of ["ada", undefined]) {
    for (const renewed of [false, true]) {
      if (renewed) upstream.valid.clear();
      const tell = (args: Json) =>
        server.request("POST", "/tools/vault__echo/call", { body: { arguments: args, user_id } });
      const answered = await (await tell({ answer: true })).text();
      assert.match(answered, /You gave \[masked\]/);
      const refused = await (await tell({ refuse: true })).text();
      assert.match(refused, /I dislike \[masked\]/);
      assert.doesNotMatch(answered + refused, /access_token_/);
    }
  }
});

Deno.test("an answer that lets nobody in is used up, and the server says anew where to sign in", async () => {
  await using upstream = startOAuthUpstream();
  await using server = await start(upstream);
  const before = (await viewOf(server)).sign_in_url;
  const { url, cookie } = await goTo(server, before);
  const { state } = await upstream.visit(url);
  const headers = { cookie };
  const denied = await ask(server, `GET /mcp/sign_in?state=${state}&error=access_denied`, { key: null, headers });
  assert.equal(denied.signed_in, false);
  assert.match(denied.message, /tool server "vault".*access_denied/);
  const after = await viewOf(server);
  assert.ok(after.sign_in_url !== null && after.sign_in_url !== before);
  const unknown = await ask(server, `GET /mcp/sign_in?state=${state}&code=x`, { key: null, headers });
  assert.deepEqual([unknown.signed_in, /vault/.test(unknown.message)], [false, false]);
  const done = await signIn(server, upstream, { url: after.sign_in_url });
  assert.match(done.message, /signed in at tool server "vault" for all its users/);
});

Deno.test("behind an address of https, MUXI is known by its document instead of being registered", async () => {
  await using upstream = startOAuthUpstream({ documents: true });
  await using server = await start(upstream, { public_url: "https://muxi.test/at/" });
  const id = "https://muxi.test/at/api/v1/mcp/client";
  const where = new URL((await goTo(server, (await viewOf(server)).sign_in_url)).url).searchParams;
  assert.equal(where.get("client_id"), id);
  assert.ok(!upstream.heard.some(({ url }) => url.pathname === "/register"));
  const document = await ask(server, "GET /mcp/client", { key: null });
  assert.deepEqual([document.client_id, document.redirect_uris], [id, [where.get("redirect_uri")]]);
  assert.deepEqual(document.token_endpoint_auth_method, "none");
  await signIn(server, upstream, { url: (await viewOf(server)).sign_in_url });
  assert.equal(textOf(await ask(server, WHO, { body: {} })), "echo everybody");
});

Deno.test("without such an address there is no document, and MUXI registers itself", async () => {
  await using upstream = startOAuthUpstream({ documents: true });
  await using server = await start(upstream);
  assert.match((await ask(server, "GET /mcp/client", { key: null, status: 404 })).message, /public_url/);
  await viewOf(server);
  assert.ok(upstream.heard.some(({ url }) => url.pathname === "/register"));
});
