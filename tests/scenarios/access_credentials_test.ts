import { strict as assert } from "node:assert";
import { openLibsqlStore } from "../../src/adapters/libsql/store.ts";
import { type Clock, systemClock } from "../../src/kit/clock.ts";
import { createLog } from "../../src/kit/log.ts";
import type { Store } from "../../src/ports/store.ts";
import { readError } from "../support/errors.ts";
import { type Frame, streamFrames } from "../support/events.ts";
import { startProgram } from "../support/program.ts";
import { startProvider } from "../support/provider.ts";
import { ADMIN_KEY, startServer, type TestServer, testSettings, USER_KEY } from "../support/server.ts";
import { KEYS, OTHER_KEY, startWorld, tokenOf, WRONG_KEY } from "../support/world.ts";

const EVENTS = { accept: "text/event-stream" };

async function refused(response: Response, status: number): Promise<string> {
  const text = await response.text();
  assert.equal(response.status, status, text);
  return readError(status, text).error;
}

async function ticketOf(server: TestServer, options: { key?: string; body?: unknown } = {}): Promise<string> {
  const response = await server.request("POST", "/tickets", { body: {}, ...options });
  assert.equal(response.status, 201);
  return (await response.json()).ticket;
}

async function framesOf(response: Response): Promise<Frame[]> {
  assert.equal(response.status, 200);
  return await Array.fromAsync(streamFrames(response));
}

/** A clock that a test can move. */
function movableClock(): Clock & { move(ms: number): void } {
  let offset = 0;
  return { ...systemClock, now: () => systemClock.now() + offset, move: (ms) => void (offset += ms) };
}

Deno.test("a ticket lets a browser follow a run once, and start one, and then never again", async () => {
  await using world = await startWorld();
  const { server } = world;
  const { run_id, conversation_id } = await world.things();
  const ticket = await ticketOf(server, { body: { user_id: "bob" } });
  const path = `/runs/${run_id}/events?ticket=${ticket}`;
  const frames = await framesOf(await server.request("GET", path, { key: null, headers: EVENTS }));
  assert.equal(frames.at(-1)!.type, "run.completed");
  assert.equal(
    await refused(await server.request("GET", path, { key: null, headers: EVENTS }), 401),
    "UnauthorizedError",
  );
  // Whether a body asks for the stream is looked at before the door is chosen: the ticket still counts once.
  for (const stream of [false, true]) {
    const once = await ticketOf(server);
    const started = await server.request("POST", `/conversations/${conversation_id}/runs?ticket=${once}`, {
      key: null,
      body: { stream },
    });
    assert.equal(started.status, stream ? 200 : 202, await started.text());
    await server.request("POST", `/conversations/${conversation_id}/messages`, { body: { content: "More" } })
      .then((response) => response.body?.cancel());
  }
});

Deno.test("a ticket for a path reads it, and opens no WebSocket there", async () => {
  await using server = await startServer();
  const { id } = await (await server.request("POST", "/rtc/sessions", { body: {} })).json();
  const ticketFor = (path: string) => ticketOf(server, { body: { path } });
  const open = async (path: string, ticket: string) => {
    const socket = new WebSocket(`${server.url.replace("http", "ws")}${path}?ticket=${ticket}`);
    const { type } = await new Promise<Event>((resolve) => {
      socket.onopen = socket.onerror = resolve;
    });
    socket.close();
    return type;
  };
  const reading = await ticketFor(`/rtc/sessions/${id}`);
  for (let time = 0; time < 2; time++) {
    const read = await server.request("GET", `/rtc/sessions/${id}?ticket=${reading}`, { key: null });
    assert.equal((await read.json()).id, id);
  }
  const place = `/rtc/sessions/${id}/attach`;
  assert.equal(await open(`/api/v1${place}`, await ticketOf(server)), "open");
  assert.equal(await open(`/api/v1${place}`, await ticketFor(place)), "error");
  assert.equal(await open("/v1/realtime", await ticketFor("/realtime")), "error");
  const plain = await server.request("GET", `/rtc/converse?ticket=${await ticketFor("/rtc/converse")}`, { key: null });
  assert.equal(await refused(plain, 401), "UnauthorizedError");
});

