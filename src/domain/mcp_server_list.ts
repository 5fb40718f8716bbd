/**
 * Lists of tool servers as people have them: ours, and those of desktop hosts.
 *
 * @module
 */
import { z } from "zod";
import { AppError } from "./error.ts";
import { McpServer, type McpServerType } from "./mcp_server.ts";

/** What other programs call our types. */
const TYPES: Readonly<Record<string, McpServerType>> = {
  stdio: "command_line",
  http: "streamable_http",
  "streamable-http": "streamable_http",
  streamableHttp: "streamable_http",
  sse: "http_sse",
  ws: "websocket",
};

/** What such programs keep for themselves: which of a server's tools they let through, and how they show it. */
const THEIRS = ["autoApprove", "alwaysAllow", "disabledTools", "description", "icon", "gallery", "version", "dev"];

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
 * The servers in `value`: a list of them, or the `mcpServers` (some say `servers`) of a desktop host, by their names.
 * Throws `ValidationError` with the server, the field and what is wanted.
 */
export function toMcpServers(value: unknown): McpServer[] {
  const servers = entriesOf(value).map(([name, entry]) => {
    const parsed = McpServer.safeParse(entry);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues as [z.core.$ZodIssue];
    const field = issue.path.join(".");
    return refuse(`"${name}": ${field === "" ? "" : `${field}: `}${issue.message}`);
  });
  const names = servers.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) refuse(`there are two called "${twice}"`);
  return servers;
}

function entriesOf(value: unknown): [string, Fields][] {
  if (Array.isArray(value)) {
    return value.map((entry, i) => {
      if (!isFields(entry)) refuse(`number ${i + 1} must be a map of fields`);
      return [String(entry.name ?? `number ${i + 1}`), entry];
    });
  }
  if (!isFields(value)) refuse('want a list of servers, or a map "mcpServers" of them by name');
  const servers = value.mcpServers ?? value.servers;
  if (!isFields(servers)) refuse('want a list of servers, or a map "mcpServers" of them by name');
  return Object.entries(servers).flatMap(([name, entry]): [string, Fields][] => {
    if (!isFields(entry)) refuse(`"${name}" must be a map of fields`);
    const { disabled, enabled, ...rest } = entry;
    if (disabled === true || enabled === false) return [];
    return [[name, fromHost(name, rest)]];
  });
}

function fromHost(name: string, fields: Fields): Fields {
  const { type, transport, serverUrl, httpUrl, timeout, ...rest } = fields;
  const kind = type ?? transport ?? (httpUrl === undefined ? undefined : "http");
  const url = rest.url ?? httpUrl ?? serverUrl;
  return {
    name: toName(name),
    ...Object.fromEntries(Object.entries(rest).filter(([field]) => !THEIRS.includes(field))),
    ...kind !== undefined && { type: typeof kind === "string" ? TYPES[kind] ?? kind : kind },
    ...url !== undefined && { url },
    // Hosts differ: what is no plausible number of seconds is one of milliseconds.
    ...typeof timeout === "number" && { timeout_seconds: timeout >= 1000 ? timeout / 1000 : timeout },
  };
}
