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

/** Why nobody was asked, or nobody answered. */
export interface Unasked {
  unasked: string;
}

/** What {@linkcode Asking} needs. */
export interface AskingDeps {
  /** Puts a question to the person for whom the call is made. */
  askPerson(question: Elicitation, asked: AskedIn): Promise<ElicitationAnswer | Unasked>;
  /** Notes why nobody was asked, for whoever looks after the server or one of the calls it could be for. */
  noteUnasked(server: string, note: { words: string; tool_call_ids: readonly string[] }): Promise<void>;
  /** Lets the model of the agent that makes the call answer. */
  askModel(request: SamplingRequest, asked: AskedIn): Promise<SamplingAnswer>;
}

/** How often a server may ask in one call, and of how many calls of each server that is counted, and noted. */
const MAX_QUESTIONS = 50;
const MAX_CALLS = 10_000;

/** Stands for the call of what is asked in none. */
const OUTSIDE = "";

const NO_CALL = "no call of its tools is under way";
const SEVERAL_CALLS =
  "the server doesn't say in which call it asks, and more than one comes into question, under way or just given up";
const TOO_OFTEN = `it asks too often in one call: want ${MAX_QUESTIONS} times at most`;
const TOO_OFTEN_OUTSIDE = `it asks outside of calls, and more than ${MAX_QUESTIONS} times by now`;

/** Answers what servers ask. */
export class Asking {
  readonly #deps: AskingDeps;

  constructor(deps: AskingDeps) {
    this.#deps = deps;
  }

  /** The answers for one server. */
  of({ name: server, elicitation, sampling }: McpServer): Pick<McpHandlers, "elicit" | "sample"> {
    const asked = new Recent<number>(MAX_CALLS);
    const noted = new Recent<true>(MAX_CALLS);
    const isTooMuch = (call: string) => {
      const times = (asked.get(call) ?? 0) + 1;
      asked.set(call, times);
      return times > MAX_QUESTIONS;
    };
    const isNews = (why: string, call: string) => {
      const name = `${call} ${why}`;
      if (noted.get(name)) return false;
      noted.set(name, true);
      return true;
    };
    const nobody = async (why: string, calls: readonly string[]) => {
      const words = `Nobody was asked what tool server "${server}" wants to know: ${why}`;
      // A server may ask without end: what it is told each time is written down once.
      const fresh = calls.filter((call) => isNews(why, call));
      const tool_call_ids = fresh.filter((call) => call !== OUTSIDE);
      if (fresh.length > 0) await this.#deps.noteUnasked(server, { words, tool_call_ids });
      // Declining is what a person does.
      return { action: "cancel" } as const;
    };
    return {
      elicit: async (question, { signal, tool_call_id, among = [] }) => {
        if (elicitation === "decline") return { action: "decline" };
        if (tool_call_id === undefined && among.length > 0) return await nobody(SEVERAL_CALLS, among);
        if (tool_call_id === undefined) {
          return await nobody(isTooMuch(OUTSIDE) ? TOO_OFTEN_OUTSIDE : NO_CALL, [OUTSIDE]);
        }
        if (isTooMuch(tool_call_id)) return await nobody(TOO_OFTEN, [tool_call_id]);
        const answer = await this.#deps.askPerson(question, { server, tool_call_id, signal });
        return "unasked" in answer ? await nobody(answer.unasked, [tool_call_id]) : answer;
      },
      sample: async (request, { signal, tool_call_id, among = [] }) => {
        const refuse = (why: string) => new AppError("ForbiddenError", `Cannot use a model: ${why}`);
        if (sampling === "deny") throw refuse(`the definition of tool server "${server}" does not allow it`);
        if (tool_call_id === undefined) throw refuse(among.length === 0 ? NO_CALL : SEVERAL_CALLS);
        if (isTooMuch(tool_call_id)) throw refuse(TOO_OFTEN);
        const asked = { server, tool_call_id, signal };
        if (sampling === "ask") {
          const answer = await this.#deps.askPerson(toQuestion(server, request), asked);
          if ("unasked" in answer) throw refuse(answer.unasked);
          if (answer.action !== "accept") throw refuse("a person said no");
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
