/**
 * What tool servers may ask of people and models, as their definitions say.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { McpServer } from "../../domain/mcp_server.ts";
import type {
  Elicitation,
  ElicitationAnswer,
  McpHandlers,
  SamplingAnswer,
  SamplingRequest,
} from "../../ports/mcp_client.ts";
import { Recent } from "../identity/recent.ts";

/** In which call a server asks, and until when. */
export interface AskedIn {
  server: string;
  tool_call_id: string;
  signal: AbortSignal;
  /** Who has to answer, where that is not left to the agent. */
  decider?: "user" | "admin";
}

/** What {@linkcode Asking} needs. */
export interface AskingDeps {
  /** Puts a question to the person for whom the call is made. */
  askPerson(question: Elicitation, asked: AskedIn): Promise<ElicitationAnswer>;
  /** Lets the model of the agent that makes the call answer. */
  askModel(request: SamplingRequest, asked: AskedIn): Promise<SamplingAnswer>;
}

/** How often a server may ask in one call, and of how many calls of each server that is counted. */
const MAX_QUESTIONS = 50;
const MAX_CALLS = 10_000;

/** Answers what servers ask. */
export class Asking {
  readonly #deps: AskingDeps;

  constructor(deps: AskingDeps) {
    this.#deps = deps;
  }

  /** The answers for one server. */
  of({ name: server, elicitation, sampling }: McpServer): Pick<McpHandlers, "elicit" | "sample"> {
    const asked = new Recent<number>(MAX_CALLS);
    const isTooMuch = (call: string) => {
      const times = (asked.get(call) ?? 0) + 1;
      asked.set(call, times);
      return times > MAX_QUESTIONS;
    };
    return {
      elicit: async (question, { signal, tool_call_id }) => {
        // Without a call there is nobody whom it could concern.
        if (elicitation === "decline" || tool_call_id === undefined || isTooMuch(tool_call_id)) {
          return { action: "decline" };
        }
        return await this.#deps.askPerson(question, { server, tool_call_id, signal });
      },
      sample: async (request, { signal, tool_call_id }) => {
        const refuse = (why: string) => new AppError("ForbiddenError", `Cannot use a model: ${why}`);
        if (sampling === "deny") throw refuse(`the definition of tool server "${server}" does not allow it`);
        if (tool_call_id === undefined) throw refuse("models are there for servers while one of their tools is called");
        if (isTooMuch(tool_call_id)) throw refuse(`it asks too often in one call: want ${MAX_QUESTIONS} times at most`);
        const asked = { server, tool_call_id, signal };
        if (sampling === "ask") {
          const { action } = await this.#deps.askPerson(toQuestion(server, request), asked);
          if (action !== "accept") throw refuse("a person said no");
        }
        return await this.#deps.askModel(request, asked);
      },
    };
  }
}

/** The most of a request that a person is shown. */
const MAX_SHOWN = 2000;

function toQuestion(server: string, { messages, max_tokens }: SamplingRequest): Elicitation {
  const texts = messages.flatMap(({ role, content }) => {
    return content.map((part) => part.type === "text" ? `${role}: ${part.text}` : `${role}: (${part.type})`);
  });
  const shown = texts.join("\n").slice(0, MAX_SHOWN);
  return {
    message: `Tool server "${server}" wants to use the agent's model, for up to ${max_tokens} tokens:\n${shown}`,
    schema: { type: "object", properties: {} },
  };
}
