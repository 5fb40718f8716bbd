/**
 * The MCP client follows resources of a real server, which is another MUXI, in both eras.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { connectorForTests, toConnectOptions, toServer } from "../support/mcp_client_connector.ts";
import { ERAS } from "../support/mcp_door.ts";
import { resource, scriptedConnector, ScriptedServer } from "../support/mcp_hub_connector.ts";
import { ADMIN_KEY, startServer } from "../support/server.ts";
import { askAdmin, until } from "../support/story.ts";

for (const era of ERAS) {
  Deno.test(`resources, prompts and changes come through a server of ${era}, and a watch ends with its signal`, async () => {
    const book = new ScriptedServer();
    book.resources = [resource("book://1"), resource("book://{id}", { template: true })];
    book.prompts = [{ name: "greet", arguments: [] }];
    await using server = await startServer({
      settings: { mcp_servers: [{ name: "book", url: "https://book.test/mcp" }] },
      ports: { connector: scriptedConnector({ book }) },
    });
    await until("its server is up", async () => (await askAdmin(server, "GET /resources")).data.length === 2);
    const heard: string[] = [];
    const definition = toServer({ url: `${server.url}/mcp`, headers: { authorization: `Bearer ${ADMIN_KEY}` } });
    const connection = await connectorForTests().connect(
      definition,
      toConnectOptions({
        handlers: { onResourceUpdated: (uri) => void heard.push(uri) },
        remembered: { era, type: "streamable_http" },
      }),
    );
    assert.equal(connection.era, era);
    const { signal } = new AbortController();
    const uri = "muxi://servers/book/book://1";
    assert.ok((await connection.listResources(signal)).some((one) => one.uri === uri && !one.template));
    assert.ok((await connection.listResources(signal)).some((one) => one.uri.endsWith("{id}") && one.template));
    assert.deepEqual(await connection.readResource(uri, { signal }), [
      { type: "resource", uri, text: "The text of book://1" },
    ]);
    assert.deepEqual((await connection.listPrompts(signal)).map(({ name }) => name), ["book__greet"]);
    assert.equal((await connection.getPrompt("book__greet", {}, { signal })).messages.length, 1);
    const leaving = new AbortController();
    await connection.watchResource!(uri, { signal: leaving.signal });
    await until("it is watched", () => book.watched!.size === 1);
    await until("it is heard", () => {
      book.updated("book://1");
      return heard.includes(uri);
    });
    leaving.abort();
    await until("nobody watches any more", () => book.watched!.size === 0);
    await connection.close();
  });
}
