/**
 * Tools for programs that know OpenAPI and no MCP.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { startServer, USER_KEY } from "../support/server.ts";
import { type Json } from "../support/story.ts";
import { scriptedToolbox } from "../support/toolbox.ts";

const tree = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  properties: { root: { $ref: "#/$defs/node" } },
  required: ["root"],
  $defs: { node: { type: "object", properties: { next: { $ref: "#/$defs/node" } } } },
};
const text = (text: string) => ({ content: [{ type: "text" as const, text }], is_error: false });

function shop(settings: Json = {}) {
  const toolbox = scriptedToolbox({
    time__now: { server: "time", title: "Now", description: "Tells the time", act: () => text("noon") },
    time__data: {
      server: "time",
      output_schema: { type: "object", properties: { hour: { type: "number" } } },
      act: () => ({ content: [], structured_content: { hour: 12 }, is_error: false }),
    },
    time__sorry: { server: "time", act: () => ({ ...text("no clock"), is_error: true }) },
    paint__tree: {
      server: "paint",
      parameters: tree,
      act: ({ root }) => ({
        content: [{ type: "text", text: JSON.stringify(root) }, {
          type: "image",
          data: "AAAA",
          media_type: "image/png",
        }],
        is_error: false,
      }),
    },
  });
  return startServer({ settings: { auth: { user_scopes: ["tools"] }, ...settings }, ports: { toolbox } });
}

/** As Open WebUI does it: the operation of that name, its path behind the base, the arguments as the body. */
async function use(base: string, name: string, args: unknown = {}, key = USER_KEY) {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const described = await fetch(`${base}/openapi.json`, { headers });
  const document: Json = await described.json();
  assert.equal(described.status, 200, JSON.stringify(document));
  const [path] = Object.entries<Json>(document.paths).find(([, { post }]) => post.operationId === name)!;
  const response = await fetch(`${base}${path}`, { method: "POST", headers, body: JSON.stringify(args) });
  const answer = await response.text();
  return { status: response.status, answer, type: response.headers.get("content-type"), document };
}

/** A reference, followed from the document's root. */
function follow(document: Json, { $ref }: Json): Json {
  return $ref.slice(2).split("/").reduce((at: Json, name: string) => at[name], document);
}

Deno.test("every tool is a path; its text, its data and its pictures are the answer", async () => {
  await using server = await shop();
  const base = `${server.url}/tools`;
  const now = await use(base, "time__now");
  assert.deepEqual([now.status, now.answer, now.type], [200, "noon", "text/plain; charset=utf-8"]);
  assert.deepEqual(JSON.parse((await use(base, "time__data")).answer), { hour: 12 });
  const painted = await use(base, "paint__tree", { root: { next: {} } });
  assert.deepEqual(JSON.parse(painted.answer), ['{"next":{}}', "data:image/png;base64,AAAA"]);
  assert.deepEqual(Object.keys(painted.document.paths), ["/paint__tree", "/time__data", "/time__now", "/time__sorry"]);
  assert.equal(painted.document.paths["/time__now"].post.summary, "Now");
});

Deno.test("schemas stand by themselves: references to themselves lead where they should", async () => {
  await using server = await shop();
  const { document } = await use(`${server.url}/tools`, "paint__tree", { root: {} });
  const { post } = document.paths["/paint__tree"];
  const schema = follow(document, post.requestBody.content["application/json"].schema);
  assert.deepEqual(schema.required, ["root"]);
  const node = follow(document, schema.properties.root);
  assert.deepEqual(follow(document, node.properties.next), node);
  const { 200: answer } = document.paths["/time__data"].post.responses;
  assert.ok(follow(document, answer.content["application/json"].schema).properties.hour);
});

Deno.test("failures are HTTP's: of the tool, of the arguments, of the key", async () => {
  await using server = await shop();
  const sorry = await use(`${server.url}/tools`, "time__sorry");
  assert.equal(sorry.status, 502);
  assert.equal(JSON.parse(sorry.answer).message, "no clock");
  assert.equal((await use(`${server.url}/tools`, "paint__tree", {})).status, 400);
  assert.equal((await fetch(`${server.url}/tools/openapi.json`)).status, 401);
  assert.equal((await fetch(`${server.url}/tools/time__now`, { method: "POST" })).status, 401);
  await using strict = await shop({ auth: { user_scopes: [] } });
  const refused = await use(`${strict.url}/tools`, "time__now");
  assert.equal(refused.status, 403);
  assert.match(refused.answer, /lacks the scope \\"tools\\"/);
});

Deno.test("a server's tools have a document of their own", async () => {
  await using server = await shop();
  const { document, answer } = await use(`${server.url}/tools/time`, "time__now");
  assert.equal(answer, "noon");
  assert.deepEqual(Object.keys(document.paths), ["/time__data", "/time__now", "/time__sorry"]);
  assert.deepEqual([document.info.title, document.servers[0].url], ["time", "/tools/time"]);
  const headers = { authorization: `Bearer ${USER_KEY}` };
  assert.equal((await fetch(`${server.url}/tools/nobody/openapi.json`, { headers })).status, 404);
});
