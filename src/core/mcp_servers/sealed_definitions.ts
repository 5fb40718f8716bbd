/**
 * Definitions of tool servers as they are stored: what is secret of them is
 * sealed where it stands, beside what may be shown of it.
 *
 * @module
 */
import { shownLine, shownUrl } from "../../domain/mcp_secrets.ts";
import { McpFailure, type McpServer } from "../../domain/mcp_server.ts";
import type { Sealer } from "../../ports/sealer.ts";

/** What may be shown, and what is sealed. */
const SEALED = /^([^]*) sealed:([\w+/]+=*\.[\w+/]+=*)$/;

/** A definition that was stored. */
export interface OpenedDefinition {
  definition: McpServer;
  /** The fields whose secrets were sealed with another key. They hold what may be shown, or nothing. */
  lost: readonly string[];
}

/** `server` as it is stored. */
export async function sealDefinition(server: McpServer, sealer: Sealer): Promise<McpServer> {
  return await mapTexts(server, async (text, { shown }) => {
    const rest = shown();
    // What only looks sealed would be taken for sealed.
    return rest === text && !SEALED.test(text) ? text : `${rest} sealed:${await sealer.seal(text)}`;
  });
}

/** Whether something stands in `stored` as it is that is sealed by now. */
export async function isUnsealed(stored: McpServer): Promise<boolean> {
  let found = false;
  await mapTexts(stored, (text, { shown }) => {
    found ||= !SEALED.test(text) && shown() !== text;
    return Promise.resolve(text);
  });
  return found;
}

/** `stored` as it was before {@linkcode sealDefinition}. */
export async function openDefinition(stored: McpServer, sealer: Sealer): Promise<OpenedDefinition> {
  const lost = new Set<string>();
  const definition = await mapTexts(stored, async (text, { field }) => {
    const [, rest, sealed] = SEALED.exec(text) ?? [];
    if (rest === undefined || sealed === undefined) return text;
    const opened = await sealer.open(sealed);
    if (opened === undefined) lost.add(field);
    return opened ?? rest;
  });
  return { definition, lost: [...lost] };
}

/** Why a server can't be used whose secrets are `lost`, and what to do. */
export function lostSecrets(server: string, lost: readonly string[]): McpFailure {
  const why = "its secrets were sealed with a key that is not here, as after a backup was restored";
  const message = `Cannot use tool server "${server}": ${why}. Define it again, with ${lost.join(", ")}`;
  return new McpFailure("unauthorized", message, { sent: false, details: { server, fields: lost } });
}

/** Changes one text: the field it stands in, and what may be shown of it. */
type ChangeText = (text: string, place: { field: string; shown: () => string }) => Promise<string>;

async function mapTexts(server: McpServer, change: ChangeText): Promise<McpServer> {
  const { url, command, args, env, headers, credentials, oauth } = server;
  const whole = (text: string, field: string) => change(text, { field, shown: () => "" });
  const mapValues = async (record: Record<string, string>, field: string) => {
    const entries = Object.entries(record).map(async ([name, text]) => [name, await whole(text, `${field}.${name}`)]);
    return Object.fromEntries(await Promise.all(entries)) as Record<string, string>;
  };
  const shownArg = (i: number) => shownLine(server).args[i] ?? "";
  return {
    ...server,
    ...url !== undefined && { url: await change(url, { field: "url", shown: () => shownAddress(url) }) },
    ...command !== undefined &&
      { command: await change(command, { field: "command", shown: () => shownLine(server).command }) },
    args: await Promise.all(args.map((text, i) => change(text, { field: "args", shown: () => shownArg(i) }))),
    env: await mapValues(env, "env"),
    headers: await mapValues(headers, "headers"),
    credentials: await Promise.all(credentials.map(async ({ value, ...credential }) => ({
      ...credential,
      ...value !== undefined && { value: await whole(value, `credentials.${credential.id}`) },
    }))),
    ...oauth?.client_secret !== undefined &&
      { oauth: { ...oauth, client_secret: await whole(oauth.client_secret, "oauth.client_secret") } },
  };
}

/** `url` itself where it holds no secret, in whatever way it is spelled. */
function shownAddress(url: string): string {
  const shown = shownUrl(url);
  return shown === new URL(url).href ? url : shown;
}
