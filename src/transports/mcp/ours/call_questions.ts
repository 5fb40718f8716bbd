/**
 * What is asked in the middle of a tool's call, as questions to the client that made it.
 *
 * @module
 */
import { type ElicitRequestFormParams, type InputRequest, inputRequired } from "@modelcontextprotocol/server";
import type { CanAnswer, DirectQuestion, DirectReply } from "../../../domain/direct_question.ts";
import type { ToolContent } from "../../../domain/tool.ts";
import type { Ask } from "../catalog.ts";
import { toContent } from "./content.ts";
import { canBeAsked } from "./decisions.ts";
import { serverOf } from "./upstream_offers.ts";

/** The most characters of a client's model that are taken. */
const MAX_SAID = 1_000_000;
const MAX_MODEL = 200;

/** What a client declares that it can answer. */
export function answersOf(ask: Pick<Ask, "client">): CanAnswer[] {
  const { elicitation, sampling } = ask.client;
  return [
    ...canBeAsked(ask) ? ["form" as const] : [],
    ...elicitation?.url ? ["url" as const] : [],
    ...sampling ? ["model" as const] : [],
  ];
}

/** A question in the protocol's shape. */
export function toInputRequest({ kind, tool, message, schema, url, request }: DirectQuestion): InputRequest {
  if (kind === "model") {
    const { system_prompt, messages, max_tokens } = request!;
    return inputRequired.createMessage({
      messages: messages.map(({ role, content }) => ({ role, content: toSpoken(tool, content) })),
      maxTokens: max_tokens,
      ...system_prompt !== undefined && { systemPrompt: system_prompt },
    });
  }
  // Nobody is to take a server's words for ours.
  const said = kind === "approval" ? message : `The tool server "${serverOf(tool)}" asks: ${message}`;
  if (kind === "url") return inputRequired.elicitUrl({ message: said, url: url! });
  return inputRequired.elicit({ mode: "form", message: said, requestedSchema: schema } as ElicitRequestFormParams);
}

/** What a client answered. Undefined where it is no answer. */
export function toReply(answer: unknown, { kind }: DirectQuestion): DirectReply | undefined {
  const { action, content, model, stopReason } = (answer ?? {}) as Record<string, unknown>;
  if (kind === "model") {
    const text = textOf(content);
    if (text === undefined) return undefined;
    return {
      action: "accept",
      said: {
        model: String(model ?? "").slice(0, MAX_MODEL),
        text: text.slice(0, MAX_SAID),
        stop_reason: stopReason === "maxTokens" || stopReason === "stopSequence" ? stopReason : "endTurn",
      },
    };
  }
  if (action !== "accept" && action !== "decline" && action !== "cancel") return undefined;
  return { action, ...isFields(content) && { content } };
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What a server says to a model: words, pictures and sounds. */
function toSpoken(tool: string, content: readonly ToolContent[]) {
  const parts = content
    .filter(({ type }) => type === "text" || type === "image" || type === "audio")
    .map((part) => toContent(serverOf(tool), part) as { type: "text"; text: string });
  const [only] = parts;
  // Older clients know no lists.
  return parts.length === 1 ? only! : parts;
}

function textOf(content: unknown): string | undefined {
  const parts = (Array.isArray(content) ? content : [content]) as ({ type?: unknown; text?: unknown } | null)[];
  const texts = parts.filter((part) => part?.type === "text" && typeof part.text === "string");
  return texts.length === 0 ? undefined : texts.map((part) => part!.text).join("\n");
}
