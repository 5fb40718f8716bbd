/**
 * A server's secrets, put where they belong.
 *
 * @module
 */
import { secretsOf } from "../../domain/mcp_secrets.ts";
import { type McpCredential, McpFailure, type McpServer } from "../../domain/mcp_server.ts";
import { KnownSecrets } from "./known_secrets.ts";

/** What goes with every request, or into a program's environment. */
export interface Resolved {
  headers: Record<string, string>;
  query: Record<string, string>;
  env: Record<string, string>;
  /** Every secret there is, so that a server's words can be cleared of them. */
  secrets: KnownSecrets;
}

/** Where secrets are looked up. */
export interface CredentialsDeps {
  /** The server's variables, by name. */
  variables: (name: string) => string | undefined;
}

/**
 * Finds the secrets of `server`: the value given, else the file, else the variable.
 * A parameter of a program is a variable of it; one that begins with `?` goes
 * into the query; any other is a header. Rejects with `McpFailure` where a
 * required one is missing.
 */
export async function resolveCredentials(server: McpServer, deps: CredentialsDeps): Promise<Resolved> {
  const resolved: Omit<Resolved, "secrets"> = { headers: { ...server.headers }, query: {}, env: { ...server.env } };
  const program = server.command !== undefined;
  const secrets: string[] = [];
  for (const credential of server.credentials) {
    const value = await find(server, credential, deps);
    if (value === undefined) continue;
    secrets.push(value);
    const { param_name: name } = credential;
    if (program) resolved.env[name] = value;
    else if (name.startsWith("?")) resolved.query[name.slice(1)] = value;
    else resolved.headers[name] = value;
  }
  checkHeaders(server, resolved.headers);
  return { ...resolved, secrets: new KnownSecrets([...secrets, ...secretsOf(server, deps.variables)]) };
}

async function find(server: McpServer, credential: McpCredential, deps: CredentialsDeps): Promise<string | undefined> {
  const { id, value, file, env_fallback, required } = credential;
  if (value !== undefined) return value;
  if (file !== undefined) {
    try {
      return (await Deno.readTextFile(file)).trim();
    } catch (cause) {
      throw missing(server, `its credential "${id}" stands in the file "${file}", which can't be read`, cause);
    }
  }
  const found = env_fallback === undefined ? undefined : deps.variables(env_fallback);
  if (found !== undefined && found !== "") return found;
  if (!required) return undefined;
  const where = env_fallback === undefined ? "set its value or file" : `set the variable "${env_fallback}"`;
  throw missing(server, `its credential "${id}" is missing: ${where}`);
}

function checkHeaders(server: McpServer, headers: Record<string, string>): void {
  for (const [name, value] of Object.entries(headers)) {
    try {
      new Headers({ [name]: value });
    } catch {
      throw missing(server, `"${name}" can't be a header, or its value can't be one's`);
    }
  }
}

function missing({ name }: McpServer, reason: string, cause?: unknown): McpFailure {
  return new McpFailure("unauthorized", `Cannot connect to tool server "${name}": ${reason}`, {
    sent: false,
    cause,
  });
}

/** `text` without any of the secrets. */
export function redact(text: string, secrets: readonly string[]): string {
  return secrets.reduce((clean, secret) => clean.replaceAll(secret, "[masked]"), text);
}
