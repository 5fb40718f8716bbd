/**
 * Lists of tool servers as people have them: ours, and those of desktop hosts.
 *
 * @module
 */
import type { z } from "zod";
import { AppError } from "./error.ts";
import { fillIn, type HostPlace, type Unknown } from "./host_variables.ts";
import { McpServer, type McpServerType } from "./mcp_server.ts";

/** What a list of servers comes to. */
export interface ServerList {
  servers: McpServer[];
  /** Those that can't be used, and why. */
  skipped: { name: string; reason: string }[];
  /** What was left out of the others, in words. */
  notes: string[];
}

/** What other programs call our types. */
const TYPES: Readonly<Record<string, McpServerType>> = {
  stdio: "command_line",
  local: "command_line",
  http: "streamable_http",
  "streamable-http": "streamable_http",
  streamableHttp: "streamable_http",
  sse: "http_sse",
  ws: "websocket",
};

/** What other programs call our fields. */
const NAMES: Readonly<Record<string, keyof McpServer>> = {
  httpUrl: "url",
  serverUrl: "url",
  transport: "type",
  disabledTools: "disabled_tools",
  excludeTools: "disabled_tools",
  enabledTools: "enabled_tools",
  includeTools: "enabled_tools",
};

/** What such programs keep to show a server, which is no matter here. */
const SHOWN = new Set(["name", "description", "icon", "gallery", "version", "dev", "$schema"]);
/** Which calls they make without asking anybody. */
const UNASKED = new Set(["autoApprove", "alwaysAllow", "trust"]);
const FIELDS = new Set(Object.keys(McpServer.shape));

type Fields = Record<string, unknown>;

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refuse(why: string): never {
  throw new AppError("ValidationError", `Cannot read the tool servers: ${why}`);
}

/** `My Files (local)` becomes `My_Files_local`. */
function toName(text: string): string {
  return text.replaceAll(/[^a-zA-Z0-9-]+/g, "_").replaceAll(/^[_-]+|_+$/g, "").slice(0, 40);
}

/**
 * The servers in `value`, each read by itself: a list of ours, or the `mcpServers` (some say `servers`) of a desktop
 * host, by their names, whose `${…}` are filled in by `place`. Throws `ValidationError` where it is neither.
 */
export function readServerList(value: unknown, place: HostPlace): ServerList {
  const list: ServerList = { servers: [], skipped: [], notes: [] };
  const seen = new Set<string>();
  const take = (label: string, entry: Fields) => {
    const skip = (reason: string) => void list.skipped.push({ name: label, reason });
    const unknown: Unknown[] = [];
    const parsed = McpServer.safeParse(fillIn(entry, place, unknown));
    const [first] = unknown;
    if (first) return skip(`${first.field}: ${first.why}`);
    if (!parsed.success) return skip(toReason(parsed.error));
    const { name } = parsed.data;
    if (seen.has(name)) return skip(`there are two called "${name}"`);
    seen.add(name);
    list.servers.push(parsed.data);
  };
  if (Array.isArray(value)) {
    value.forEach((entry, i) => {
      if (!isFields(entry)) list.skipped.push({ name: `number ${i + 1}`, reason: "it must be a map of fields" });
      else take(String(entry.name ?? `number ${i + 1}`), entry);
    });
    return list;
  }
  for (const [label, entry] of Object.entries(mapOf(value))) {
    if (!isFields(entry)) list.skipped.push({ name: label, reason: "it must be a map of fields" });
    else if (entry.disabled === true || entry.enabled === false) list.notes.push(`"${label}" is turned off there`);
    else take(label, fromHost(label, entry, list.notes));
  }
  return list;
}

function mapOf(value: unknown): Fields {
  const root = isFields(value) ? value : {};
  const inside = isFields(root.mcp) ? root.mcp : {};
  const servers = root.mcpServers ?? root.servers ?? root.context_servers ?? inside.servers;
  if (isFields(servers)) return servers;
  return refuse('want a list of servers, or a map "mcpServers" of them by name');
}

function toReason({ issues }: z.ZodError): string {
  const [{ path, message } = { path: [], message: "it is none" }] = issues;
  return path.length === 0 ? message : `${path.join(".")}: ${message}`;
}

/** An entry with our names for its fields. What is not known here is left out, with a note. */
function fromHost(label: string, entry: Fields, notes: string[]): Fields {
  const fields: Fields = { name: toName(label) };
  for (const [name, value] of Object.entries(entry)) {
    const own = NAMES[name] ?? name;
    if (SHOWN.has(name) || name === "disabled" || name === "enabled") continue;
    if (UNASKED.has(name)) {
      const any = Array.isArray(value) ? value.length > 0 : value === true;
      if (any) notes.push(`"${label}": ${name} is left out, as policies say here what a person is asked`);
    } else if (name === "timeout") Object.assign(fields, toTimeout(value));
    else if (!FIELDS.has(own)) notes.push(`"${label}": ${name} is not known here, and left out`);
    else fields[own] ??= own === "env" || own === "headers" ? toTexts(value) : value;
  }
  const type = fields.type ?? (entry.httpUrl === undefined ? undefined : "http");
  if (type !== undefined) fields.type = typeof type === "string" ? TYPES[type] ?? type : type;
  return fields;
}

/** Hosts differ: what is no plausible number of seconds is one of milliseconds. */
function toTimeout(value: unknown): Fields {
  if (typeof value !== "number") return {};
  return { timeout_seconds: value >= 1000 ? value / 1000 : value };
}

/** Some write numbers where texts are meant, and null for what is not to be set. */
function toTexts(value: unknown): unknown {
  if (!isFields(value)) return value;
  const known = Object.entries(value).filter(([, one]) => one !== null);
  return Object.fromEntries(known.map(([name, one]) => {
    return [name, typeof one === "number" || typeof one === "boolean" ? String(one) : one];
  }));
}
