/**
 * Reading event streams as a client would, with everything noted.
 *
 * @module
 */
import { PATIENCE_MS, within } from "./waiting.ts";

/** A frame as it came. */
export interface Frame {
  id: number | undefined;
  type: string;
  // deno-lint-ignore no-explicit-any -- the tests look into data of every type
  data: any;
}

/** Parses whole frames of `text`; comments are skipped. */
export function parseFrames(text: string): Frame[] {
  return text.split("\n\n").slice(0, -1).flatMap((frame) => {
    const field = (name: string) =>
      frame.split("\n").find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
    const data = field("data");
    if (data === undefined) return [];
    const id = field("id");
    return [{
      id: id === undefined ? undefined : Number(id),
      type: field("event") ?? "message",
      data: JSON.parse(data),
    }];
  });
}

/** Reads a response's frames to its end. */
export async function readFrames(response: Response): Promise<Frame[]> {
  return await Array.fromAsync(streamFrames(response));
}

/** The text of each step, from its last restart on. */
export function textsOf(frames: readonly Frame[], type = "model.delta"): Map<string, string> {
  const texts = new Map<string, string>();
  for (const { type: kind, data } of frames) {
    if (kind === "step.restarted") texts.delete(data.step_id);
    if (kind === type) texts.set(data.step_id, (texts.get(data.step_id) ?? "") + data.text);
  }
  return texts;
}

/** Options for {@linkcode streamFrames}. */
export interface StreamFramesOptions {
  /** Ends it. */
  signal?: AbortSignal;
  /** How long a frame is waited for; comments aren't frames. */
  patience_ms?: number;
}

/** Iterates the frames of a response as they come. Ends with it; returning early closes the connection. */
export async function* streamFrames(
  response: Response,
  { signal, patience_ms = PATIENCE_MS }: StreamFramesOptions = {},
): AsyncGenerator<Frame> {
  const reader = response.body!.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
    .getReader();
  const leave = () => void reader.cancel().catch(() => {});
  signal?.addEventListener("abort", leave);
  let text = "";
  const next = async (): Promise<Frame[] | undefined> => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return undefined;
      text += value;
      const end = text.lastIndexOf("\n\n");
      if (end < 0) continue;
      const frames = parseFrames(text.slice(0, end + 2));
      text = text.slice(end + 2);
      if (frames.length > 0) return frames;
    }
  };
  let last: Frame | undefined;
  const seen = () => `${JSON.stringify(last)?.slice(0, 1000) ?? "no frame"}, then ${JSON.stringify(text)}`;
  try {
    for (let frames; (frames = await within(`a frame of ${response.url}`, next(), { seen, patience_ms }));) {
      last = frames.at(-1);
      yield* frames;
    }
  } finally {
    signal?.removeEventListener("abort", leave);
    await reader.cancel().catch(() => {});
  }
}
