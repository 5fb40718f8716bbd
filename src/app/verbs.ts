/**
 * What the commands of the command line do.
 *
 * @module
 */
import { createBackup, FILES_FOLDER } from "../adapters/backup/backup.ts";
import { restoreBackup } from "../adapters/backup/restore.ts";
import { lockDataDir } from "../adapters/libsql/owner_lock.ts";
import { openLibsqlStore } from "../adapters/libsql/store.ts";
import { createApp } from "../app.ts";
import { AppError } from "../domain/error.ts";
import { systemClock } from "../kit/clock.ts";
import { toDatabase } from "../settings/checks.ts";
import { reportSettings, reviewSettings } from "../settings/report.ts";
import { type LoadedSettings, loadSettings, machineInput } from "../settings.ts";
import type { Settings } from "../settings/schema.ts";
import { toBanner } from "../transports/cli/banner.ts";
import type { Verbs } from "../transports/cli/cli.ts";
import type { GivenSettings } from "../transports/cli/parse_command.ts";
import { listen } from "../transports/http/listen.ts";
import { VERSION } from "../version.ts";
import { openLog } from "./ports.ts";

/** Signals that end the server, as service managers send them. */
const STOP_SIGNALS = ["SIGINT", "SIGTERM"] as const;

function load({ config, set }: GivenSettings): Promise<LoadedSettings> {
  return loadSettings({ ...machineInput(), args: { config, set } });
}

/** Certificate and key as the settings name them. */
async function readTls({ server: { tls } }: Settings): Promise<{ tls?: { cert: string; key: string } }> {
  if (tls.cert_file === "") return {};
  try {
    return { tls: { cert: await Deno.readTextFile(tls.cert_file), key: await Deno.readTextFile(tls.key_file) } };
  } catch (cause) {
    const message = `Cannot read server.tls.cert_file = "${tls.cert_file}" and server.tls.key_file = "${tls.key_file}"`;
    throw new AppError("ConfigurationError", message, { cause });
  }
}

async function serve(given: GivenSettings): Promise<void> {
  const { settings, variables } = await load(given);
  const { server } = settings;
  const tls = await readTls(settings);
  const log = openLog(settings);
  await using app = await createApp(settings, {
    variables,
    ports: { log },
    reread: async () => (await load(given)).settings,
  });
  const stopped = Promise.withResolvers<string>();
  using signals = onSignals(stopped.resolve, () => {
    app.reload().catch((error) => log.error("Cannot reload the settings: nothing was changed", { error }));
  });
  const listener = openListener(app.fetch, server, tls, (error) => log.error("Connection failed", { error }));
  const address = server.public_url || listener.address;
  Deno.stdout.writeSync(new TextEncoder().encode(toBanner({ version: VERSION, address, keys: app.generated })));
  log.info("Listening", { address: listener.address, env: server.env });
  const signal = await stopped.promise;
  log.info("Stopping", { signal, grace_seconds: server.shutdown_seconds });
  const deadline = Date.now() + server.shutdown_seconds * 1000;
  const closing = listener.close(server.shutdown_seconds * 1000 + 1000);
  await app.drain(Math.max(0, deadline - Date.now()));
  await closing;
  void signals;
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
    const reason = cause instanceof Deno.errors.AddrInUse ? "the port is taken" : "the address can't be used";
    throw new AppError("ConfigurationError", `Cannot listen on ${host}:${port}: ${reason}`, { cause });
  }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
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

/** The verbs of this program. */
export const verbs: Verbs = {
  serve,
  configPrint: async (given) => reportSettings(await load(given)),
  async configCheck(given) {
    const loaded = await load(given);
    await readTls(loaded.settings);
    return reviewSettings(loaded);
  },
  async backup(given, { dest, onProgress }) {
    const { settings } = await load(given);
    const { path, encryption_key } = toDatabase(settings);
    if (!await isFile(path)) throw new AppError("NotFoundError", `Cannot back up "${path}": there is no database yet`);
    // A backup only reads, so that it needs no ownership: the server may go on meanwhile.
    await using store = await openLibsqlStore({
      path,
      log: openLog({ ...settings, log: { ...settings.log, level: "warn" } }),
      ...encryption_key !== undefined && { encryptionKey: encryption_key },
    });
    const filesDir = `${settings.data_dir}/${FILES_FOLDER}`;
    return await createBackup({ store, filesDir, dest, version: VERSION, clock: systemClock, onProgress });
  },
  async restore(given, { src, force, onProgress }) {
    const { settings } = await load(given);
    const { path } = toDatabase(settings);
    if (path !== toDatabase({ ...settings, database: { ...settings.database, url: "" } }).path) {
      throw new AppError(
        "ConfigurationError",
        `Cannot restore: database.url names "${path}", which is not in the data folder`,
      );
    }
    await Deno.mkdir(settings.data_dir, { recursive: true, mode: 0o700 });
    using _ = lockDataDir(settings.data_dir);
    return await restoreBackup({ src, dataDir: settings.data_dir, force, clock: systemClock, onProgress });
  },
};
