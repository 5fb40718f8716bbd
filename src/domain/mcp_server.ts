/**
 * A tool server that speaks the Model Context Protocol: how it is reached, and how it does.
 *
 * @module
 */
import { z } from "zod";
import { AppError, type AppErrorOptions, type ErrorName } from "./error.ts";

/** A server's name: unique in the installation, and the first half of its tools' names. */
export const McpServerName = z.string()
  .regex(/^[a-zA-Z0-9](?:_?[a-zA-Z0-9-])*$/, "want letters, digits, - and single _, a letter or digit first").max(40)
  .refine((name) => name !== "agent", '"agent" stands for the agents themselves')
  .describe("The server's name; its tools are called name__tool");

/** A secret of a tool server, and where it goes (002, section 7.2). */
export const McpCredential = z.strictObject({
  id: z.string().min(1).max(100)
    .describe("What the secret is called: its value is given and changed by this name, and complaints say it"),
  param_name: z.string().min(1).max(100)
    .describe("command_line: the variable; otherwise the header, or the query's parameter when it begins with ?"),
  required: z.boolean().default(false),
  value: z.string().max(4096).optional().describe("The secret itself. Never shown again"),
  file: z.string().max(1000).optional().describe("A file of MUXI's machine that holds it; only in files"),
  env_fallback: z.string().max(100).optional().describe(
    "The variable of MUXI's own environment that holds it while no value is given; only in files",
  ),
});
/** See {@linkcode McpCredential}. */
export type McpCredential = z.infer<typeof McpCredential>;

/** How MUXI signs in at a server that wants OAuth 2.1. */
export const McpOAuth = z.strictObject({
  grant: z.enum(["authorization_code", "client_credentials"]).default("authorization_code"),
  client_id: z.string().max(2000).optional().describe("Empty: MUXI registers itself, or names its metadata document"),
  client_secret: z.string().max(4096).optional().describe("Never shown again"),
  scopes: z.array(z.string().max(200)).max(50).default([]),
  per_user: z.boolean().default(false).describe("Whether each user signs in, instead of one for all"),
});

/** How a server is reached. */
export const MCP_SERVER_TYPE = ["command_line", "streamable_http", "http_sse", "websocket"] as const;
/** One of {@linkcode MCP_SERVER_TYPE}. */
export type McpServerType = typeof MCP_SERVER_TYPE[number];

const ToolPattern = z.string().min(1).max(200);

/** A tool server as people describe it. */
export const McpServer = z.strictObject({
  name: McpServerName,
  type: z.enum(MCP_SERVER_TYPE).optional().describe("Found out when absent"),
  url: z.string().max(2000).optional(),
  command: z.string().max(4000).optional().describe("The program, with its arguments unless these are in args"),
  args: z.array(z.string().max(4000)).max(100).default([]),
  env: z.record(z.string().max(100), z.string().max(8000)).default({})
    .describe("All that the program finds in its environment. Values are never shown again"),
  cwd: z.string().max(1000).optional(),
  headers: z.record(z.string().max(100), z.string().max(8000)).default({}).describe("Values are never shown again"),
  credentials: z.array(McpCredential).max(20).default([]),
  oauth: McpOAuth.optional(),
  timeout_seconds: z.number().min(0.1).max(3600).optional().describe("How long a call may be silent"),
  max_timeout_seconds: z.number().min(0.1).max(86_400).optional().describe("How long a call may take with progress"),
  idle_seconds: z.number().min(1).max(86_400).optional().describe(
    "Stopped after this long without a call; woken by one",
  ),
  enabled_tools: z.array(ToolPattern).max(500).optional()
    .describe("Its only tools that anybody is offered, by its own names; `*` matches any part"),
  disabled_tools: z.array(ToolPattern).max(500).optional().describe("Its tools that nobody is offered; the same"),
  elicitation: z.enum(["ask", "decline"]).default("ask").describe("Whether its questions reach a person"),
  sampling: z.enum(["ask", "allow", "deny"]).default("deny").describe("Whether it may use the agent's model"),
}).meta({ id: "McpServer" });
/** See {@linkcode McpServer}. */
export type McpServer = z.infer<typeof McpServer>;

