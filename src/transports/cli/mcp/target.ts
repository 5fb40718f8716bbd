/**
 * What a tool server is: a program, or an address.
 *
 * @module
 */
import { UsageError } from "../given.ts";
import { isLoopback } from "./this_machine.ts";

/** What stands behind a server's name. */
export interface Target {
  url?: string | undefined;
  command?: string | undefined;
  args?: string[] | undefined;
}

const ADDRESS = /^(https?|wss?):\/\//i;
const SCHEME = /^[a-z][a-z\d+.-]*:\/\//i;
/** A host with its port, which is no program's name. */
const BARE = /^(?:[\w.-]+|\[[\da-f:.]+\]):\d{1,5}(?:[/?].*)?$/i;

/** Reads the words behind a server's name. Throws for those that are neither. */
export function readTarget([first, ...rest]: readonly string[]): Target {
  if (first === undefined) return {};
  if (ADDRESS.test(first)) {
    if (rest.length === 0 && URL.canParse(first)) return { url: first };
    if (rest.length === 0) throw new UsageError("Cannot use the address: want one such as https://host.example/mcp");
    throw new UsageError(`Cannot use "${rest[0]}": nothing stands behind an address`);
  }
  const bare = BARE.test(first);
  if (bare || SCHEME.test(first)) {
    const shown = first.replace(/[?#@].*$/s, "…");
    const hint = bare ? `; did you mean http://${shown}?` : "";
    throw new UsageError(`"${shown}" is not an address (http:// or https://) and no program${hint}`);
  }
  return { command: first, args: rest };
}

/** Where MUXI is a server of the protocol. */
const OWN_DOOR = /\/mcp(?:\/(?:ws|stream))?\/?$/;

/** Throws where the address is that of the MUXI at `own`, whose agents would call themselves. */
export function refuseOwnAddress({ url }: Target, own: string | undefined): void {
  if (url === undefined || own === undefined) return;
  const [a, b] = [new URL(url), new URL(own)].map(({ hostname, port, protocol }) => {
    const standard = /^(https|wss):$/.test(protocol) ? "443" : "80";
    return `${isLoopback(hostname) ? "localhost" : hostname}:${port === "" ? standard : port}`;
  });
  if (a !== b || !OWN_DOOR.test(new URL(url).pathname)) return;
  throw new UsageError(
    "Cannot add the address: it is this MUXI's own, which offers agents the tools they have already",
  );
}
