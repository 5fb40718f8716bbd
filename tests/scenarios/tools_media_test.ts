/**
 * Pictures and files that tools answer with.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import type { ToolContent } from "../../src/domain/tool.ts";
import { startProvider } from "../support/provider.ts";
import { startServer } from "../support/server.ts";
import { ask, createAgent, eventsOf, type Json } from "../support/story.ts";
import { scriptedToolbox } from "../support/toolbox.ts";

const BYTES = new TextEncoder().encode("not really a picture");
const picture: ToolContent = { type: "image", data: BYTES.toBase64(), media_type: "image/png" };

/** What a provider is told after tools answered with `content`. */
async function shown(content: ToolContent[], agent: Json = {}) {
  await using provider = await startProvider({
    script: [{ tool_calls: [{ name: "paint", arguments: {} }, { name: "paint", arguments: {} }] }, {
      tokens: ["Nice"],
    }],
  });
  const toolbox = scriptedToolbox({ paint: { act: () => ({ content, is_error: false }) } });
  await using server = await startServer({ provider: provider.url, ports: { toolbox } });
  await createAgent(server, "painter", { allowed_tools: ["*"], ...agent });
  const { run_id, conversation_id } = await ask(server, "POST /agents/painter/chat", { body: { message: "Paint" } });
  const events = await eventsOf(server, run_id);
  const { data: messages } = await ask(server, `GET /conversations/${conversation_id}/messages?order=asc`);
  const files = messages.flatMap(({ attachments }: Json) => attachments).map(({ file_id }: Json) => file_id);
  const stored = await Promise.all(
    files.map(async (id: string) => await (await server.request("GET", `/files/${id}/content`)).text()),
  );
  return { told: provider.requests[1]!.body.messages as Json[], events, stored, files };
}

Deno.test("a picture is kept as a file, and shown to the model after the answers", async () => {
  const { told, events, stored, files } = await shown([{ type: "text", text: "Look:" }, picture]);
  assert.deepEqual(stored, ["not really a picture", "not really a picture"]);
  const roles = told.map(({ role }) => role);
  assert.deepEqual(roles, ["user", "assistant", "tool", "tool", "user"]);
  const parts = told.at(-1).content.filter(({ type }: Json) => type === "image_url");
  assert.equal(parts.length, 2);
  assert.ok(parts[0].image_url.url.endsWith(BYTES.toBase64()));
  const [result] = events.filter(({ type }) => type === "tool.call.result");
  assert.deepEqual(result!.data.result[1], {
    type: "resource_link",
    uri: `muxi://files/${files[0]}`,
    name: "image.png",
    media_type: "image/png",
    size: BYTES.length,
  });
  assert.ok(!JSON.stringify(events).includes(BYTES.toBase64()), "no event carries the bytes");
});

Deno.test("a model that can't look is told what there is", async () => {
  const { told } = await shown([picture], { model: { images: false } });
  assert.deepEqual(told.map(({ role }) => role), ["user", "assistant", "tool", "tool"]);
  assert.match(told.at(-1).content, /"media_type":"image\/png","size":20/);
});

Deno.test("sounds and files are kept, but not shown as pictures; what is no Base64 is said to be none", async () => {
  const { told, events } = await shown([
    { type: "audio", data: BYTES.toBase64(), media_type: "audio/wav" },
    { type: "resource", uri: "x://1", blob: BYTES.toBase64() },
    { type: "image", data: "§", media_type: "image/png" },
  ]);
  assert.deepEqual(told.map(({ role }) => role), ["user", "assistant", "tool", "tool"]);
  const [result] = events.filter(({ type }) => type === "tool.call.result");
  const [sound, file, broken] = result!.data.result;
  assert.deepEqual([sound.name, sound.size, file.media_type], ["audio.wav", BYTES.length, "application/octet-stream"]);
  assert.match(broken.text, /can't be kept/);
});
