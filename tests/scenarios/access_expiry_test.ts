/**
 * What was opened with a token that ends, and ends with it.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { readFrames } from "../support/events.ts";
import { ask, type Json } from "../support/story.ts";
import { startWorld, tokenOf } from "../support/world.ts";

/** Tokens are taken for five seconds longer, as clocks differ. */
const TOLERANCE = 5;

/** A token for about five seconds, and when it is worth nothing any more. */
async function shortToken(claims: Json = {}): Promise<{ key: string; until: number }> {
  const exp = Math.floor(Date.now() / 1000) - TOLERANCE + 6;
  return { key: await tokenOf("alice", { scope: "tools", ...claims }, exp), until: (exp + TOLERANCE) * 1000 };
}

Deno.test("a stream of events ends with the token it was opened with, and says why", async () => {
  await using world = await startWorld();
  const { server } = world;
  const { key, until: end } = await shortToken();
  const headers = { accept: "text/event-stream" };
  const open = (method: string, path: string, body?: Json) =>
    server.request(method, path, { key, headers, ...body && { body } });
  const background = { model: "assistant", input: "hang on", background: true };
  const response = await ask(server, "POST ^/v1/responses", { key, body: background });
  const streams = await Promise.all([
    open("GET", "/tools/events"),
    open("GET", `^/v1/responses/${response.id}?stream=true`),
    open("POST", "/chat/stream", { message: "hang on" }),
  ]);
  assert.deepEqual(streams.map(({ status }) => status), [200, 200, 200]);
  const told = await Promise.all(streams.map(readFrames));
  assert.ok(Date.now() >= end, "not before its time");
  for (const frames of told) {
    const { type, data } = frames.at(-1)!;
    assert.equal(type, "error");
    assert.match(data.message, /The token has expired/);
  }
  const { error, statusCode } = told[2]!.at(-1)!.data;
  assert.deepEqual([error, statusCode], ["UnauthorizedError", 401]);
  const run_id = told[2]!.find(({ type }) => type === "run.started")?.data.run_id;
  const next = await tokenOf("alice", { scope: "tools" });
  const run = await ask(server, `GET /runs/${run_id}`, { key: next });
  assert.equal(run.status, "running", "what goes on without the connection goes on");
  const seen = told[2]!.findLast(({ id }) => id !== undefined)?.id;
  const again = await server.request("GET", `/runs/${run_id}/events?starting_after=${seen}`, { key: next, headers });
  assert.equal(again.status, 200, "and is followed with another token");
  await ask(server, `POST /runs/${run_id}/cancel`, { key: next, body: {} });
  const rest = await readFrames(again);
  assert.equal(rest.at(-1)?.type, "run.cancelled");
});
