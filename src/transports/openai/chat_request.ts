/**
 * A request for a chat completion as the input of an operation.
 *
 * @module
 */
import { z } from "zod";
import { parse } from "./errors.ts";
import { toMessages } from "./messages.ts";
import { checkDialect, ignoredHeader, ignoredIn, toAgentId, toMetadata, toParameters } from "./parameters.ts";
import { toResponseFormat, toToolOptions } from "./tools.ts";
import type { Circumstances } from "./visit.ts";

/** Fields of ours and OpenAI's that are read here. */
const KNOWN = ["messages", "tools", "tool_choice", "response_format"];

/** Fields of responses, and where what they say belongs here. */
const OTHERS = {
  input: "messages",
  instructions: "a message of the system",
  text: "response_format",
  previous_response_id: "messages",
  prompt: "messages",
  max_tool_calls: "the agent",
  background: "a response",
};

const Delivery = z.object({
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  store: z.boolean().nullish(),
});

/** What is asked, of the model and of this door. */
export interface ChatRequest {
  /** What a plain call of the model takes. */
  input: { agent_id: string; messages: ReturnType<typeof toMessages>; [field: string]: unknown };
  /** What a run takes besides. */
  run: Record<string, unknown>;
  stream: boolean;
  include_usage: boolean;
  /** Headers that the answer carries. */
  headers: Record<string, string>;
}

/** Reads the body of a request. */
export function toChatRequest(body: Record<string, unknown>, { user_id, conversation }: Circumstances): ChatRequest {
  checkDialect(body, OTHERS);
  const { stream, stream_options, store } = parse(Delivery, body);
  const response_format = toResponseFormat(body.response_format, "response_format");
  return {
    input: {
      agent_id: toAgentId(body),
      messages: toMessages(body.messages, { alone: conversation === undefined }),
      options: { ...toParameters(body), ...toToolOptions(body) },
      ...user_id !== undefined && { user_id },
      ...response_format && { response_format },
    },
    run: {
      metadata: toMetadata(body),
      // A pinned conversation is meant to last.
      store: store === true || conversation !== undefined,
      on_disconnect: "cancel",
      ...conversation !== undefined && { conversation },
    },
    stream: stream ?? false,
    include_usage: stream_options?.include_usage ?? false,
    headers: ignoredHeader(ignoredIn(body, KNOWN)),
  };
}
