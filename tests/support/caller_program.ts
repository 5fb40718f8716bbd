/**
 * Callers in a process that a test may kill. Arguments: where calls are taken, the key, how many call. Says "connected"
 * when all are, and goes on speaking.
 *
 * @module
 */
import { openCaller } from "./caller.ts";

const [url, key, count] = Deno.args;
const door = {
  request: (method: string, path: string, { body }: { body?: unknown } = {}) =>
    fetch(`${url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    }),
};
const callers = await Promise.all(Array.from({ length: Number(count) }, () => openCaller(door)));
Deno.stdout.writeSync(new TextEncoder().encode("connected\n"));
const noise = Array.from({ length: 50 }, () => crypto.getRandomValues(new Uint8Array(60)));
while (callers.length > 0) await Promise.all(callers.map(({ say }) => say(noise)));
