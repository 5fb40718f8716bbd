import { strict as assert } from "node:assert";
import { operations } from "../../src/operations/mod.ts";
import type { Operation } from "../../src/operations/operation.ts";
import { readError, toComparable } from "../support/errors.ts";
import { type RawAnswer, send } from "../support/raw.ts";
import { SAMPLES, toAbsent, toRequest } from "../support/samples.ts";
import { KEYS, MARKER, startWorld, type Things, tokenOf, type World } from "../support/world.ts";

/** Somebody who asks. */
interface Caller {
  name: string;
  key: string | null;
  /** The user the request says it acts for. */
  user_id?: string;
  kind: "nobody" | "unknown" | "stranger" | "forbidden" | "owner" | "admin";
}

const CALLERS: readonly Caller[] = [
  { name: "no key", key: null, kind: "nobody" },
  { name: "no key, acting for Bob", key: null, user_id: "bob", kind: "nobody" },
  { name: "a wrong key", key: KEYS.wrong, kind: "unknown" },
  { name: "an empty key", key: "", kind: "unknown" },
  { name: "half of the admin's key", key: KEYS.admin.slice(0, 20), kind: "unknown" },
  { name: "the user key for Alice", key: KEYS.user, user_id: "alice", kind: "stranger" },
  { name: "another application", key: KEYS.other, kind: "stranger" },
  { name: "another application's Bob", key: KEYS.other, user_id: "bob", kind: "stranger" },
  { name: "Alice's token", key: await tokenOf("alice"), kind: "stranger" },
  { name: "the Bob of a token", key: await tokenOf("bob"), kind: "stranger" },
  { name: "the Bob of another tenant", key: await tokenOf("bob", { tenant_id: "else" }), kind: "stranger" },
  { name: "Alice's token for Bob", key: await tokenOf("alice"), user_id: "bob", kind: "forbidden" },
  { name: "the user key for Bob", key: KEYS.user, user_id: "bob", kind: "owner" },
  { name: "the user key", key: KEYS.user, kind: "owner" },
  { name: "the admin key", key: KEYS.admin, kind: "admin" },
  { name: "an admin's token", key: await tokenOf("root", { access: "admin" }), kind: "admin" },
];

/** What is refused to everybody who may ask: nothing was begun that could go on, or it isn't over yet. */
const UNBEGUN: Record<string, number> = {
  mcp_server_sign_in_begin: 404,
  mcp_server_sign_in: 403,
  tool_call_answer: 404,
  rtc_answer: 409,
  rtc_ice_candidate: 409,
  rtc_fragment: 409,
  rtc_recording_download: 409,
  // Whoever is alone in a room would signal to themselves.
  rtc_room_signal: 400,
};

/** The status that `caller` must meet. */
function expected(op: Operation, { kind, name, key, user_id }: Caller, about: "bobs" | "own"): number {
  const success = UNBEGUN[op.id] ?? (op.kind === "duplex" ? 101 : op.status ?? 200);
  if (kind === "unknown") return 401;
  if (kind === "nobody") return op.access === "public" ? success : 401;
  if (op.access === "admin" && kind !== "admin") return 403;
  // The keys of the settings have every scope here, the tokens none.
  if (op.scopes !== undefined && kind !== "admin" && !key?.startsWith("sk_")) return 403;
  const namesUser = "user_id" in op.input.shape;
  if (kind === "forbidden" && user_id !== undefined && namesUser && op.access !== "public") return 403;
  if (kind !== "stranger") return success;
  // Another tenant has no agents of its own, and may name any of its users.
  if (
    name.includes("another tenant") && /^(agent_get|conversation_create|rtc_session_create|rtc_converse)$/.test(op.id)
  ) return 404;
  // The operation names Bob itself: a token of Alice's may not.
  if (op.id === "user_conversation_list" && name === "Alice's token") return 403;
  return about === "bobs" ? 404 : success;
}

function inputOf(op: Operation, input: Record<string, unknown>, { user_id }: Caller): Record<string, unknown> {
  const takesUser = op.access === "user" && "user_id" in op.input.shape && !("user_id" in input);
  return takesUser && user_id !== undefined ? { ...input, user_id } : input;
}

