/**
 * What a program's sandbox would ask a person, when nobody knows for which call it is.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import type { Sandbox, StartOptions } from "../../src/ports/sandbox.ts";
import { spawnPlainly } from "../support/mcp_client_process.ts";
import { toServer } from "../support/mcp_client_connector.ts";
import { startServer } from "../support/server.ts";
import { ask, askAdmin, createAgent, type Json, until } from "../support/story.ts";

/** A server whose tool says that it failed once `release` is called. */
const PROGRAM = `
const reply = (id, result) => console.log(JSON.stringify({ jsonrpc: "2.0", id, result }));
const open = [];
for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  for (const line of text.split("\\n").filter(Boolean)) {
    const { id, method, params } = JSON.parse(line);
    if (id === undefined) continue;
    const capabilities = { tools: {} };
    const serverInfo = { name: "reader", version: "1" };
    const tool = (name) => ({ name, inputSchema: { type: "object" } });
    if (method === "initialize") reply(id, { protocolVersion: "2025-11-25", capabilities, serverInfo });
    else if (method === "tools/list") reply(id, { tools: [tool("read"), tool("release")] });
    else if (method === "ping") reply(id, {});
    else if (method === "tools/call" && params.name === "read") open.push(id);
    else if (method === "tools/call") {
      for (const one of [...open.splice(0), id]) {
        reply(one, { content: [{ type: "text", text: "It failed" }], isError: true });
      }
    } else console.log(JSON.stringify({ jsonrpc: "2.0", id, error: { code: -32601, message: "Unknown" } }));
  }
}`;

Deno.test("while several calls are under way an access is refused, the calls say why, and the no is not remembered", async () => {
  const dir = await Deno.makeTempDir({ prefix: "muxi-asking-" });
  await Deno.writeTextFile(`${dir}/server.ts`, PROGRAM);
  let options: StartOptions | undefined;
  const sandbox: Sandbox = {
    abilities: () => Promise.resolve({ javascript: "none", native: "none", ceilings: [], notes: [] }),
    start({ name, command, args }, given) {
      options = given;
      return spawnPlainly(toServer({ name, command, args: [...args] }));
    },
    learn: () => Promise.reject(new Error("Not here")),
  };
  try {
    await using server = await startServer({ ports: { sandbox }, settings: { auth: { user_scopes: ["tools"] } } });
    await createAgent(server, "clerk", {
      mcp_servers: [{ name: "reader", command: `deno run --no-config ${dir}/server.ts` }],
    });
    await until("it is up", async () => {
      return (await askAdmin(server, "GET /agents/clerk/mcp_servers/reader")).state === "ready";
    });
    const calls: Promise<Json>[] = [1, 2].map(() => ask(server, "POST /tools/reader__read/call", { body: {} }));
    await until("both are under way", async () => {
      const signal = new AbortController().signal;
      const question = { permission: "read" as const, value: "/x", words: 'read the file "/x"' };
      // A rejection is no answer, so the next question is asked anew.
      const said = await options!.ask!(question, signal).then(() => "an answer", (error: Error) => error.message);
      return said.includes("several calls are under way");
    });
    const release = await ask(server, "POST /tools/reader__release/call", { body: {} });
    assert.equal(release.result.is_error, true);
    for (const { result } of await Promise.all(calls)) {
      const text = result.content.map(({ text }: Json) => text).join("\n");
      assert.match(text, /Nobody could be asked whether the server "reader" may read the file "\/x": several calls/);
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
