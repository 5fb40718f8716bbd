/**
 * Calls as rows and streams: who may see them, who may have how many, what is told of them, and how they end.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { createHmac } from "node:crypto";
import { CallStory, good } from "../support/calls.ts";
import { readError } from "../support/errors.ts";
import { startProvider } from "../support/provider.ts";
import { startProgram } from "../support/program.ts";
import { ADMIN_KEY, startServer, type TestServer, testSettings, USER_KEY } from "../support/server.ts";
import { scriptedToolbox } from "../support/toolbox.ts";

const OTHER_KEY = "sk_muxi_user_of_another_0123456789";

async function begin(server: TestServer, body: Record<string, unknown> = {}, key = USER_KEY): Promise<string> {
  const { id } = await good<{ id: string }>(await server.request("POST", "/rtc/sessions", { body, key }));
  return id;
}

const WEBSOCKET = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13" };

for (
  const [what, headers] of [["no upgrade", {}], ["an upgrade without its key", WEBSOCKET]] as const
) {
  Deno.test(`${what} to a call over a WebSocket is refused, and leaves nothing behind`, async () => {
    await using server = await startServer();
    /** As it goes over the wire: `fetch` leaves such headers out. */
    const ask = async (path: string, key: string | null) => {
      const { hostname, port } = new URL(server.url);
      using connection = await Deno.connect({ hostname, port: Number(port) });
      const sent = { host: "localhost", ...key !== null && { authorization: `Bearer ${key}` }, ...headers };
      const lines = Object.entries({ connection: "close", ...sent }).map(([name, value]) => `${name}: ${value}`);
      await connection.write(new TextEncoder().encode(`GET /api/v1${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`));
      let text = "";
      const length = () => Number(/^content-length: (\d+)/im.exec(text)?.[1] ?? 0);
      for await (const piece of connection.readable.pipeThrough(new TextDecoderStream())) {
        text += piece;
        const [head, body] = text.split("\r\n\r\n", 2);
        if (body !== undefined && head !== undefined && body.length >= length()) break;
      }
      return text;
    };
    assert.match(await ask("/rtc/converse", null), /^HTTP\/1.1 401 /);
    assert.match(await ask("/rtc/converse", USER_KEY), /^HTTP\/1.1 400 [^]*Cannot open a WebSocket/);
    assert.match(await ask("/rtc/sessions/rtc_0/attach", USER_KEY), /^HTTP\/1.1 404 /);
    const { data } = await good<{ data: unknown[] }>(await server.request("GET", "/rtc/sessions"));
    assert.deepEqual(data, []);
  });
}

/** A WebSocket that joins a call. */
function join(server: TestServer, id: string, { query = "", key = USER_KEY as string | null } = {}) {
  const url = `${server.url.replace("http", "ws")}/api/v1/rtc/sessions/${id}/attach${query}`;
  const headers = key === null ? {} : { authorization: `Bearer ${key}` };
  const socket = new WebSocket(url, { headers });
  // deno-lint-ignore no-explicit-any -- events of every type
  const told: any[] = [];
  const waiting = new Set<() => void>();
  const rouse = () => waiting.forEach((look) => look());
  let closed: CloseEvent | undefined;
  socket.onmessage = ({ data }) => (told.push(JSON.parse(data)), rouse());
  socket.onclose = (event) => (closed = event, rouse());
  socket.onerror = (event) => event.preventDefault();
  return {
    socket,
    told,
    say: (message: unknown) => socket.send(typeof message === "string" ? message : JSON.stringify(message)),
    // deno-lint-ignore no-explicit-any -- events of every type
    until(fits: (event: any) => boolean): Promise<any> {
      return new Promise((resolve, reject) => {
        const look = () => {
          const found = told.find(fits);
          if (found === undefined && closed === undefined) return;
          waiting.delete(look);
          if (found === undefined) reject(new Error(`Closed: ${told.map(({ type }) => type)}`));
          else resolve(found);
        };
        waiting.add(look);
        look();
      });
    },
    get closed(): Promise<CloseEvent> {
      return new Promise((resolve) => {
        const look = () => closed && resolve(closed);
        waiting.add(look);
        look();
      });
    },
  };
}