/** How a connection is doing. */
export const MCP_SERVER_STATE = ["connecting", "ready", "degraded", "backing_off", "open_circuit", "stopped"] as const;
/** One of {@linkcode MCP_SERVER_STATE}. */
export type McpServerState = typeof MCP_SERVER_STATE[number];

/** What keeps a program below its ceilings: the kernel, process by process, and we, looking at all of them together. */
export const CEILING_KEEPER = ["prlimit", "watching"] as const;
/** One of {@linkcode CEILING_KEEPER}. */
export type CeilingKeeper = typeof CEILING_KEEPER[number];

/** How the sandbox holds a program: all of it, by what Deno asks alone, or not at all. */
export const SANDBOX_TIER = ["full", "broker", "none"] as const;
/** One of {@linkcode SANDBOX_TIER}. */
export type SandboxTier = typeof SANDBOX_TIER[number];

/** A server as shown. Secrets are in none of its fields. */
export const McpServerView = z.object({
  name: z.string(),
  type: z.enum(MCP_SERVER_TYPE).nullable(),
  url: z.string().nullable(),
  command: z.string().nullable(),
  agents: z.array(z.string()).describe("Which agents use it"),
  state: z.enum(MCP_SERVER_STATE),
  reason: z.string().nullable().describe("Why it is in this state, when it isn't ready"),
  era: z.string().nullable().describe("The protocol's revision that was agreed on"),
  server: z.object({ name: z.string(), version: z.string() }).nullable().describe("What it says of itself"),
  instructions: z.string().nullable(),
  tools: z.array(z.string()),
  resources: z.number().int().nonnegative(),
  prompts: z.number().int().nonnegative(),
  sandbox: z.object({
    tier: z.enum(SANDBOX_TIER),
    policy: z.string(),
    ceilings: z.array(z.enum(CEILING_KEEPER)).describe("What bounds its memory, processes and disk"),
    watchable: z.boolean().describe("Whether it can be watched, to learn its policy"),
    decisions: z.array(z.object({
      permission: z.string(),
      value: z.string(),
      allowed: z.number().int(),
      denied: z.number().int(),
    })).describe("What it asked for, and how often it got it"),
  }).nullable(),
  calls: z.number().int(),
  failures: z.number().int(),
  latency_ms: z.number().nullable().describe("Of the last calls, the middle one"),
  restarts: z.number().int(),
  last_error: z.string().nullable().describe("Of the last failure, also of one that is over"),
  sign_in_url: z.string().nullable().describe("Where a person allows MUXI in, when the server waits for that"),
}).meta({ id: "McpServerView" });
/** See {@linkcode McpServerView}. */
export type McpServerView = z.infer<typeof McpServerView>;

/** A server that is not ready, as whoever may use its tools sees it. */
export const McpServerTrouble = z.object({
  name: z.string(),
  state: z.enum(MCP_SERVER_STATE),
  reason: z.string().nullable().describe("Why, without addresses and secrets"),
}).meta({ id: "McpServerTrouble" });
/** See {@linkcode McpServerTrouble}. */
export type McpServerTrouble = z.infer<typeof McpServerTrouble>;

/** What went wrong between us and a server. */
export type McpFailureKind =
  | "unreachable"
  | "unauthorized"
  | "session_lost"
  | "closed"
  | "protocol"
  | "timeout"
  | "refused"
  | "sandbox";

const CLASS: Record<McpFailureKind, ErrorName> = {
  unreachable: "UpstreamError",
  unauthorized: "UpstreamError",
  session_lost: "UpstreamError",
  closed: "UpstreamError",
  protocol: "UpstreamError",
  timeout: "TimeoutError",
  refused: "UpstreamError",
  sandbox: "ForbiddenError",
};

/**
 * A failure between us and a server, in contrast to a tool that says it failed.
 * `sent` says whether the server may have acted on the request: what was not
 * sent may be sent again.
 */
export class McpFailure extends AppError {
  readonly kind: McpFailureKind;
  readonly sent: boolean;

  constructor(kind: McpFailureKind, message: string, { sent, ...options }: AppErrorOptions & { sent: boolean }) {
    super(CLASS[kind], message, { ...options, details: { reason: kind, ...options.details } });
    this.kind = kind;
    this.sent = sent;
  }
}
