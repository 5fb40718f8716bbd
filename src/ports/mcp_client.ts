/**
 * Connections to tool servers.
 *
 * @module
 */
import type { Proposals, Typed } from "../domain/proposals.ts";
import type { McpServer, McpServerType } from "../domain/mcp_server.ts";
import type { FilledPrompt } from "../domain/prompt.ts";
import type { ToolContent, ToolResult } from "../domain/tool.ts";

/** What a server calls a tool, before it has its name among all servers. */
export interface OfferedTool {
  name: string;
  title?: string;
  description: string;
  input_schema: Record<string, unknown>;
  output_schema?: Record<string, unknown>;
  read_only: boolean;
  destructive: boolean;
  idempotent: boolean;
  open_world: boolean;
  /** Whether it can be called only as a task, which its server goes on with after its first answer. */
  as_task?: boolean;
}

/** Something a server lets others read. */
export interface OfferedResource {
  /** With `{…}` where `template` is set (RFC 6570). */
  uri: string;
  template: boolean;
  name: string;
  title?: string;
  description?: string;
  media_type?: string;
  size?: number;
}

/** A prompt a server offers. */
export interface OfferedPrompt {
  name: string;
  title?: string;
  description?: string;
  arguments: { name: string; description?: string; required: boolean }[];
}

/** What is to be completed: an argument of a prompt, by the server's own name of it, or of a template. */
export interface CompletionRequest extends Typed {
  of: { prompt: string } | { uri: string };
}

/** How far a call is. */
export interface Progress {
  progress: number;
  total?: number;
  message?: string;
}

/** What a server asks a person in the middle of a call. */
export interface Elicitation {
  message: string;
  /** JSON Schema of the answer; absent when `url` is to be visited instead. */
  schema?: Record<string, unknown>;
  url?: string;
}

/** A person's answer. */
export interface ElicitationAnswer {
  action: "accept" | "decline" | "cancel";
  content?: Record<string, unknown>;
}

/** A server's wish to use a model. */
export interface SamplingRequest {
  system_prompt?: string;
  messages: { role: "user" | "assistant"; content: ToolContent[] }[];
  max_tokens: number;
}

/** What the model said. */
export interface SamplingAnswer {
  model: string;
  text: string;
  stop_reason: "endTurn" | "maxTokens" | "stopSequence";
}

/** In which call a server asks something. */
export interface AskedOptions {
  signal: AbortSignal;
  /** Absent where it is none, or nobody can tell which. */
  tool_call_id?: string;
  /** The calls that were under way, where nobody can tell whether it is one of them, and which. */
  among?: readonly string[];
}

/** What a server may want of us. */
export interface McpHandlers {
  /** Its list of `kind` is another now. */
  onListChanged(kind: "tools" | "resources" | "prompts"): void;
  /** The resource `uri` is another now. */
  onResourceUpdated(uri: string): void;
  /** Its program printed a line that is no message. */
  onNoise?(line: string): void;
  elicit(request: Elicitation, options: AskedOptions): Promise<ElicitationAnswer>;
  sample(request: SamplingRequest, options: AskedOptions): Promise<SamplingAnswer>;
}

/** Options of a call. */
export interface McpCallOptions {
  signal: AbortSignal;
  tool_call_id: string;
  /** What the tool says of itself: `OfferedTool.as_task`. */
  as_task?: boolean | undefined;
  /** Who would be asked what the server asks in this call: it doesn't matter which call of one audience it asks in. */
  audience?: string;
  /** Whose call it is: they may be asked in one of their calls what the server wants to know in another. */
  owner?: string;
  /** Whose credentials the server is to see, where each user has their own. */
  user_id?: string;
  onProgress?: (progress: Progress) => void;
}

/** Options of a request that changes nothing. */
export type McpReadOptions = Pick<McpCallOptions, "signal" | "user_id">;

/** A connection that is up. Its methods reject with `McpFailure`, or with the signal's reason. */
export interface McpConnection {
  /** The protocol's revision that was agreed on. */
  era: string;
  type: McpServerType;
  server: { name: string; version: string };
  instructions?: string;
  /** What the server offers. */
  offers: { tools: boolean; resources: boolean; prompts: boolean };
  /** How many of the accesses its program asked for were allowed and denied; absent without a sandbox. */
  sandbox?: import("./sandbox.ts").SandboxReport;
  /**
   * What the server was trusted with: no word of it may come back in its answers. Another list as soon as there is
   * more, such as a new token.
   */
  readonly secrets?: readonly string[];
  /** Resolves once, when the connection is over, with the reason where there is one. */
  closed: Promise<Error | undefined>;
  /** Every page. */
  listTools(signal: AbortSignal): Promise<OfferedTool[]>;
  /** Every page, of resources and of templates. */
  listResources(signal: AbortSignal): Promise<OfferedResource[]>;
  /** Every page. */
  listPrompts(signal: AbortSignal): Promise<OfferedPrompt[]>;
  /** `tool` is the server's own name of it. */
  callTool(tool: string, args: Record<string, unknown>, options: McpCallOptions): Promise<ToolResult>;
  readResource(uri: string, options: McpReadOptions): Promise<ToolContent[]>;
  getPrompt(name: string, args: Record<string, string>, options: McpReadOptions): Promise<FilledPrompt>;
  /** Proposes values; absent where the server can't. */
  complete?(request: CompletionRequest, options: McpReadOptions): Promise<Proposals>;
  /**
   * Has the server tell when the resource `uri` is another, through `onResourceUpdated`, until `signal` aborts.
   * Resolves when it does so; absent where it can't.
   */
  watchResource?(uri: string, options: { signal: AbortSignal }): Promise<void>;
  /** Whether the server still answers. */
  ping(signal: AbortSignal): Promise<void>;
  /** Ends the connection, and its program with all that it started. Resolves when they are gone. */
  close(): Promise<void>;
}

/** Options for {@linkcode McpConnector}. */
export interface McpConnectOptions {
  signal: AbortSignal;
  handlers: McpHandlers;
  /** What was agreed on the last time, so that it needn't be found out. */
  remembered?: { era: string; type: McpServerType };
  /** How long a call may be silent, and how long it may take, where the definition doesn't say. */
  timeout_ms: number;
  max_timeout_ms: number;
}

/** Opens connections. Rejects with `McpFailure`. */
export interface McpConnector {
  connect(server: McpServer, options: McpConnectOptions): Promise<McpConnection>;
}
