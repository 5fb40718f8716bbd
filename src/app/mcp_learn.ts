/**
 * Runs the program of a tool server once, to see what it needs.
 *
 * @module
 */
import type { Hold } from "../adapters/mcp/channel.ts";
import type { Learn, Learned, TrialCall } from "../core/mcp_servers/learning.ts";
import { AppError } from "../domain/error.ts";
import type { McpServer } from "../domain/mcp_server.ts";
import type { McpConnection, McpConnector, McpHandlers } from "../ports/mcp_client.ts";
import type { Process, Program, Sandbox, Watching } from "../ports/sandbox.ts";

/** Starts the program of a server, whose environment is complete. */
export type Spawn = (server: McpServer, signal: AbortSignal, hold: Hold) => Promise<Process>;

/** What {@linkcode createLearn} needs. */
export interface LearnDeps {
  sandbox: Pick<Sandbox, "learn">;
  /** A connector that starts programs by `spawn`. */
  connector: (spawn: Spawn) => Promise<McpConnector>;
  toProgram: (server: McpServer) => Program;
  /** Told of each program that is watched. */
  onStarted: (process: Process) => void;
  timeout_ms: number;
}

/** How long a server may take, with all its calls. */
const LEARN_MS = 120_000;

/** While a policy is learned nobody is asked anything. */
const NOBODY: McpHandlers = {
  onListChanged: () => {},
  onResourceUpdated: () => {},
  elicit: () => Promise.resolve({ action: "decline" }),
  sample: () => Promise.reject(new Error("There is no model while a policy is learned")),
};

/** Builds a {@linkcode Learn}. */
export function createLearn({ sandbox, connector, toProgram, onStarted, timeout_ms }: LearnDeps): Learn {
  return async (server, { policy, calls, signal: outer }): Promise<Learned> => {
    const signal = AbortSignal.any([outer, AbortSignal.timeout(LEARN_MS)]);
    const driven = Promise.withResolvers<void>();
    // A server that doesn't know our era is started a second time.
    const watchings: Promise<Watching>[] = [];
    const opened = await connector((resolved, signal) => {
      const started = Promise.withResolvers<Process>();
      const watching = sandbox.learn(toProgram(resolved), {
        policy,
        signal,
        drive: (process) => {
          onStarted(process);
          started.resolve(process);
          return driven.promise;
        },
      });
      const ended = () => started.reject(new AppError("ProcessError", `Tool server "${server.name}" ended at once`));
      watching.then(ended, started.reject);
      watchings.push(watching);
      return started.promise;
    });
    try {
      const connection = await opened.connect(server, {
        signal,
        handlers: NOBODY,
        timeout_ms,
        max_timeout_ms: LEARN_MS,
      });
      let failed: Learned["failed"];
      try {
        failed = await tryOut(connection, calls, signal);
      } finally {
        await connection.close();
      }
      driven.resolve();
      return { ...await watchings.at(-1)!, failed };
    } finally {
      driven.resolve();
      await Promise.allSettled(watchings);
    }
  };
}

async function tryOut(
  connection: McpConnection,
  calls: readonly TrialCall[],
  signal: AbortSignal,
): Promise<Learned["failed"]> {
  const failed: Learned["failed"] = [];
  if (connection.offers.tools) await connection.listTools(signal);
  for (const [i, { tool, arguments: args }] of calls.entries()) {
    try {
      const result = await connection.callTool(tool, args, { signal, tool_call_id: `trial_${i}` });
      if (!result.is_error) continue;
      const texts = result.content.flatMap((part) => part.type === "text" ? part.text : []);
      failed.push({ tool, message: texts.join("\n").slice(0, 500) || "it says that it failed" });
    } catch (error) {
      signal.throwIfAborted();
      failed.push({ tool, message: error instanceof Error ? error.message : String(error) });
    }
  }
  return failed;
}
