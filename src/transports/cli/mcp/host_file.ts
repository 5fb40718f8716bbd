/**
 * The file of a desktop host, read on the machine of whoever imports it.
 *
 * @module
 */
import { basename, dirname, resolve } from "node:path";
import type { HostPlace } from "../../../domain/host_variables.ts";
import { readServerList, type ServerList } from "../../../domain/mcp_server_list.ts";
import { parseJsonc } from "../../../kit/jsonc.ts";
import type { CommandContext } from "../command.ts";
import type { Sources } from "../derived/sources.ts";
import { UsageError } from "../given.ts";
import { isOfThisMachine } from "./this_machine.ts";

/** Options of {@linkcode readHostFile}. */
export interface HostFileOptions {
  context: CommandContext;
  sources: Sources;
  /** What the file's inputs are. */
  inputs: Readonly<Record<string, string>>;
}

/** Reads the servers in `file`, of which `-` is the standard input. Throws where it holds none. */
export async function readHostFile(
  file: string,
  { context: { env, url }, sources, inputs }: HostFileOptions,
): Promise<ServerList> {
  const text = await sources.text(file === "-" ? file : `@${file}`, "FILE");
  const valueOf = (values: Readonly<Record<string, string>>, name: string) => {
    return Object.hasOwn(values, name) ? values[name] : undefined;
  };
  const place: HostPlace = {
    variable: (name) => valueOf(env, name),
    input: (id) => valueOf(inputs, id),
    // Paths of this machine mean nothing on another.
    ...isOfThisMachine(url) && { home: env.HOME ?? env.USERPROFILE, folder: folderOf(file) },
  };
  return readServerList(parse(text), place);
}

/** The folder that a host's file is about: `.vscode/mcp.json` is about the folder around `.vscode`. */
function folderOf(file: string): string {
  const folder = file === "-" ? resolve() : dirname(resolve(file));
  return basename(folder).startsWith(".") ? dirname(folder) : folder;
}

function parse(text: string): unknown {
  try {
    return parseJsonc(text);
  } catch (error) {
    // What the parser quotes may be a secret.
    const place = /line \d+ column \d+|position \d+/.exec((error as Error).message)?.[0];
    throw new UsageError(`Cannot read "FILE" as JSON${place === undefined ? "" : `: it is none at ${place}`}`);
  }
}
