/**
 * A server that takes calls, which tells what it holds. The argument is {@linkcode CallServerOptions} as JSON. It stops
 * when its standard input ends, and then ends by itself if nothing keeps it.
 *
 * @module
 */
import { liveTimers } from "./counted_timers.ts";
import type { CallServerOptions, Held } from "./call_server.ts";

const [{ openPeers }, { createLog }, { systemClock }, { startServer, testSettings }, { scriptedToolbox }] =
  await Promise
    .all([
      import("../../src/app/rtc_ports.ts"),
      import("../../src/kit/log.ts"),
      import("../../src/kit/clock.ts"),
      import("./server.ts"),
      import("./toolbox.ts"),
    ]);

const { gc } = globalThis as { gc?: () => void };
if (!gc) throw new Error("Cannot collect: expected --v8-flags=--expose-gc");
const options: CallServerOptions = JSON.parse(Deno.args[0]!);
const encoder = new TextEncoder();
const tell = (text: string) => void Deno.stderr.writeSync(encoder.encode(`${text}\n`));

async function held(peers: Awaited<ReturnType<typeof openPeers>>): Promise<Held> {
  // What ended in this turn is free in a later one.
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    gc!();
  }
  const { heapUsed, heapTotal, external, rss } = Deno.memoryUsage();
  const descriptors = [...Deno.readDirSync("/proc/self/fd")].length;
  return {
    heap: heapUsed,
    external,
    native: rss - heapTotal,
    descriptors,
    timers: liveTimers(),
    ...peers.size,
    counts: peers.counts!,
  };
}

{
  const data_dir = await Deno.makeTempDir({ prefix: "muxi-calls-" });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(data_dir, { recursive: true }));
  const log = createLog({ level: "warn", format: "json", write: tell });
  const given = { settings: options.settings ?? {}, ...options.provider && { provider: options.provider } };
  const peers = stack.use(await openPeers(testSettings(data_dir, given), { clock: systemClock, log }));
  const wait = (_: unknown, signal: AbortSignal) =>
    new Promise<{ result: string; is_error: boolean }>((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
  const toolbox = scriptedToolbox({ wait: { read_only: true, act: wait } });
  const server = stack.use(await startServer({ ...given, data_dir, ports: { log, toolbox, media: { peers } } }));
  const control = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async () => Response.json(await held(peers)),
  );
  stack.defer(() => control.shutdown());
  const port = (await peers.open()).port;
  const told = { url: server.url, control: `http://127.0.0.1:${control.addr.port}`, media_port: port };
  Deno.stdout.writeSync(encoder.encode(`${JSON.stringify(told)}\n`));
  while (await Deno.stdin.read(new Uint8Array(64)) !== null);
}
