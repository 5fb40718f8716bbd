/**
 * Serving until a signal says that it is enough.
 *
 * @module
 */
import { createApp } from "../app.ts";
import { AppError } from "../domain/error.ts";
import { systemClock } from "../kit/clock.ts";
import type { Settings } from "../settings/schema.ts";
import { toBanner } from "../transports/cli/banner.ts";
import type { GivenSettings } from "../transports/cli/given.ts";
import { listen } from "../transports/http/listen.ts";
import { VERSION } from "../version.ts";
import { publishAddress } from "./address.ts";
import { load, readTls } from "./load.ts";
import { openLog } from "./ports.ts";

/** Signals that end the server, as service managers send them. */
const STOP_SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** What the first call needs is loaded when the first requests were served. */
const WARM_UP_MS = 1000;

/** Serves. Resolves when the server has stopped. */
export async function serve(given: GivenSettings): Promise<void> {
  const { settings, variables, files } = await load(given);
  const { server } = settings;
  const tls = await readTls(settings);
  const log = openLog(settings);
  const settingsFiles = new Set(files);
  await using app = await createApp(settings, {
    variables,
    ports: { log },
    settingsFiles: () => [...settingsFiles],
    async reread() {
      const { settings, files } = await load(given);
      for (const file of files) settingsFiles.add(file);
      return settings;
    },
  });
  const stopped = Promise.withResolvers<string>();
  using signals = onSignals(stopped.resolve, () => {
    app.reload().catch((error) => log.error("Cannot reload the settings: nothing was changed", { error }));
  });
  const listener = openListener(app.fetch, server, tls, (error) => log.error("Connection failed", { error }));
  using published = publishAddress(settings.data_dir, `${listener.address}${server.base_path}`);
  const address = server.public_url || listener.address;
  Deno.stdout.writeSync(new TextEncoder().encode(toBanner({ version: VERSION, address, keys: app.generated })));
  using warming = systemClock.after(WARM_UP_MS, () => void app.warmUp());
  log.info("Listening", { address: listener.address, env: server.env });
  const signal = await stopped.promise;
  log.info("Stopping", { signal, grace_seconds: server.shutdown_seconds });
  const deadline = Date.now() + server.shutdown_seconds * 1000;
  const closing = listener.close(server.shutdown_seconds * 1000 + 1000);
  await app.drain(Math.max(0, deadline - Date.now()));
  await closing;
  void warming;
  void signals;
  void published;
}

function openListener(
  fetch: Parameters<typeof listen>[0],
  { host, port }: Settings["server"],
  tls: Awaited<ReturnType<typeof readTls>>,
  onError: (error: unknown) => void,
) {
  try {
    return listen(fetch, {
      host,
      port,
      ...tls,
      onError(error) {
        onError(error);
        return new Response(null, { status: 500 });
      },
    });
  } catch (cause) {
    // What another process holds may be free the next time a service manager tries.
    const taken = cause instanceof Deno.errors.AddrInUse;
    const reason = taken ? "the port is taken" : "the address can't be used";
    throw new AppError(
      taken ? "UnavailableError" : "ConfigurationError",
      `Cannot listen on ${host}:${port}: ${reason}`,
      {
        cause,
      },
    );
  }
}

/** Hears signals until disposed. A second signal to stop ends the process at once. */
function onSignals(onStop: (signal: string) => void, onReload: () => void): Disposable {
  let asked = false;
  const heard = STOP_SIGNALS.map((signal) =>
    [signal, () => {
      if (asked) Deno.exit(130);
      asked = true;
      onStop(signal);
    }] as const
  );
  for (const [signal, handler] of heard) Deno.addSignalListener(signal, handler);
  Deno.addSignalListener("SIGHUP", onReload);
  return {
    [Symbol.dispose]: () => {
      for (const [signal, handler] of heard) Deno.removeSignalListener(signal, handler);
      Deno.removeSignalListener("SIGHUP", onReload);
    },
  };
}
