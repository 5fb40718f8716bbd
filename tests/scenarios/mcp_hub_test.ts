/**
 * Tool servers of agents: added, shown, used, shared, taken away.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { toolText } from "../../src/domain/tool.ts";
import { failure, offered, scriptedConnector, ScriptedServer } from "../support/mcp_hub_connector.ts";
import { startProvider } from "../support/provider.ts";
import { startServer } from "../support/server.ts";
import { ask, askAdmin, createAgent, type Json, until } from "../support/story.ts";

const CLOCK = { url: "https://clock.test/mcp", headers: { authorization: "Bearer geheim-123" } };

/** A server with a provider that asks for `clock__now`, and the tool servers of `scripts`. */
async function house(scripts: Record<string, ScriptedServer>, options: Json = {}) {
  await using stack = new AsyncDisposableStack();
  const provider = stack.use(
    await startProvider({
      script: ({ body }: Json) => {
        const last = body.messages.at(-1);
        if (last.role === "tool") return { tokens: ["It is ", last.content] };
        const [tool] = body.tools ?? [];
        return tool ? { tool_calls: [{ name: tool.function.name, arguments: {} }] } : { tokens: ["No tools"] };
      },
    }),
  );
  const server = stack.use(
    await startServer({ provider: provider.url, ports: { connector: scriptedConnector(scripts) }, ...options }),
  );
  const owned = stack.move();
  return { server, provider, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function clockServer(): ScriptedServer {
  const script = new ScriptedServer();
  script.tools = [offered("now", { read_only: true }), offered("set")];
  script.calling = () => toolText("noon");
  return script;
}

Deno.test("an agent answers by calling a tool of a server that was added to it", async () => {
  const clock = clockServer();
  await using home = await house({ clock });
  const { server } = home;
  await createAgent(server, "butler");
  const added = await askAdmin(server, "POST /agents/butler/mcp_servers", {
    body: { name: "clock", ...CLOCK, allow: ["n*"] },
    status: 201,
  });
  assert.equal(added.state, "ready");
  assert.deepEqual(added.tools, ["clock__now", "clock__set"]);
  assert.deepEqual([added.type, added.url, added.era], ["streamable_http", "https://clock.test/mcp", "2026-07-28"]);
  assert.ok(!JSON.stringify(added).includes("geheim"));
  const answer = await ask(server, "POST /agents/butler/chat", { body: { message: "What time is it?" } });
  assert.equal(answer.message.content, 'It is "noon"');
  const named = home.provider.requests[0]!.body.tools.map((tool: Json) => tool.function.name);
  assert.deepEqual(named, ["clock__now"], "what isn't allowed isn't offered");
  const view = await askAdmin(server, "GET /agents/butler/mcp_servers/clock");
  assert.deepEqual([view.calls, view.failures, view.agents], [1, 0, ["butler"]]);
  assert.equal(typeof view.latency_ms, "number");
  const agent = await askAdmin(server, "GET /agents/butler");
  assert.deepEqual([agent.allowed_tools, agent.mcp_servers], [["clock__n*"], [{ name: "clock", type: null }]]);
});

Deno.test("tools of a server are there only for the agents that use it, whatever they may call", async () => {
  await using home = await house({ clock: clockServer() });
  await createAgent(home.server, "butler", { mcp_servers: [{ name: "clock", ...CLOCK }], allowed_tools: ["*"] });
  await createAgent(home.server, "maid", { allowed_tools: ["*"] });
  await until("clock is up", async () => {
    return (await askAdmin(home.server, "GET /agents/butler/mcp_servers")).data[0].state === "ready";
  });
  const said = async (agent: string) => {
    return (await ask(home.server, `POST /agents/${agent}/chat`, { body: { message: "Time?" } })).message.content;
  };
  assert.equal(await said("butler"), 'It is "noon"');
  assert.equal(await said("maid"), "No tools");
});

Deno.test("a name has one definition: others use it by the name, and another definition is refused without secrets", async () => {
  const clock = clockServer();
  await using home = await house({ clock });
  const { server } = home;
  const add = (agent: string, body: Json, status: number) => {
    return askAdmin(server, `POST /agents/${agent}/mcp_servers`, { body: { name: "clock", ...body }, status });
  };
  await createAgent(server, "butler");
  await createAgent(server, "maid");
  const unknown = await add("maid", {}, 400);
  assert.match(unknown.message, /"clock": nothing defines it yet/);
  await add("butler", CLOCK, 201);
  await add("maid", {}, 201);
  await add("maid", CLOCK, 201);
  assert.equal(clock.connects, 1);
  const conflict = await add("maid", { ...CLOCK, headers: { authorization: "Bearer anderes-456" } }, 409);
  assert.deepEqual([conflict.error, conflict.details.fields], ["ConflictError", ["headers"]]);
  assert.ok(!/geheim|anderes/.test(JSON.stringify(conflict)));
  await askAdmin(server, "POST /agents", {
    body: { id: "cook", name: "Cook", mcp_servers: [{ name: "clock", url: "https://other.test" }] },
    status: 409,
  });
  await askAdmin(server, "PATCH /agents/maid", { body: { description: "Cleans" } });
  const { agents } = await askAdmin(server, "GET /agents/maid/mcp_servers/clock");
  assert.deepEqual(agents, ["butler", "maid"]);
  await askAdmin(server, "DELETE /agents/butler/mcp_servers/clock", { status: 204 });
  assert.equal(clock.open, 1, "the maid still uses it");
  // Its only user may define it anew.
  await askAdmin(server, "PATCH /agents/maid", {
    body: { mcp_servers: [{ name: "clock", url: "https://new.test/mcp" }] },
  });
  await until("it is connected to anew", () => clock.definition?.url === "https://new.test/mcp");
  await askAdmin(server, "DELETE /agents/maid", { status: 204 });
  await until("nobody uses it any more", () => clock.open === 0);
  await askAdmin(server, "GET /agents/butler/mcp_servers/clock", { status: 404 });
  await add("butler", {}, 400);
});

Deno.test("a secret of a server that several agents use is changed for all of them, once, and connected with at once", async () => {
  const clock = clockServer();
  await using home = await house({ clock });
  const { server } = home;
  await createAgent(server, "butler");
  await createAgent(server, "maid");
  const definition = { ...CLOCK, headers: { ...CLOCK.headers, "x-other": "stays-as-it-is" } };
  await askAdmin(server, "POST /agents/butler/mcp_servers", { body: { name: "clock", ...definition }, status: 201 });
  await askAdmin(server, "POST /agents/maid/mcp_servers", { body: { name: "clock" }, status: 201 });
  const refused = await askAdmin(server, "POST /agents/maid/mcp_servers", {
    body: { name: "clock", ...CLOCK, headers: {} },
    status: 409,
  });
  assert.match(refused.message, /another headers: mcp_server_update changes it for all/);
  const route = "PATCH /agents/maid/mcp_servers/clock";
  await ask(server, route, { body: { headers: { authorization: "x" } }, status: 403 });
  const changed = await askAdmin(server, route, { body: { headers: { authorization: "Bearer new-secret" } } });
  assert.deepEqual([changed.state, changed.agents], ["ready", ["butler", "maid"]]);
  assert.deepEqual(clock.definition?.headers, { authorization: "Bearer new-secret", "x-other": "stays-as-it-is" });
  assert.deepEqual([clock.connects, clock.open, clock.definition?.url], [2, 1, CLOCK.url]);
  assert.ok(!JSON.stringify(changed).includes("new-secret"));
  await askAdmin(server, "PATCH /agents/butler", { body: { description: "Can still be changed" } });
  await askAdmin(server, route, { body: { headers: { "x-other": null }, disabled_tools: ["s*"] } });
  assert.deepEqual(clock.definition?.headers, { authorization: "Bearer new-secret" });
  const { data } = await ask(server, "GET /tools");
  assert.deepEqual(data.map(({ name }: Json) => name), ["clock__now"]);
  await askAdmin(server, route, { body: { command: "" }, status: 400 });
  await askAdmin(server, "PATCH /agents/maid/mcp_servers/other", { body: {}, status: 404 });
});

Deno.test("a credential is changed by its id: what is given by it stands before the operator's variable", async () => {
  const dir = await Deno.makeTempDir({ prefix: "muxi-hub-" });
  try {
    const file = `${dir}/agents.yaml`;
    await Deno.writeTextFile(
      file,
      `agents:
  butler:
    mcp_servers:
    - name: clock
      type: http_sse
      url: https://clock.test/mcp
      credentials:
      - { id: search_api_key, param_name: api_key, required: true, env_fallback: SEARCH_API_KEY }
`,
    );
    const [clock, mine] = [clockServer(), clockServer()];
    const settings = { agents: { file }, mcp_servers: [{ name: "mine", url: "https://mine.test" }] };
    await using home = await house({ clock, mine }, { settings, variables: { SEARCH_API_KEY: "of-the-machine" } });
    const { server } = home;
    const credential = { id: "search_api_key", param_name: "api_key", required: true, env_fallback: "SEARCH_API_KEY" };
    await until("it is up", () => clock.open === 1);
    assert.deepEqual(clock.definition?.credentials, [credential]);
    const route = "PATCH /agents/butler/mcp_servers/clock";
    const unknown = await askAdmin(server, route, {
      body: { credentials: [{ id: "other", value: "x" }] },
      status: 400,
    });
    assert.match(unknown.message, /no credential "other".*there are: "search_api_key"/);
    await askAdmin(server, route, { body: { credentials: [{ id: "search_api_key", value: "of-an-admin" }] } });
    assert.deepEqual(clock.definition?.credentials, [{ ...credential, value: "of-an-admin" }]);
    await askAdmin(server, route, { body: { credentials: [{ id: "search_api_key", value: null }] } });
    assert.deepEqual(clock.definition?.credentials, [credential]);
    // Whoever may change where the secret goes must not be given it.
    const moved = await askAdmin(server, route, { body: { url: "https://thief.test" }, status: 400 });
    assert.match(moved.message, /credentials\.0\.env_fallback/);
    await askAdmin(server, "POST /agents/butler/mcp_servers", { body: { name: "mine" }, status: 201 });
    const fixed = await askAdmin(server, "PATCH /agents/butler/mcp_servers/mine", {
      body: { headers: { a: "b" } },
      status: 409,
    });
    assert.match(fixed.message, /the settings define it: change it there/);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("one server that is down hides none of the others, and says why", async () => {
  const [clock, broken] = [clockServer(), new ScriptedServer()];
  broken.connecting = () => Promise.reject(failure("unauthorized", { sign_in_url: "https://sign.test/in" }));
  await using home = await house({ clock, broken });
  await createAgent(home.server, "butler", {
    mcp_servers: [{ name: "broken", url: "https://broken.test" }, { name: "clock", ...CLOCK }],
    allowed_tools: ["clock__now", "broken__*"],
  });
  const { data } = await until("both were tried", async () => {
    const list = await askAdmin(home.server, "GET /agents/butler/mcp_servers");
    return list.data.every(({ state }: Json) => state !== "connecting") ? list : undefined;
  });
  assert.deepEqual(
    data.map(({ name, state, reason, sign_in_url }: Json) => [name, state, reason, sign_in_url]),
    [["broken", "stopped", "It is unauthorized", "https://sign.test/in"], ["clock", "ready", null, null]],
  );
  const { message } = await ask(home.server, "POST /agents/butler/chat", { body: { message: "Time?" } });
  assert.equal(message.content, 'It is "noon"');
  broken.connecting = () => Promise.resolve();
  const again = await askAdmin(home.server, "POST /agents/butler/mcp_servers/broken/restart", { status: 200 });
  assert.deepEqual([again.state, again.reason, again.tools], ["ready", null, ["broken__echo"]]);
});

Deno.test("only the operator's own files may name the machine's variables and files", async () => {
  const [own, api] = [new ScriptedServer(), new ScriptedServer()];
  const credentials = [{ id: "key", param_name: "x-key", env_fallback: "SECRET", file: "/etc/hostname" }];
  const server_of = (name: string) => ({ name, url: `https://${name}.test`, credentials });
  await using home = await house({ own, api }, {
    settings: { mcp_servers: [server_of("own")] },
    variables: { SECRET: "geheim-123" },
  });
  await createAgent(home.server, "butler", { mcp_servers: [{ name: "own" }] });
  await until("it is up", () => own.open === 1);
  assert.deepEqual(own.definition?.credentials[0]?.env_fallback, "SECRET");
  const refused = await askAdmin(home.server, "POST /agents/butler/mcp_servers", {
    body: server_of("api"),
    status: 400,
  });
  assert.match(refused.message, /credentials\.0\.env_fallback: only files .*give its value instead/);
  assert.equal(refused.details.field, "credentials.0.env_fallback");
  const { credentials: [{ env_fallback: _, ...of_file } = credentials[0]!] } = server_of("api");
  const other = await askAdmin(home.server, "POST /agents", {
    body: { id: "maid", name: "Maid", mcp_servers: [{ ...server_of("api"), credentials: [of_file] }] },
    status: 400,
  });
  assert.match(other.message, /credentials\.0\.file: only files/);
  assert.equal(api.connects, 0);
});

Deno.test("the settings define servers as a list, as desktop hosts do, and in a file; a restart follows them", async () => {
  const dir = await Deno.makeTempDir({ prefix: "muxi-hub-" });
  try {
    const file = `${dir}/servers.json`;
    const mcpServers = {
      "My Clock": { type: "http", url: "https://clock.test/mcp", headers: { "x-key": "${KEY}" }, autoApprove: ["now"] },
      files: { command: "npx", args: ["-y", "files"], disabled: true },
    };
    await Deno.writeTextFile(file, JSON.stringify({ mcpServers }));
    const My_Clock = clockServer();
    const options = { variables: { KEY: "geheim-123" }, data_dir: `${dir}/data` };
    await Deno.mkdir(options.data_dir);
    {
      await using home = await house({ My_Clock }, { ...options, settings: { mcp_servers: file } });
      await createAgent(home.server, "butler", {
        mcp_servers: [{ name: "My_Clock" }],
        allowed_tools: ["My_Clock__now"],
      });
      await until("it is up", () => My_Clock.open === 1);
      assert.deepEqual(My_Clock.definition?.headers, { "x-key": "geheim-123" });
      await askAdmin(home.server, "DELETE /agents/butler/mcp_servers/My_Clock", { status: 204 });
      assert.equal(My_Clock.open, 1, "the settings define it, so it stays");
      const refused = await askAdmin(home.server, "POST /agents/butler/mcp_servers", {
        body: { name: "My_Clock", url: "https://else.test" },
        status: 409,
      });
      assert.match(refused.message, /the settings define with another url, headers|the settings define/);
      await askAdmin(home.server, "POST /agents/butler/mcp_servers", { body: { name: "My_Clock" }, status: 201 });
    }
    assert.equal(My_Clock.open, 0);
    await using home = await house({ My_Clock }, { ...options, settings: { mcp_servers: "" } });
    const [view] = (await askAdmin(home.server, "GET /agents/butler/mcp_servers")).data;
    assert.deepEqual([view.state, view.reason], ["stopped", "Nothing defines it any more"]);
    await askAdmin(home.server, "PATCH /agents/butler", { body: { description: "Can still be changed" } });
    await assert.rejects(
      house({}, { settings: { mcp_servers: `${dir}/none.json` } }),
      /Cannot use mcp_servers: the file ".*none.json" can't be opened/,
    );
    await assert.rejects(
      house({}, { settings: { mcp_servers: '[{"name":"a","url":"x","token":"geheim"}]' } }),
      /Cannot use mcp_servers: .*"a": Unrecognized key: "token"/,
    );
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("settings may hold a host's servers as text: variables are filled in, and what is turned off stays off", async () => {
  const clock = clockServer();
  const lines: string[] = [];
  const text = (header: string) =>
    `{ // of a host
      "servers": { "clock": { "url": "https://clock.test", "headers": { "x-key": "${header}" },
        "disabledTools": ["set"], "novelty": true }, }, "inputs": [] }`;
  {
    await using home = await house({ clock }, {
      settings: { mcp_servers: text("\${env:KEY}") },
      variables: { KEY: "geheim-123" },
      onLog: (line: string) => lines.push(line),
    });
    await createAgent(home.server, "butler", { mcp_servers: [{ name: "clock" }], allowed_tools: ["*"] });
    const { data } = await ask(home.server, "GET /tools");
    assert.deepEqual(data.map(({ name }: Json) => name), ["clock__now"]);
    assert.deepEqual(clock.definition?.headers, { "x-key": "geheim-123" });
    await askAdmin(home.server, "POST /tools/clock__set/call", { body: {}, status: 404 });
    assert.ok(lines.some((line) => line.includes("novelty is not known here")));
  }
  const refused = (header: string) => house({ clock }, { settings: { mcp_servers: text(header) } });
  await assert.rejects(
    refused("\${KEY}"),
    /Cannot use mcp_servers: "clock": headers\.x-key: it names \$\{KEY\}, and the/,
  );
  await assert.rejects(refused("\${input:key}"), /names \$\{input:key\}, for which the host asks a person/);
});

Deno.test("an agent of a file gets every tool of its servers unless it says which", async () => {
  const dir = await Deno.makeTempDir({ prefix: "muxi-hub-" });
  try {
    const file = `${dir}/agents.yaml`;
    await Deno.writeTextFile(
      file,
      `agents:
  butler: { mcp_servers: [{ name: clock, url: "https://clock.test/mcp" }] }
  maid: { mcp_servers: [{ name: clock }], allowed_tools: [clock__set] }
`,
    );
    await using home = await house({ clock: clockServer() }, { settings: { agents: { file } } });
    const allowed = async (id: string) => (await askAdmin(home.server, `GET /agents/${id}`)).allowed_tools;
    assert.deepEqual([await allowed("butler"), await allowed("maid")], [["clock__*"], ["clock__set"]]);
    const { message } = await ask(home.server, "POST /agents/butler/chat", { body: { message: "Time?" } });
    assert.equal(message.content, 'It is "noon"', "the first message waits for servers that just start");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("programs beyond the most that may run are woken at the cost of the one that was idle the longest", async () => {
  const scripts = { a: new ScriptedServer(), b: new ScriptedServer(), c: new ScriptedServer() };
  await using home = await house(scripts, { settings: { tools: { max_servers: 2 } } });
  const servers = Object.keys(scripts).map((name) => ({ name, command: `run ${name}` }));
  await createAgent(home.server, "butler", { mcp_servers: servers, allowed_tools: ["*"] });
  const open = () => Object.values(scripts).map((script) => script.open).join("");
  await until("each was started once", async () => {
    const { data } = await askAdmin(home.server, "GET /agents/butler/mcp_servers");
    return data.every(({ tools }: Json) => tools.length === 1);
  });
  await until("two run", () => open().replaceAll("0", "").length === 2);
  for (const name of ["a", "b", "c", "a"]) {
    await askAdmin(home.server, `POST /tools/${name}__echo/invoke`, { body: { arguments: {} } });
    assert.equal(scripts[name as "a"].open, 1);
    assert.equal(open().replaceAll("0", "").length, 2);
  }
});

Deno.test("a stop of the server ends every connection", async () => {
  const [clock, slow] = [clockServer(), new ScriptedServer()];
  slow.connecting = () => new Promise((resolve) => setTimeout(resolve, 50));
  {
    await using home = await house({ clock, slow });
    await createAgent(home.server, "butler", {
      mcp_servers: [{ name: "clock", ...CLOCK }, { name: "slow", url: "https://slow.test" }],
    });
  }
  assert.deepEqual([clock.open, slow.open], [0, 0]);
});

Deno.test("how every server does is part of the health an admin sees", async () => {
  const [clock, broken] = [clockServer(), new ScriptedServer()];
  broken.connecting = () => Promise.reject(failure("unreachable"));
  await using home = await house({ clock, broken });
  await createAgent(home.server, "butler", {
    mcp_servers: [{ name: "clock", ...CLOCK }, { name: "broken", url: "https://broken.test" }],
  });
  const { components } = await until("both were tried", async () => {
    const health = await askAdmin(home.server, "GET /health/ready");
    return health.components.some(({ detail }: Json) => /connecting/.test(detail)) ? undefined : health;
  });
  const servers = components.filter(({ name }: Json) => name.startsWith("mcp_server"));
  assert.deepEqual(servers, [
    { name: "mcp_server:broken", ok: false, detail: "backing_off: It is unreachable" },
    { name: "mcp_server:clock", ok: true, detail: "ready" },
  ]);
  assert.equal((await ask(home.server, "GET /health/ready")).components, undefined);
});
