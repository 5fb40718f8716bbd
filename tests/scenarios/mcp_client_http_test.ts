import { strict as assert } from "node:assert";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { McpFailure } from "../../src/domain/mcp_server.ts";
import { toolText } from "../../src/domain/tool.ts";
import { type Clock, systemClock } from "../../src/kit/clock.ts";
import { connectorForTests, toConnectOptions, tokensInMemory, toServer } from "../support/mcp_client_connector.ts";
import { openEvents, selfSigned, startHttpUpstream, toResponse } from "../support/mcp_client_http_server.ts";
import { callOptions, failureOf } from "../support/mcp_client_odd.ts";
import { hasProgram } from "../support/parts.ts";

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

const OLD = { era: "2025-11-25" };
const connect = (
  server: Parameters<typeof toServer>[0],
  options?: Parameters<typeof toConnectOptions>[0],
  deps?: Parameters<typeof connectorForTests>[0],
) => connectorForTests(deps).connect(toServer(server), toConnectOptions(options));

Deno.test("the kind and the era of an address are found out", async () => {
  for (const era of ["2026-07-28", "2025-11-25", "2025-06-18", "2024-11-05"]) {
    await using upstream = startHttpUpstream(undefined, { era });
    const connection = await connect({ url: upstream.url });
    assert.deepEqual([connection.type, connection.era], ["streamable_http", era]);
    assert.deepEqual(await connection.callTool("echo", { a: 1 }, callOptions()), toolText('{"a":1}'));
    await connection.ping(new AbortController().signal);
    await connection.close();
    assert.equal(await connection.closed, undefined);
  }
});

Deno.test("a remembered era saves the question, and is asked about again where it is wrong", async () => {
  const remembered = { era: "2025-11-25", type: "streamable_http" } as const;
  {
    await using upstream = startHttpUpstream(undefined, OLD);
    const connection = await connect({ url: upstream.url }, { remembered });
    assert.equal(upstream.methods()[0], "initialize");
    await connection.close();
  }
  await using upstream = startHttpUpstream();
  const connection = await connect({ url: upstream.url }, { remembered });
  assert.equal(connection.era, "2026-07-28");
  assert.deepEqual(upstream.methods(), ["initialize", "server/discover"]);
  await connection.close();
});

Deno.test("a session that is over is told to the server", async () => {
  await using upstream = startHttpUpstream(undefined, OLD);
  const connection = await connect({ url: upstream.url });
  await connection.close();
  const { method, headers } = upstream.heard.at(-1)!;
  assert.deepEqual([method, headers.get("mcp-session-id")], ["DELETE", "session_1"]);
});

Deno.test("a server that isn't there, or isn't whom it claims to be, can't be reached, and why is told", {
  ignore: !hasProgram("openssl"),
}, async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const gone = await failureOf(connect({ url: `http://127.0.0.1:${port}/mcp` }));
  assert.deepEqual([gone.kind, gone.sent], ["unreachable", false]);
  assert.match(gone.message, /^Cannot connect to tool server "upstream": .*Connection refused/);

  // Both kinds of address say it in the same words, once, and without the address.
  const old = await failureOf(connect({ type: "http_sse", url: `http://127.0.0.1:${port}/sse?token=geheim-123` }));
  assert.deepEqual([old.kind, old.sent, old.message], ["unreachable", false, gone.message]);

  const tls = await selfSigned();
  await using upstream = startHttpUpstream(undefined, { tls });
  const untrusted = await failureOf(connect({ url: upstream.url }));
  assert.deepEqual([untrusted.kind, untrusted.sent], ["unreachable", false]);
  assert.match(untrusted.message, /certificate/);
});

Deno.test("a refusal to let us in is reported as one, with the server's reason and without our secrets", async () => {
  for (const status of [401, 403]) {
    const answer = () =>
      Response.json({ error: "the key hunter2-and-more is wrong" }, {
        status,
        headers: { "www-authenticate": 'Bearer error="invalid_token", error_description="hunter2-and-more expired"' },
      });
    await using upstream = startHttpUpstream(answer);
    const headers = { Authorization: "Bearer hunter2-and-more" };
    const failure = await failureOf(connect({ url: upstream.url, headers }));
    assert.deepEqual([failure.kind, failure.sent], ["unauthorized", false]);
    assert.equal(
      failure.message,
      `Cannot connect to tool server "upstream": it answered with HTTP ${status}: [masked] expired`,
    );
  }
});

