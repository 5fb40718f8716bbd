/**
 * Calls of one server's tools.
 *
 * @module
 */
import type { ToolResult } from "../../domain/tool.ts";
import type { Clock } from "../../kit/clock.ts";
import type { McpCallOptions, McpConnection, OfferedTool } from "../../ports/mcp_client.ts";
import { type Denials, explained } from "./denials.ts";
import type { Requests } from "./requests.ts";
import { type Tally, textOf } from "./tally.ts";

/** What {@linkcode Calls} needs. */
export interface CallsDeps {
  clock: Clock;
  requests: Requests;
  tally: Tally;
  denials: Denials;
}

/** Makes calls, counts them, and knows which are under way. */
export class Calls {
  readonly #deps: CallsDeps;
  readonly #open = new Set<string>();

  constructor(deps: CallsDeps) {
    this.#deps = deps;
  }

  /** The call under way; undefined where there is none, or several. */
  get only(): string | undefined {
    return this.#open.size === 1 ? this.#open.values().next().value : undefined;
  }

  /** Calls a tool. What was not sent, or may be sent twice, survives the loss of the connection. */
  async make(tool: OfferedTool, args: Record<string, unknown>, options: McpCallOptions): Promise<ToolResult> {
    const { clock, requests, tally, denials } = this.#deps;
    const { signal, tool_call_id } = options;
    const started = clock.now();
    const denied = denials.count;
    this.#open.add(tool_call_id);
    try {
      const repeatable = tool.read_only || tool.idempotent;
      const { name, as_task } = tool;
      const work = (connection: McpConnection) => connection.callTool(name, args, { ...options, as_task });
      const result = await requests.make(work, { signal, repeatable });
      tally.answered(clock.now() - started);
      return explained(result, denials.since(denied));
    } catch (error) {
      if (!signal.aborted) tally.failed(textOf(error));
      throw error;
    } finally {
      this.#open.delete(tool_call_id);
    }
  }
}
