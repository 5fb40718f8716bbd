/**
 * What each event of a run means.
 *
 * @module
 */
import type { EventType } from "../../../domain/event.ts";

/** One sentence for each type; the compiler misses none. */
export const EVENT_TEXT: Readonly<Record<EventType, string>> = {
  "run.queued": "The run stands behind another one in its conversation (`behind`), or waits until the server has room.",
  "run.started": "The run is being carried out. With an `attempt` above 1: again, after the process that had it died.",
  "run.waiting":
    "The run needs a person: an approval, or word on a tool call of which nobody knows whether it happened.",
  "run.completed": "The end: the answer, and the sum of what all model calls used.",
  "run.failed": "The end: why there is no answer, or no whole one.",
  "run.cancelled": "The end: somebody stopped it. What was said until then is kept.",
  "step.started": "A step began: a call of a model, of tools, a plan, or a handoff.",
  "step.completed": "A step ended, with what it used. `message_id` is the message that asked for tools in it.",
  "step.restarted": "A step began again. Forget its deltas so far.",
  "plan.created": "What the agent is going to do.",
  "model.delta":
    "A piece of the answer's text. All pieces of a step since its last `step.restarted`, joined, are its text.",
  "model.reasoning.delta": "A piece of what the model thinks before it answers.",
  "message.completed": "A message as it is kept. It rules over the deltas.",
  "tool.call.started": "A tool is being called. This was on record before the call was made.",
  "tool.call.progress": "How far the call is, where the tool tells it; at most one a second.",
  "tool.call.result": "What the tool gave, or the error.",
  "tool.call.approval_required":
    "The call waits for `POST /api/v1/runs/{run_id}/tool_calls/{tool_call_id}/decision`, until `expires_at`. With a " +
    "`question` the tool's server asks in the middle of the call: the decision's `arguments` are the answer.",
  "tool.call.approved": "Somebody let the call happen.",
  "tool.call.denied": "Somebody, or the clock, did not.",
  "agent.handoff": "Another agent goes on.",
};
