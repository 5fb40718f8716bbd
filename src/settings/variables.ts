/**
 * Which variables of the environment set what.
 *
 * @module
 */
import { nearest } from "../kit/nearest.ts";
import { findSetting, listSettings, type Setting } from "./tree.ts";

/** Names people know, beside the one that is made from a setting's path; the first one that is set counts. */
export const NAMED_VARIABLES: Readonly<Record<string, readonly string[]>> = {
  "server.host": ["MUXI_HOST"],
  "server.port": ["MUXI_PORT"],
  "server.env": ["MUXI_ENV"],
  "auth.user_api_key": ["MUXI_USER_API_KEY"],
  "auth.admin_api_key": ["MUXI_ADMIN_API_KEY"],
  "auth.mode": ["AUTH_MODE"],
  "auth.api_keys": ["API_KEYS"],
  "database.url": ["DATABASE_URL"],
  "redis.url": ["REDIS_URL"],
  "model.provider": ["MODEL_PROVIDER"],
  "model.default_model": ["DEFAULT_MODEL"],
  "mcp_servers": ["MCP_SERVERS"],
  "providers.openai.api_key": ["OPENAI_API_KEY"],
  "providers.openai.base_url": ["OPENAI_BASE_URL"],
  "providers.anthropic.api_key": ["ANTHROPIC_API_KEY"],
  "providers.anthropic.base_url": ["ANTHROPIC_BASE_URL"],
  "providers.google.api_key": ["GOOGLE_GENERATIVE_AI_API_KEY", "GEMINI_API_KEY"],
  "providers.azure.api_key": ["AZURE_API_KEY", "AZURE_OPENAI_API_KEY"],
  "providers.azure.base_url": ["AZURE_OPENAI_ENDPOINT"],
  "providers.azure.api_version": ["AZURE_OPENAI_API_VERSION"],
  "providers.ollama.base_url": ["OLLAMA_HOST"],
};

/** Variables of ours that are not settings: the file of settings, and what other parts of the project read. */
const RESERVED = new Set(["MUXI_CONFIG", "MUXI_DENO", "MUXI_BIN", "MUXI_URL", "MUXI_KEY", "MUXI_KEY_FILE"]);

/** What Kubernetes puts into every container's environment for a Service that is called "muxi". */
const OF_KUBERNETES = /^MUXI_(SERVICE_(HOST|PORT.*)|PORT_\d+_.*)$/;

const FURTHER_PROVIDER = /^MUXI_PROVIDERS_([A-Z0-9][A-Z0-9_]*?)_(API_KEY|BASE_URL|PICTURES)$/;

/** The variable made from a setting's path: `MUXI_SERVER_PORT` of `server.port`. */
export function toVariable(path: string): string {
  return `MUXI_${path.replaceAll(/[.-]/g, "_").toUpperCase()}`;
}

/** The variables of a setting, the one that counts most first. */
export function variablesOf(path: string): string[] {
  return [toVariable(path), ...NAMED_VARIABLES[path] ?? []];
}

/** Whether `value` of `name` was put there by a machine that means something else. */
export function isForeign(name: string, value: string): boolean {
  return OF_KUBERNETES.test(name) || (name === "MUXI_PORT" && /^tcp:\/\//.test(value));
}

/** Whether the variable is one that sets something here. */
export function isOurs(name: string): boolean {
  return name.startsWith("MUXI_") || Object.values(NAMED_VARIABLES).some((names) => names.includes(name));
}

/** Brings a value into our spelling, where a well-known variable has one of its own. */
export function fromVariable(name: string, value: string): string {
  if (name !== "OLLAMA_HOST") return value;
  // Ollama's own variable says where it listens: often without a scheme, sometimes on every address.
  const url = URL.parse(/^https?:\/\//.test(value) ? value : `http://${value}`);
  if (url === null) return value;
  if (url.hostname === "0.0.0.0") url.hostname = "127.0.0.1";
  const bare = url.port === "" && url.protocol === "http:" && !/:80\b/.test(value);
  if (bare) url.port = "11434";
  return url.href.replace(/\/$/, "");
}

/** The settings that may be in `names`: those of the schema, and of providers which only a variable names. */
export function settingsIn(names: Iterable<string>): Setting[] {
  const settings = new Map(listSettings().map((setting) => [setting.path, setting]));
  for (const name of names) {
    const [, provider, field] = FURTHER_PROVIDER.exec(name.replace(/_FILE$/, "")) ?? [];
    if (provider === undefined) continue;
    const setting = findSetting(`providers.${provider.toLowerCase()}.${field!.toLowerCase()}`);
    if (setting !== undefined) settings.set(setting.path, setting);
  }
  return [...settings.values()];
}

/** Complaints about variables that begin like ours and set nothing. */
export function complainOfUnknown(variables: ReadonlyMap<string, { value: string; origin: string }>): string[] {
  const known = new Set(RESERVED);
  for (const { path, secret } of settingsIn(variables.keys())) {
    for (const name of variablesOf(path)) {
      known.add(name);
      if (secret) known.add(`${name}_FILE`);
    }
  }
  const problems: string[] = [];
  for (const [name, { value, origin }] of variables) {
    if (!name.startsWith("MUXI_") || known.has(name) || isForeign(name, value)) continue;
    const meant = nearest(name, known);
    const where = origin === name ? "" : ` (from ${origin})`;
    problems.push(`${name}${where}: there is no such setting${meant === undefined ? "" : `; did you mean ${meant}?`}`);
  }
  return problems;
}
