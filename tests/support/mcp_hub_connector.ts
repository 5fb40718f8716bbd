/**
 * A connector whose servers do what a test tells them, and note what became of them.
 *
 * @module
 */
import type { Learn } from "../../src/core/mcp_servers/learning.ts";
import type { Proposals } from "../../src/domain/proposals.ts";
import { McpFailure, type McpFailureKind, type McpServer } from "../../src/domain/mcp_server.ts";
import { SandboxProfile } from "../../src/domain/policy.ts";
import type { FilledPrompt } from "../../src/domain/prompt.ts";
import { type ToolContent, type ToolResult, toolText } from "../../src/domain/tool.ts";
import type {
  CompletionRequest,
  McpCallOptions,
  McpConnection,
  McpConnectOptions,
  McpConnector,
  McpReadOptions,
  OfferedPrompt,
  OfferedResource,
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

/** A resource as a server offers it. */
export function resource(uri: string, set: Partial<OfferedResource> = {}): OfferedResource {
  return { uri, name: uri, template: false, ...set };
}

/** What a server of a script does. Everything is looked up when it is needed, so that a test can change it. */
export class ScriptedServer {
  tools: OfferedTool[] = [offered("echo")];
  resources: OfferedResource[] = [];
  prompts: OfferedPrompt[] = [];
  /** Rejects: the attempt fails. */
  connecting: () => Promise<void> = () => Promise.resolve();
  calling: (args: Record<string, unknown>, options: McpCallOptions, tool: string) => Promise<ToolResult> | ToolResult =
    (args) => toolText(JSON.stringify(args));
  listing: () => Promise<void> = () => Promise.resolve();
  listingResources: () => Promise<void> = () => Promise.resolve();
  reading: (uri: string, options: McpReadOptions) => Promise<ToolContent[]> | ToolContent[] = (uri) => [
    { type: "resource", uri, text: `The text of ${uri}` },
  ];
  filling: (name: string, args: Record<string, string>, options: McpReadOptions) => FilledPrompt = (name, args) => ({
    messages: [{ role: "user", content: { type: "text", text: `${name} ${JSON.stringify(args)}` } }],
  });
  /** What it proposes; undefined: it can't. */
  completing: ((request: CompletionRequest, options: McpReadOptions) => Promise<Proposals> | Proposals) | undefined;
  /** What it tells when it changes; undefined: it doesn't. */
  watched: Set<string> | undefined = new Set();
  /** What resolving its credentials found. */
  secrets: string[] = [];
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

  /** Says that a resource is another now. */
  updated(uri: string): void {
    this.options?.handlers.onResourceUpdated(uri);
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
      offers: { tools: true, resources: true, prompts: true },
      secrets: this.secrets,
      closed,
      listTools: async () => {
        await this.listing();
        return this.tools;
      },
      listResources: async () => {
        await this.listingResources();
        return this.resources;
      },
      listPrompts: () => Promise.resolve(this.prompts),
      callTool: async (tool, args, options) => {
        this.calls.push(options.tool_call_id);
        return await this.calling(args, options, tool);
      },
      readResource: async (uri, options) => await this.reading(uri, options),
      getPrompt: (name, args, options) => Promise.resolve(this.filling(name, args, options)),
      ...this.completing && { complete: async (request, options) => await this.completing!(request, options) },
      ...this.watched && {
        watchResource: (uri, { signal }) => {
          const { watched } = this;
          watched?.add(uri);
          signal.addEventListener("abort", () => watched?.delete(uri), { once: true });
          return Promise.resolve();
        },
      },
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
    findSignIn: () => Promise.resolve(undefined),
    finishSignIn: ({ name }) => Promise.resolve({ server: name }),
  };
}

/** Learns that nothing is needed. */
export const learnNothing: Learn = () =>
  Promise.resolve({
    profile: SandboxProfile.parse({}),
    merged: SandboxProfile.parse({}),
    unused: [],
    refused: [],
    notes: [],
    failed: [],
  });
