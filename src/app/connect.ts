/**
 * The way to the operations for the command line: in this process, or on a server.
 *
 * @module
 */
import { type AppOptions, createApp } from "../app.ts";
import { ANONYMOUS, type Principal } from "../domain/access.ts";
import { AppError } from "../domain/error.ts";
import { createId } from "../kit/id.ts";
import { operations } from "../operations/mod.ts";
import type { Settings } from "../settings/schema.ts";
import type { Connection, ConnectOptions, OpenConnection } from "../transports/cli/connection.ts";
import type { GivenSettings } from "../transports/cli/given.ts";
import { HttpGateway } from "../transports/http/client.ts";
import { readAddress } from "./address.ts";
import { load } from "./load.ts";
import { openLog } from "./ports.ts";

function createVisit(principal: Principal, signal: AbortSignal): Connection["visit"] {
  return (options = {}) => ({ principal, signal, address: "127.0.0.1", request_id: createId("req"), ...options });
}

/** Opens the way to the operations. */
export async function connect(given: GivenSettings, options: ConnectOptions): Promise<OpenConnection> {
  const { url, key, retries, signal } = options;
  if (url === undefined) return await openHere(given, options);
  const gateway = new HttpGateway({
    url,
    key: key ?? "",
    operations,
    ...retries !== undefined && { retries },
  });
  return { gateway, url, visit: createVisit(ANONYMOUS, signal), [Symbol.asyncDispose]: () => Promise.resolve() };
}

/**
 * Settings for work without a door: keys are for those who come through one, and
 * so is what production asks. The operator gets a key for this process alone.
 */
function withoutDoors(settings: Settings): Settings {
  const { server, auth } = settings;
  return {
    ...settings,
    server: { ...server, env: "development", admin_allow_from: [] },
    auth: { ...auth, mode: "apikey", user_api_key: "", admin_api_key: "", api_keys: [] },
  };
}

async function openHere(given: GivenSettings, { runs, signal }: ConnectOptions): Promise<OpenConnection> {
  const { settings, variables, origins, files } = await load(given);
  const level = origins.has("log.level") ? settings.log.level : "warn";
  const log = openLog({ ...settings, log: { ...settings.log, level } });
  // A command that carries out no runs must not cost those of an earlier process an attempt.
  const appOptions: AppOptions = {
    variables,
    settingsFiles: () => files,
    ports: { log },
    supervise: runs,
    operator: true,
  };
  const app = await createApp(withoutDoors(settings), appOptions).catch((error) => {
    throw explainTaken(error, settings.data_dir);
  });
  await using stack = new AsyncDisposableStack();
  stack.use(app);
  const request_id = createId("req");
  const principal = await app.gateway.identify({ token: app.generated.admin!, address: "127.0.0.1", request_id });
  const owned = stack.move();
  return {
    gateway: app.gateway,
    url: null,
    visit: createVisit(principal, signal),
    async [Symbol.asyncDispose]() {
      await app.drain(runs && !signal.aborted ? settings.server.shutdown_seconds * 1000 : 0);
      await owned.disposeAsync();
    },
  };
}

/** Says how to reach the server that owns the data folder, where it left word. */
function explainTaken(error: unknown, data_dir: string): unknown {
  if (!(error instanceof AppError) || error.details?.data_dir !== data_dir) return error;
  const { pid } = error.details;
  const address = readAddress(data_dir, pid);
  const wanted = address === undefined
    ? "Use it with --url and its address"
    : `Use it with --url ${address} (and its key in MUXI_KEY or --key-file)`;
  const owner = address === undefined ? "another process" : "a server";
  const message = `Cannot use the data folder "${data_dir}": ${owner}${
    pid === null ? "" : `, process ${pid},`
  } uses it`;
  return new AppError("UnavailableError", `${message}. ${wanted}`, { details: { ...error.details, url: address } });
}