async function ask(
  { server }: World,
  op: Operation,
  { caller, input, accept = "application/json" }: { caller: Caller; input: Record<string, unknown>; accept?: string },
): Promise<{ status: number; text: string; headers: Headers }> {
  const { method, path, headers, body } = toRequest(op, inputOf(op, input, caller));
  if (op.kind === "duplex") return await upgrade(server, path, caller);
  const response = await fetch(`${server.url}${path}`, {
    method,
    headers: { ...headers, accept, ...caller.key !== null && { authorization: `Bearer ${caller.key}` } },
    ...body !== undefined && { body },
  });
  return { status: response.status, text: await response.text(), headers: response.headers };
}

/** Asks for a WebSocket, and leaves. */
function upgrade({ url }: World["server"], path: string, { key }: Caller): Promise<RawAnswer> {
  const { host, port } = new URL(url);
  const lines = [
    `GET ${path} HTTP/1.1`,
    `host: ${host}`,
    "connection: upgrade",
    "upgrade: websocket",
    "sec-websocket-version: 13",
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
    ...key === null ? [] : [`authorization: Bearer ${key}`],
  ];
  return send(Number(port), [`${lines.join("\r\n")}\r\n\r\n`]);
}

/** Whether an answer tells something that the question did not hold. */
function leakIn(text: string, things: Things, asked: Record<string, unknown>): string | undefined {
  if (text.includes(MARKER)) return MARKER;
  const known = JSON.stringify(asked);
  return Object.values(things).find((id) => !known.includes(id) && !id.startsWith("asker-") && text.includes(id));
}

async function snapshot({ server }: World, things: Things): Promise<string> {
  const { conversation_id: conv, run_id, waiting_run_id, file_id, agent_id } = things;
  const parts = [`/conversations/${conv}`, `/conversations/${conv}/messages?limit=100`, `/runs/${run_id}`];
  parts.push(`/runs/${run_id}/steps`, `/runs/${waiting_run_id}`, `/runs/${waiting_run_id}/steps`, `/files/${file_id}`);
  parts.push(`/rtc/sessions/${things.session_id}`, `/rtc/sessions/${things.recorded_session_id}/recording`);
  parts.push(`/files/${file_id}/content`, `/agents/${agent_id}`, "/users/bob/context");
  const texts = await Promise.all(parts.map(async (path) => {
    const response = await server.request("GET", path, { key: KEYS.admin });
    assert.equal(response.status, 200, path);
    return await response.text();
  }));
  // As an admin would see it, that list holds those of other applications' Bobs too.
  const own = await server.request("GET", "/users/bob/conversations");
  return [...texts, await own.text()].join("\n");
}

Deno.test("the table of valid inputs holds every operation and nothing else", () => {
  assert.deepEqual(Object.keys(SAMPLES).sort(), [...operations.keys()].sort());
});

Deno.test("every operation answers each kind of caller as it declares, and tells strangers nothing", async () => {
  await using world = await startWorld();
  const things = await world.things();
  const before = await snapshot(world, things);
  const strangers = CALLERS.filter(({ kind }) => kind !== "owner" && kind !== "admin");
  let count = 0;
  for (const op of operations.values()) {
    const { input, about } = SAMPLES[op.id]!(things);
    for (const caller of strangers) {
      // The path names Bob, for whom the application's own key may always act.
      if (op.id === "user_conversation_list" && caller.key === KEYS.user) continue;
      for (const accept of op.kind === "stream" ? ["application/json", "text/event-stream"] : ["application/json"]) {
        const { status, text } = await ask(world, op, { caller, input, accept });
        const label = `${op.id} with ${caller.name}, ${accept}: ${text}`;
        assert.equal(status, expected(op, caller, about), label);
        assert.equal(leakIn(text, things, input), undefined, label);
        if (status >= 400) {
          const { error } = readError(status, text);
          const common = ["ValidationError", "UnauthorizedError", "ForbiddenError"];
          assert.ok([...common, ...op.errors].includes(error), `${op.id} does not declare ${error}`);
        }
        count++;
      }
    }
  }
  assert.ok(count > operations.size * strangers.length);
  assert.equal(await snapshot(world, things), before, "a stranger changed something");
});

Deno.test("every operation works for those it is meant for", async () => {
  // What is defined over the API is not learned from otherwise.
  await using world = await startWorld({ tools: { trust_api_policies: true } });
  let things = await world.things();
  for (const op of operations.values()) {
    for (const caller of CALLERS.filter(({ kind }) => kind === "owner" || kind === "admin")) {
      if (!op.http.startsWith("GET ")) things = await world.things();
      const { input, about } = SAMPLES[op.id]!(things);
      const { status, text } = await ask(world, op, { caller, input });
      const label = `${op.id} with ${caller.name}: ${text}`;
      assert.equal(status, expected(op, caller, about), label);
      const isAgents = /^agent_(list|get)$/.test(op.id);
      // What is in an agent is for admins: users of the same application don't see it either.
      if (isAgents && caller.kind === "owner") assert.equal(leakIn(text, things, input), undefined, label);
      if (about === "bobs" && /^(conversation|message|file_get|file_download)/.test(op.id) && status === 200) {
        assert.ok(text.includes(MARKER) || op.id === "conversation_update", `the test would not see a leak: ${label}`);
      }
    }
  }
});

