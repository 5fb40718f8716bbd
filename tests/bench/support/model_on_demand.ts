/**
 * A model provider that says a token whenever it is told to.
 *
 * @module
 */
import { toFrame } from "../../support/provider_reply.ts";

/** See the module. */
export interface ModelOnDemand extends AsyncDisposable {
  url: string;
  /** Resolves once somebody has asked for an answer. */
  asked: Promise<void>;
  /** Says `text` to whoever asked. */
  say(text: string): void;
}

/** Starts it. */
export function startModelOnDemand(): ModelOnDemand {
  const encoder = new TextEncoder();
  const asked = Promise.withResolvers<void>();
  const open = new Set<ReadableStreamDefaultController<Uint8Array>>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    if (request.method === "GET") return Response.json({ object: "list", data: [{ id: "scripted", object: "model" }] });
    await request.body?.cancel();
    let own: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        own = controller;
        open.add(own);
        own.enqueue(encoder.encode(toFrame("scripted", { role: "assistant", content: "" })));
        asked.resolve();
      },
      cancel: () => void open.delete(own),
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/v1`,
    asked: asked.promise,
    say(text) {
      const frame = encoder.encode(toFrame("scripted", { content: text }));
      for (const controller of open) controller.enqueue(frame);
    },
    async [Symbol.asyncDispose]() {
      for (const controller of open) controller.close();
      await server.shutdown();
    },
  };
}
