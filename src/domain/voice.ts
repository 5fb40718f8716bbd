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
