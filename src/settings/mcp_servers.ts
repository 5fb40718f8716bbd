/**
 * The tool servers that the settings define.
 *
 * @module
 */
import { AppError } from "../domain/error.ts";
import type { McpServer } from "../domain/mcp_server.ts";
import { toMcpServers } from "../domain/mcp_server_list.ts";
import { expandDeep } from "../kit/expand.ts";
import type { Settings } from "./schema.ts";

/** Variables that `${NAME}` stands for, in a file. */
export type Variables = Readonly<Record<string, string>>;

const LARGEST = 1_048_576;

function refuse(why: string, cause?: unknown): never {
  throw new AppError("ConfigurationError", `Cannot use mcp_servers: ${why}`, { cause });
}

/** The servers of `mcp_servers`: a list, a host's map, either as JSON, or a path to a file of that. */
export async function readMcpServers({ mcp_servers }: Settings, variables: Variables): Promise<McpServer[]> {
  if (mcp_servers === "") return [];
  const value = typeof mcp_servers === "string" ? await parse(mcp_servers.trim(), variables) : mcp_servers;
  try {
    return toMcpServers(value);
  } catch (error) {
    if (error instanceof AppError) refuse(error.message, error);
    throw error;
  }
}

async function parse(text: string, variables: Variables): Promise<unknown> {
  if (/^[[{]/.test(text)) return parseText(text, "its text");
  let content: string;
  try {
    content = await Deno.readTextFile(text);
  } catch (cause) {
    refuse(`the file "${text}" can't be opened`, cause);
  }
  const missing: string[] = [];
  const lookup = (name: string) => Object.hasOwn(variables, name) ? variables[name] : undefined;
  const value = expandDeep(await parseText(content, `the file "${text}"`), lookup, missing);
  if (missing.length > 0) refuse(`the file "${text}" names the variable ${missing[0]}, which is not set`);
  return value;
}

async function parseText(text: string, what: string): Promise<unknown> {
  if (text.length > LARGEST) refuse(`${what} has ${text.length} characters: want ${LARGEST} at most`);
  // JSON is YAML, too; and YAML's messages quote the text, and what it keeps secret.
  const { parse } = await import("yaml");
  try {
    return parse(text, { logLevel: "error", maxAliasCount: 100 });
  } catch {
    refuse(`${what} is neither JSON nor YAML`);
  }
}