Deno.test("a ticket is bound to its user, worth what its key is, and gone after a minute", async () => {
  const clock = movableClock();
  await using world = await startWorld({}, { ports: { clock } });
  const { server } = world;
  const { run_id, file_id } = await world.things();
  const withTicket = (path: string, ticket: string) =>
    server.request("GET", `${path}${path.includes("?") ? "&" : "?"}ticket=${ticket}`, { key: null });
  const alices = { body: { user_id: "alice" } };
  await refused(await withTicket(`/runs/${run_id}`, await ticketOf(server, alices)), 404);
  await refused(await withTicket(`/runs/${run_id}?user_id=bob`, await ticketOf(server, alices)), 403);
  await refused(await withTicket(`/files/${file_id}/content`, await ticketOf(server, { key: OTHER_KEY })), 404);
  await refused(await withTicket("/system/status", await ticketOf(server)), 403);
  assert.equal(await refused(await withTicket("/agents", "tkt_never"), 401), "UnauthorizedError");
  assert.equal(await refused(await withTicket("/agents", USER_KEY), 401), "UnauthorizedError");
  const late = await ticketOf(server);
  const inTime = await ticketOf(server);
  clock.move(50_000);
  assert.equal((await withTicket("/agents", inTime)).status, 200);
  clock.move(11_000);
  await refused(await withTicket("/agents", late), 401);
});

/** A server whose settings can be reloaded, with a run that never ends for each of two keys. */
async function withReload(
  run: (parts: {
    server: TestServer;
    change(auth: Record<string, unknown>): void;
    open(key: string): Promise<AsyncGenerator<Frame>>;
  }) => Promise<void>,
): Promise<void> {
  await using provider = await startProvider({ script: { tokens: 1000, delay: 600_000 } });
  let auth: Record<string, unknown> = { api_keys: [`other:user:${OTHER_KEY}`] };
  const { promise: data_dir, resolve } = Promise.withResolvers<string>();
  await using server = await startServer({
    provider: provider.url,
    settings: { auth },
    reread: async () => testSettings(await data_dir, { provider: provider.url, settings: { auth } }),
  });
  resolve(server.data_dir);
  await run({
    server,
    change: (next) => auth = next,
    open: async (key) => {
      const response = await server.request("POST", "/chat/stream", { key, body: { message: "Hello" } });
      assert.equal(response.status, 200);
      const frames = streamFrames(response);
      await frames.next();
      return frames;
    },
  });
}

Deno.test("a key that a reload removes is refused at once, its streams and tickets end, others' go on", async () => {
  await withReload(async ({ server, change, open }) => {
    const kept = await open(USER_KEY);
    const lost = await open(OTHER_KEY);
    const ticket = await ticketOf(server, { key: OTHER_KEY });
    const collected = server.request("POST", "/chat", { key: OTHER_KEY, body: { message: "Hello" } });
    change({ api_keys: [] });
    const reload = await server.request("POST", "/system/config/reload", { key: ADMIN_KEY });
    assert.deepEqual(await reload.json(), { changed: ["auth.api_keys"], restart_required: [] });
    const rest = await Array.fromAsync(lost);
    assert.ok(rest.every(({ type }) => type !== "run.completed"));
    await (await collected).text();
    await refused(await server.request("GET", "/agents", { key: OTHER_KEY }), 401);
    await refused(await server.request("GET", `/agents?ticket=${ticket}`, { key: null }), 401);
    const next = kept.next();
    const still = await Promise.race([
      next.then(({ done }) => done ? "ended" : "open"),
      server.request("GET", "/agents").then((response) => response.body!.cancel()).then(() => "open"),
    ]);
    assert.equal(still, "open");
    // A new key of the same name is another key.
    change({ api_keys: ["other:user:sk_muxi_user_the_next_0123456789"] });
    await (await server.request("POST", "/system/config/reload", { key: ADMIN_KEY })).body!.cancel();
    await refused(await server.request("GET", "/agents", { key: OTHER_KEY }), 401);
    await refused(await server.request("GET", `/agents?ticket=${ticket}`, { key: null }), 401);
    change({ user_api_key: "sk_muxi_user_rotated_0123456789abcd" });
    await (await server.request("POST", "/system/config/reload", { key: ADMIN_KEY })).body!.cancel();
    for (let result = await next; !result.done;) result = await kept.next();
    await refused(await server.request("GET", "/agents"), 401);
  });
});

