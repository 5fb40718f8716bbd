/**
 * What MUXI was allowed at tool servers that want OAuth.
 *
 * @module
 */
import { CommitRefused } from "../../domain/error.ts";
import type { McpGrantRow } from "../../domain/table.ts";
import { type Clock, toTime } from "../../kit/clock.ts";
import type { McpGrant, McpGrantKey, McpTokens } from "../../ports/mcp_tokens.ts";
import type { Sealer } from "../../ports/sealer.ts";
import type { Store } from "../../ports/store.ts";

/** How often a change is made anew because somebody else was quicker. */
const MAX_ATTEMPTS = 50;

/** Keeps grants in the store, sealed. */
export class Grants implements McpTokens {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #sealer: Sealer;

  constructor({ store, clock, sealer }: { store: Store; clock: Clock; sealer: Sealer }) {
    this.#store = store;
    this.#clock = clock;
    this.#sealer = sealer;
  }

  async load(key: McpGrantKey): Promise<McpGrant | undefined> {
    const row = await this.#read(idOf(key));
    return row && await this.#open(row);
  }

  async change(key: McpGrantKey, change: (kept: McpGrant | undefined) => McpGrant): Promise<McpGrant> {
    const id = idOf(key);
    for (let attempt = 1;; attempt++) {
      const before = await this.#read(id);
      const grant = change(before && await this.#open(before));
      const row: McpGrantRow = {
        id,
        server: key.server,
        user_id: key.user_id ?? null,
        state: grant.state ?? null,
        secrets: await this.#sealer.seal(grant.secrets),
        updated_at: toTime(this.#clock.now()),
      };
      // No two sealed texts are the same, so the text says whether anything was written since.
      const where = before ? { id, secrets: before.secrets, state: before.state } : { id };
      try {
        await this.#store.commit({
          preconditions: [{ from: "mcp_grants", where, exists: before !== undefined }],
          writes: [{ upsert: "mcp_grants", row }],
        });
        return grant;
      } catch (error) {
        if (!(error instanceof CommitRefused) || attempt >= MAX_ATTEMPTS) throw error;
      }
    }
  }

  async find(state: string): Promise<McpGrantKey | undefined> {
    const [row] = await this.#store.read({ from: "mcp_grants", where: { state }, limit: 1 });
    return row && { server: row.server, ...row.user_id !== null && { user_id: row.user_id } };
  }

  async take(state: string): Promise<boolean> {
    try {
      await this.#store.commit({
        preconditions: [{ from: "mcp_grants", where: { state }, exists: true }],
        writes: [{ update: "mcp_grants", where: { state }, set: { state: null } }],
      });
      return true;
    } catch (error) {
      if (error instanceof CommitRefused) return false;
      throw error;
    }
  }

  async remove(key: McpGrantKey): Promise<void> {
    await this.#store.commit({ writes: [{ delete: "mcp_grants", where: { id: idOf(key) } }] });
  }

  async #read(id: string): Promise<McpGrantRow | undefined> {
    const [row] = await this.#store.read({ from: "mcp_grants", where: { id }, limit: 1 });
    return row;
  }

  async #open(row: McpGrantRow): Promise<McpGrant | undefined> {
    const secrets = await this.#sealer.open(row.secrets);
    // Sealed with a key that is gone: the person signs in again.
    if (secrets === undefined) return undefined;
    return { ...row.state !== null && { state: row.state }, secrets };
  }
}

/** No server's name holds a slash. */
function idOf({ server, user_id }: McpGrantKey): string {
  return user_id === undefined ? server : `${server}/${user_id}`;
}
