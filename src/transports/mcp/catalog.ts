/**
 * What an MCP server offers, whatever it is made of and however it is reached.
 *
 * @module
 */
import type {
  CallToolResult,
  ClientCapabilities,
  CompleteRequest,
  CompleteResult,
  GetPromptResult,
  Implementation,
  InputRequiredResult,
  ListPromptsResult,
  ListResourcesResult,
  ListResourceTemplatesResult,
  ListToolsResult,
  LoggingLevel,
  ReadResourceResult,
  ServerCapabilities,
} from "@modelcontextprotocol/server";
import type { Visit } from "../../operations/operation.ts";

/** Who asks, and how to speak to them before the answer. */
export interface Ask {
  /** Its signal aborts when the request is cancelled, or the caller is gone. */
  visit: Visit;
  /** What the client can be asked in turn. */
  client: ClientCapabilities;
  /** Present when the client wants to know how far it is. */
  onProgress?: (progress: CallProgress) => void;
  log(level: LoggingLevel, data: unknown): void;
  /** What the client answers to the questions of an {@linkcode InputRequiredResult}. Nobody has checked it. */
  answers: Readonly<Record<string, unknown>>;
  /** What such a result gave the client to bring back. Nobody has checked it. */
  state?: string;
  /** Whether the request stays open while the client is asked, as it does in the older era. */
  stays?: true;
}

/** How far a call is. */
export interface CallProgress {
  progress: number;
  total?: number;
  message?: string;
}

/** A task that a call became (extension `io.modelcontextprotocol/tasks`). */
export interface Task {
  taskId: string;
  status: "working" | "input_required" | "completed" | "failed" | "cancelled";
  statusMessage?: string;
  createdAt: string;
  lastUpdatedAt: string;
  ttlMs: number | null;
  pollIntervalMs: number;
  result?: CallToolResult;
  error?: { code: number; message: string };
  inputRequests?: Record<string, { method: string; params: Record<string, unknown> }>;
}

/** A call that goes on as a task. */
export type CreatedTask = Task & { resultType: "task" };

/** How a call ends, for now or for good. */
export type CallOutcome = CallToolResult | InputRequiredResult | CreatedTask;

/** Tasks by their ids. Throws `ProtocolError` for what isn't the caller's. */
export interface Tasks {
  get(taskId: string, ask: Ask): Promise<Task>;
  /** Hands in answers to the questions of a task. */
  update(taskId: string, answers: Readonly<Record<string, unknown>>, ask: Ask): Promise<void>;
  cancel(taskId: string, ask: Ask): Promise<void>;
}

/** What is another now. */
export type Change = { kind: "tools" } | { kind: "prompts" } | { kind: "resources" } | {
  kind: "resource";
  uri: string;
};

/** Who wants to hear of changes, and of what. */
export interface WatchOptions {
  visit: Visit;
  /** The resource whose contents are watched; absent: the lists. */
  uri?: string;
}

/** See the module. Methods throw `ProtocolError`, or `AppError`. */
export interface Catalog {
  readonly info: Implementation;
  readonly instructions?: string;
  readonly capabilities: ServerCapabilities;
  listTools(cursor: string | undefined, ask: Ask): Promise<ListToolsResult>;
  callTool(name: string, args: Record<string, unknown>, ask: Ask): Promise<CallOutcome>;
  /** The input schema of a tool that wants arguments repeated in headers (`x-mcp-header`), as `visit`'s tenant knows it. */
  mirrored(name: string, visit: Visit): Record<string, unknown> | undefined;
  /** The scope that `visit` lacks for the tool `name`. */
  missingScope(name: string, visit: Visit): string | undefined;
  listResources(cursor: string | undefined, ask: Ask): Promise<ListResourcesResult>;
  listResourceTemplates(cursor: string | undefined, ask: Ask): Promise<ListResourceTemplatesResult>;
  readResource(uri: string, ask: Ask): Promise<ReadResourceResult | InputRequiredResult>;
  listPrompts(cursor: string | undefined, ask: Ask): Promise<ListPromptsResult>;
  getPrompt(name: string, args: Record<string, string>, ask: Ask): Promise<GetPromptResult | InputRequiredResult>;
  complete(params: CompleteRequest["params"], ask: Ask): Promise<CompleteResult>;
  readonly tasks?: Tasks;
  /** Changes from now on. Ends when the visit does, and when the caller may not come any more. Refuses what can't be watched. */
  watch(options: WatchOptions): Promise<AsyncIterable<Change>>;
}

/** The extension that {@linkcode Tasks} belongs to. */
export const TASKS_EXTENSION = "io.modelcontextprotocol/tasks";
