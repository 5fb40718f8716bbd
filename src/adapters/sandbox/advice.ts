/**
 * What to do about a denial, in words.
 *
 * @module
 */
import { basename, dirname } from "node:path";
import { DEFAULT_POLICY, type Policy } from "../../domain/policy.ts";

/** For whom it is. */
export interface Advised {
  /** The server's name. */
  server: string;
  /** Whether other servers are held to the same policy. */
  shared: boolean;
  /** Whether its program can be watched, to learn what it needs. */
  watchable?: boolean;
}

/** Names that programs make up for a while. */
const FLEETING = /(\.(tmp|temp|swp|lock|part)|~)$|[._-][0-9a-f]{8,}(\.|$)/i;
/** Names of variables that say where something is. */
const PLACE = /(^|_)(PATH|FILE|DIR|DIRECTORY|FOLDER)$/;
const NO_PLACE = /^(PATH|NODE_PATH|NODE_EXTRA_CA_CERTS_FILE|DENO_\w+|XDG_\w+|(NPM|npm)_\w+)$/;

/** Whether others than `server` are held to a policy. */
export function isShared({ id, servers }: Policy & { id: string }, server: string): boolean {
  return id === DEFAULT_POLICY.id || servers.some((one) => one !== server);
}

/** What to allow so that a program may have `value`: a path, a host, or a fact of the machine. */
export function toAllow(
  field: "read" | "write" | "net" | "sys",
  value: string,
  { server, shared, watchable = true }: Advised,
): string {
  const isPath = field === "read" || field === "write";
  const folder = isPath && FLEETING.test(basename(value)) ? dirname(value) : undefined;
  const what = folder === undefined ? "it" : `its folder "${folder}"`;
  if (!shared) return `add ${what} to sandbox.${field} of that policy`;
  const place = folder ?? value;
  const word = /^[\w/.:@%+,=-]+$/.test(place) ? place : `'${place}'`;
  const ways = [
    ...watchable ? [`muxi mcp learn ${server}`] : [],
    ...field === "sys" ? [] : [`muxi mcp add ${server} --${field} ${word}`],
  ];
  return `add ${what} to sandbox.${field} of a policy for "${server}" alone: ${ways.join(", or ")}`;
}

/** A path of a package as people know it; the folder of what has no name to remember. */
export function inPackage(path: string): string {
  const own = path.replace(/^.*?\/npm\/[^/]+\//, "").replace(/^.*\/node_modules\//, "");
  return FLEETING.test(basename(own)) ? dirname(own) : own;
}

/** What to do about a program that writes beside itself. */
export function elsewhere(variables: readonly string[] = []): string {
  const [first = "NAME"] = variables;
  const looked = variables.length === 0 ? "" : `it looked for ${variables.join(", ")}: `;
  return `no policy can allow that. Tell it another place: by a variable (${looked}muxi mcp add … -e ${first}=PATH), ` +
    "by its arguments, or by its own folder (--cwd)";
}

/** Whether a variable of this name says where something is. */
export function isPlace(variable: string): boolean {
  return PLACE.test(variable) && !NO_PLACE.test(variable);
}
