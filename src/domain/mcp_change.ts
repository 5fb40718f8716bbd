/**
 * Changes of a tool server that is defined already, such as another secret.
 *
 * @module
 */
import { z } from "zod";
import { AppError } from "./error.ts";
import { shownLine } from "./mcp_secrets.ts";
import { McpServer } from "./mcp_server.ts";

const { shape } = McpServer;
const texts = (most: number) => z.record(z.string().max(100), z.string().max(most).nullable()).optional();

/** What is to be another: what is absent stays, and null takes away. */
export const McpServerChange = z.strictObject({
  type: shape.type.nullable(),
  url: shape.url,
  command: shape.command,
  args: shape.args.unwrap().optional(),
  cwd: shape.cwd.nullable(),
  env: texts(8000).describe("Those that are named; the others stay. Values are never shown again"),
  headers: texts(8000).describe("The same"),
  credentials: z.array(z.strictObject({
    id: z.string().min(1).max(100).describe("Which of them; a new one needs param_name"),
    value: z.string().max(4096).nullable().optional().describe("The secret. Never shown again"),
    param_name: z.string().min(1).max(100).optional(),
    required: z.boolean().optional(),
  })).max(20).optional().describe("Those that are named by their ids; the others stay"),
  oauth: shape.oauth.nullable(),
  timeout_seconds: shape.timeout_seconds.nullable(),
  max_timeout_seconds: shape.max_timeout_seconds.nullable(),
  idle_seconds: shape.idle_seconds.nullable(),
  enabled_tools: shape.enabled_tools.nullable(),
  disabled_tools: shape.disabled_tools.nullable(),
  elicitation: shape.elicitation.unwrap().optional(),
  sampling: shape.sampling.unwrap().optional(),
});
/** See {@linkcode McpServerChange}. */
export type McpServerChange = z.infer<typeof McpServerChange>;
type CredentialChange = NonNullable<McpServerChange["credentials"]>[number];

/** `known` with `change`. Throws `ValidationError` where a credential lacks what it needs. */
export function changedServer(known: McpServer, change: McpServerChange): McpServer {
  const { env = {}, headers = {}, credentials = [], ...plain } = change;
  // Where it is takes the place of how it was started, and the other way round.
  const instead = {
    ...plain.url !== undefined && known.url === undefined && { command: null, type: null },
    ...plain.command !== undefined && known.command === undefined && { url: null, type: null },
  };
  const whole = {
    ...known,
    ...instead,
    ...plain,
    env: { ...known.env, ...env },
    headers: { ...known.headers, ...headers },
    credentials: changedCredentials(known, credentials),
  };
  const { data, error } = McpServer.safeParse(without(whole, null));
  if (data) return data;
  const [{ path, message } = { path: [], message: "" }] = error.issues;
  return refuse(known.name, `${path.join(".")}: ${message}`);
}

/** Whether `change` says nothing but other values of credentials that `known` has. */
export function isOnlySecrets(known: McpServer, { credentials = [], ...rest }: McpServerChange): boolean {
  const isKnown = (id: string) => known.credentials.some((one) => one.id === id);
  return Object.keys(without(rest, undefined) as object).length === 0 &&
    credentials.every(({ id, param_name, required }) => {
      return isKnown(id) && param_name === undefined && required === undefined;
    });
}

/** The fields that hold what `server` was trusted with, such as `headers.x`. */
export function entrusted(server: McpServer): string[] {
  const { command, args, env, headers, credentials, oauth } = server;
  const shown = shownLine(server);
  return [
    ...command === undefined || shown.command === command ? [] : ["command"],
    ...shown.args.every((arg, i) => arg === args[i]) ? [] : ["args"],
    ...Object.keys(env).map((name) => `env.${name}`),
    ...Object.keys(headers).map((name) => `headers.${name}`),
    ...credentials.filter(({ value }) => value !== undefined).map(({ id }) => `credentials.${id}`),
    ...oauth?.client_secret === undefined ? [] : ["oauth.client_secret"],
  ];
}

/** The fields of `lost` (`headers.x`) that `change` doesn't give again. */
export function stillLost(lost: readonly string[], change: McpServerChange): string[] {
  return lost.filter((path) => {
    const at = path.indexOf(".");
    const [field, name] = at < 0 ? [path] : [path.slice(0, at), path.slice(at + 1)];
    const given = change[field as keyof McpServerChange];
    if (name === undefined || given === undefined || given === null) return given === undefined;
    if (Array.isArray(given)) return !change.credentials?.some(({ id, value }) => id === name && value !== undefined);
    return (given as Record<string, unknown>)[name] === undefined;
  });
}

function changedCredentials({ name, credentials }: McpServer, changes: readonly CredentialChange[]) {
  const byId = new Map(credentials.map((one): [string, Record<string, unknown>] => [one.id, one]));
  for (const change of changes) {
    const before = byId.get(change.id);
    if (!before && change.param_name === undefined) {
      const ids = [...byId.keys()].map((id) => `"${id}"`).join(", ") || "none";
      refuse(name, `it has no credential "${change.id}", and a new one needs param_name; there are: ${ids}`);
    }
    byId.set(change.id, { ...before, ...without(change, undefined) as object });
  }
  return [...byId.values()];
}

/** `value` without the fields, its own and those inside, that are `gone`. */
function without(value: unknown, gone: null | undefined): unknown {
  if (Array.isArray(value)) return value.map((one) => without(one, gone));
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([, one]) => one !== gone);
  return Object.fromEntries(kept.map(([name, one]) => [name, without(one, gone)]));
}

function refuse(server: string, why: string): never {
  throw new AppError("ValidationError", `Cannot change tool server "${server}": ${why}`, { details: { server } });
}
