/**
 * The methods of the tasks extension (SEP-2663).
 *
 * @module
 */
import { MissingRequiredClientCapabilityError, type Server, type ServerContext } from "@modelcontextprotocol/server";
import { z } from "zod";
import { type Ask, type Tasks, TASKS_EXTENSION } from "./catalog.ts";
import { toProtocolError } from "./errors.ts";

const Params = z.looseObject({
  taskId: z.string().min(1).max(200),
  inputResponses: z.record(z.string(), z.unknown()).optional(),
});
const Result = z.looseObject({});

/** Answers them from `tasks`. */
export function addTasks(server: Server, tasks: Tasks, askOf: (ctx: ServerContext) => Ask): void {
  const on = (method: string, handle: (params: z.output<typeof Params>, ask: Ask) => Promise<unknown>) =>
    server.setRequestHandler(method, { params: Params, result: Result }, async (params, ctx) => {
      const ask = askOf(ctx);
      if (!speaksTasks(ask)) throw missingTasks();
      try {
        return { ...await handle(params, ask) as object };
      } catch (thrown) {
        throw toProtocolError(thrown);
      }
    });
  on("tasks/get", ({ taskId }, ask) => tasks.get(taskId, ask));
  on("tasks/update", ({ taskId, inputResponses }, ask) => {
    return tasks.update(taskId, { ...inputResponses, ...ask.answers }, ask);
  });
  on("tasks/cancel", ({ taskId }, ask) => tasks.cancel(taskId, ask));
}

/** Whether the client knows what a task is. */
export function speaksTasks({ client }: Pick<Ask, "client">): boolean {
  return client.extensions?.[TASKS_EXTENSION] !== undefined;
}

/** The refusal of a client that doesn't. */
export function missingTasks(): MissingRequiredClientCapabilityError {
  return new MissingRequiredClientCapabilityError({ requiredCapabilities: { extensions: { [TASKS_EXTENSION]: {} } } });
}
