/**
 * Server-sent events (WHATWG HTML, section 9.2), read with a key.
 *
 * @module
 */

/** One event. */
export interface Frame {
  id: string;
  event: string;
  data: string;
}

/** Reads the frames of a body until it ends. */
export async function* readFrames(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<Frame> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += value;
      const blocks = text.split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) {
        const frame = toFrame(block);
        if (frame.data !== "") yield frame;
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

function toFrame(block: string): Frame {
  const frame: Frame = { id: "", event: "message", data: "" };
  for (const line of block.split("\n")) {
    const [, name, value = ""] = /^(id|event|data): ?(.*)$/.exec(line) ?? [];
    if (name !== undefined) frame[name as keyof Frame] = value;
  }
  return frame;
}
