/**
 * What a request for a response asks of an agent.
 *
 * @module
 */
import { z } from "zod";
import type { GivenMessage } from "../../domain/message.ts";
import type { RunOptions } from "../../domain/run.ts";
import { invalid, parse, unsupported } from "./errors.ts";
import { fromResponseId } from "./ids.ts";
import { checkDialect, ignoredIn, toAgentId, toMetadata, toParameters } from "./parameters.ts";
import { KEPT, type Kept, type ShownRun } from "./response_facts.ts";
import { toMessages } from "./response_input.ts";
import { toResponseFormat, toToolOptions } from "./tools.ts";
import type { Circumstances } from "./visit.ts";

/** What can be included without anything to do: it is part of every answer, or no answer has what it belongs to. */
const INCLUDABLE = [
  "code_interpreter_call.outputs",
  "computer_call_output.output.image_url",
  "file_search_call.results",
  "message.input_image.image_url",
  "reasoning.encrypted_content",
  "web_search_call.action.sources",
  "web_search_call.results",
];

const Include = z.array(z.string()).nullish();
const Body = z.object({
  instructions: z.string().nullish(),
  previous_response_id: z.string().nullish(),
  conversation: z.union([z.string(), z.object({ id: z.string() })], "expected an id").nullish(),
  store: z.boolean().nullish(),
  stream: z.boolean().nullish(),
  background: z.boolean().nullish(),
  text: z.looseObject({ format: z.unknown().optional() }).nullish(),
  truncation: z.enum(["auto", "disabled"]).nullish(),
});
const KNOWN = [...Object.keys(Body.shape), "input", "include", "tools", "tool_choice", "max_tool_calls", "prompt"];

/** Fields of chat completions, and where what they say belongs here. */
const OTHERS = { messages: "input", response_format: "text.format" };

/** A request for a response, as the operation takes it. */
export interface ResponseRequest {
  stream: boolean;
  background: boolean;
  input: {
    agent_id: string;
    messages: GivenMessage[];
    options: RunOptions;
    user_id?: string;
    conversation?: string;
    after_run_id?: string;
    store: boolean;
    on_disconnect: ShownRun["on_disconnect"];
    metadata: Record<string, unknown>;
    response_format?: NonNullable<ShownRun["response_format"]>;
  };
  /** Fields that nobody reads. */
  ignored: string[];
}

/** Reads a request's body. */
export function toResponseRequest(body: Record<string, unknown>, circumstances: Circumstances): ResponseRequest {
  checkDialect(body, OTHERS);
  checkInclude(body.include);
  checkUnsupported(body);
  const { store: wanted, previous_response_id, background: behind, ...given } = parse(Body, body);
  const chore = circumstances.task !== undefined;
  const background = !chore && (behind ?? false);
  const store = !chore && (wanted ?? true);
  if (background && !store) {
    throw invalid('Cannot answer in the background: nobody could come back to it with "store": false', {
      param: "background",
      code: "unsupported_parameter",
    });
  }
  const place = toPlace(previous_response_id, given.conversation, circumstances);
  const alone = Object.keys(place).length === 0;
  const { messages, instructions } = split(toMessages(body.input, { alone }), given.instructions ?? "");
  const response_format = toResponseFormat(given.text?.format, "text.format");
  const kept: Kept = { store, previous_response_id: previous_response_id ?? null };
  const own = toMetadata(body);
  if (KEPT in own) throw invalid(`Cannot keep "${KEPT}": the name is taken`, { param: `metadata.${KEPT}` });
  return {
    stream: given.stream ?? false,
    background,
    input: {
      agent_id: toAgentId(body),
      messages,
      options: { ...toParameters(body), ...toToolOptions(body), ...instructions !== "" && { instructions } },
      ...circumstances.user_id !== undefined && { user_id: circumstances.user_id },
      ...place,
      store,
      on_disconnect: background ? "continue" : "cancel",
      metadata: { ...own, [KEPT]: kept },
      ...response_format && { response_format },
    },
    ignored: ignored(body, given),
  };
}

function ignored(body: Record<string, unknown>, { truncation, text }: z.output<typeof Body>): string[] {
  const known = KNOWN.filter((name) => name !== "truncation" || truncation !== "auto");
  const verbosity = text?.verbosity ?? undefined;
  return [...ignoredIn(body, known), ...verbosity === undefined ? [] : ["text.verbosity"]];
}

/** Refuses what an answer is to include and can't. */
export function checkInclude(include: unknown): void {
  for (const [i, name] of (parse(Include, include, "include") ?? []).entries()) {
    if (INCLUDABLE.includes(name)) continue;
    throw invalid(`Cannot include "${name.slice(0, 64)}": it is not known here`, {
      param: `include[${i}]`,
      code: "unsupported_value",
    });
  }
}

function checkUnsupported({ prompt, max_tool_calls }: Record<string, unknown>): void {
  if (prompt !== undefined && prompt !== null) throw unsupported("prompt", "an agent is its own template");
  if (max_tool_calls !== undefined && max_tool_calls !== null) {
    throw unsupported("max_tool_calls", "how often it uses its tools is said with the agent");
  }
}

/** What the system says first is for this answer only, like the instructions. */
function split(messages: GivenMessage[], instructions: string): { messages: GivenMessage[]; instructions: string } {
  const first = messages.findIndex(({ role }) => role !== "system");
  if (first <= 0) return { messages, instructions };
  const told = [instructions, ...messages.slice(0, first).map(({ content }) => content)];
  return { messages: messages.slice(first), instructions: told.filter((text) => text !== "").join("\n\n") };
}

/** Where the response belongs. What the body says is meant for this answer; a header comes with all of a client's. */
function toPlace(
  previous_response_id: string | null | undefined,
  given: z.output<typeof Body>["conversation"],
  { conversation: pinned, task }: Circumstances,
): { conversation?: string; after_run_id?: string } {
  const conversation = typeof given === "string" ? given : given?.id;
  if (typeof previous_response_id !== "string") {
    if (conversation !== undefined) return { conversation };
    // A chore of the client's own is no part of the chat.
    return pinned === undefined || task !== undefined ? {} : { conversation: pinned };
  }
  if (conversation !== undefined) {
    throw invalid('Cannot use "previous_response_id" together with "conversation"', { param: "previous_response_id" });
  }
  const after_run_id = fromResponseId(previous_response_id);
  if (after_run_id === undefined) throw noPrevious(previous_response_id);
  return { after_run_id };
}

/** Says that there is nothing to go on behind. */
export function noPrevious(previous_response_id: string): Error {
  return invalid(`Cannot go on behind response "${previous_response_id.slice(0, 100)}": it can't be found`, {
    param: "previous_response_id",
    code: "previous_response_not_found",
  });
}