Deno.test("what exists but belongs to another can't be told from what doesn't exist", async () => {
  await using world = await startWorld();
  const things = await world.things();
  let compared = 0;
  for (const op of operations.values()) {
    const { input, about } = SAMPLES[op.id]!(things);
    if (about === "own") continue;
    for (const caller of CALLERS.filter(({ kind }) => kind === "stranger" || kind === "forbidden")) {
      for (const accept of op.kind === "stream" ? ["application/json", "text/event-stream"] : ["application/json"]) {
        const there = await ask(world, op, { caller, input, accept });
        const absent = await ask(world, op, { caller, input: toAbsent(input), accept });
        const label = `${op.id} with ${caller.name}`;
        assert.equal(there.status, absent.status, label);
        assert.equal(toComparable(there.text), toComparable(absent.text), label);
        assert.deepEqual([...there.headers.keys()], [...absent.headers.keys()], label);
        compared++;
      }
    }
  }
  assert.ok(compared > 100);
});

Deno.test("lists, filters and users' ids show nobody what is Bob's", async () => {
  await using world = await startWorld();
  const { server } = world;
  const things = await world.things();
  const { conversation_id, run_id } = things;
  const alice = await tokenOf("alice");
  const looks: [string, string | null, string, number][] = [
    ["the user key without a user", KEYS.user, "/conversations?limit=100", 200],
    ["the user key without a user", KEYS.user, "/runs?limit=100", 200],
    ["the user key for Alice", KEYS.user, "/conversations/bob?user_id=alice", 403],
    ["the user key for Alice", KEYS.user, "/users/bob/conversations?user_id=alice", 400],
    ["the user key for Alice", KEYS.user, `/runs?user_id=alice&conversation_id=${conversation_id}`, 200],
    ["the user key for Alice", KEYS.user, `/conversations?user_id=alice&cursor=${conversation_id}&order=asc`, 200],
    ["the user key for Alice", KEYS.user, `/runs?user_id=alice&cursor=${run_id}&order=asc`, 200],
    ["another application", KEYS.other, "/conversations/bob", 200],
    ["another application", KEYS.other, "/users/bob/conversations", 200],
    ["another application", KEYS.other, "/conversations?user_id=bob", 200],
    ["another application", KEYS.other, "/runs?user_id=bob", 200],
    ["another application", KEYS.other, `/runs?agent_id=${things.agent_id}`, 200],
    ["Alice's token", alice, "/conversations/bob", 403],
    ["Alice's token", alice, "/users/bob/conversations", 403],
    ["Alice's token", alice, "/runs?user_id=bob", 403],
    ["Alice's token", alice, `/runs?conversation_id=${conversation_id}`, 200],
  ];
  for (const [who, key, path, status] of looks) {
    const response = await server.request("GET", path, { key });
    const text = await response.text();
    assert.equal(response.status, status, `${who}: ${path}: ${text}`);
    assert.equal(
      leakIn(text, things, { path: things.agent_id, conversation_id, run_id }),
      undefined,
      `${who}: ${path}`,
    );
    if (status === 200) assert.deepEqual(JSON.parse(text), { data: [], next_cursor: null }, `${who}: ${path}`);
  }
});

