/**
 * What waits for people.
 *
 * @module
 */
import { listableBy, type Principal } from "../../domain/access.ts";
import { type Page, type PageRequest, toPage } from "../../domain/page.ts";
import type { ApprovalRow, ToolCallRow } from "../../domain/table.ts";
import type { Store } from "../../ports/store.ts";

/** A question with the call it is about. */
export interface OpenQuestion {
  approval: ApprovalRow;
  call: ToolCallRow;
}

/** Lists questions to people. */
export class Approvals {
  readonly #store: Store;

  constructor({ store }: { store: Store }) {
    this.#store = store;
  }

  /** A page of questions. */
  async list(
    principal: Principal,
    { limit, cursor, order }: PageRequest,
    { status, run_id }: { status: ApprovalRow["status"]; run_id?: string | undefined },
  ): Promise<Page<OpenQuestion>> {
    const rows = await this.#store.read({
      from: "approvals",
      where: {
        ...listableBy(principal),
        status,
        ...run_id !== undefined && { run_id },
        ...cursor !== undefined && { id: order === "asc" ? { gt: cursor } : { lt: cursor } },
      },
      order: [["id", order]],
      limit: limit + 1,
    });
    const page = toPage(rows, limit, (row) => row.id);
    const ids = page.data.map(({ id }) => id);
    const calls = await this.#store.read({ from: "tool_calls", where: { id: { in: ids } }, limit: ids.length });
    const byId = new Map(calls.map((call) => [call.id, call]));
    const data = page.data.flatMap((approval) => {
      const call = byId.get(approval.id);
      return call ? [{ approval, call }] : [];
    });
    return { ...page, data };
  }
}