Deno.test("a server that lets nobody in, not even to sign in, is told of in its own words first", async () => {
  await using upstream = startHttpUpstream(({ url }) => {
    const why = url.pathname === "/mcp" ? "token expired" : "go away";
    const challenge = `Bearer error="invalid_token", error_description="${why}"`;
    return new Response("No", { status: 401, headers: { "www-authenticate": challenge } });
  });
  const oauth = {
    redirect_url: "http://127.0.0.1:1/back",
    begin_url: "http://127.0.0.1:1/in",
    tokens: tokensInMemory(),
  };
  for (const type of ["streamable_http", "http_sse"] as const) {
    const failure = await failureOf(connect({ type, url: upstream.url }, {}, { oauth }));
    assert.equal(failure.kind, "unauthorized");
    assert.match(
      failure.message,
      /^Cannot connect to tool server "upstream": it answered with HTTP 401: token expired; signing in failed: /,
    );
  }
});

Deno.test("a refusal in the middle is no empty list", async () => {
  let open = true;
  await using upstream = startHttpUpstream(() => open ? undefined : new Response("Who are you?", { status: 401 }));
  const connection = await connect({ url: upstream.url });
  open = false;
  const failure = await failureOf(connection.listTools(new AbortController().signal));
  assert.equal(failure.kind, "unauthorized");
  assert.match(failure.message, /^Cannot list the tools of tool server "upstream": it answered with HTTP 401/);
  await connection.close();
});

Deno.test("secrets go where their definition says, and nowhere else", async () => {
  await using upstream = startHttpUpstream();
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, "from-a-file\n");
  const connection = await connect(
    {
      url: upstream.url,
      headers: { "X-Team": "blue" },
      credentials: [
        { id: "a", param_name: "api_key", required: true, env_fallback: "SEARCH_API_KEY" },
        { id: "b", param_name: "?token", required: true, value: "in-the-query" },
        { id: "c", param_name: "X-File", required: true, file },
        { id: "d", param_name: "X-Absent", required: false, env_fallback: "NOT_SET" },
      ],
    },
    {},
    { variables: (name) => name === "SEARCH_API_KEY" ? "from-the-environment" : undefined },
  );
  const { headers, url } = upstream.heard[0]!;
  assert.deepEqual(
    ["x-team", "api_key", "x-file", "x-absent"].map((name) => headers.get(name)),
    ["blue", "from-the-environment", "from-a-file", null],
  );
  assert.equal(url.searchParams.get("token"), "in-the-query");
  await connection.close();
  await Deno.remove(file);
  const credentials = [{ id: "search", param_name: "api_key", required: true, env_fallback: "SEARCH_API_KEY" }];
  const missing = await failureOf(connect({ url: upstream.url, credentials }));
  assert.deepEqual([missing.kind, missing.sent], ["unauthorized", false]);
  assert.match(missing.message, /its credential "search" is missing: set the variable "SEARCH_API_KEY"$/);
});

Deno.test("a secret in the address's query is in no message", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const credentials = [{ id: "t", param_name: "?token", required: true, value: "in-the-query" }];
  const failure = await failureOf(connect({ url: `http://127.0.0.1:${port}/mcp?key=in-the-address`, credentials }));
  assert.doesNotMatch(`${failure.message} ${JSON.stringify(failure.details)}`, /in-the/);
});

Deno.test("a session the server has forgotten is lost, once for all, and nothing was done", async () => {
  for (
    const refuse of [
      () => new Response("Session not found", { status: 404 }),
      () => Response.json({ jsonrpc: "2.0", error: { code: -32000, message: "No valid session ID" } }, { status: 400 }),
    ]
  ) {
    let known = true;
    await using upstream = startHttpUpstream(
      ({ message }) => known || message?.method !== "tools/call" ? undefined : refuse(),
      OLD,
    );
    const connection = await connect({ url: upstream.url });
    known = false;
    const failure = await failureOf(connection.callTool("echo", {}, callOptions()));
    assert.deepEqual([failure.kind, failure.sent], ["session_lost", false]);
    assert.equal(await connection.closed, failure);
    await connection.close();
  }
});

