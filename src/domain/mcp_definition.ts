/**
 * Definitions of tool servers: when they mean the same, and what of them may be shown.
 *
 * @module
 */
import { AppError } from "./error.ts";
import { McpServer } from "./mcp_server.ts";

/** Where a definition comes from. Only the operator's own files may name the machine's variables and files. */
export type McpServerSource = "settings" | "agents_file" | "api";

const FIELDS = Object.keys(McpServer.shape) as (keyof McpServer)[];
const WEB = /^https?:$/;
const SOCKET = /^wss?:$/;

/** Whether `server` only names one that is defined elsewhere. */
export function isReference({ url, command }: McpServer): boolean {
  return url === undefined && command === undefined;
}

/** The name alone, and the type for people: what an agent keeps of a server. */
export function toReference({ name, type }: McpServer): McpServer {
  return McpServer.parse({ name, ...type && { type } });
}

/** The fields in which `server` differs from `known`. A reference differs in what it says beside the name. */
export function differingFields(known: McpServer, server: McpServer): string[] {
  const usual = isReference(server) ? McpServer.parse({ name: server.name }) : undefined;
  const text = (value: unknown) => JSON.stringify(value);
  return FIELDS.filter((field) => {
    const said = usual === undefined || text(usual[field]) !== text(server[field]);
    return said && text(known[field]) !== text(server[field]);
  });
}

/** Throws `ValidationError` where the parts of a definition, which is no reference, don't go together. */
export function checkDefinition({ name, type, url, command }: McpServer): void {
  const refuse = (why: string): never => {
    throw new AppError("ValidationError", `Cannot use tool server "${name}": ${why}`, { details: { server: name } });
  };
  if (url !== undefined && command !== undefined) refuse('it has both "url" and "command": want one of them');
  if (command?.trim() === "") refuse('"command" is empty');
  if (url === undefined) {
    if (type !== undefined && type !== "command_line") refuse(`"${type}" needs "url", not "command"`);
    return;
  }
  if (type === "command_line") refuse('"command_line" needs "command"');
  const protocol = URL.parse(url)?.protocol ?? "";
  const fits = type === undefined ? WEB.test(protocol) || SOCKET.test(protocol) : undefined;
  const wanted = type === "websocket" ? SOCKET : WEB;
  if (!(fits ?? wanted.test(protocol))) {
    refuse(`"url" must begin with ${type === "websocket" ? "ws:// or wss://" : "http:// or https://"}`);
  }
}

/** The definition without what only the operator may name: variables and files of the machine. */
export function withoutMachine(server: McpServer): McpServer {
  const credentials = server.credentials.map(({ env_fallback: _, file: __, ...credential }) => credential);
  return { ...server, credentials };
}

/** The first field that {@linkcode withoutMachine} takes away. */
export function machineField({ credentials }: McpServer): string | undefined {
  for (const [i, { env_fallback, file }] of credentials.entries()) {
    if (env_fallback !== undefined) return `credentials.${i}.env_fallback`;
    if (file !== undefined) return `credentials.${i}.file`;
  }
  return undefined;
}

const WORD = /(?:"[^"]*"|'[^']*'|[^\s"'])+/g;

/** The words of a command line, without their quotes. */
export function wordsOf(command: string): string[] {
  return [...command.matchAll(WORD)].map(([word]) => word.replaceAll(/"([^"]*)"|'([^']*)'/g, "$1$2"));
}

/**
 * The program of a server and its arguments. They may all stand in `command`, as one types them: between quotes
 * spaces count as letters.
 */
export function toCommandLine({ name, command = "", args }: McpServer): { command: string; args: string[] } {
  if (args.length > 0) return { command: command.trim(), args };
  if (command.replaceAll(WORD, "").trim() !== "") {
    throw new AppError("ValidationError", `Cannot use tool server "${name}": a quote in "command" has no end`);
  }
  const [program = "", ...rest] = wordsOf(command);
  return { command: program, args: rest };
}
