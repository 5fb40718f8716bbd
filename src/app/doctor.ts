/**
 * What `muxi doctor` finds out about an installation.
 *
 * @module
 */
import { Connection } from "../adapters/libsql/connection.ts";
import { MIGRATIONS, schemaVersion } from "../adapters/libsql/migrations.ts";
import { LOCK_FILE, lockDataDir } from "../adapters/libsql/owner_lock.ts";
import { AppError } from "../domain/error.ts";
import { systemClock } from "../kit/clock.ts";
import { createLog } from "../kit/log.ts";
import type { SandboxAbilities } from "../ports/sandbox.ts";
import { checkProduction, toDatabase } from "../settings/checks.ts";
import { reviewSettings } from "../settings/report.ts";
import { type LoadedSettings, machineInput } from "../settings.ts";
import type { Settings } from "../settings/schema.ts";
import type { Check } from "../transports/cli/check.ts";
import {
  checkCertificate,
  checkClock,
  checkDisk,
  checkFiles,
  checkMemory,
  checkRuntime,
  checkSandbox,
  checkTerminal,
  toSize,
} from "../transports/cli/doctor_machine.ts";
import type { GivenSettings } from "../transports/cli/given.ts";
import { VERSION } from "../version.ts";
import { readAddress } from "./address.ts";
import { checkCalls } from "./doctor_calls.ts";
import { findDeno } from "./find_deno.ts";
import { load, readTls } from "./load.ts";
import { checkOwnFiles } from "./own_files.ts";
import { openLog, openModel } from "./ports.ts";

/** A larger database takes too long to read through. */
const MAX_CHECKED = 2 ** 30;

/** Who uses a data folder: nobody, or a process that answers somewhere. */
type Owner = { pid: unknown; address: string | undefined } | null;

async function stat(path: string): Promise<Deno.FileInfo | undefined> {
  return await Deno.stat(path).catch(() => undefined);
}

function fromError(name: string, error: unknown, remedy?: string): Check {
  if (!(error instanceof AppError)) throw error;
  return { name, status: "fail", detail: error.message, ...remedy !== undefined && { remedy } };
}

/** Whether the settings say what they may, and what to know of them. */
function checkSettings(loaded: LoadedSettings): Check[] {
  const { file, notes } = reviewSettings({ ...loaded, settings: withoutProduction(loaded.settings) });
  const source = file === null ? "defaults and the environment" : `read from ${file}`;
  const checks: Check[] = [{ name: "settings", status: "ok", detail: source }];
  for (const detail of notes) checks.push({ name: "settings", status: "warn", detail });
  return [...checks, checkReadiness(loaded.settings)];
}

/** Whether a start would take the files of agents and policies. */
async function checkFilesOfSettings(loaded: LoadedSettings): Promise<Check> {
  const { agents, tools } = loaded.settings;
  const name = "agents and policies";
  try {
    await checkOwnFiles(loaded);
    const own = [agents.file, tools.policies_file].filter((file) => file !== "");
    return { name, status: "ok", detail: own.length === 0 ? "The built-in ones" : `Read from ${own.join(" and ")}` };
  } catch (error) {
    return fromError(name, error, "Mend the file; nothing starts with it");
  }
}

function withoutProduction(settings: Settings): Settings {
  return { ...settings, server: { ...settings.server, env: "development" } };
}

/** Whether production would be accepted: a failure where it is meant, a hint where it isn't. */
function checkReadiness(settings: Settings): Check {
  const { server } = settings;
  const meant = server.env === "production";
  try {
    checkProduction({ ...settings, server: { ...server, env: "production" } });
    return { name: "production", status: "ok", detail: meant ? "MUXI_ENV=production" : "Ready, but not asked for" };
  } catch (error) {
    if (meant) return fromError("production", error);
    const problems = (error as AppError).details?.problems as string[] | undefined ?? [];
    const detail = `Development; production would refuse:\n${problems.join("\n")}`;
    return { name: "production", status: "off", detail };
  }
}

