/**
 * Ids as OpenAI's clients know them: each stands for a run.
 *
 * @module
 */

/** The id of a chat completion: `chatcmpl-X` of `run_X`. */
export function toCompletionId(run_id: string): string {
  return `chatcmpl-${run_id.slice(run_id.indexOf("_") + 1)}`;
}

/** The id of a response: `resp_X` of `run_X`. */
export function toResponseId(run_id: string): string {
  return `resp_${run_id.slice(run_id.indexOf("_") + 1)}`;
}

/** The run that `response_id` stands for; undefined for what was never one of our ids. */
export function fromResponseId(response_id: string): string | undefined {
  const [, rest] = /^resp_([0-9a-z]+)$/.exec(response_id) ?? [];
  return rest === undefined ? undefined : `run_${rest}`;
}

/** A time of ours as OpenAI writes it, in seconds since 1970. */
export function toSeconds(time: string): number {
  return Math.floor(Date.parse(time) / 1000);
}
