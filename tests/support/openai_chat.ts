/**
 * Asking for chat completions as OpenAI's clients do, without one.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import type { TestServer } from "./server.ts";

// deno-lint-ignore no-explicit-any -- the tests look into answers of every shape
type Json = any;

/** Options of a request. */
export interface AskOptions {
  body?: Record<string, unknown>;
  headers?: Record<string, string>;
  key?: string | null;
  signal?: AbortSignal;
}

/** Posts to `/v1/chat/completions`: "Hello" to the assistant, unless told otherwise. */
export function postChat(server: TestServer, { body = {}, ...options }: AskOptions = {}): Promise<Response> {
  return server.request("POST", "^/v1/chat/completions", {
    body: { model: "assistant", messages: [{ role: "user", content: "Hello" }], ...body },
    ...options,
  });
}

/** The answer, not streamed. */
export async function complete(
  server: TestServer,
  { status = 200, ...options }: AskOptions & { status?: number } = {},
): Promise<Json> {
  const response = await postChat(server, options);
  const text = await response.text();
  assert.equal(response.status, status, text);
  return JSON.parse(text);
}

/** A frame's data, or `[DONE]`. Each frame is one line, and comments are skipped. */
export function parseData(text: string): Json[] {
  const frames = text.split("\n\n");
  assert.equal(frames.pop(), "");
  return frames.filter((frame) => !frame.startsWith(":")).map((frame) => {
    assert.match(frame, /^data: [^\n]+$/);
    return frame === "data: [DONE]" ? "[DONE]" : JSON.parse(frame.slice("data: ".length));
  });
}

/** The frames of a streamed answer, to its end. */
export async function streamed(server: TestServer, { body = {}, ...options }: AskOptions = {}): Promise<Json[]> {
  const response = await postChat(server, { body: { stream: true, ...body }, ...options });
  const text = await response.text();
  assert.equal(response.status, 200, text);
  assert.equal(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
  return parseData(text);
}

/** What the deltas of `frames` say under `field`, in order. */
export function deltasOf(frames: Json[], field: string): Json[] {
  return frames.flatMap(({ choices = [] }) => choices[0]?.delta?.[field] ?? []);
}

/** The text that `frames` say. */
export function textOf(frames: Json[]): string {
  return deltasOf(frames, "content").join("");
}

/** Reads a response frame by frame as it comes; `cancel` leaves. */
export function reading(response: Response) {
  const reader = response.body!.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
    .getReader();
  let text = "";
  return {
    /** Resolves with the first frame for which `test` holds. */
    async until(test: (data: Json) => boolean): Promise<Json> {
      for (;;) {
        const end = text.indexOf("\n\n");
        if (end >= 0) {
          const [data] = parseData(text.slice(0, end + 2));
          text = text.slice(end + 2);
          if (data !== undefined && test(data)) return data;
          continue;
        }
        const { done, value } = await reader.read();
        assert.ok(!done, "the stream ended");
        text += value;
      }
    },
    cancel: () => reader.cancel(),
  };
}
