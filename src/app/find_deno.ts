/**
 * The Deno that runs the programs of tool servers.
 *
 * @module
 */
import { McpFailure } from "../domain/mcp_server.ts";

/** Options for {@linkcode findDeno}. */
export interface FindDenoOptions {
  variables: Readonly<Record<string, string>>;
  /** Whether this program is an executable of `deno compile`, which is no Deno. */
  standalone?: boolean;
}

/** The one that `MUXI_DENO` names, else the one that runs us, else the first of the path. Rejects with `McpFailure`. */
export async function findDeno(
  { variables, standalone = Deno.build.standalone }: FindDenoOptions,
): Promise<string> {
  const { MUXI_DENO: named, PATH = "" } = variables;
  if (named !== undefined) {
    if (await isFile(named)) return named;
    throw refuse(`MUXI_DENO is "${named}", which is no file`);
  }
  if (!standalone) return Deno.execPath();
  for (const folder of PATH.split(":").filter((folder) => folder.startsWith("/"))) {
    if (await isFile(`${folder}/deno`)) return `${folder}/deno`;
  }
  throw refuse("this executable holds no Deno, and there is none on the path: set MUXI_DENO to the path of one");
}

async function isFile(path: string): Promise<boolean> {
  return await Deno.stat(path).then((info) => info.isFile, () => false);
}

function refuse(why: string): McpFailure {
  return new McpFailure("sandbox", `Cannot run programs of tool servers: ${why}`, { sent: false });
}
