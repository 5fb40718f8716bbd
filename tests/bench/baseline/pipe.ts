/**
 * The floor of replies: hands a provider's stream over without looking, so that no byte enters the program.
 *
 * Frozen: figures are compared with it over time, so it must not change.
 *
 * As a program: `deno run -A tests/bench/baseline/pipe.ts http://127.0.0.1:4000/v1` prints `{"url":"…"}`.
 *
 * @module
 */
const provider = Deno.args[0]!;

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
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  },
);