async function checkTls(settings: Settings): Promise<Check> {
  const { server } = settings;
  if (server.tls.cert_file === "") {
    const detail = server.behind_proxy_tls || server.trusted_proxies.length > 0
      ? "A proxy speaks TLS in front"
      : "Plain HTTP: keys and messages can be read on the way, unless it stays on this machine";
    return { name: "TLS", status: "off", detail };
  }
  try {
    const { tls } = await readTls(settings);
    return checkCertificate(tls!.cert, systemClock.now());
  } catch (error) {
    return fromError("TLS", error, "Let the user that runs MUXI read both files");
  }
}

/** The data folder, and who has it. Nothing in it is changed. */
async function checkFolder(
  { data_dir }: Settings,
): Promise<{ checks: Check[]; owner: Owner; lock: Disposable | null }> {
  const name = "data folder";
  const info = await stat(data_dir);
  if (info === undefined) {
    const detail = `"${data_dir}" is not there yet; the first start makes it`;
    return { checks: [{ name, status: "ok", detail }], owner: null, lock: null };
  }
  if (!info.isDirectory) {
    const remedy = "Choose another with MUXI_DATA_DIR";
    return {
      checks: [{ name, status: "fail", detail: `"${data_dir}" is no folder`, remedy }],
      owner: null,
      lock: null,
    };
  }
  const checks: Check[] = [];
  const open = info.mode !== null && (info.mode & 0o077) !== 0;
  if (open) {
    const mode = (info.mode! & 0o777).toString(8);
    const detail = `Others on this machine may look into "${data_dir}" (mode ${mode})`;
    checks.push({ name, status: "warn", detail, remedy: `chmod 700 ${data_dir}` });
  }
  try {
    const lock = await takeLock(data_dir);
    if (!open) checks.push({ name, status: "ok", detail: `"${data_dir}" can be written; no process uses it` });
    return { checks, owner: null, lock };
  } catch (error) {
    const { pid } = error instanceof AppError ? error.details ?? {} : {};
    if (pid === undefined) {
      const remedy = "Let the user that runs MUXI write there, or choose another with MUXI_DATA_DIR";
      return { checks: [fromError(name, error, remedy)], owner: null, lock: null };
    }
    const address = readAddress(data_dir, pid);
    const where = address === undefined ? "" : `, which answers at ${address}`;
    checks.push({ name, status: "ok", detail: `"${data_dir}" is used by process ${pid}${where}` });
    return { checks, owner: { pid, address }, lock: null };
  }
}

/** Takes the folder's lock where there is one. A new one would belong to whoever asks the doctor, not to the server. */
async function takeLock(data_dir: string): Promise<Disposable | null> {
  if (await stat(`${data_dir}/${LOCK_FILE}`) !== undefined) return lockDataDir(data_dir);
  try {
    await Deno.remove(await Deno.makeTempFile({ dir: data_dir, prefix: ".doctor-" }));
    return null;
  } catch (cause) {
    throw new AppError("ConfigurationError", `Cannot use the data folder "${data_dir}": it can't be written`, {
      cause,
    });
  }
}

/** The database, looked into only while nobody else has it. */
async function checkDatabase(settings: Settings, owner: Owner): Promise<Check> {
  const name = "database";
  const { path, encryption_key } = toDatabase(settings);
  const info = await stat(path);
  if (info === undefined) return { name, status: "ok", detail: "None yet; the first start makes it" };
  if (owner !== null) {
    const ask = `muxi doctor --url ${owner.address ?? "URL"}`;
    return { name, status: "ok", detail: `${toSize(info.size)}, in use; "${ask}" asks the server for its state` };
  }
  const connection = new Connection({ path, ...encryption_key !== undefined && { encryptionKey: encryption_key } });
  try {
    const version = schemaVersion(connection);
    const known = MIGRATIONS.at(-1)!.version;
    const detail = `${toSize(info.size)}, schema version ${version}`;
    if (version > known) {
      const remedy = "Use the program that wrote it, or a newer one";
      return { name, status: "fail", detail: `${detail}, and this program knows versions up to ${known}`, remedy };
    }
    if (info.size > MAX_CHECKED) {
      return { name, status: "ok", detail: `${detail}; too large to read through, so only opened` };
    }
    const found = connection.all({ sql: "PRAGMA quick_check(3)", args: [] }).map((row) => Object.values(row)[0]);
    if (found.length === 1 && found[0] === "ok") {
      const later = version < known ? `; the next start brings it to version ${known}` : "";
      return { name, status: "ok", detail: `${detail}, intact${later}` };
    }
    return { name, status: "fail", detail: `${detail}, damaged: ${found.join("; ")}`, remedy: "Restore a backup" };
  } catch {
    const detail = `"${path}" can't be read: it is damaged, or the encryption key is another one`;
    return { name, status: "fail", detail, remedy: "Set database.encryption_key, or restore a backup" };
  } finally {
    connection.close();
  }
}