Deno.test("a call is nobody's but its key's and its user's, on every way", async () => {
  await using server = await startServer({ settings: { auth: { api_keys: [`other:user:${OTHER_KEY}`] } } });
  const id = await begin(server);
  const ways: [string, string, unknown?][] = [
    ["GET", `/rtc/sessions/${id}`],
    ["PATCH", `/rtc/sessions/${id}`, { held: true }],
    ["DELETE", `/rtc/sessions/${id}`],
    ["GET", `/rtc/sessions/${id}/events`],
    ["GET", `/rtc/sessions/${id}/attach`],
    ["POST", "/rtc/offer", { session_id: id, request: true }],
    ["POST", "/rtc/answer", { session_id: id, sdp: "v=0" }],
    ["POST", "/rtc/ice-candidate", { session_id: id, candidate: null }],
  ];
  for (const [method, path, body] of ways) {
    const asked = { key: OTHER_KEY, ...body !== undefined && { body } };
    const response = await server.request(method, path, asked);
    const { error } = readError(response.status, await response.text());
    assert.deepEqual([response.status, error], [404, "SessionNotFoundError"], `${method} ${path}`);
  }
  assert.equal((await good(await server.request("GET", `/rtc/sessions/${id}`))).state, "created");
  const { data } = await good<{ data: unknown[] }>(await server.request("GET", "/rtc/sessions", { key: OTHER_KEY }));
  assert.deepEqual(data, []);
});

Deno.test("who has all its calls is told so, and so is who comes when the server has all of its own", async () => {
  const auth = { api_keys: [`other:user:${OTHER_KEY}`] };
  await using server = await startServer({ settings: { auth, rtc: { max_calls: 3, max_calls_per_key: 2 } } });
  const [first] = [await begin(server), await begin(server)];
  const own = await server.request("POST", "/rtc/sessions", { body: {} });
  assert.equal(own.status, 429);
  assert.ok(Number(own.headers.get("retry-after")) > 0);
  readError(429, await own.text());
  await begin(server, {}, OTHER_KEY);
  const full = await server.request("POST", "/rtc/offer", { body: { request: true }, key: OTHER_KEY });
  assert.equal(full.status, 503);
  assert.ok(Number(full.headers.get("retry-after")) > 0);
  assert.equal(readError(503, await full.text()).error, "UnavailableError");
  await server.request("DELETE", `/rtc/sessions/${first}`);
  await begin(server);
});

Deno.test("an offer that can't be read begins no call, and leaves one that is there as it is", async () => {
  await using server = await startServer();
  const sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio nonsense\r\n";
  for (const body of [{ sdp }, { sdp: "x" }, {}, { sdp, request: true }]) {
    const response = await server.request("POST", "/rtc/offer", { body });
    assert.equal(readError(response.status, await response.text()).error, "ValidationError");
  }
  const list = () => server.request("GET", "/rtc/sessions").then((response) => good<{ data: unknown[] }>(response));
  assert.deepEqual((await list()).data, []);
  const id = await begin(server);
  const response = await server.request("POST", "/rtc/offer", { body: { session_id: id, sdp } });
  assert.equal(response.status, 400);
  await response.body?.cancel();
  const other = { session_id: id, request: true, agent_id: "assistant" };
  const both = await server.request("POST", "/rtc/offer", { body: other });
  assert.match(readError(both.status, await both.text()).message, /"agent_id"/);
  assert.equal((await good(await server.request("GET", `/rtc/sessions/${id}`))).state, "created");
});

