/**
 * What a server asks of us: a person's input, or a model.
 *
 * @module
 */
import type {
  AskedOptions,
  Elicitation,
  ElicitationAnswer,
  McpHandlers,
  SamplingAnswer,
  SamplingRequest,
} from "../../ports/mcp_client.ts";
import { toContent } from "./content.ts";
import { MAX_ADDRESS, MAX_FORM, MAX_QUESTION } from "./limits.ts";
import { RequestRefused } from "./request_errors.ts";
import { isLoopback } from "./server_fetch.ts";
import { type Fields, toFields, toList, toText } from "./shape.ts";
import type { Silence } from "./silence.ts";

/** Parts of {@linkcode createQuestions}. */
export interface QuestionsDeps {
  handlers: Pick<McpHandlers, "elicit" | "sample">;
  silence: Silence;
}

/** Answers a question of the server, by its method, in the protocol's own shape. */
export type Questions = (method: string, params: unknown, options: AskedOptions) => Promise<Fields>;

/** Builds {@linkcode Questions}. The times they take don't count as the server's. */
export function createQuestions({ handlers, silence }: QuestionsDeps): Questions {
  const answer = async (method: string, params: unknown, options: AskedOptions) => {
    if (method === "elicitation/create") {
      const question = toElicitation(params);
      return fromElicitation(await handlers.elicit(question, options), question);
    }
    if (method === "sampling/createMessage") return fromSampling(await handlers.sample(toSampling(params), options));
    throw new RequestRefused(-32601, `MUXI doesn't answer "${method}"`);
  };
  return (method, params, options) => silence.during(() => answer(method, params, options));
}

function toElicitation(params: unknown): Elicitation {
  const { message, url, requestedSchema } = toFields(params, "question");
  const said = toText(message, "question's message");
  return {
    message: said.length > MAX_QUESTION ? `${said.slice(0, MAX_QUESTION)}…` : said,
    ...typeof url === "string" ? { url: toAddress(url) } : { schema: toForm(requestedSchema) },
  };
}

/** An address that a person may be sent to, in letters that show which host it is. */
function toAddress(text: string): string {
  const url = text.length > MAX_ADDRESS ? null : URL.parse(text);
  const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && isLoopback(url));
  if (url && isSafe && url.username === "" && url.password === "") return url.href;
  throw new RequestRefused(
    -32602,
    "MUXI sends nobody to this address: expected https, a host, and no name or password",
  );
}

function toForm(schema: unknown): Fields {
  const form = toFields(schema, "question's requestedSchema");
  if (JSON.stringify(form).length <= MAX_FORM) return form;
  throw new RequestRefused(-32602, `The form is larger than ${MAX_FORM} characters`);
}

function fromElicitation({ action, content }: ElicitationAnswer, { schema }: Elicitation): Fields {
  return action === "accept" && schema ? { action, content: withDefaults(content ?? {}, schema) } : { action };
}

/** Fills in what wasn't answered and has a default. */
function withDefaults(content: Fields, { properties }: Fields): Fields {
  const filled = { ...content };
  for (const [name, property] of Object.entries(properties as Record<string, Fields> ?? {})) {
    if (filled[name] === undefined && property?.default !== undefined) filled[name] = property.default;
  }
  return filled;
}

function toSampling(params: unknown): SamplingRequest {
  const { systemPrompt, messages, maxTokens } = toFields(params, "request for a model");
  return {
    ...typeof systemPrompt === "string" && { system_prompt: systemPrompt },
    max_tokens: typeof maxTokens === "number" ? maxTokens : 1024,
    messages: toList(messages, "messages").map((one) => {
      const { role, content } = toFields(one, "message");
      return {
        role: role === "assistant" ? "assistant" : "user",
        content: (Array.isArray(content) ? content : [content]).map(toContent),
      };
    }),
  };
}

function fromSampling({ model, text, stop_reason }: SamplingAnswer): Fields {
  return { model, role: "assistant", content: { type: "text", text }, stopReason: stop_reason };
}
