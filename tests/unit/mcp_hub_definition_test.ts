/**
 * Definitions of tool servers: read, compared, shown.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { checkDefinition, differingFields, toCommandLine, toReference } from "../../src/domain/mcp_definition.ts";
import { secretsOf, shownCommand, shownUrl } from "../../src/domain/mcp_secrets.ts";
import { McpServer } from "../../src/domain/mcp_server.ts";
import { toMcpServers } from "../../src/domain/mcp_server_list.ts";

const server = (fields: Record<string, unknown>) => McpServer.parse({ name: "one", ...fields });

Deno.test("the servers of a desktop host are read as they are", () => {
  const read = toMcpServers({
    mcpServers: {
      filesystem: { command: "npx", args: ["-y", "server-filesystem", "/tmp"], env: { A: "b" }, autoApprove: ["read"] },
      "My Git!": { type: "stdio", command: "uvx mcp-server-git", disabled: false },
      remote: { type: "http", url: "https://a.test/mcp", headers: { Authorization: "Bearer x" }, timeout: 60_000 },
      old: { type: "sse", serverUrl: "https://b.test/sse", timeout: 30 },
      socket: { type: "ws", url: "wss://c.test" },
      off: { command: "never", disabled: true },
    },
  });
  assert.deepEqual(
    read.map((
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
  assert.deepEqual(toMcpServers([{ name: "one", url: "https://a.test" }]), [server({ url: "https://a.test" })]);
  assert.deepEqual(toMcpServers({ servers: { one: { url: "https://a.test" } } }), [server({ url: "https://a.test" })]);
});

Deno.test("what can't be a list of servers is refused with the place", () => {
  const why = (value: unknown) => {
    try {
      toMcpServers(value);
    } catch (error) {
      return (error as Error).message.replace("Cannot read the tool servers: ", "");
    }
    return "taken";
  };
  assert.match(why("x"), /^want a list of servers/);
  assert.match(why({ one: { command: "x" } }), /^want a list of servers/);
  assert.match(why([7]), /^number 1 must be a map/);
  assert.match(why([{ name: "a__b", command: "x" }]), /^"a__b": name: /);
  assert.match(why([{ name: "a", command: "x" }, { name: "a", command: "y" }]), /^there are two called "a"/);
  assert.match(why({ mcpServers: { a: { command: "x", tyep: "stdio" } } }), /^"a": Unrecognized key: "tyep"/);
  assert.match(why({ mcpServers: { a: { type: "carrier-pigeon", url: "https://a.test" } } }), /^"a": type: /);
});

Deno.test("definitions differ by what they say, references by what they say beside the name", () => {
  const known = server({ url: "https://a.test", headers: { k: "1" }, type: "streamable_http" });
  assert.deepEqual(differingFields(known, server({ url: "https://b.test", headers: { k: "2" } })), [
    "type",
    "url",
    "headers",
  ]);
  assert.deepEqual(differingFields(known, server({})), []);
  assert.deepEqual(differingFields(known, toReference(known)), []);
  assert.deepEqual(differingFields(known, server({ sampling: "allow" })), ["sampling"]);
});

Deno.test("parts that don't go together are refused", () => {
  const refused: [Record<string, unknown>, RegExp][] = [
    [{ url: "https://a.test", command: "x" }, /both "url" and "command"/],
    [{ command: "  " }, /"command" is empty/],
    [{ command: "x", type: "http_sse" }, /"http_sse" needs "url"/],
    [{ url: "https://a.test", type: "command_line" }, /"command_line" needs "command"/],
    [{ url: "file:///etc/passwd" }, /http:\/\/ or https:\/\//],
    [{ url: "https://a.test", type: "websocket" }, /ws:\/\/ or wss:\/\//],
    [{ url: "wss://a.test", type: "streamable_http" }, /http:\/\/ or https:\/\//],
    [{ url: "nowhere" }, /http:\/\/ or https:\/\//],
  ];
  for (const [fields, why] of refused) assert.throws(() => checkDefinition(server(fields)), why);
  for (const url of ["https://a.test", "http://a", "ws://a", "wss://a.test/x"]) checkDefinition(server({ url }));
});

Deno.test("a command line is split as a shell would, unless its arguments are given apart", () => {
  const line = (fields: Record<string, unknown>) => toCommandLine(server(fields));
  assert.deepEqual(line({ command: "npx -y @a/b" }), { command: "npx", args: ["-y", "@a/b"] });
  assert.deepEqual(line({ command: `"/My Folder/x" --a='b c' ''` }), {
    command: "/My Folder/x",
    args: ["--a=b c", ""],
  });
  assert.deepEqual(line({ command: "/My Folder/x", args: ["a b"] }), { command: "/My Folder/x", args: ["a b"] });
  assert.throws(() => line({ command: `x "a` }), /a quote in "command" has no end/);
});

Deno.test("nothing secret is shown", () => {
  assert.equal(shownUrl("https://ada:pass@a.test/mcp?key=1#x"), "https://a.test/mcp?[masked]");
  const command = server({ command: "run --token abc --port 1", args: ["--api-key=zzz", "--password", "q", "/file"] });
  assert.equal(
    shownCommand(command),
    "run --token [masked] --port 1 --api-key=[masked] --password [masked] /file",
  );
  const secrets = secretsOf(
    server({
      url: "https://a.test",
      headers: { authorization: "Bearer of-header", short: "12345" },
      env: { KEY: "of-env" },
      credentials: [{ id: "a", param_name: "k", value: "of-value" }, { id: "b", param_name: "k", env_fallback: "V" }],
      oauth: { client_secret: "of-client" },
    }),
    (name) => name === "V" ? "of-variable" : undefined,
  );
  assert.deepEqual(secrets, ["Bearer of-header", "of-variable", "of-header", "of-client", "of-value", "of-env"]);
});

Deno.test("a variable that says where something is is no secret, unless its name says so", () => {
  const env = {
    MEMORY_FILE: "/srv/memory/graph.jsonl",
    API_KEY: "/srv/memory/of-keys",
    SALT: "/3x+Zq9/aa==",
    HOST: "db.internal",
  };
  const server = McpServer.parse({ name: "one", command: "run", env });
  assert.deepEqual(secretsOf(server, () => undefined), ["/srv/memory/of-keys", "/3x+Zq9/aa==", "db.internal"]);
});