Deno.test("a call is joined over a WebSocket: text goes in, the run's events come out, and nothing ends it", async () => {
  await using server = await startServer();
  const id = await begin(server, { metadata: { from: "a test" } });
  const { ticket } = await good<{ ticket: string }>(await server.request("POST", "/tickets"));
  const one = join(server, id, { query: `?ticket=${ticket}`, key: null });
  const started = await one.until(({ type }) => type === "session.started");
  assert.deepEqual([started.seq, started.data.session.metadata], [1, { from: "a test" }]);
  one.say("no JSON");
  one.say({ type: "sing" });
  one.say({ type: "approval", run_id: "run_0", tool_call_id: "tool_0", decision: "approve" });
  one.say({ type: "text", text: "Who are you?" });
  const { data: { data } } = await one.until(({ type, data }) =>
    type === "run.event" && data.event === "run.completed"
  );
  assert.match(data.message.content, /offline/i);
  const errors = one.told.filter(({ type, data }) => type === "error" && data.error !== "UnavailableError");
  assert.deepEqual(errors.map(({ data }) => data.error), [
    "ValidationError",
    "ValidationError",
    "RunNotFoundError",
  ]);
  // Where it was left, it is taken up again.
  const at = one.told.at(-1).seq;
  one.socket.close();
  await one.closed;
  const two = join(server, id, { query: `?starting_after=${at}` });
  await new Promise((resolve) => two.socket.onopen = resolve);
  two.say({ type: "hold" });
  const next = await two.until(({ type }) => type === "session.state");
  assert.equal(next.data.held, true);
  assert.equal(two.told[0].seq, at + 1);
  assert.equal((await good(await server.request("GET", `/rtc/sessions/${id}`))).held, true);
  await server.request("DELETE", `/rtc/sessions/${id}`);
  assert.equal((await two.closed).code, 1000);
  assert.equal(two.told.at(-1).data.reason, "deleted");
  const late = await server.request("GET", `/rtc/sessions/${id}/attach`);
  assert.equal(readError(late.status, await late.text()).error, "GoneError");
});

Deno.test("a WebSocket that says too much at once is closed, and the call goes on", async () => {
  await using server = await startServer({ settings: { server: { max_body_bytes: 1024 } } });
  const id = await begin(server);
  const one = join(server, id);
  await one.until(({ type }) => type === "session.started");
  one.say(JSON.stringify({ type: "text", text: "x".repeat(2000) }));
  assert.equal((await one.closed).code, 1009);
  const two = join(server, id);
  await two.until(({ type }) => type === "session.started");
  two.socket.send(new Uint8Array(4));
  assert.equal((await two.closed).code, 1003);
  assert.equal((await good(await server.request("GET", `/rtc/sessions/${id}`))).state, "created");
});

Deno.test("what comes again under its id, by whatever way, is done once and acknowledged", async () => {
  await using server = await startServer();
  const id = await begin(server);
  const ways = [join(server, id), join(server, id)] as const;
  for (const [before, one] of ways.entries()) {
    const acknowledged = (id: string) => {
      const isIt = ({ type, data }: (typeof one.told)[number]) => type === "message.acknowledged" && data.id === id;
      return one.until(() => one.told.filter(isIt).length > before);
    };
    await one.until(({ type }) => type === "session.started");
    one.say({ type: "text", text: "Are you there?", id: "first" });
    await acknowledged("first");
    // Older clients know nothing of it.
    one.say({ type: "text", text: "Hello?" });
    one.say({ type: "approval", run_id: "run_0", tool_call_id: "tool_0", decision: "approve", id: "second" });
    await acknowledged("second");
    one.say({ type: "text", text: "x".repeat(100_001), id: "third" });
    await acknowledged("third");
  }
  const [, one] = ways;
  one.say({ type: "text", text: "Hello!", id: "x".repeat(65) });
  await one.until(({ type, data }) => type === "error" && data.message.startsWith("Cannot read the message: id"));
  const of = (wanted: string) => one.told.filter(({ type }) => type === wanted).map(({ data }) => data);
  assert.deepEqual(of("transcript.final").map(({ text }) => text).sort(), ["Are you there?", "Hello?", "Hello?"]);
  const refused = of("error").filter(({ message }) => message.includes("run_0"));
  assert.equal(refused.length, 1, "what can't be done is said once");
  assert.equal(of("error").filter(({ message }) => message.includes("read the message: text")).length, 1);
  await Promise.all(ways.map(({ socket, closed }) => (socket.close(), closed)));
});

