/**
 * Lists of tool servers as people have them.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import type { HostPlace } from "../../src/domain/host_variables.ts";
import { McpServer } from "../../src/domain/mcp_server.ts";
import { readServerList } from "../../src/domain/mcp_server_list.ts";
import { parseJsonc } from "../../src/kit/jsonc.ts";

const NOWHERE: HostPlace = { variable: () => undefined };
const server = (fields: Record<string, unknown>) => McpServer.parse({ name: "one", ...fields });

Deno.test("the servers of a desktop host are read as they are", () => {
  const { servers, skipped, notes } = readServerList({
    mcpServers: {
      filesystem: { command: "npx", args: ["-y", "server-filesystem", "/tmp"], env: { A: "b", PORT: 1, NONE: null } },
      "My Git!": { type: "stdio", command: "uvx mcp-server-git", disabled: false, autoApprove: ["log"] },
      remote: { type: "http", url: "https://a.test/mcp", headers: { Authorization: "Bearer x" }, timeout: 60_000 },
      old: { type: "sse", serverUrl: "https://b.test/sse", timeout: 30, description: "Old", alwaysAllow: [] },
      socket: { type: "ws", url: "wss://c.test" },
      off: { command: "never", disabled: true },
    },
  }, NOWHERE);
  assert.deepEqual(
    servers.map((
      { name, type, url, command, args, timeout_seconds },
    ) => [name, type ?? null, url ?? command, args.length, timeout_seconds ?? null]),
    [
      ["filesystem", null, "npx", 3, null],
      ["My_Git", "command_line", "uvx mcp-server-git", 0, null],
      ["remote", "streamable_http", "https://a.test/mcp", 0, 60],
      ["old", "http_sse", "https://b.test/sse", 0, 30],
      ["socket", "websocket", "wss://c.test", 0, null],
    ],
  );
  assert.deepEqual(servers[0]!.env, { A: "b", PORT: "1" });
  assert.deepEqual(skipped, []);
  assert.deepEqual(notes, [
    '"My Git!": autoApprove is left out, as policies say here what a person is asked',
    '"off" is turned off there',
  ]);
  const one = [server({ url: "https://a.test" })];
  for (const shape of [{ servers: {} }, { mcp: { servers: {} } }, { context_servers: {} }]) {
    const text = JSON.stringify(shape).replace("{}", '{"one":{"url":"https://a.test"}}');
    assert.deepEqual(readServerList(JSON.parse(text), NOWHERE).servers, one);
  }
  assert.deepEqual(readServerList([{ name: "one", url: "https://a.test" }], NOWHERE).servers, one);
});

Deno.test("what can't be a list is refused, and one server that can't be used hides none of the others", () => {
  const no_list = /^ValidationError: Cannot read the tool servers: want a list of servers/;
  assert.throws(() => readServerList("x", NOWHERE), no_list);
  assert.throws(() => readServerList({ one: { command: "x" } }, NOWHERE), no_list);
  const why = (value: unknown) => {
    const { servers, skipped } = readServerList(value, NOWHERE);
    return [servers.map(({ name }) => name).join(), ...skipped.map(({ name, reason }) => `${name}: ${reason}`)];
  };
  assert.deepEqual(why([7, { name: "b", command: "x" }]), ["b", "number 1: it must be a map of fields"]);
  assert.match(why([{ name: "a__b", command: "x" }])[1]!, /^a__b: name: /);
  assert.deepEqual(why([{ name: "a", command: "x" }, { name: "a", command: "y" }]), [
    "a",
    'a: there are two called "a"',
  ]);
  assert.match(why([{ name: "a", tyep: "stdio" }])[1]!, /^a: Unrecognized key: "tyep"/);
  const host = { mcpServers: { a: { type: "carrier-pigeon", url: "https://a.test" }, b: { command: "x" } } };
  assert.match(why(host)[1]!, /^a: type: /);
  assert.equal(why(host)[0], "b");
});

Deno.test("a key that a host has and nobody else knows is left out with a note, not with its server", () => {
  const { servers, notes } = readServerList({ mcpServers: { a: { command: "x", tyep: "stdio" } } }, NOWHERE);
  assert.deepEqual(servers.map(({ name }) => name), ["a"]);
  assert.deepEqual(notes, ['"a": tyep is not known here, and left out']);
});

Deno.test("tools that a host turned off, or all but some, are no longer offered", () => {
  const { servers } = readServerList({
    mcpServers: {
      a: { command: "x", disabledTools: ["write_file", "rm*"] },
      b: { command: "x", includeTools: ["read"], excludeTools: ["write"] },
    },
  }, NOWHERE);
  assert.deepEqual(servers.map((one) => [one.enabled_tools, one.disabled_tools]), [
    [undefined, ["write_file", "rm*"]],
    [["read"], ["write"]],
  ]);
  const { skipped } = readServerList({ mcpServers: { a: { command: "x", disabledTools: "all" } } }, NOWHERE);
  assert.match(skipped[0]!.reason, /^disabled_tools: /);
});

Deno.test("variables and inputs stand for what they are, and what is unknown is named instead of handed on", () => {
  const place: HostPlace = {
    variable: (name) => ({ TOKEN: "geheim", EMPTY: "" })[name],
    input: (id) => id === "key" ? "of-a-person" : undefined,
    home: "/home/ada",
    folder: "/work/project",
  };
  const read = (fields: Record<string, unknown>, at = place) => readServerList({ servers: { a: fields } }, at);
  const [filled] = read({
    command: "${userHome}${/}bin",
    args: ["${workspaceFolder}/x", "${workspaceFolderBasename}", "${EMPTY:-none}", "$${kept}", "$HOME"],
    env: { A: "${TOKEN}", B: "Bearer ${env:TOKEN}", C: "${input:key}" },
  }).servers;
  assert.equal(filled!.command, "/home/ada/bin");
  assert.deepEqual(filled!.args, ["/work/project/x", "project", "none", "${kept}", "$HOME"]);
  assert.deepEqual(filled!.env, { A: "geheim", B: "Bearer geheim", C: "of-a-person" });
  const reason = (text: string, at = place) => read({ command: "x", env: { T: text } }, at).skipped[0]?.reason;
  assert.equal(reason("a${ABSENT}"), "env.T: it names ${ABSENT}, and the variable ABSENT is not set");
  assert.equal(reason("${env:ABSENT}"), "env.T: it names ${env:ABSENT}, and the variable ABSENT is not set");
  assert.match(reason("${input:other}")!, /names \$\{input:other\}, for which the host asks a person/);
  assert.match(reason("${command:pick}")!, /names \$\{command:pick\}, which only its own host knows/);
  assert.match(reason("${userHome}", NOWHERE)!, /names \$\{userHome\}, which means nothing here/);
  const texts = ["${TOKEN}", "${env:TOKEN}", "${env:ABSENT}", "echo ${a%b}", "${x[1]}", "${input:key}", "$${"];
  const filledBefore = { ...place, isFilled: true };
  assert.deepEqual(read({ command: "x", args: texts }, filledBefore).servers[0]!.args, texts);
});

Deno.test("JSON may have comments and commas behind the last, and texts that look like either", () => {
  const text = `\uFEFF// the servers
{ "servers": { /* one
   of them */ "a": { "url": "https://a.test//x", "args": ["/* no */", ",]", "\\"//",], }, }, "inputs": [], }`;
  assert.deepEqual(parseJsonc(text), {
    servers: { a: { url: "https://a.test//x", args: ["/* no */", ",]", '"//'] } },
    inputs: [],
  });
  assert.throws(() => parseJsonc('{"a": 1 "b"}'), SyntaxError);
  assert.throws(() => parseJsonc("/* without end"), SyntaxError);
});
