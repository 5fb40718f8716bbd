/**
 * A brain whose answers are runs.
 *
 * @module
 */
import type { Brain } from "../../src/core/voice/brain.ts";
import type { Runs } from "../../src/core/runs/runs.ts";
import type { Principal } from "../../src/domain/access.ts";
import { AppError } from "../../src/domain/error.ts";

/** Answers by runs in one conversation, which the first one makes. */
export function runBrain(runs: Runs, principal: Principal): Brain & { run_ids: string[] } {
  const run_ids: string[] = [];
  let conversation_id: string | undefined;
  return {
    run_ids,
    async *answer(content, { turn_id, delivery, signal }) {
      const started = await runs.start(principal, {
        operation: "test",
        conversation_id,
        messages: [{ role: "user", content, metadata: {} }],
        multitask: "enqueue",
        on_disconnect: "continue",
        metadata: { turn_id },
        delivery,
      });
      conversation_id = started.run.conversation_id;
      run_ids.push(started.run.id);
      yield { type: "started", run_id: started.run.id };
      for await (const { type, data } of await runs.attach(started, signal)) {
        if (type === "model.delta") yield { type: "text", text: JSON.parse(data).text };
        else if (type === "run.waiting") yield { type: "waiting" };
        else if (type === "run.failed") {
          const { error, message, details } = JSON.parse(data).error;
          throw new AppError(error, message, { details });
        }
      }
    },
  };
}
