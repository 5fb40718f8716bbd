/**
 * The choice of a chat completion that is not streamed.
 *
 * @module
 */
import type { ChatSaid } from "./chat_said.ts";
import { type Ended, toAnnotations, toFinishReason, toToolCalls } from "./spoken.ts";

/** The choice of an answer that came to its end. */
export function toChoice(ended: Ended, { reasoning }: ChatSaid) {
  const { message } = ended;
  const calls = toToolCalls(message?.tool_calls ?? []);
  const annotations = toAnnotations(message?.citations ?? []);
  const content = message?.content ?? "";
  return {
    index: 0,
    message: {
      role: "assistant",
      content: content === "" && calls.length > 0 ? null : content,
      refusal: null,
      ...reasoning !== "" && { reasoning_content: reasoning },
      ...annotations.length > 0 && { annotations },
      ...calls.length > 0 && { tool_calls: calls },
    },
    logprobs: null,
    finish_reason: toFinishReason(ended),
  };
}

/**
 * The choice of an answer that broke off. OpenAI's clients read the first choice without looking further, so that there
 * is one, and its reason is none that a whole answer ends with. `whole`: half of it is of no use, as of JSON.
 */
export function toBrokenChoice({ text, reasoning }: ChatSaid, { whole }: { whole: boolean }) {
  return {
    index: 0,
    message: {
      role: "assistant",
      content: whole || text === "" ? null : text,
      refusal: null,
      ...reasoning !== "" && { reasoning_content: reasoning },
    },
    logprobs: null,
    finish_reason: "error",
  };
}
