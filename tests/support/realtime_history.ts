/**
 * What is said in a translated call, and how its client changes that.
 *
 * @module
 */
import { NO_USAGE } from "../../src/domain/usage.ts";
import type { DialectTalk } from "./realtime_dialect.ts";

/** What the caller says in turn number `n` of the call. */
export function speak(talk: DialectTalk, n: number, text = "what time is it"): void {
  const turn = { turn_id: `turn_${n}` };
  talk.hear("speech.started", { ...turn, at_ms: 900 });
  talk.hear("speech.stopped", { ...turn, at_ms: 2100 });
  talk.hear("transcript.final", { ...turn, text, language: "en" });
}

/** The answer number `n` begins: message `msg_n` of step `step_n`. */
export function beginAnswer(talk: DialectTalk, n: number, text = "It is noon."): void {
  talk.run("run.started", {}, `run_${n}`);
  talk.run("model.delta", { step_id: `step_${n}`, text }, `run_${n}`);
}

/** It is whole. */
export function endAnswer(talk: DialectTalk, n: number, content = "It is noon."): void {
  const message = { id: `msg_${n}`, role: "assistant", content };
  talk.run("message.completed", { step_id: `step_${n}`, message }, `run_${n}`);
  talk.run("run.completed", { message, usage: NO_USAGE, finish_reason: "stop" }, `run_${n}`);
}

/** The caller says something, and it is answered. */
export function exchange(talk: DialectTalk, n: number): void {
  speak(talk, n);
  beginAnswer(talk, n);
  endAnswer(talk, n);
}

/** The client makes the item `id`. */
export const create = (id: string, text: string, more: Record<string, unknown> = {}) => ({
  type: "conversation.item.create",
  item: { type: "message", id, role: "user", content: [{ type: "input_text", text }] },
  ...more,
});

/** The client deletes the item. */
export const remove = (item_id: string) => ({ type: "conversation.item.delete", item_id });
