/**
 * The tool servers that the settings define.
 *
 * @module
 */
import { AppError } from "../domain/error.ts";
import type { HostPlace } from "../domain/host_variables.ts";
import { readServerList, type ServerList } from "../domain/mcp_server_list.ts";
import { parseJsonc } from "../kit/jsonc.ts";
import type { Settings } from "./schema.ts";

/** Variables that `${NAME}` stands for, in a file. */
export type Variables = Readonly<Record<string, string>>;

const LARGEST = 1_048_576;

function refuse(why: string, cause?: unknown): never {
  throw new AppError("ConfigurationError", `Cannot use mcp_servers: ${why}`, { cause });
}

/**
 * The servers of `mcp_servers`: a list, a host's map, either as JSON, or a path to a file of that; and, in words, what
 * was left out of them. One that can't be used is no server less: it refuses all.
 */
export async function readMcpServers(
  { mcp_servers }: Settings,
  variables: Variables,
): Promise<Pick<ServerList, "servers" | "notes">> {
  if (mcp_servers === "") return { servers: [], notes: [] };
  const text = typeof mcp_servers === "string" ? mcp_servers.trim() : undefined;
  const { servers, skipped: [first], notes } = toList(text === undefined ? mcp_servers : await parse(text), {
    variable: (name) => Object.hasOwn(variables, name) ? variables[name] : undefined,
    home: variables.HOME ?? variables.USERPROFILE,
    folder: Deno.cwd(),
    isFilled: text === undefined,
  });
  if (first) refuse(`"${first.name}": ${first.reason}`);
  return { servers, notes };
}

function toList(value: unknown, place: HostPlace): ServerList {
  try {
    return readServerList(value, place);
  } catch (error) {
    if (error instanceof AppError) refuse(error.message, error);
    throw error;
  }
}

async function parse(text: string): Promise<unknown> {
  if (/^[[{]/.test(text)) return parseText(text, "its text");
  let content: string;
  try {
    content = await Deno.readTextFile(text);
  } catch (cause) {
    refuse(`the file "${text}" can't be opened`, cause);
  }
  return await parseText(content, `the file "${text}"`);
}

async function parseText(text: string, what: string): Promise<unknown> {
  if (text.length > LARGEST) refuse(`${what} has ${text.length} characters: want ${LARGEST} at most`);
  try {
    return parseJsonc(text);
  } catch {
    // Not JSON, not even with comments.
  }
  const { parse } = await import("yaml");
  try {
    return parse(text, { logLevel: "error", maxAliasCount: 100 });
  } catch {
    // YAML's messages quote the text, and what it keeps secret.
    refuse(`${what} is neither JSON nor YAML`);
  }
}
