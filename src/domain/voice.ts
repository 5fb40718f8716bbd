/**
 * How an agent speaks and listens.
 *
 * @module
 */
import { z } from "zod";

/** A language tag (BCP 47), such as `en` or `pt-BR`. */
export const Language = z.string().regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/).max(35)
  .describe("A language tag (BCP 47)");

/** Who decides that the caller has finished: silence alone, or what was said as well. */
export const TurnDetection = z.enum(["semantic", "silence"]);

/** How turns are found in a call. What is absent is as the agent and the settings have it. Times are milliseconds. */
export const TurnDetectionOptions = z.strictObject({
  turn_detection: TurnDetection.optional(),
  /** How much silence ends a turn, and one that seems unfinished. */
  end_ms: z.number().int().min(100).max(10_000).optional(),
  max_end_ms: z.number().int().min(100).max(30_000).optional(),
  /** How loud speech is at least: 0.5 is what the settings say, each tenth more are 4 dB. */
  threshold: z.number().min(0).max(1).optional(),
  /** How much sound before the first speech belongs to it. */
  preroll_ms: z.number().int().min(0).max(2000).optional(),
  /** Whether speech interrupts an answer. */
  interrupts: z.boolean().optional(),
  /** After how much silence the agent goes on by itself when it was heard to the end; absent: it waits. */
  idle_ms: z.number().int().min(1000).max(600_000).optional(),
});
/** See {@linkcode TurnDetectionOptions}. */
export type TurnDetectionOptions = z.infer<typeof TurnDetectionOptions>;

/** An agent's voice. What is absent is as the settings have it. */
export const Voice = z.strictObject({
  language: Language.optional(),
  voice: z.string().min(1).max(100).optional().describe("The speech engine's name of the voice"),
  speed: z.number().min(0.25).max(4).optional(),
  turn_detection: TurnDetection.optional(),
  upstream: z.boolean().optional()
    .describe(
      "Whether speech.realtime hears, thinks and speaks, in place of the engines of speech and the agent's model",
    ),
  greeting: z.string().max(2000).optional().describe("Said when a call begins"),
}).meta({ id: "Voice" });
/** See {@linkcode Voice}. */
export type Voice = z.infer<typeof Voice>;
