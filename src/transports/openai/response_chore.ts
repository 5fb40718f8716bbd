/**
 * A client's chore, such as a title for a chat, as a response.
 *
 * @module
 */
import { type Clock, toTime } from "../../kit/clock.ts";
import { createId } from "../../kit/id.ts";
import type { Item } from "../../operations/operation.ts";
import type { ResponseRequest } from "./response_request.ts";

/** What a plain call of the model takes of a request. */
export function toChoreInput({ input }: ResponseRequest) {
  const { agent_id, messages, options, response_format, user_id } = input;
  return { agent_id, messages, options, ...response_format && { response_format }, ...user_id && { user_id } };
}

/** The items of a plain call as the log of a run that nobody keeps. */
export async function* asRun(items: AsyncIterable<Item>, clock: Clock): AsyncGenerator<Item> {
  const run_id = createId("run");
  const step_id = createId("step");
  const item = (type: string, data: Record<string, unknown>): Item => ({
    type,
    data: JSON.stringify({ run_id, time: toTime(clock.now()), step_id, ...data }),
  });
  yield item("run.started", {});
  for await (const { type, data: json } of items) {
    const data = JSON.parse(json);
    if (type !== "model.completed") yield item(type, data);
    else {
      yield item("message.completed", data);
      yield item("run.completed", data);
    }
  }
}
