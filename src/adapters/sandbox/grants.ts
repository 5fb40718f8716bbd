/**
 * What people have allowed to programs whose boxes were already closed: it holds
 * from their next start on, until MUXI ends.
 *
 * @module
 */
import type { NamedPolicy, SandboxProfile } from "../../domain/policy.ts";
import type { AccessQuestion } from "../../ports/sandbox.ts";

const MOST_PER_SERVER = 200;

/** See the module. */
export class Grants {
  readonly #grants = new Map<string, { read: Set<string>; write: Set<string> }>();

  /** Remembers that `server` may do what it asked for. */
  add(server: string, { permission, value }: AccessQuestion): void {
    if (permission !== "read" && permission !== "write") return;
    const mine = this.#grants.get(server) ?? { read: new Set(), write: new Set() };
    if (mine[permission].size < MOST_PER_SERVER) mine[permission].add(value);
    this.#grants.set(server, mine);
  }

  /** The profile of `policy`, and what was granted to `server` beside it. */
  addTo({ sandbox }: NamedPolicy, server: string): SandboxProfile {
    const mine = this.#grants.get(server);
    if (mine === undefined) return sandbox;
    return {
      ...sandbox,
      read: [...sandbox.read, ...sandbox.ask.includes("read") ? mine.read : []],
      write: [...sandbox.write, ...sandbox.ask.includes("write") ? mine.write : []],
    };
  }
}
