/**
 * A server of its own that a test can kill: the real application with real
 * ports, a scripted toolbox whose effects are lines of a file, and, if asked
 * for, a store in which stories stop.
 *
 * @module
 */
import { createApp } from "../../src/app.ts";
import { openFileBlobs } from "../../src/adapters/files/blobs.ts";
import { lockDataDir } from "../../src/adapters/libsql/owner_lock.ts";
import { openLibsqlStore } from "../../src/adapters/libsql/store.ts";
import { createLog } from "../../src/kit/log.ts";
import { listen } from "../../src/transports/http/listen.ts";
import type { Toolbox } from "../../src/ports/toolbox.ts";
import { doomStore, gateStore, type Stop } from "./crash_gate.ts";
import { scriptedToolbox } from "./toolbox.ts";
import { testSettings } from "./server.ts";

/** What the program is told, as JSON in its only argument. */
export interface ChildOptions {
  data_dir: string;
  provider: string;
  settings: Record<string, unknown>;
  /** Gets a line for every effect a tool has. */
  effects: string;
  /** Where each story stops. */
  stop?: Stop;
  /** Where the process ends itself. */
  doom?: Stop;
}

/** What the program prints, a line each. */
export type ChildLine = { url: string } | { stopped: string };

/** The tools: what they change is a line `tool story key`, appended in one write. */
function createToolbox(effects: string): Toolbox {
  const encoder = new TextEncoder();
  const act = (tool: string, ms: number) => async (args: Record<string, unknown>) => {
    using file = Deno.openSync(effects, { append: true, create: true });
    file.writeSync(encoder.encode(`${tool} ${args.story} ${args.key}\n`));
    await new Promise((resolve) => setTimeout(resolve, ms));
    return { result: { done: args.key }, is_error: false };
  };
  return scriptedToolbox({
    look: { idempotent: true, act: act("look", 5) },
    book: { idempotent: false, act: act("book", 5) },
    send: { idempotent: false, act: act("send", 5) },
    /** Ends the process, as a fault in native code would. */
    poison: {
      idempotent: true,
      act: async (args) => {
        await act("poison", 0)(args);
        Deno.kill(Deno.pid, "SIGKILL");
        return { result: null, is_error: false };
      },
    },
  });
}

function say(line: ChildLine): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(line)}\n`));
}

if (import.meta.main) {
  const { data_dir, provider, settings, effects, stop, doom } = JSON.parse(Deno.args[0]!) as ChildOptions;
  const log = createLog({
    level: "warn",
    format: "json",
    write: (line) => void Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`)),
  });
  // A store that is given is not locked by the application.
  using _lock = lockDataDir(data_dir);
  const real = await openLibsqlStore({ path: `${data_dir}/muxi.db`, log });
  const gated = stop ? gateStore(real, stop, (stopped) => say({ stopped })) : real;
  const store = doom ? doomStore(gated, doom) : gated;
  const blobs = await openFileBlobs({ dir: `${data_dir}/files` });
  const app = await createApp(testSettings(data_dir, { provider, settings }), {
    ports: { store, blobs, log, toolbox: createToolbox(effects) },
  });
  const listener = listen(app.fetch, {
    host: "127.0.0.1",
    port: 0,
    onError: () => new Response(null, { status: 500 }),
  });
  say({ url: listener.address });
  // The test holds the other end: without it nobody would end this process.
  while (await Deno.stdin.read(new Uint8Array(64)) !== null);
  Deno.exit(0);
}
