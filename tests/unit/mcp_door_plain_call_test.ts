import { strict as assert } from "node:assert";
import { readPlainCall } from "../../src/transports/mcp/plain_call.ts";

const P = "io.modelcontextprotocol/";
const META = {
  [`${P}protocolVersion`]: "2026-07-28",
  [`${P}clientCapabilities`]: { elicitation: {} },
  [`${P}clientInfo`]: { name: "tests", version: "1" },
};
const HEADERS = { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "echo" };

function read(change: Record<string, unknown> = {}, headers: Record<string, string> = {}) {
  const { params = {}, ...rest } = change as { params?: Record<string, unknown> };
  const body = {
    jsonrpc: "2.0",
    id: 1,
    method: "tools/call",
    params: { name: "echo", _meta: META, ...params },
    ...rest,
  };
  return readPlainCall(new Headers({ ...HEADERS, ...headers }), body);
}

Deno.test("a call beyond doubt is read", () => {
  assert.deepEqual(read({ params: { arguments: { a: 1 }, _meta: { ...META, progressToken: 0 } } }), {
    id: 1,
    name: "echo",
    args: { a: 1 },
    client: { elicitation: {} },
    answers: {},
    progressToken: 0,
  });
  const inputResponses = { a: { action: "accept" }, wrapped: { method: "x", result: {} }, junk: 1 };
  const again = read({ params: { inputResponses, requestState: "state" } });
  assert.deepEqual([again?.answers, again?.state], [{ a: { action: "accept" } }, "state"]);
});

Deno.test("whatever is doubtful is left to the SDK", () => {
  const doubtful = [
    read({ jsonrpc: "1.0" }),
    read({ id: null }),
    read({ id: 1.5 }),
    read({ method: "tools/list" }),
    read({ params: { name: 1 } }),
    read({ params: { arguments: [] } }),
    read({ params: { arguments: null } }),
    read({ params: { _meta: undefined } }),
    read({ params: { _meta: { ...META, [`${P}protocolVersion`]: "2025-11-25" } } }),
    read({ params: { _meta: { ...META, [`${P}clientCapabilities`]: [] } } }),
    read({ params: { _meta: { ...META, [`${P}clientInfo`]: { name: 1 } } } }),
    read({ params: { _meta: { ...META, [`${P}logLevel`]: "info" } } }),
    read({ params: { _meta: { ...META, progressToken: {} } } }),
    read({ params: { requestState: 1 } }),
    read({ params: { inputResponses: [] } }),
    read({}, { "mcp-name": "other" }),
    read({}, { "mcp-method": "tools/list" }),
    read({}, { "mcp-protocol-version": "2025-11-25" }),
    read({ params: { name: "=?base64?ZQ==?=" } }, { "mcp-name": "=?base64?ZQ==?=" }),
    readPlainCall(new Headers(HEADERS), null),
    readPlainCall(new Headers(), {
      jsonrpc: "2.0",
      id: 1,
      method: "tools/call",
      params: { name: "echo", _meta: META },
    }),
  ];
  assert.ok(doubtful.every((one) => one === undefined), doubtful.findIndex((one) => one !== undefined).toString());
});
