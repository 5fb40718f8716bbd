/**
 * The baseline of replies: reads a provider's stream and passes its bytes on, keeps nothing, checks nothing.
 *
 * Frozen: figures are compared with it over time, so it must not change. A better baseline is a new file beside it.
 *
 * As a program: `deno run -A tests/bench/baseline/pass_through.ts http://127.0.0.1:4000/v1` prints `{"url":"…"}`.
 *
 * @module
 */
const provider = Deno.args[0]!;

function relay(reader: ReadableStreamDefaultReader<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  }, { highWaterMark: 0 });
}

Deno.serve(
  {
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => Deno.stdout.writeSync(new TextEncoder().encode(`{"url":"http://127.0.0.1:${port}"}\n`)),
  },
  async (request) => {
    if (request.method === "GET") return new Response("ok");
    const { message } = await request.json();
    const { body } = await fetch(`${provider}/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "scripted", stream: true, messages: [{ role: "user", content: message }] }),
    });
    return new Response(relay(body!.getReader()), { headers: { "content-type": "text/event-stream" } });
  },
);
