/**
 * What settings mean together: what can't be, what production refuses, what
 * may be shown, what a change needs.
 *
 * @module
 */
import { AppError } from "../domain/error.ts";
import type { Settings } from "./schema.ts";
import { putAt, settingsOf, valueAt } from "./tree.ts";

/** Where rows are kept. */
export interface Database {
  kind: "libsql";
  path: string;
  encryption_key?: string;
}

/** A key given by settings, in the form that identity takes. */
export interface ConfiguredKey {
  key_id: string;
  access: "user" | "admin";
  secret: string;
  scopes?: readonly string[];
}

/** Names of keys that the program gives itself. */
const RESERVED = new Set(["anonymous", "system"]);

/** Shortest key production takes: what is shorter can be guessed. */
const SHORTEST_KEY = 24;

/** Hides a password in an address. */
export function maskUrl(text: string): string {
  return text.replace(/\/\/[^/@\s]*@/g, "//[masked]@");
}

/** The database the settings name, or why it can't be used. */
function readDatabase({ data_dir, database }: Settings): Database | string {
  const supported = "this version keeps rows in a local file: want file:path or sqlite:///path";
  const encrypted = database.encryption_key === "" ? {} : { encryption_key: database.encryption_key };
  if (database.url === "") return { kind: "libsql", path: `${data_dir.replace(/\/+$/, "")}/muxi.db`, ...encrypted };
  const [, scheme = "", rest = ""] = /^([a-z][a-z0-9+]*):(.*)$/.exec(database.url) ?? [];
  if (/^(libsql|wss?|https?)$/.test(scheme)) return `a remote libSQL database is not supported: ${supported}`;
  if (/^postgres(ql)?$/.test(scheme)) return `Postgres is not supported: ${supported}`;
  if (/[?#]/.test(rest)) return "options behind ? or # are not supported: want file:path or sqlite:///path";
  // Three slashes name a path that is relative to the working folder, four an absolute one, as SQLAlchemy has it.
  if (scheme === "sqlite" && /^\/\/\/[^\s]/.test(rest)) return { kind: "libsql", path: rest.slice(3), ...encrypted };
  if (scheme === "file" && /^\/\/\/[^/]/.test(rest)) return { kind: "libsql", path: rest.slice(2), ...encrypted };
  if (scheme === "file" && rest !== "" && !rest.startsWith("//") && rest !== ":memory:") {
    return { kind: "libsql", path: rest, ...encrypted };
  }
  return `cannot be read: ${supported}`;
}

/** The database to open. */
export function toDatabase(settings: Settings): Database {
  const database = readDatabase(settings);
  if (typeof database !== "string") return database;
  const message = `Cannot use database.url = "${maskUrl(settings.database.url)}": ${database}`;
  throw new AppError("ConfigurationError", message);
}

/** Every key the settings give. */
export function toKeys({ auth }: Settings): ConfiguredKey[] {
  const keys: ConfiguredKey[] = [];
  const scopes = auth.user_scopes;
  if (auth.user_api_key !== "") keys.push({ key_id: "user", access: "user", secret: auth.user_api_key, scopes });
  if (auth.admin_api_key !== "") keys.push({ key_id: "admin", access: "admin", secret: auth.admin_api_key });
  for (const entry of auth.api_keys) {
    const [key_id = "", access, ...rest] = entry.split(":");
    const secret = rest.join(":");
    keys.push(access === "admin" ? { key_id, access, secret } : { key_id, access: "user", secret, scopes });
  }
  return keys;
}

/** The kinds of key that nobody gave, and that are generated when the server starts. */
export function toMissingKeys(settings: Settings): ("user" | "admin")[] {
  if (!settings.auth.mode.includes("apikey")) return [];
  const given = toKeys(settings);
  return (["user", "admin"] as const).filter((access) => !given.some((key) => key.access === access));
}

/** What can't be together: a setting, and what is wrong with it. */
export function findContradictions(settings: Settings): { path: string; message: string }[] {
  const found: { path: string; message: string }[] = [];
  const { auth, server } = settings;
  const database = readDatabase(settings);
  if (typeof database === "string") found.push({ path: "database.url", message: database });
  if (server.tls.cert_file !== "" && server.tls.key_file === "") {
    found.push({ path: "server.tls.cert_file", message: "want server.tls.key_file too" });
  }
  if (server.tls.key_file !== "" && server.tls.cert_file === "") {
    found.push({ path: "server.tls.key_file", message: "want server.tls.cert_file too" });
  }
  const { secret, public_key_file, jwks_file, jwks_url } = auth.jwt;
  const checkers = [secret, public_key_file, jwks_file, jwks_url].filter((value) => value !== "");
  if (auth.mode.includes("jwt") && checkers.length !== 1) {
    const message = "want one of auth.jwt.secret, auth.jwt.public_key_file, auth.jwt.jwks_file and auth.jwt.jwks_url";
    found.push({ path: "auth.mode", message: `${message}, not ${checkers.length}` });
  }
  const keys = toKeys(settings);
  const fromList = keys.length - auth.api_keys.length;
  keys.forEach(({ key_id, secret }, i) => {
    const path = i < fromList ? `auth.${key_id}_api_key` : "auth.api_keys";
    const before = keys.slice(0, i);
    const same = before.find((one) => one.secret === secret);
    if (same !== undefined) found.push({ path, message: `the keys "${same.key_id}" and "${key_id}" are the same` });
    if (before.some((one) => one.key_id === key_id)) found.push({ path, message: `two keys are named "${key_id}"` });
    if (RESERVED.has(key_id)) found.push({ path, message: `the name "${key_id}" is reserved` });
  });
  return found;
}

/** Throws with everything that production refuses. Does nothing in development. */
export function checkProduction(settings: Settings): void {
  const { server } = settings;
  if (server.env !== "production") return;
  const reasons: string[] = [];
  for (const access of toMissingKeys(settings)) {
    reasons.push(`auth.${access}_api_key: is not set, and production uses no generated key`);
  }
  if (settings.auth.mode.includes("apikey")) {
    for (const { key_id, secret } of toKeys(settings)) {
      if (secret.length >= SHORTEST_KEY) continue;
      reasons.push(`The key "${key_id}" has ${secret.length} characters: want ${SHORTEST_KEY} or more`);
    }
  }
  const { secret } = settings.auth.jwt;
  if (settings.auth.mode.includes("jwt") && secret !== "" && secret.length < SHORTEST_KEY) {
    reasons.push(`auth.jwt.secret: has ${secret.length} characters: want ${SHORTEST_KEY} or more`);
  }
  const declared = server.behind_proxy_tls || server.trusted_proxies.length > 0;
  if (server.tls.cert_file === "" && !declared) {
    reasons.push(
      "server: speaks plain HTTP: want server.tls.cert_file and server.tls.key_file, or " +
        "server.behind_proxy_tls or server.trusted_proxies where a proxy speaks TLS in front",
    );
  }
  if (reasons.length === 0) return;
  const message = `Cannot start in production:\n${reasons.map((reason) => `  ${reason}`).join("\n")}`;
  throw new AppError("ConfigurationError", message, { details: { problems: reasons } });
}

/** What is shown instead of a secret: nothing of it but that it is set. */
export function maskSetting(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((entry) => String(entry).replace(/^(\w[\w.-]*:\w+:|).*$/s, "$1[masked]"));
  return value === "" || value === undefined ? value : "[masked]";
}

/** The settings as they may be shown: secrets masked, empty ones left empty. */
export function toMaskedSettings(settings: Settings): Settings {
  const shown: Record<string, unknown> = {};
  for (const { path, secret } of settingsOf(settings)) {
    const value = valueAt(settings, path);
    if (value === undefined) continue;
    putAt(shown, path, secret ? maskSetting(value) : typeof value === "string" ? maskUrl(value) : value);
  }
  return shown as Settings;
}

/** Which settings differ, and which of those need a restart. */
export function diffSettings(old: Settings, next: Settings): { changed: string[]; restart_required: string[] } {
  const settings = new Map([...settingsOf(old), ...settingsOf(next)].map((setting) => [setting.path, setting]));
  const changed = [...settings.values()].filter(({ path }) => {
    return JSON.stringify(valueAt(old, path)) !== JSON.stringify(valueAt(next, path));
  });
  return {
    changed: changed.map(({ path }) => path),
    restart_required: changed.filter(({ reloadable }) => !reloadable).map(({ path }) => path),
  };
}
