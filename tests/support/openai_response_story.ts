/**
 * Asking for responses as OpenAI's clients do, without one.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { type Frame, parseFrames, streamFrames } from "./events.ts";
import type { TestServer } from "./server.ts";
import type { Json } from "./story.ts";

/** Options of a request. */
export interface AskOptions {
  body?: Record<string, unknown>;
  headers?: Record<string, string>;
  status?: number;
  signal?: AbortSignal;
}

/** Posts to `/v1/responses`: "Hello" to the assistant, unless told otherwise. */
export function postResponse(server: TestServer, { body = {}, headers, signal }: AskOptions = {}): Promise<Response> {
  return server.request("POST", "^/v1/responses", {
    body: { model: "assistant", input: "Hello", ...body },
    ...headers && { headers },
    ...signal && { signal },
  });
}

/** The response, not streamed; or the error, when that is the status expected. */
export async function respond(server: TestServer, options: AskOptions = {}): Promise<Json> {
  return await jsonOf(await postResponse(server, options), options.status);
}

/** Requests `route` below `/v1/responses`, such as `GET /resp_1`. */
export async function askResponse(server: TestServer, route: string, options: AskOptions = {}): Promise<Json> {
  const [method = "", path = ""] = route.split(" ");
  return await jsonOf(await server.request(method, `^/v1/responses${path}`, options), options.status);
}

async function jsonOf(response: Response, status = 200): Promise<Json> {
  const text = await response.text();
  assert.equal(response.status, status, text);
  return JSON.parse(text);
}

/** The events of a streamed response, to its end. Each is named as its data says. */
export async function streamed(server: TestServer, { body = {}, ...options }: AskOptions = {}): Promise<Json[]> {
  return await eventsOf(await postResponse(server, { body: { stream: true, ...body }, ...options }));
}

/** The events of a response that is there already, after number `starting_after`. */
export async function replayed(server: TestServer, id: string, starting_after?: number): Promise<Json[]> {
  const after = starting_after === undefined ? "" : `&starting_after=${starting_after}`;
  return await eventsOf(await server.request("GET", `^/v1/responses/${id}?stream=true${after}`));
}

async function eventsOf(response: Response): Promise<Json[]> {
  const text = await response.text();
  assert.equal(response.status, 200, text);
  assert.equal(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
  assert.ok(!text.includes("[DONE]"));
  return parseFrames(text).map(checked);
}

function checked({ id, type, data }: Frame): Json {
  assert.equal(id, undefined);
  assert.equal(data.type, type);
  return data;
}

/** Iterates the events of a stream as they come. */
export async function* reading(response: Response): AsyncGenerator<Json> {
  assert.equal(response.status, 200);
  for await (const frame of streamFrames(response)) yield checked(frame);
}

/** Checks that the stream goes on exactly from every point, and that its end is what is shown of it. */
export async function checkEveryCut(server: TestServer, events: Json[]): Promise<void> {
  const { id } = events[0].response;
  assert.deepEqual(events.map((event) => event.sequence_number), events.map((_, i) => i));
  assert.deepEqual(await replayed(server, id), events, "from the beginning");
  for (let cut = 0; cut < events.length; cut++) {
    assert.deepEqual(await replayed(server, id, cut), events.slice(cut + 1), `after event ${cut}`);
  }
  assert.deepEqual(await askResponse(server, `GET /${id}`), events.at(-1).response, "as a whole");
}

/** The text of a response's messages. */
export function textOf({ output }: Json): string {
  return output.filter(({ type }: Json) => type === "message").flatMap(({ content }: Json) => content)
    .map(({ text }: Json) => text).join("");
}