Deno.test("events are followed from any place that is kept", async () => {
  await using server = await startServer();
  const id = await begin(server);
  await using story = new CallStory(server, id);
  await story.until(({ type }) => type === "session.started");
  for (let held = 0; held < 300; held++) {
    await good(await server.request("PATCH", `/rtc/sessions/${id}`, { body: { held: held % 2 === 0 } }));
  }
  await good(await server.request("PATCH", `/rtc/sessions/${id}`, { body: { held: true } }));
  const last = (await story.until(({ seq }) => seq >= 301)).seq;
  assert.deepEqual(story.events.map(({ seq }) => seq), story.events.map((_, at) => at + 1));
  const kept = await good<{ data: { seq: number }[] }>(await server.request("GET", `/rtc/sessions/${id}/events`));
  assert.equal(kept.data.length, 256);
  const status = async (after: number) => {
    const response = await server.request("GET", `/rtc/sessions/${id}/events?starting_after=${after}`, {
      headers: { accept: "text/event-stream" },
    });
    await response.body?.cancel();
    return response.status;
  };
  assert.equal(await status(1), 410);
  assert.equal(await status(last + 100), 409);
  assert.equal(await status(kept.data[0]!.seq - 1), 200);
  await server.request("DELETE", `/rtc/sessions/${id}`);
  await story.over;
  assert.equal(await status(0), 204);
});

Deno.test("a key that is revoked takes its calls along", async () => {
  let next = () => testSettings("");
  await using server = await startServer({ reread: () => Promise.resolve(next()) });
  const id = await begin(server);
  await using story = new CallStory(server, id);
  await story.until(({ type }) => type === "session.started");
  next = () => testSettings(server.data_dir, { settings: { auth: { user_api_key: "sk_muxi_user_another_98765" } } });
  await server.app.reload();
  await story.over;
  const session = await good(await server.request("GET", `/rtc/sessions/${id}`, { key: ADMIN_KEY }));
  assert.deepEqual([session.state, session.reason], ["ended", "key_revoked"]);
});

Deno.test("a call that nobody connects to ends by itself, but not while somebody is there in text", async () => {
  await using server = await startServer({ settings: { rtc: { reattach_seconds: 4 } } });
  const [alone, joined] = [await begin(server), await begin(server)];
  const one = join(server, joined);
  await using story = new CallStory(server, alone);
  await one.until(({ type }) => type === "session.started");
  assert.equal((await story.state("ended")).data.reason, "connect_timeout");
  assert.equal((await good(await server.request("GET", `/rtc/sessions/${joined}`))).state, "created");
  await using other = new CallStory(server, joined);
  one.socket.close();
  assert.equal((await other.state("ended")).data.reason, "connect_timeout");
});

Deno.test("a server that stops tells every call why it ends", async () => {
  const server = await startServer();
  const id = await begin(server);
  await using story = new CallStory(server, id);
  const one = join(server, id);
  await one.until(({ type }) => type === "session.started");
  await story.until(({ type }) => type === "session.started");
  await server.app.drain(0);
  await story.over;
  assert.equal(story.events.at(-1)!.data.reason, "shutdown");
  await one.closed;
  assert.equal(one.told.at(-1).data.reason, "shutdown");
  await server[Symbol.asyncDispose]();
});

Deno.test("calls of a process that died have ended, and say so", async () => {
  await using program = await startProgram({ settings: { rtc: { host: "127.0.0.1", port: 0 } } });
  const data_dir = `${program.dir}/data`;
  const made = await fetch(`${program.url}/api/v1/rtc/sessions`, {
    method: "POST",
    headers: { authorization: `Bearer ${USER_KEY}`, "content-type": "application/json" },
    body: "{}",
  });
  const { id } = await good<{ id: string }>(made);
  const gone = program.said("never to be said").catch(() => {});
  program.signal("SIGKILL");
  await gone;
  await using server = await startServer({ data_dir });
  const session = await good(await server.request("GET", `/rtc/sessions/${id}`));
  assert.deepEqual([session.state, session.reason], ["ended", "process_ended"]);
  assert.ok(session.ended_at);
});