Deno.test("SIGHUP makes the program read its file again: a key that is gone from it loses its streams", async () => {
  await using provider = await startProvider({ script: { tokens: 1000, delay: 600_000 } });
  const model = {
    model: { provider: "openai" },
    providers: { openai: { base_url: provider.url, api_key: "sk-scripted-0123456789" } },
  };
  await using program = await startProgram({ settings: { ...model, auth: { api_keys: [`other:user:${OTHER_KEY}`] } } });
  const ask = (key: string, path: string, init: RequestInit = {}) =>
    fetch(`${program.url}/api/v1${path}`, {
      ...init,
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    });
  const live = await ask(OTHER_KEY, "/chat/stream", { method: "POST", body: '{"message":"Hello"}' });
  const frames = streamFrames(live);
  await frames.next();
  // A file that is wrong changes nothing.
  await Deno.writeTextFile(`${program.dir}/settings.json`, '{"auth":{"mode":"none"}}');
  program.signal("SIGHUP");
  await program.said("Cannot reload the settings");
  assert.equal((await ask(OTHER_KEY, "/agents").then((r) => r.text().then(() => r))).status, 200);
  await program.write({ ...model, auth: { api_keys: [] } });
  program.signal("SIGHUP");
  await program.said("Read the settings anew");
  await Array.fromAsync(frames);
  await refused(await ask(OTHER_KEY, "/agents"), 401);
  const { stdout } = await new Deno.Command("ps", { args: ["-ww", "-o", "args=", "-p", String(program.pid)] }).output();
  const args = new TextDecoder().decode(stdout);
  assert.match(args, /main\.ts/);
  for (const secret of [USER_KEY, ADMIN_KEY, OTHER_KEY, "sk-scripted"]) {
    assert.ok(!args.includes(secret), args);
    assert.ok(!program.output().includes(secret), `the log holds ${secret}`);
  }
});

Deno.test("admin operations only from the addresses that may, whatever a stranger says of itself", async () => {
  await using server = await startServer({ settings: { server: { admin_allow_from: ["10.1.0.0/16"] } } });
  for (const headers of [{}, { "x-forwarded-for": "10.1.2.3" }, { forwarded: "for=10.1.2.3" }]) {
    const response = await server.request("GET", "/system/status", { key: ADMIN_KEY, headers });
    assert.equal(await refused(response, 403), "ForbiddenError");
    assert.equal((await server.request("GET", "/agents", { key: ADMIN_KEY, headers })).status, 200);
  }
  await using behind = await startServer({
    settings: { server: { admin_allow_from: ["10.1.0.0/16"], trusted_proxies: ["127.0.0.1"] } },
  });
  const from = (address: string) =>
    behind.request("GET", "/system/status", { key: ADMIN_KEY, headers: { "x-forwarded-for": address } });
  assert.equal((await from("10.1.2.3")).status, 200);
  await refused(await from("10.2.2.3"), 403);
  // The nearest hop that is no proxy counts, not what the caller wrote before it.
  await refused(await from("10.1.2.3, 203.0.113.9"), 403);
});

