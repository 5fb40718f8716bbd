/**
 * A relay of replies: reads a provider's frames and sends each token as an event of its own, keeps nothing, checks
 * nothing. It does what any server must that speaks another protocol than its provider.
 *
 * Frozen: figures are compared with it over time, so it must not change. A better baseline is a new file beside it.
 *
 * As a program: `deno run -A tests/bench/baseline/relay.ts http://127.0.0.1:4000/v1` prints `{"url":"…"}`.
 *
 * @module
 */
const provider = Deno.args[0]!;
const encoder = new TextEncoder();

/** The tokens in whole frames, as events. */
function toEvents(frames: readonly string[]): string {
  let events = "";
  for (const frame of frames) {
    const data = frame.slice("data: ".length);
    const text = data === "[DONE]" ? undefined : JSON.parse(data).choices[0]?.delta?.content;
    if (text) events += `event: model.delta\ndata: ${JSON.stringify({ text })}\n\n`;
  }
  return events;
}

function relay(reader: ReadableStreamDefaultReader<Uint8Array>): ReadableStream<Uint8Array> {
  const decoder = new TextDecoder();
  let rest = "";
  return new ReadableStream({
    async pull(controller) {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return controller.close();
        const frames = (rest + decoder.decode(value, { stream: true })).split("\n\n");
        rest = frames.pop()!;
        const events = toEvents(frames);
        if (events !== "") return controller.enqueue(encoder.encode(events));
      }
    },
  }, { highWaterMark: 0 });
}

Deno.serve(
  {
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => Deno.stdout.writeSync(encoder.encode(`{"url":"http://127.0.0.1:${port}"}\n`)),
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
