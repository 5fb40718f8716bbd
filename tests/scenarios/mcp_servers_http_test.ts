/**
 * Tool servers that run somewhere else, and the gateways of others, at the work of an agent.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { freePort } from "../support/free_port.ts";
import { EVERYTHING, startReal } from "../support/mcp_client_real.ts";
import { until } from "../support/story.ts";
import { openOffice } from "../support/mcp_servers_office.ts";

const words = `${Deno.execPath()} run --no-config --no-lock -A ${EVERYTHING} stdio`;
const supergateway = ["npm:supergateway@4.0.0", "--stdio", words];
const mcpProxy = ["npm:mcp-proxy@6.7.19", "--host", "127.0.0.1"];

/** How each is started, where it answers, and what it is found to be. */
const SERVERS: Record<string, { args: (port: string) => string[]; path: string; type: string }> = {
  everything: { args: () => [EVERYTHING, "streamableHttp"], path: "mcp", type: "streamable_http" },
  everything_older: { args: () => [EVERYTHING, "sse"], path: "sse", type: "http_sse" },
  supergateway: {
    args: (port) => [...supergateway, "--port", port, "--outputTransport", "streamableHttp", "--stateful"],
    path: "mcp",
    type: "streamable_http",
  },
  supergateway_older: { args: (port) => [...supergateway, "--port", port], path: "sse", type: "http_sse" },
  proxy: {
    args: (port) => [...mcpProxy, "--port", port, "--", ...words.split(" ")],
    path: "mcp",
    type: "streamable_http",
  },
  proxy_older: {
    args: (port) => [...mcpProxy, "--port", port, "--", ...words.split(" ")],
    path: "sse",
    type: "http_sse",
  },
};

for (const [name, { args, path, type }] of Object.entries(SERVERS)) {
  Deno.test(`an agent answers by a tool server that was started separately: ${name}`, async () => {
    const port = String(freePort());
    await using _there = startReal(args(port), { PORT: port });
    // Whoever isn't there for some seconds isn't called for a while.
    await until(
      "somebody listens",
      () => Deno.connect({ hostname: "127.0.0.1", port: Number(port) }).then((one) => (one.close(), true), () => false),
    );
    await using office = await openOffice({ servers: () => ({ [name]: { url: `http://127.0.0.1:${port}/${path}` } }) });
    const { era, sandbox, ...view } = await office.ready(name);
    assert.deepEqual([view.type, sandbox], [type, null]);
    assert.match(era, /^20\d\d-\d\d-\d\d$/);
    const scripted = await office.ask({ tool: `${name}__get-sum`, arguments: { a: 2, b: 40 } });
    assert.match(scripted.content, /The sum of 2 and 40 is 42/);
    const offline = await office.askOffline(`Call ${name}__echo with message="Ahoy"`);
    assert.match(offline.content, /Echo: Ahoy/);
    for (const { row, events } of [scripted, offline]) {
      assert.equal(row.status, "completed");
      assert.equal(events.filter(({ type }) => type === "tool.call.result").length, 1);
    }
    const after = await office.view(name);
    assert.deepEqual([after.state, after.calls, after.failures, after.restarts], ["ready", 2, 0, 0]);
  });
}
