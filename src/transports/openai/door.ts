/**
 * What the routes of the OpenAI door share.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { Clock } from "../../kit/clock.ts";
import type { Log } from "../../kit/log.ts";
import type { AssertedUserOptions } from "../asserted_user.ts";
import type { Arrival, HttpContext } from "../request.ts";
import type { EventStreams } from "../streams.ts";
import type { ReadJson } from "./body.ts";
import { toOpenAiResponse } from "./errors.ts";

/** What this door needs from the others and from the settings. */
export interface OpenAiDeps extends AssertedUserOptions {
  streams: EventStreams;
  readJson: ReadJson;
  clock: Clock;
  log: Log;
  /** How long a caller that can't stream is kept waiting, in milliseconds. */
  collectMs(): number;
}

/** The paths of a route: below `/v1`, as OpenAI's clients ask, and below `/api/v1`, as everything of ours. */
export function pathsOf(path: string): string[] {
  return [`/v1${path}`, `/api/v1${path}`];
}

/** Answers with what `handler` makes, in OpenAI's words also when it fails. */
export function answering(
  { log }: Pick<OpenAiDeps, "log">,
  handler: (c: HttpContext) => Promise<Response>,
): (c: HttpContext) => Promise<Response> {
  return async (c) => {
    let response: Response;
    try {
      response = await handler(c);
    } catch (thrown) {
      const error = AppError.from(thrown);
      // What is an `AppError` already was noted where it came from.
      if (error !== thrown) log.error("Request failed", { request_id: c.env.arrival.request_id, error: thrown });
      response = toOpenAiResponse(error);
    }
    setHeaders(response.headers, c.env.arrival);
    return response;
  };
}

function setHeaders(headers: Headers, { at, limits }: Arrival): void {
  headers.set("openai-processing-ms", String(Math.round(performance.now() - at)));
  if (!limits) return;
  headers.set("x-ratelimit-limit-requests", String(limits.limit));
  headers.set("x-ratelimit-remaining-requests", String(limits.remaining));
  headers.set("x-ratelimit-reset-requests", `${limits.reset_seconds}s`);
}
