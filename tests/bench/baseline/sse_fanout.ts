/**
 * The baseline of many readers: a bare server that hands one event to whoever listens.
 *
 * Frozen: figures are compared with it over time, so it must not change. A better baseline is a new file beside it.
 *
 * `GET /events` listens, `POST /` tells its body to all. As a program it prints `{"url":"…"}`.
 *
 * @module
 */
const encoder = new TextEncoder();
const listeners = new Set<ReadableStreamDefaultController<Uint8Array>>();
let seq = 0;

function listen(): Response {
  let own: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      own = controller;
      listeners.add(own);
      own.enqueue(encoder.encode(": welcome\n\n"));
    },
    cancel: () => void listeners.delete(own),
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

Deno.serve(
  {
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => Deno.stdout.writeSync(encoder.encode(`{"url":"http://127.0.0.1:${port}"}\n`)),
  },
  async (request) => {
    if (request.method === "GET") return listen();
    const text = await request.text();
    const frame = encoder.encode(`id: ${++seq}\nevent: model.delta\ndata: ${text}\n\n`);
    for (const controller of listeners) controller.enqueue(frame);
    return new Response("ok");
  },
);
