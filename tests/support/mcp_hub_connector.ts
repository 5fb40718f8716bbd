/**
 * A connector whose servers do what a test tells them, and note what became of them.
 *
 * @module
 */
import type { Learn } from "../../src/core/mcp_servers/learning.ts";
import { McpFailure, type McpFailureKind, type McpServer } from "../../src/domain/mcp_server.ts";
import { SandboxProfile } from "../../src/domain/policy.ts";
import { type ToolResult, toolText } from "../../src/domain/tool.ts";
import type {
  McpCallOptions,
  McpConnection,
  McpConnectOptions,
  McpConnector,
  OfferedTool,
} from "../../src/ports/mcp_client.ts";
import type { McpSignIns } from "../../src/ports/mcp_tokens.ts";

/** A failure as the client reports it. */
export function failure(kind: McpFailureKind, { sent = false, ...details }: Record<string, unknown> = {}): McpFailure {
  return new McpFailure(kind, `It is ${kind}`, { sent: sent === true, details });
}

/** A tool as a server offers it. */
export function offered(name: string, set: Partial<OfferedTool> = {}): OfferedTool {
  return {
    name,
    description: `The tool ${name}`,
    input_schema: { type: "object" },
    read_only: false,
    destructive: false,
    idempotent: false,
    open_world: false,
    ...set,
  };
}

/** What a server of a script does. Everything is looked up when it is needed, so that a test can change it. */
export class ScriptedServer {
  tools: OfferedTool[] = [offered("echo")];
  /** Rejects: the attempt fails. */
  connecting: () => Promise<void> = () => Promise.resolve();
  calling: (args: Record<string, unknown>, options: McpCallOptions, tool: string) => Promise<ToolResult> | ToolResult =
    (args) => toolText(JSON.stringify(args));
  listing: () => Promise<void> = () => Promise.resolve();
  pinging: () => Promise<void> = () => Promise.resolve();
  /** How often somebody connected, and how many connections are open. */
  connects = 0;
  open = 0;
  calls: string[] = [];
  definition: McpServer | undefined;
  options: McpConnectOptions | undefined;
  #ends = new Set<(error: Error | undefined) => void>();

  /** Ends every connection, as a server that dies. */
  die(error?: Error): void {
    for (const end of [...this.#ends]) end(error);
  }

  /** Says that a list is another now. */
  changed(kind: "tools" | "resources" | "prompts" = "tools"): void {
    this.options?.handlers.onListChanged(kind);
  }

  async connect(definition: McpServer, options: McpConnectOptions): Promise<McpConnection> {
    this.connects++;
    this.definition = definition;
    this.options = options;
    await this.connecting();
    const { promise: closed, resolve } = Promise.withResolvers<Error | undefined>();
    this.open++;
    const end = (error: Error | undefined) => {
      if (!this.#ends.delete(end)) return;
      this.open--;
      resolve(error);
    };
    this.#ends.add(end);
    return {
      era: "2026-07-28",
      type: definition.command === undefined ? "streamable_http" : "command_line",
      server: { name: definition.name, version: "1" },
      offers: { tools: true, resources: false, prompts: false },
      closed,
      listTools: async () => {
        await this.listing();
        return this.tools;
      },
      listResources: () => Promise.resolve([]),
      listPrompts: () => Promise.resolve([]),
      callTool: async (tool, args, options) => {
        this.calls.push(options.tool_call_id);
        return await this.calling(args, options, tool);
      },
      readResource: () => Promise.resolve([]),
      getPrompt: () => Promise.resolve({ messages: [] }),
      ping: () => this.pinging(),
      close: () => {
        end(undefined);
        return Promise.resolve();
      },
    };
  }
}

/** A connector to `servers`, by name; whoever isn't among them can't be reached. */
export function scriptedConnector(servers: Record<string, ScriptedServer> = {}): McpConnector & McpSignIns {
  return {
    connect(definition, options) {
      const server = servers[definition.name];
      return server === undefined ? Promise.reject(failure("unreachable")) : server.connect(definition, options);
    },
    finishSignIn: ({ name }) => Promise.resolve({ server: name }),
  };
}

/** Learns that nothing is needed. */
export const learnNothing: Learn = () => Promise.resolve({ profile: SandboxProfile.parse({}), failed: [] });
