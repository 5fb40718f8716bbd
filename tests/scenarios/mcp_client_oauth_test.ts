import { strict as assert } from "node:assert";
import type { McpServer } from "../../src/domain/mcp_server.ts";
import { toolText } from "../../src/domain/tool.ts";
import { type Clock, systemClock } from "../../src/kit/clock.ts";
import type { McpSignIns } from "../../src/ports/mcp_tokens.ts";
import { connectorForTests, toConnectOptions, tokensInMemory, toServer } from "../support/mcp_client_connector.ts";
import { startOAuthUpstream } from "../support/mcp_client_oauth_server.ts";
import { callOptions, failureOf } from "../support/mcp_client_odd.ts";

const REDIRECT = "http://127.0.0.1:8000/api/v1/mcp/callback";
const BEGIN = "http://127.0.0.1:8000/api/v1/mcp/begin";

function parts(url: string, fields: Partial<McpServer> = {}, tokens = tokensInMemory(), clock: Clock = systemClock) {
  const lines: string[] = [];
  const connector = connectorForTests({ oauth: { tokens, redirect_url: REDIRECT, begin_url: BEGIN }, clock }, lines);
  const server = toServer({ url, ...fields });
  return { tokens, lines, connector, server, connect: () => connector.connect(server, toConnectOptions()) };
}

/** Where MUXI's page leads, whose address `sign_in_url` is. */
async function beyond({ findSignIn }: Pick<McpSignIns, "findSignIn">, sign_in_url: unknown): Promise<URL> {
  const page = new URL(String(sign_in_url));
  assert.equal(page.origin + page.pathname, BEGIN);
  return new URL((await findSignIn(page.searchParams.get("state")!))!.url);
}

Deno.test("a server that wants a person to sign in says where, and works once they did", async () => {
  await using upstream = startOAuthUpstream();
  const { connect, connector, server, tokens, lines } = parts(upstream.url);
  const failure = await failureOf(connect());
  assert.deepEqual([failure.kind, failure.sent], ["unauthorized", false]);
  assert.match(failure.message, /a person has to sign in first$/);
  const where = await beyond(connector, failure.details?.sign_in_url);
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
  const { state, code } = await upstream.visit(await beyond(connector, details?.sign_in_url));
  const denied = await failureOf(connector.finishSignIn(server, { state, error: "access_denied" }));
  assert.equal(denied.message, 'Cannot sign in at tool server "upstream": signing in failed: access_denied');
  const used = await failureOf(connector.finishSignIn(server, { state, code, iss: new URL(upstream.url).origin }));
  assert.match(used.message, /no sign-in waits under this state$/);
  const again = await upstream.visit(await beyond(connector, (await failureOf(connect())).details?.sign_in_url));
  assert.notEqual(again.state, state);
  const mixed = await failureOf(connector.finishSignIn(server, { ...again, iss: "https://evil.example" }));
  assert.deepEqual([mixed.kind, /no sign-in waits/.test(mixed.message)], ["unauthorized", false]);
  assert.deepEqual(upstream.grants, []);
});

Deno.test("of two answers to one sign-in, one is taken", async () => {
  await using upstream = startOAuthUpstream();
  const { connect, connector, server } = parts(upstream.url);
  const answer = await upstream.visit(await beyond(connector, (await failureOf(connect())).details?.sign_in_url));
  assert.match(answer.state, /^[\w-]{32}$/, "24 random bytes");
  const ends = await Promise.allSettled([1, 2].map(() => connector.finishSignIn(server, answer)));
  assert.deepEqual(ends.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
  assert.deepEqual(upstream.grants, ["authorization_code"]);
});

Deno.test("who comes back after ten minutes is too late, and can begin anew", async () => {
  await using upstream = startOAuthUpstream();
  let ahead = 0;
  const clock: Clock = { ...systemClock, now: () => systemClock.now() + ahead };
  const { connect, connector, server } = parts(upstream.url, {}, tokensInMemory(), clock);
  const answer = await upstream.visit(await beyond(connector, (await failureOf(connect())).details?.sign_in_url));
  ahead = 10 * 60_000;
  const late = await failureOf(connector.finishSignIn(server, answer));
  assert.match(late.message, /the sign-in was not ended in time, begin anew$/);
  ahead = 0;
  await assert.rejects(connector.finishSignIn(server, answer), /no sign-in waits under this state$/);
  assert.deepEqual(upstream.grants, []);
  await connector.finishSignIn(
    server,
    await upstream.visit(await beyond(connector, (await failureOf(connect())).details?.sign_in_url)),
  );
  await (await connect()).close();
});

Deno.test("a connection knows every token, a renewed one and a user's own, as a secret", async () => {
  await using upstream = startOAuthUpstream();
  const oauth = { grant: "authorization_code", scopes: [], per_user: true } as const;
  const { connect, connector, server } = parts(upstream.url, { oauth: { ...oauth, scopes: [] } });
  await connector.finishSignIn(
    server,
    await upstream.visit(await beyond(connector, (await failureOf(connect())).details?.sign_in_url)),
  );
  const connection = await connect();
  const before = connection.secrets!;
  const assertKnown = (count: number) => {
    const tokens = [...upstream.valid.keys()];
    assert.deepEqual([tokens.length, tokens.filter((token) => !connection.secrets!.includes(token))], [count, []]);
  };
  assertKnown(1);
  await connection.callTool("who", {}, callOptions());
  assert.equal(connection.secrets, before, "the same list, while nothing is new");
  upstream.valid.clear();
  await connection.callTool("who", {}, callOptions());
  assertKnown(1);
  const ada = { ...callOptions(), user_id: "ada" };
  const { details } = await failureOf(connection.callTool("who", {}, ada));
  await connector.finishSignIn(server, await upstream.visit(await beyond(connector, details?.sign_in_url), "ada"));
  await connection.callTool("who", {}, { ...callOptions(), user_id: "ada" });
  assertKnown(2);
  await connection.close();
});

Deno.test("a token that ran out is renewed once for all calls under way", async () => {
  await using upstream = startOAuthUpstream();
  const { connect, connector, server } = parts(upstream.url);
  const { details } = await failureOf(connect());
  await connector.finishSignIn(server, await upstream.visit(await beyond(connector, details?.sign_in_url)));
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
  await connector.finishSignIn(server, await upstream.visit(await beyond(connector, first.details?.sign_in_url)));
  const connection = await connect();
  const more = await failureOf(connection.callTool("admin", {}, callOptions()));
  assert.deepEqual([more.kind, more.sent], ["unauthorized", false]);
  const where = await beyond(connector, more.details?.sign_in_url);
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
  await connector.finishSignIn(
    server,
    await upstream.visit(await beyond(connector, operator.details?.sign_in_url), "operator"),
  );
  const connection = await connect();
  const who = (user_id?: string) =>
    connection.callTool("who", {}, { ...callOptions(), ...user_id !== undefined && { user_id } });
  assert.deepEqual(await who(), toolText("who operator"));
  for (const user of ["ada", "grace"]) {
    const failure = await failureOf(who(user));
    assert.deepEqual([failure.kind, failure.details?.user_id], ["unauthorized", user]);
    const key = await connector.finishSignIn(
      server,
      await upstream.visit(await beyond(connector, failure.details?.sign_in_url), user),
    );
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
  await after.connector.finishSignIn(
    after.server,
    await upstream.visit(await beyond(after.connector, details?.sign_in_url)),
  );
  const connection = await parts(upstream.url, {}, before.tokens).connect();
  assert.deepEqual(await connection.callTool("who", {}, callOptions()), toolText("who everybody"));
  await connection.close();
});
