import process from "node:process";

const server = process.env.MUXI_URL ?? "http://127.0.0.1:8000";
const headers = { authorization: `Bearer ${process.env.MUXI_KEY}`, accept: "text/event-stream" };

/** The frames of a stream: what stands before the colons, by its name. */
async function* frames(response: Response) {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of response.body ?? []) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n\n");
    rest = parts.pop()!;
    for (const part of parts) {
      const frame = Object.fromEntries(part.split("\n").map((line) => line.split(/: (.*)/s)));
      if (frame.data) yield frame as { id?: string; event: string; data: string };
    }
  }
}

/** Says something; gives the events of the answer to the last one, each once. */
async function* follow(message: string) {
  const once = { "idempotency-key": crypto.randomUUID(), "content-type": "application/json" };
  let run: string | undefined, last = "";
  for (;; await new Promise((resolve) => setTimeout(resolve, 1000))) {
    const response = await (run === undefined
      ? fetch(`${server}/api/v1/chat/stream`, {
        method: "POST",
        headers: { ...headers, ...once },
        body: JSON.stringify({ message }),
      })
      : fetch(`${server}/api/v1/runs/${run}/events`, { headers: { ...headers, "last-event-id": last } }))
      .catch(() => undefined);
    if (response?.status === 204) return;
    if (response && !response.ok && ![429, 502, 503, 504].includes(response.status)) {
      throw new Error(await response.text());
    }
    if (!response?.ok) continue;
    try {
      for await (const { id, event, data } of frames(response)) {
        if (id === undefined) break;
        const value = JSON.parse(data);
        run ??= value.run_id as string;
        last = id;
        yield { event, data: value };
        if (/^run\.(completed|failed|cancelled)$/.test(event)) return;
      }
    } catch {
      // The connection broke: come back with the last id.
    }
  }
}

for await (const { event, data } of follow("What can you do?")) {
  if (event === "model.delta") process.stdout.write(data.text);
}
process.stdout.write("\n");