async function audited(store: Store, wanted: number) {
  for (let tries = 0; tries < 400; tries++) {
    const rows = await store.read({ from: "audit", order: [["id", "asc"]], limit: 1000 });
    if (rows.length >= wanted) return rows;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error("The audit has too few rows");
}

Deno.test("refusals and acts of administration are on record, and no key is", async () => {
  const log = createLog({ level: "error", format: "json", write: () => {} });
  await using stack = new AsyncDisposableStack();
  const store = stack.use(await openLibsqlStore({ path: ":memory:", log }));
  const world = stack.use(await startWorld({}, { ports: { store } }));
  const { server } = world;
  const ask = async (key: string | null, method: string, path: string, body?: unknown) => {
    const headers = { "x-request-id": `audit-${method}-${path.replaceAll(/\W/g, "_")}` };
    const response = await server.request(method, path, { key, headers, ...body !== undefined && { body } });
    await response.body?.cancel();
  };
  await ask(WRONG_KEY, "GET", "/agents");
  await ask(null, "GET", "/runs");
  await ask(USER_KEY, "GET", "/users");
  await ask(await tokenOf("alice"), "GET", "/runs?user_id=bob");
  await ask(KEYS.admin, "POST", "/agents", { id: "new-one", name: "New", model: { api_key: "sk-of-a-provider-1234" } });
  await ask(KEYS.admin, "DELETE", "/agents/new-one");
  await ask(KEYS.admin, "POST", "/system/config/reload");
  const rows = await audited(store, 7);
  const seen = rows.map(({ action, outcome, error, key_id, address }) => [action, outcome, error, key_id, address]);
  assert.deepEqual(seen.sort(), [
    ["agent_create", "allowed", null, "admin", "127.0.0.1"],
    ["agent_delete", "allowed", null, "admin", "127.0.0.1"],
    ["config_reload", "allowed", null, "admin", "127.0.0.1"],
    ["identify", "refused", "UnauthorizedError", "anonymous", "127.0.0.1"],
    ["run_list", "refused", "ForbiddenError", "jwt:sso", "127.0.0.1"],
    ["run_list", "refused", "UnauthorizedError", "anonymous", "127.0.0.1"],
    ["user_list", "refused", "ForbiddenError", "user", "127.0.0.1"],
  ]);
  assert.ok(rows.every(({ request_id }) => request_id.startsWith("audit-")));
  const text = JSON.stringify(rows);
  for (const secret of [...Object.values(KEYS), "sk-of-a-provider"]) assert.ok(!text.includes(secret));
});

Deno.test("a key put into any wrong place is in no log line, error, event or shown setting", async () => {
  const lines: string[] = [];
  await using world = await startWorld({}, { onLog: (line) => lines.push(line) });
  const { server } = world;
  const { run_id } = await world.things();
  const jwt = await tokenOf("alice");
  for (const secret of [...Object.values(KEYS), jwt]) {
    const requests: [string, string, string | null, unknown, Record<string, string>][] = [
      ["GET", `/${secret}`, null, undefined, {}],
      ["GET", `/agents/${secret}`, USER_KEY, undefined, {}],
      ["GET", `/conversations/conv_1?cursor=${secret}!`, USER_KEY, undefined, {}],
      ["GET", `/runs?status=${secret}`, USER_KEY, undefined, {}],
      ["GET", `/agents?${secret}=1`, USER_KEY, undefined, {}],
      ["GET", `/agents?ticket=${secret}`, null, undefined, {}],
      ["GET", `/agents?api_key=${secret}`, null, undefined, {}],
      ["GET", "/agents", null, undefined, { "x-request-id": secret }],
      ["GET", "/agents", null, undefined, { authorization: secret }],
      ["GET", "/agents", null, undefined, { authorization: `Basic ${secret}` }],
      ["GET", "/agents", null, undefined, { authorization: `Bearer x${secret}` }],
      ["GET", "/agents", null, undefined, { cookie: `key=${secret}` }],
      ["GET", "/agents", USER_KEY, undefined, { "user-agent": secret, referer: `http://x/?key=${secret}` }],
      ["GET", `/runs/${run_id}/events`, USER_KEY, undefined, { "last-event-id": secret, ...EVENTS }],
      ["POST", "/chat", USER_KEY, { message: 1, [secret]: secret }, {}],
      ["POST", "/chat", USER_KEY, { message: "Hi", user_id: `${secret} ` }, {}],
      ["POST", "/chat", USER_KEY, `{"message": ${secret}`, {}],
      ["POST", "/chat", USER_KEY, { message: "Hi" }, { "content-type": `text/${secret}` }],
      ["POST", "/chat", USER_KEY, { message: "Hi" }, { "idempotency-key": `${secret} ${secret}` }],
      ["POST", "/agents/import", ADMIN_KEY, { content: `a: [${secret}` }, {}],
      ["POST", "/agents/import", ADMIN_KEY, { content: `id: ${secret}\n${secret}: 1` }, {}],
    ];
    for (const [method, path, key, body, headers] of requests) {
      const response = await server.request(method, path, { key, headers, ...body !== undefined && { body } });
      const text = await response.text();
      assert.ok(response.status >= 400 || headers["user-agent"], `${method} ${path}: ${response.status}`);
      const echoed = headers["x-request-id"] ?? "";
      assert.ok(!text.replaceAll(`"request_id":"${echoed}"`, "").includes(secret), `${method} ${path}: ${text}`);
    }
  }
  const config = await (await server.request("GET", "/system/config", { key: ADMIN_KEY })).text();
  const status = await (await server.request("GET", "/system/status", { key: ADMIN_KEY })).text();
  assert.ok(lines.length > 80);
  for (const secret of [...Object.values(KEYS), jwt, "a-secret-of-more-than"]) {
    assert.equal(lines.find((line) => line.includes(secret)), undefined);
    assert.ok(!config.includes(secret) && !status.includes(secret));
  }
  assert.match(config, /\[masked\]/);
});
