/**
 * Prompts of tool servers: texts that people begin with.
 *
 * @module
 */
import { z } from "zod";
import { ToolContent } from "./tool.ts";

/** A prompt that can be filled in. */
export const Prompt = z.object({
  name: z.string().describe("server__prompt"),
  own_name: z.string().describe("What its server calls it"),
  server: z.string().describe("Whose it is"),
  title: z.string().optional(),
  description: z.string().optional(),
  arguments: z.array(z.object({
    name: z.string(),
    description: z.string().optional(),
    required: z.boolean(),
  })),
}).meta({ id: "Prompt" });
/** See {@linkcode Prompt}. */
export type Prompt = z.infer<typeof Prompt>;

/** A prompt, filled in. */
export const FilledPrompt = z.object({
  description: z.string().optional(),
  messages: z.array(z.object({ role: z.enum(["user", "assistant"]), content: ToolContent })),
}).meta({ id: "FilledPrompt" });
/** See {@linkcode FilledPrompt}. */
export type FilledPrompt = z.infer<typeof FilledPrompt>;
