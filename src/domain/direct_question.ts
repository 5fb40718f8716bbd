/**
 * What is asked of whoever called a tool directly, in the middle of the call.
 *
 * @module
 */
import { z } from "zod";
import { ToolContent } from "./tool.ts";

/** What a caller can answer: a form, an address to visit, a request for a model. */
export const CAN_ANSWER = ["form", "url", "model"] as const;
/** One of {@linkcode CAN_ANSWER}. */
export type CanAnswer = typeof CAN_ANSWER[number];

/** A question. */
export const DirectQuestion = z.object({
  question_id: z.string(),
  tool_call_id: z.string(),
  tool: z.string(),
  kind: z.enum(["approval", ...CAN_ANSWER]).describe("approval: ours, before the call, as a form; else its server's"),
  message: z.string(),
  schema: z.record(z.string(), z.unknown()).optional().describe("JSON Schema of the answer"),
  url: z.string().optional().describe("To be visited instead"),
  request: z.object({
    system_prompt: z.string().optional(),
    messages: z.array(z.object({ role: z.enum(["user", "assistant"]), content: z.array(ToolContent) })),
    max_tokens: z.number(),
  }).optional().describe("For a model"),
  expires_at: z.string(),
}).meta({ id: "DirectQuestion" });
/** See {@linkcode DirectQuestion}. */
export type DirectQuestion = z.infer<typeof DirectQuestion>;

/** An answer. */
export const DirectReply = z.object({
  action: z.enum(["accept", "decline", "cancel"]).describe("decline: a person said no; cancel: nobody said anything"),
  content: z.record(z.string(), z.unknown()).optional().describe("What a form asks for"),
  said: z.object({
    model: z.string().max(200),
    text: z.string(),
    stop_reason: z.enum(["endTurn", "maxTokens", "stopSequence"]).default("endTurn"),
  }).optional().describe("What a model said"),
});
/** See {@linkcode DirectReply}. */
export type DirectReply = z.infer<typeof DirectReply>;
