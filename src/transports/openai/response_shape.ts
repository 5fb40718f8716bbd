/**
 * Responses, their items and their events as OpenAI's API has them.
 *
 * @module
 */

/** Where a response can be. */
export type ResponseStatus = "queued" | "in_progress" | "completed" | "incomplete" | "failed" | "cancelled";

/** Where an item can be. */
export type ItemStatus = "in_progress" | "completed" | "incomplete";

/** Where a text has something from. */
export interface Annotation {
  type: "url_citation";
  url: string;
  title: string;
  start_index: number;
  end_index: number;
}

/** A part of a message, or of its reasoning. */
export type ContentPart =
  | { type: "output_text"; text: string; annotations: Annotation[]; logprobs: [] }
  | { type: "reasoning_text"; text: string };

/** What an agent said, thought, or wants the caller to call. */
export type OutputItem =
  | { id: string; type: "message"; status: ItemStatus; role: "assistant"; content: ContentPart[] }
  | { id: string; type: "reasoning"; status: ItemStatus; summary: []; content: ContentPart[] }
  | { id: string; type: "function_call"; status: ItemStatus; call_id: string; name: string; arguments: string };

/** What a response used. */
export interface ResponseUsage {
  input_tokens: number;
  input_tokens_details: { cached_tokens: number; cache_write_tokens: number };
  output_tokens: number;
  output_tokens_details: { reasoning_tokens: number };
  total_tokens: number;
}

/** What changes in a response while it is made; the rest stands fast from its beginning. */
export interface ResponseState {
  id: string;
  created_at: number;
  status: ResponseStatus;
  completed_at: number | null;
  error: { code: string; message: string; type: string; param: null } | null;
  incomplete_details: { reason: "max_output_tokens" | "content_filter" } | null;
  output: OutputItem[];
  usage: ResponseUsage | null;
}

/** A response. What it repeats of its request is in `response_facts.ts`. */
export type ResponseObject = ResponseState & { object: "response" } & Record<string, unknown>;

/** An event of a stream, before it is numbered. */
export type ResponseEvent = { type: `response.${string}` } & Record<string, unknown>;
