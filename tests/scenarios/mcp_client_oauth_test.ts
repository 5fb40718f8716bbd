import { strict as assert } from "node:assert";
import type { McpServer } from "../../src/domain/mcp_server.ts";
import { toolText } from "../../src/domain/tool.ts";
import { connectorForTests, toConnectOptions, tokensInMemory, toServer } from "../support/mcp_client_connector.ts";
import { startOAuthUpstream } from "../support/mcp_client_oauth_server.ts";
import { callOptions, failureOf } from "../support/mcp_client_odd.ts";

const REDIRECT = "http://127.0.0.1:8000/api/v1/mcp/callback";

function parts(url: string, fields: Partial<McpServer> = {}, tokens = tokensInMemory()) {
  const lines: string[] = [];
  const connector = connectorForTests({ oauth: { tokens, redirect_url: REDIRECT } }, lines);
  const server = toServer({ url, ...fields });
  return { tokens, lines, connector, server, connect: () => connector.connect(server, toConnectOptions()) };
}

Deno.test("a server that wants a person to sign in says where, and works once they did", async () => {
  await using upstream = startOAuthUpstream();
  const { connect, connector, server, tokens, lines } = parts(upstream.url);
  const failure = await failureOf(connect());
  assert.deepEqual([failure.kind, failure.sent], ["unauthorized", false]);
  assert.match(failure.message, /a person has to sign in first$/);
  const where = new URL(String(failure.details?.sign_in_url));
  assert.equal(where.searchParams.get("resource"), upstream.url);
  assert.equal(where.searchParams.get("redirect_uri"), REDIRECT);
  assert.equal(where.searchParams.get("code_challenge_method"), "S256");
  assert.equal(where.searchParams.get("scope"), "basic");

  const answer = await upstream.visit(where);
  assert.deepEqual(await tokens.find(answer.state), { server: "upstream" });
  assert.deepEqual(await connector.finishSignIn(server, answer), { server: "upstream" });
  const connection = await connect();
  assert.deepEqual(await connection.callTool("who", {}, callOptions()), toolText("who everybody"));
  await connection.close();

  const again = await failureOf(connector.finishSignIn(server, answer));
  assert.match(again.message, /no sign-in waits under this state$/);
  assert.doesNotMatch(lines.join("\n"), /_token_|code_/);
});

Deno.test("an answer from another authorization server, or without a code, lets nobody in", async () => {
  await using upstream = startOAuthUpstream();
  const { connect, connector, server } = parts(upstream.url);
  const { details } = await failureOf(connect());
  const { state, code } = await upstream.visit(details?.sign_in_url);
  const denied = await failureOf(connector.finishSignIn(server, { state, error: "access_denied" }));
  assert.equal(denied.message, 'Cannot sign in at tool server "upstream": signing in failed: access_denied');
  const mixed = await failureOf(connector.finishSignIn(server, { state, code, iss: "https://evil.example" }));
  assert.equal(mixed.kind, "unauthorized");
  assert.deepEqual(upstream.grants, []);
});

Deno.test("a token that ran out is renewed once for all calls under way", async () => {
  await using upstream = startOAuthUpstream();
  const { connect, connector, server } = parts(upstream.url);
  const { details } = await failureOf(connect());
  await connector.finishSignIn(server, await upstream.visit(details?.sign_in_url));
  const connection = await connect();
  upstream.valid.clear();
  const results = await Promise.all(
    Array.from({ length: 8 }, () => connection.callTool("who", {}, callOptions())),
  );
  assert.deepEqual(results, Array.from({ length: 8 }, () => toolText("who everybody")));
  assert.deepEqual(upstream.grants, ["authorization_code", "refresh_token"]);
  await connection.close();
});

Deno.test("a call that needs more than was granted asks for that, and works on the same connection", async () => {
  await using upstream = startOAuthUpstream();
  const { connect, connector, server } = parts(upstream.url);
  const first = await failureOf(connect());
  await connector.finishSignIn(server, await upstream.visit(first.details?.sign_in_url));
  const connection = await connect();
  const more = await failureOf(connection.callTool("admin", {}, callOptions()));
  assert.deepEqual([more.kind, more.sent], ["unauthorized", false]);
  const where = new URL(String(more.details?.sign_in_url));
  assert.equal(where.searchParams.get("scope"), "basic admin");
  // What was granted before still holds.
  assert.deepEqual(await connection.callTool("who", {}, callOptions()), toolText("who everybody"));
  await connector.finishSignIn(server, await upstream.visit(where));
  assert.deepEqual(await connection.callTool("admin", {}, callOptions()), toolText("admin everybody"));
  await connection.close();
});

Deno.test("where each user signs in, each is somebody else to the server", async () => {
  await using upstream = startOAuthUpstream();
  const oauth = { grant: "authorization_code", scopes: [], per_user: true } as const;
  const { connect, connector, server } = parts(upstream.url, { oauth: { ...oauth, scopes: [] } });
  const operator = await failureOf(connect());
  await connector.finishSignIn(server, await upstream.visit(operator.details?.sign_in_url, "operator"));
  const connection = await connect();
  const who = (user_id?: string) =>
    connection.callTool("who", {}, { ...callOptions(), ...user_id !== undefined && { user_id } });
  assert.deepEqual(await who(), toolText("who operator"));
  for (const user of ["ada", "grace"]) {
    const failure = await failureOf(who(user));
    assert.deepEqual([failure.kind, failure.details?.user_id], ["unauthorized", user]);
    const key = await connector.finishSignIn(server, await upstream.visit(failure.details?.sign_in_url, user));
    assert.deepEqual(key, { server: "upstream", user_id: user });
  }
  assert.deepEqual(await Promise.all([who("ada"), who("grace"), who()]), [
    toolText("who ada"),
    toolText("who grace"),
    toolText("who operator"),
  ]);
  await connection.close();
});

Deno.test("what was granted outlives the process", async () => {
  await using upstream = startOAuthUpstream();
  const before = parts(upstream.url);
  const { details } = await failureOf(before.connect());
  const after = parts(upstream.url, {}, before.tokens);
  await after.connector.finishSignIn(after.server, await upstream.visit(details?.sign_in_url));
  const connection = await parts(upstream.url, {}, before.tokens).connect();
  assert.deepEqual(await connection.callTool("who", {}, callOptions()), toolText("who everybody"));
  await connection.close();
});