Deno.test("a file, an idempotency key and a live stream of Bob's are nothing to strangers", async () => {
  await using world = await startWorld();
  const { server } = world;
  const { file_id, conversation_id } = await world.things();
  const once = { "idempotency-key": "the-same" };
  const say = (key: string, body: Record<string, unknown>) =>
    server.request("POST", "/chat", { key, headers: once, body: { message: "Hello", ...body } });
  const bobs = await (await say(KEYS.user, { user_id: "bob" })).json();
  for (const [key, body] of [[KEYS.other, {}], [KEYS.other, { user_id: "bob" }], [KEYS.user, { user_id: "alice" }]]) {
    const answer = await (await say(key as string, body as Record<string, unknown>)).json();
    assert.notEqual(answer.run_id, bobs.run_id);
    // A key that another used for another request is still free.
    assert.equal(answer.status, "completed");
  }
  assert.equal((await (await say(KEYS.user, { user_id: "bob" })).json()).run_id, bobs.run_id);
  for (const [path, field] of [["/chat", "message"], ["/chat/stream", "message"]] as const) {
    const texts: string[] = [];
    for (const id of [file_id, "file_0nowhere0"]) {
      const body = { [field]: "See this", user_id: "alice", attachments: [{ file_id: id }] };
      const response = await server.request("POST", path, { body });
      assert.equal(response.status, 404);
      texts.push(toComparable(await response.text()));
    }
    assert.equal(texts[0], texts[1]);
  }
  const gone = new AbortController();
  const live = await server.request("POST", "/chat/stream", {
    body: { message: "Please hang", user_id: "bob", conversation_id },
    signal: gone.signal,
  });
  const reader = live.body!.getReader();
  const first = new TextDecoder().decode((await reader.read()).value);
  const live_id = /"run_id":"(run_\w+)"/.exec(first)![1]!;
  const alice = await tokenOf("alice");
  for (const [key, query] of [[KEYS.other, ""], [KEYS.user, "?user_id=alice"], [alice, ""], [null, ""]] as const) {
    const response = await server.request("GET", `/runs/${live_id}/events${query}`, {
      key,
      headers: { accept: "text/event-stream", "last-event-id": "1" },
    });
    assert.equal(response.status, key === null ? 401 : 404);
    readError(response.status, await response.text());
  }
  gone.abort();
  await reader.cancel().catch(() => {});
});

Deno.test("without a key only health and the documentation answer, whatever the path", async () => {
  await using world = await startWorld();
  const { server } = world;
  // Authorization servers look up who it is that sends people to them.
  const open = ["/health/live", "/health/ready", "/openapi.json", "/mcp/client"];
  const isOpen = (path: string) =>
    /^\/(docs|call)(\/|$)/.test(path) || open.includes(path.replace(/^\/(api\/)?v1/, ""));
  // What tells clients where tokens are to be had.
  open.push("/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp");
  const { routes } = server.app;
  // Each operation under the prefix and its alias, and what stands at the root.
  assert.ok(routes.length >= operations.size * 2 + open.length, `${routes.length} routes`);
  for (const route of routes) {
    const [method, pattern] = route.split(" ") as [string, string];
    const path = pattern.replaceAll(/:\w+/g, "conv_1").replace("*", "x");
    for (const headers of [{}, { accept: "text/event-stream" }, { "x-user-id": "bob" }, { cookie: "key=1" }]) {
      const hasBody = method !== "GET" && method !== "DELETE";
      const response = await fetch(server.url + path, { method, headers, ...hasBody && { body: '{"stream":true}' } });
      const text = await response.text();
      if (/\/mcp\/sign_in(\/begin)?$/.test(path)) {
        // Who signs in has no key of ours, but knows what we sent along.
        assert.equal(response.status, 400, `${route}: ${text}`);
        continue;
      }
      if (method === "OPTIONS") {
        // What may be sent is no secret.
        assert.equal(response.status, 204, `${route}: ${text}`);
        continue;
      }
      if (isOpen(path)) {
        assert.equal(response.status, 200, `${route}: ${text}`);
        continue;
      }
      assert.equal(response.status, 401, `${route}: ${text}`);
      const isOpenAi = /\/v1\/(models|chat\/completions|responses|realtime)(\/|$)/.test(path);
      const isWhip = /\/rtc\/wh[ei]p(\/|$)/.test(path);
      const isMcp = /\/mcp(\/ws|\/stream|\/message)?$/.test(path);
      if (isOpenAi) assert.equal(JSON.parse(text).error.code, "invalid_api_key", path);
      else if (isWhip) assert.equal(JSON.parse(text).status, 401, path);
      else if (isMcp) assert.equal(JSON.parse(text).error.data.error, "UnauthorizedError", path);
      else assert.equal(readError(401, text).error, "UnauthorizedError");
      assert.match(response.headers.get("www-authenticate")!, /^Bearer realm="muxi"/);
    }
  }
  for (const path of ["/", "/api", "/api/v1", "/metrics", "/.env", "/mcp/nothing", "/ws", "/v1/nothing"]) {
    const response = await fetch(server.url + path);
    assert.equal(readError(response.status, await response.text()).error, "NotFoundError", path);
  }
});
