/**
 * Which hosts a program may reach, and at which addresses.
 *
 * @module
 */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { SandboxProfile } from "../../domain/policy.ts";
import type { AccessQuestion } from "../../ports/sandbox.ts";
import { toAllow } from "./advice.ts";
import { isInternal, isNamed, toHost } from "./addresses.ts";

/** What {@linkcode NetJudge} goes by. */
export interface NetJudgeOptions {
  /** The server's name. */
  name: string;
  /** The policy's id. */
  policy: string;
  /** Whether other servers are held to it, too. */
  shared: boolean;
  /** Whether its program can be watched, to learn what it needs. */
  watchable: boolean;
  profile: SandboxProfile;
  /** The hosts that are allowed. */
  net: readonly string[];
  /** Whether every host of the internet may be reached, beside those of `net`. */
  open?: boolean;
  /** Answers what `profile.ask` leaves to a person; absent: denied. */
  ask?: (question: AccessQuestion, signal: AbortSignal) => Promise<boolean>;
  /** Told of every denial, in words that say what to allow. */
  onDenied?: (words: string) => void;
  /** Told of every decision. */
  onDecision?: (decision: { value: string; allowed: boolean }) => void;
}

/** Where to connect to, or why not. */
export type NetVerdict = { addresses: string[] } | { words: string };

const ASK_MS = 30_000;
const RESOLVE_MS = 10_000;
/** A name has as many addresses as its owner likes. */
const MAX_ADDRESSES = 4;

/** Decides on connections. */
export class NetJudge {
  readonly #options: NetJudgeOptions;

  constructor(options: NetJudgeOptions) {
    this.#options = options;
  }

  /** The addresses that were looked at, and that the connection must go to: a name may lead elsewhere the next moment. */
  async decide(place: { host: string; port: number }, signal: AbortSignal): Promise<NetVerdict> {
    const { net, open = false, onDecision } = this.#options;
    const host = toHost(place.host);
    const { port } = place;
    const value = toText(host, port);
    const named = isNamed(net, { host, port }) || (open && !(isIP(host) !== 0 && isInternal(host)));
    if (!named && !await this.#ask(value, signal)) {
      const { name: server, shared, watchable } = this.#options;
      return this.#deny(value, `connecting to "${value}": ${toAllow("net", value, { server, shared, watchable })}`);
    }
    const addresses = isIP(host) === 0 ? await resolve(host, signal) : [host];
    if (addresses.length === 0) return { words: `Cannot find the host "${host}"` };
    const good: string[] = [];
    for (const address of addresses) {
      const fine = address === host || !isInternal(address) || isNamed(net, { host: address, port }) ||
        await this.#ask(toText(address, port), signal);
      if (fine) good.push(address);
    }
    if (good.length === 0) {
      return this.#deny(
        value,
        `connecting to "${value}", which is "${addresses[0]}" of this machine or its network: ` +
          "name that address itself in sandbox.net of that policy",
      );
    }
    onDecision?.({ value, allowed: true });
    return { addresses: good.slice(0, MAX_ADDRESSES) };
  }

  #deny(value: string, what: string): NetVerdict {
    const { policy, onDenied, onDecision } = this.#options;
    const words = `The policy "${policy}" does not allow ${what}`;
    onDecision?.({ value, allowed: false });
    onDenied?.(words);
    return { words };
  }

  async #ask(value: string, signal: AbortSignal): Promise<boolean> {
    const { profile, ask } = this.#options;
    if (ask === undefined || !profile.ask.includes("net")) return false;
    const limit = AbortSignal.any([signal, AbortSignal.timeout(ASK_MS)]);
    const question: AccessQuestion = { permission: "net", value, words: `connect to "${value}"` };
    return await ask(question, limit).catch(() => false);
  }
}

function toText(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** By the machine's own resolver, so that its hosts file counts. */
async function resolve(host: string, signal: AbortSignal): Promise<string[]> {
  const { promise, reject } = Promise.withResolvers<never>();
  const limit = AbortSignal.any([signal, AbortSignal.timeout(RESOLVE_MS)]);
  const stop = () => reject(limit.reason);
  limit.addEventListener("abort", stop, { once: true });
  try {
    const found = await Promise.race([lookup(host, { all: true }), promise]);
    return found.map(({ address }) => toHost(address));
  } catch {
    return [];
  } finally {
    limit.removeEventListener("abort", stop);
  }
}