Deno.test("answers that can't be understood, or don't end, fail their call alone", async () => {
  const huge = () => {
    const chunk = new TextEncoder().encode("x".repeat(1024 * 1024));
    return new ReadableStream({ pull: (controller) => controller.enqueue(chunk) });
  };
  const events = { headers: { "content-type": "text/event-stream" } };
  const json = { headers: { "content-type": "application/json" } };
  const answers: Record<string, () => Response> = {
    html: () => new Response("<html>", { headers: { "content-type": "text/html" } }),
    broken: () => new Response('{"jsonrpc": "2.0", "id', json),
    wrong: () => Response.json({ hello: "world" }),
    "empty stream": () => new Response("", events),
    "broken stream": () => new Response("data: {oh\n\n", events),
    "huge body": () => new Response(huge(), json),
    "huge event": () => new Response(huge(), events),
  };
  await using upstream = startHttpUpstream(({ message }) => answers[message?.params?.name ?? ""]?.());
  const connection = await connect({ url: upstream.url });
  for (const tool of Object.keys(answers)) {
    const failure = await failureOf(connection.callTool(tool, {}, callOptions()));
    assert.deepEqual([tool, failure.kind, failure.sent], [tool, "protocol", true]);
  }
  assert.deepEqual(await connection.callTool("echo", {}, callOptions()), toolText("{}"));
  await connection.close();
});

Deno.test("in the newer era a call that is given up closes its stream, also after a garbage collection", async () => {
  const stream = openEvents();
  const begun = Promise.withResolvers<void>();
  await using upstream = startHttpUpstream(({ message }) => {
    if (message?.params?.name !== "slow") return undefined;
    setTimeout(begun.resolve, 50);
    return stream.response;
  });
  const connection = await connect({ url: upstream.url });
  const stop = new AbortController();
  const waiting = connection.callTool("slow", {}, callOptions(stop.signal));
  await begun.promise;
  for (let i = 0; i < 5; i++) {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const reason = new Error("Enough");
  stop.abort(reason);
  await assert.rejects(waiting, reason);
  await stream.closed;
  assert.ok(!upstream.methods().includes("notifications/cancelled"));
  await connection.close();
});

Deno.test("in the older era a call that is given up is cancelled by a message", async () => {
  const stream = openEvents();
  const told = Promise.withResolvers<unknown>();
  await using upstream = startHttpUpstream(({ message }) => {
    if (message?.method === "notifications/cancelled") told.resolve(message.params?.requestId);
    return message?.params?.name === "slow" ? stream.response : undefined;
  }, OLD);
  const connection = await connect({ url: upstream.url }, { timeout_ms: 2000 });
  const failure = await failureOf(connection.callTool("slow", {}, callOptions()));
  assert.equal(failure.kind, "timeout");
  const { id } = upstream.heard.find(({ message }) => message?.method === "tools/call")!.message!;
  assert.equal(await told.promise, id);
  await stream.closed;
  await connection.close();
});

Deno.test("progress comes through the stream of its call", async () => {
  await using upstream = startHttpUpstream(({ message }) => {
    if (message?.params?.name !== "slow") return undefined;
    const { progressToken } = message.params._meta as { progressToken: string };
    const stream = openEvents();
    const params = { progressToken, progress: 0.5, message: "Half" };
    stream.write({ jsonrpc: "2.0", method: "notifications/progress", params });
    toResponse(message, { content: [] }).json().then((answer) => {
      stream.write(answer);
      stream.end();
    });
    return stream.response;
  });
  const connection = await connect({ url: upstream.url });
  const seen: unknown[] = [];
  const options = { ...callOptions(), onProgress: (progress: unknown) => void seen.push(progress) };
  assert.deepEqual(await connection.callTool("slow", {}, options), { content: [], is_error: false });
  assert.deepEqual(seen, [{ progress: 0.5, message: "Half" }]);
  await connection.close();
});

Deno.test("a server that forgets its sessions is noticed though nobody calls", async () => {
  const listening = Promise.withResolvers<ReturnType<typeof openEvents>>();
  let known = true;
  await using upstream = startHttpUpstream(({ method }) => {
    if (!known) return new Response("Session not found", { status: 404 });
    if (method !== "GET") return undefined;
    const events = openEvents();
    listening.resolve(events);
    return events.response;
  }, OLD);
  // Pauses before listening again are no matter of this test.
  const clock: Clock = { ...systemClock, after: (ms, task) => systemClock.after(ms / 100, task) };
  const connection = await connect({ url: upstream.url }, { timeout_ms: 900_000, max_timeout_ms: 900_000 }, { clock });
  const events = await listening.promise;
  known = false;
  events.end();
  const failure = await connection.closed;
  assert.ok(failure instanceof McpFailure);
  assert.equal(failure.kind, "session_lost");
  await connection.close();
});
