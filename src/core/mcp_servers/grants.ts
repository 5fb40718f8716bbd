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
    const [row] = await this.#store.read({ from: "mcp_grants", where: { id: idOf(key) }, limit: 1 });
    if (!row) return undefined;
    const secrets = await this.#sealer.open(row.secrets);
    // Sealed with a key that is gone: the person signs in again.
    if (secrets === undefined) return undefined;
    return { ...row.state !== null && { state: row.state }, secrets };
  }

  async save(key: McpGrantKey, { state, secrets }: McpGrant): Promise<void> {
    const row: McpGrantRow = {
      id: idOf(key),
      server: key.server,
      user_id: key.user_id ?? null,
      state: state ?? null,
      secrets: await this.#sealer.seal(secrets),
      updated_at: toTime(this.#clock.now()),
    };
    await this.#store.commit({ writes: [{ upsert: "mcp_grants", row }] });
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
}

/** No server's name holds a slash. */
function idOf({ server, user_id }: McpGrantKey): string {
  return user_id === undefined ? server : `${server}/${user_id}`;
}
