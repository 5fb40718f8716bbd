/**
 * How a task does, as its server says.
 *
 * @module
 */
import { LOOK_MS, MAX_QUESTION, MAX_TASK_ID } from "./limits.ts";
import { AnswerMalformed } from "./request_errors.ts";
import { type Fields, toFields, toText } from "./shape.ts";

/** What the newer era calls tasks. */
export const TASKS_EXTENSION = "io.modelcontextprotocol/tasks";

/** Where a message of the older era names its task. */
const RELATED_TASK = "io.modelcontextprotocol/related-task";

const STATUS = ["working", "input_required", "completed", "failed", "cancelled"] as const;

/** One state of a task. */
export interface TaskState {
  id: string;
  status: typeof STATUS[number];
  /** What the server says to it. */
  message: string | undefined;
  /** When the server would like to be asked again, in ms, within our bounds. */
  look_ms: number;
  /** As it came, with what its status brings. */
  fields: Fields;
}

/** The name of the task that `value` is a state of. Throws `AnswerMalformed`. */
export function toTaskId(value: unknown): string {
  const named = toText(toFields(value, "task").taskId, "task's taskId");
  if (named.length > MAX_TASK_ID) throw new AnswerMalformed(`Its taskId is longer than ${MAX_TASK_ID} characters`);
  return named;
}

/** A state, of either era. Throws `AnswerMalformed`; also for the state of another task than `id`. */
export function toTaskState(value: unknown, id?: string): TaskState {
  const fields = toFields(value, "task");
  const { status, statusMessage, pollInterval, pollIntervalMs = pollInterval } = fields;
  const known = STATUS.find((one) => one === status);
  if (known === undefined) throw new AnswerMalformed("Its task has a status that isn't known here");
  const named = toTaskId(fields);
  if (id !== undefined && named !== id) throw new AnswerMalformed("It answered with another task");
  const wanted = typeof pollIntervalMs === "number" ? pollIntervalMs : LOOK_MS.usual;
  return {
    id: named,
    status: known,
    message: typeof statusMessage === "string" ? statusMessage.slice(0, MAX_QUESTION) : undefined,
    look_ms: Math.min(Math.max(wanted, LOOK_MS.least), LOOK_MS.most),
    fields,
  };
}

/** Whether it has ended, for good or bad. */
export function isOver({ status }: TaskState): boolean {
  return status === "completed" || status === "failed" || status === "cancelled";
}

/** The task that a message of the server belongs to, if it names one. */
export function relatedTask(params: unknown): string | undefined {
  const { _meta } = (params ?? {}) as { _meta?: Record<string, unknown> };
  const id = (_meta?.[RELATED_TASK] as { taskId?: unknown } | undefined)?.taskId;
  return typeof id === "string" ? id : undefined;
}