function checkPort({ server: { host, port } }: Settings, owner: Owner): Check {
  const name = "port";
  if (port === 0) return { name, status: "ok", detail: "Any that is free" };
  try {
    Deno.listen({ hostname: host, port }).close();
    return { name, status: "ok", detail: `${host}:${port} is free` };
  } catch (error) {
    const taken = error instanceof Deno.errors.AddrInUse;
    if (taken && owner?.address !== undefined && URL.parse(owner.address)?.port === String(port)) {
      return { name, status: "ok", detail: `${host}:${port} is used by MUXI itself (process ${owner.pid})` };
    }
    const why = taken ? "is taken by another program" : "can't be listened on";
    return { name, status: "fail", detail: `${host}:${port} ${why}`, remedy: "Choose another with --port or --host" };
  }
}

async function checkModel(settings: Settings): Promise<Check> {
  const log = openLog({ ...settings, log: { ...settings.log, level: "error" } });
  const { ok, detail } = await openModel(settings, { clock: systemClock, log }).check();
  if (!ok) {
    const remedy = "Check the provider's key and address, and the way there";
    return { name: "model", status: "fail", detail, remedy };
  }
  if (!detail.startsWith("offline")) return { name: "model", status: "ok", detail };
  const remedy = "Set OPENAI_API_KEY, ANTHROPIC_API_KEY or OPENAI_BASE_URL, or start Ollama";
  return {
    name: "model",
    status: "off",
    detail: "No provider: the built-in offline model quotes and calls tools",
    remedy,
  };
}

/** What this machine can hold programs with. Tries it, and leaves nothing behind. */
async function askSandbox({ data_dir }: Settings, env: Readonly<Record<string, string>>): Promise<SandboxAbilities> {
  const { createSandbox } = await import("../adapters/sandbox/sandbox.ts");
  const log = createLog({ level: "error", format: "json", write: () => {} });
  try {
    const deno = await findDeno({ variables: env });
    const sandbox = createSandbox({ dir: `${data_dir}/sandbox`, deno, hidden: () => [], env, clock: systemClock, log });
    return await sandbox.abilities();
  } catch (error) {
    // Without a Deno no program of a tool server is started here.
    if (error instanceof AppError) return { javascript: "none", native: "none", ceilings: [], notes: [error.message] };
    throw error;
  }
}

/** Looks at everything. */
export async function diagnose(given: GivenSettings): Promise<Check[]> {
  const now = systemClock.now();
  const { env } = machineInput();
  const machine = [checkRuntime(VERSION), await checkMemory(), checkTerminal(env)];
  let loaded: LoadedSettings;
  try {
    loaded = await load(given);
  } catch (error) {
    return [...machine, fromError("settings", error, '"muxi config print" shows what is in force'), checkClock(now)];
  }
  const { settings } = loaded;
  const { checks: folder, owner, lock } = await checkFolder(settings);
  using _ = lock;
  const there = await stat(settings.data_dir) === undefined ? "." : settings.data_dir;
  const newest = (await stat(toDatabase(settings).path))?.mtime?.getTime();
  return [
    ...machine,
    checkSandbox(await askSandbox(settings, env)),
    checkClock(now, newest),
    await checkFiles(settings.server.max_streams + settings.server.max_requests),
    ...checkSettings(loaded),
    await checkFilesOfSettings(loaded),
    await checkTls(settings),
    checkPort(settings, owner),
    ...folder,
    ...await checkDisk(there),
    await checkDatabase(settings, owner),
    await checkModel(settings),
    ...await checkCalls(settings, { pid: owner?.pid, env }),
  ];
}
