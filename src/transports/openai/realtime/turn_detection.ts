/**
 * How the server finds turns, in this protocol's words and in ours.
 *
 * @module
 */
import { z } from "zod";
import type { RtcMessage } from "../../../domain/rtc_event.ts";

/** How long a turn that seems unfinished is waited for. */
const EAGERNESS_MS = { low: 8000, medium: 4000, high: 2000, auto: 4000 } as const;
const MIN_IDLE_MS = 5000;
const MAX_IDLE_MS = 30_000;

const always = { create_response: z.boolean().nullish(), interrupt_response: z.boolean().nullish() };

function foreign(type: string) {
  return z.null(`Only "${type}" has it`).optional();
}

const ServerVad = z.object({
  ...always,
  type: z.literal("server_vad"),
  threshold: z.number().min(0).max(1).nullish(),
  prefix_padding_ms: z.number().int().min(0).max(2000).nullish(),
  silence_duration_ms: z.number().int().min(100).max(10_000).nullish(),
  idle_timeout_ms: z.number().int().min(MIN_IDLE_MS).max(MAX_IDLE_MS).nullish(),
  eagerness: foreign("semantic_vad"),
}).refine(({ idle_timeout_ms, create_response }) => create_response !== false || (idle_timeout_ms ?? null) === null, {
  path: ["idle_timeout_ms"],
  message: 'No response begins by itself while "create_response" is false',
});

const SemanticVad = z.object({
  ...always,
  type: z.literal("semantic_vad"),
  eagerness: z.enum(["low", "medium", "high", "auto"]).nullish(),
  threshold: foreign("server_vad"),
  prefix_padding_ms: foreign("server_vad"),
  silence_duration_ms: foreign("server_vad"),
  idle_timeout_ms: foreign("server_vad"),
});

/** As clients say it. What isn't said is as the agent and the settings have it. */
export const GivenTurns = z.discriminatedUnion("type", [ServerVad, SemanticVad]);

/** As it is in force; null: the client says where turns end. */
export type Turns = z.output<typeof GivenTurns> | null;

/** What holds until somebody says otherwise: the agent's own way. */
export const USUAL_TURNS: Turns = { type: "semantic_vad" };

/** Whether what the caller says is answered by itself. */
export function answersTurns(turns: Turns): boolean {
  return turns !== null && turns.create_response !== false;
}

/** What has to be said so that `turns` are in force. */
export function toListen(turns: Turns): RtcMessage {
  if (turns === null) return { type: "listen", turns: "by_hand" };
  const interrupts = turns.interrupt_response === false ? false : null;
  return { type: "listen", turns: "found", ...named({ ...toDetection(turns), interrupts }) };
}

/** `turns` as they are told. What nobody named is the agent's and the settings', and not told. */
export function toTurnsView(turns: Turns) {
  return turns && { create_response: true, interrupt_response: true, ...named(turns) };
}

function toDetection(turns: NonNullable<Turns>) {
  if (turns.type === "server_vad") {
    return {
      turn_detection: "silence" as const,
      end_ms: turns.silence_duration_ms,
      threshold: turns.threshold,
      preroll_ms: turns.prefix_padding_ms,
      idle_ms: turns.idle_timeout_ms,
    };
  }
  return turns.eagerness && { turn_detection: "semantic" as const, max_end_ms: EAGERNESS_MS[turns.eagerness] };
}

/** `fields` without those that nobody named. */
function named<T extends object>(fields: T) {
  const entries = Object.entries(fields).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: NonNullable<T[K]> };
}