Deno.test("TURN credentials are made for the caller, and expire", async () => {
  const turn = { urls: ["turn:turn.test:3478?transport=udp"], secret: "shared", ttl_seconds: 600 };
  const ice_servers = [{ urls: ["stun:stun.test:3478"] }];
  await using server = await startServer({ settings: { rtc: { turn, ice_servers } } });
  const answer = await good<{ ice_servers: Record<string, string>[]; expires_at: string }>(
    await server.request("GET", "/rtc/ice-servers?user_id=anna"),
  );
  const [stun, relay] = answer.ice_servers;
  assert.deepEqual(stun, { urls: ["stun:stun.test:3478"] });
  const [expires, name] = relay!.username!.split(":");
  assert.equal(name, "anna");
  assert.equal(Date.parse(answer.expires_at), Number(expires) * 1000);
  const left = Number(expires) - Date.now() / 1000;
  assert.ok(left > 590 && left <= 601, `${left}`);
  assert.equal(relay!.credential, createHmac("sha1", "shared").update(relay!.username!).digest("base64"));
  assert.ok(!JSON.stringify(answer).includes("shared"));
});

Deno.test("a server that can't open its port takes no calls, says why, and serves everything else", async () => {
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  const lines: string[] = [];
  await using server = await startServer({ settings: { rtc: { port } }, onLog: (line) => lines.push(line) });
  await server.app.warmUp();
  assert.ok(lines.some((line) => line.includes("Cannot take calls") && line.includes(String(port))));
  const refused = await server.request("POST", "/rtc/sessions", { body: {} });
  const { error, message } = readError(refused.status, await refused.text());
  assert.equal(error, "UnavailableError");
  assert.ok(message.includes(String(port)), message);
  await good(await server.request("POST", "/chat", { body: { message: "Hello" } }));
  taken.close();
  await begin(server);
});

Deno.test("a tool call that waits for a person is decided in the call", async () => {
  await using provider = await startProvider({
    script: [{ tool_calls: [{ name: "open_door", arguments: {} }] }, { tokens: ["The door is open."] }],
  });
  const toolbox = scriptedToolbox({ open_door: { act: () => ({ result: "done", is_error: false }) } });
  await using server = await startServer({ provider: provider.url, ports: { toolbox } });
  const agent = { id: "porter", name: "Porter", allowed_tools: ["*"], policies: { ask: ["*"] } };
  await good(await server.request("POST", "/agents", { key: ADMIN_KEY, body: agent }));
  const id = await begin(server, { agent_id: "porter" });
  const one = join(server, id);
  await one.until(({ type }) => type === "session.started");
  one.say({ type: "text", text: "Open the door" });
  const isRunEvent = (name: string) => ({ type, data }: { type: string; data: { event: string } }) =>
    type === "run.event" && data.event === name;
  const { data: { run_id, data: asked } } = await one.until(isRunEvent("tool.call.approval_required"));
  await one.until(isRunEvent("run.waiting"));
  assert.deepEqual(toolbox.calls, []);
  one.say({ type: "approval", run_id, tool_call_id: asked.tool_call_id, decision: "approve" });
  const { data: { data: done } } = await one.until(isRunEvent("run.completed"));
  assert.equal(done.message.content, "The door is open.");
  assert.deepEqual(toolbox.calls.map(({ tool }) => tool), ["open_door"]);
});

Deno.test("what a caller types in a hurry stays in order, in the one conversation of the call", async () => {
  await using server = await startServer();
  const id = await begin(server);
  const one = join(server, id);
  await one.until(({ type }) => type === "session.started");
  for (const text of ["First", "Second", "Third"]) one.say({ type: "text", text });
  const completed = () => one.told.filter(({ type, data }) => type === "run.event" && data.event === "run.completed");
  await one.until(() => completed().length === 3);
  const { conversation_id } = await good(await server.request("GET", `/rtc/sessions/${id}`));
  const { data } = await good<{ data: { role: string; content: string }[] }>(
    await server.request("GET", `/conversations/${conversation_id}/messages`),
  );
  assert.deepEqual(data.filter(({ role }) => role === "user").map(({ content }) => content), [
    "First",
    "Second",
    "Third",
  ]);
  assert.deepEqual((await good<{ data: unknown[] }>(await server.request("GET", "/conversations"))).data.length, 1);
});
