/**
 * Requests whose answer is a question (`input_required`), asked again with our answers.
 *
 * @module
 */
import { type Clock, sleep } from "../../kit/clock.ts";
import type { DirectRequests, RequestOptions } from "./direct_requests.ts";
import { MAX_ROUNDS } from "./limits.ts";
import type { Questions } from "./questions.ts";
import { AnswerMalformed } from "./request_errors.ts";
import { type Fields, toFields } from "./shape.ts";

/** How long we wait where the server says only: ask again. */
const PAUSE_MS = 250;

/** Parts of {@linkcode requestInRounds}. */
export interface RoundsDeps {
  direct: DirectRequests;
  questions: Questions;
  clock: Clock;
}

/** What is asked for. */
export interface RoundsRequest {
  method: string;
  params: Fields;
  options: RequestOptions;
}

/** Sends a request, answers what comes back as questions, and gives the result at last. */
export async function requestInRounds(
  { direct, questions, clock }: RoundsDeps,
  { method, params, options }: RoundsRequest,
): Promise<unknown> {
  let result = await direct.request(method, params, options);
  for (let round = 1; asksForInput(result); round++) {
    if (round > MAX_ROUNDS) throw new AnswerMalformed(`It still asks for input after ${MAX_ROUNDS} rounds`);
    const { inputRequests, requestState } = result;
    const inputs = Object.entries(toFields(inputRequests ?? {}, "inputRequests"));
    // One that can't be answered makes the others useless.
    const stop = new AbortController();
    const signal = AbortSignal.any([options.signal, stop.signal]);
    const { tool_call_id } = options;
    const asked = { signal, ...tool_call_id !== undefined && { tool_call_id } };
    const answers = await Promise.all(inputs.map(async ([key, input]) => {
      const { method, params } = toFields(input, "inputRequest");
      return [key, await questions(String(method), params, asked)];
    })).catch((error) => {
      stop.abort(error);
      throw error;
    });
    if (inputs.length === 0) await sleep(clock, PAUSE_MS, options.signal);
    result = await direct.request(method, {
      ...params,
      ...inputs.length > 0 && { inputResponses: Object.fromEntries(answers) },
      ...requestState !== undefined && { requestState },
    }, options);
  }
  return result;
}

function asksForInput(result: unknown): result is Fields {
  const type = (result as Fields | null)?.resultType;
  if (type === "input_required") return true;
  // A task is an answer, whose state says what it asks.
  if (type === undefined || type === "complete" || type === "task") return false;
  throw new AnswerMalformed(`Its answer is of the kind ${JSON.stringify(type)}, which isn't known here`);
}
