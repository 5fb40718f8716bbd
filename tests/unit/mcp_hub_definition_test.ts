/**
 * Definitions of tool servers: compared, shown.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { checkDefinition, differingFields, toCommandLine, toReference } from "../../src/domain/mcp_definition.ts";
import { secretsOf, shownCommand, shownUrl } from "../../src/domain/mcp_secrets.ts";
import { McpServer } from "../../src/domain/mcp_server.ts";

const server = (fields: Record<string, unknown>) => McpServer.parse({ name: "one", ...fields });

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
