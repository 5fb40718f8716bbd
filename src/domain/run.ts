/**
 * A run: one answer in the making, from the message to the last event.
 *
 * @module
 */
import { z } from "zod";
import { MODEL_PARAMETERS } from "./agent.ts";
import { ERROR_STATUS, type ErrorName } from "./error.ts";
import { FINISH_REASON, SpokenMessage } from "./message.ts";
import { Usage } from "./usage.ts";

/** Where a run can be. The last three are final. */
export const RUN_STATUS = ["queued", "running", "waiting", "completed", "failed", "cancelled"] as const;
/** One of {@linkcode RUN_STATUS}. */
export type RunStatus = typeof RUN_STATUS[number];

/** Nothing comes after these. */
export const FINAL_STATUS: readonly RunStatus[] = ["completed", "failed", "cancelled"];

/** What to do with a run when another is active in its conversation. */
export const Multitask = z.enum(["enqueue", "reject", "interrupt"]);
/** What becomes of a run when the connection that started it closes. */
export const OnDisconnect = z.enum(["continue", "cancel"]);

/** A run's id. */
export const RunId = z.string().regex(/^run_[0-9a-z]+$/);

/** An error as it stands in a run and its events. */
export const RunError = z.object({
  error: z.enum(Object.keys(ERROR_STATUS) as [ErrorName, ...ErrorName[]]),
  message: z.string(),
  details: z.record(z.string(), z.unknown()).optional(),
}).meta({ id: "RunError" });

/** The form an answer must have. */
export const ResponseFormat = z.strictObject({
  type: z.literal("json_schema"),
  name: z.string().regex(/^[\w-]{1,64}$/).default("answer"),
  schema: z.record(z.string(), z.unknown()),
}).meta({ id: "ResponseFormat" });
/** See {@linkcode ResponseFormat}. */
export type ResponseFormat = z.infer<typeof ResponseFormat>;

/** A tool of the caller's own: a model may ask for it, the caller calls it. */
export const ClientTool = z.strictObject({
  name: z.string().regex(/^[\w-]{1,64}$/),
  description: z.string().max(10_000).optional(),
  parameters: z.record(z.string(), z.unknown()).optional().describe(
    "JSON Schema of the arguments; absent: it takes none",
  ),
}).meta({ id: "ClientTool" });
/** See {@linkcode ClientTool}. */
export type ClientTool = z.infer<typeof ClientTool>;

/** What a caller asks of one answer, beyond what the agent says. */
export const RunOptions = z.strictObject({
  instructions: z.string().max(100_000).optional().describe("Told to the model after the agent's own"),
  tools: z.array(ClientTool).max(128).optional().describe("The caller's own tools"),
  tool_choice: z.union([z.enum(["auto", "none", "required"]), z.strictObject({ tool: z.string().max(64) })]).optional(),
  parallel_tool_calls: z.boolean().optional(),
  ...MODEL_PARAMETERS,
}).meta({ id: "RunOptions" });
/** See {@linkcode RunOptions}. */
export type RunOptions = z.infer<typeof RunOptions>;

/** A run as shown. */
export const Run = z.object({
  id: z.string(),
  conversation_id: z.string(),
  agent_id: z.string(),
  agent_revision: z.number().int(),
  user_id: z.string().nullable(),
  status: z.enum(RUN_STATUS),
  /** Why it waits. */
  waiting_for: z.string().nullable(),
  multitask: Multitask,
  on_disconnect: OnDisconnect,
  metadata: z.record(z.string(), z.unknown()),
  options: RunOptions.nullable(),
  response_format: ResponseFormat.nullable(),
  usage: Usage,
  error: RunError.nullable(),
  cancel_requested_at: z.string().nullable(),
  created_at: z.string(),
  started_at: z.string().nullable(),
  ended_at: z.string().nullable(),
}).meta({ id: "Run" });
/** See {@linkcode Run}. */
export type Run = z.infer<typeof Run>;

/** Kinds of steps. */
export const STEP_KIND = ["plan", "model", "tool", "handoff"] as const;
/** Where a step can be. */
export const STEP_STATUS = ["running", "completed", "failed", "cancelled"] as const;

/** A call of a tool, as shown. */
export const ToolCall = z.object({
  id: z.string(),
  run_id: z.string(),
  step_id: z.string(),
  tool: z.string(),
  arguments: z.record(z.string(), z.unknown()),
  status: z.enum(["pending", "approval_required", "running", "completed", "failed", "denied", "cancelled", "unknown"]),
  result: z.unknown(),
  error: RunError.nullable(),
  attempt: z.number().int(),
  created_at: z.string(),
  started_at: z.string().nullable(),
  ended_at: z.string().nullable(),
}).meta({ id: "ToolCall" });
/** See {@linkcode ToolCall}. */
export type ToolCall = z.infer<typeof ToolCall>;

/** Why a person is asked: about a call, about one that may have happened, or by the tool's server in its middle. */
export const APPROVAL_KIND = ["approval", "tool_outcome_unknown", "elicitation"] as const;
/** One of {@linkcode APPROVAL_KIND}. */
export type ApprovalKind = typeof APPROVAL_KIND[number];
/** What became of a question to a person. */
export const APPROVAL_STATUS = ["pending", "approved", "denied", "expired", "withdrawn"] as const;

/** What a tool server asks a person. */
export const PersonQuestion = z.object({
  message: z.string(),
  schema: z.record(z.string(), z.unknown()).optional().describe("JSON Schema of the answer, which goes in `arguments`"),
  url: z.string().optional().describe("To be visited instead"),
});
/** See {@linkcode PersonQuestion}. */
export type PersonQuestion = z.infer<typeof PersonQuestion>;

/** A question to a person, as shown. */
export const Approval = z.object({
  tool_call_id: z.string(),
  run_id: z.string(),
  kind: z.enum(APPROVAL_KIND),
  status: z.enum(APPROVAL_STATUS),
  tool: z.string(),
  arguments: z.record(z.string(), z.unknown()),
  reason: z.string(),
  question: PersonQuestion.nullable(),
  user_id: z.string().nullable(),
  decider: z.enum(["user", "admin"]),
  decided_by: z.string().nullable(),
  decided_at: z.string().nullable(),
  expires_at: z.string(),
  created_at: z.string(),
}).meta({ id: "Approval" });
/** See {@linkcode Approval}. */
export type Approval = z.infer<typeof Approval>;

/** A step of a run, with its tool calls. */
export const Step = z.object({
  id: z.string(),
  run_id: z.string(),
  position: z.number().int(),
  kind: z.enum(STEP_KIND),
  status: z.enum(STEP_STATUS),
  attempt: z.number().int(),
  model: z.string().nullable(),
  usage: Usage.nullable(),
  error: RunError.nullable(),
  started_at: z.string(),
  ended_at: z.string().nullable(),
  tool_calls: z.array(ToolCall),
}).meta({ id: "Step" });
/** See {@linkcode Step}. */
export type Step = z.infer<typeof Step>;

/** An answer, collected. */
export const Answer = z.object({
  run_id: z.string(),
  conversation_id: z.string(),
  status: z.enum(RUN_STATUS),
  message: SpokenMessage.nullable(),
  usage: Usage,
  error: RunError.nullable(),
  finish_reason: z.enum(FINISH_REASON).optional(),
}).meta({ id: "Answer" });
/** See {@linkcode Answer}. */
export type Answer = z.infer<typeof Answer>;
