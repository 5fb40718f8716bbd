/**
 * A call that lasts as long as a soak.
 *
 * @module
 */
import { speechPackets } from "../support/caller.ts";
import { holdCall, type LongCallReport } from "../support/long_call.ts";
import type { Load } from "./load.ts";

/** How much later than by its own clock sound may come at the end than at the beginning, in milliseconds. */
const DRIFT_MS = 40;
/** The part of questions that has to be answered: the server has as much to do as it can, and drops what comes late. */
const ANSWERED = 0.5;

/** Calls for `seconds`, and complains to `load` of what is not as it should be. */
export async function callThroughout(load: Load, seconds: number): Promise<LongCallReport | null> {
  const client = load.enter();
  let id = "";
  const door = {
    async request(method: string, path: string, options: { body?: unknown } = {}) {
      const response = await client.send(method, path, options);
      id = (await response.clone().json()).session_id;
      return response;
    },
  };
  try {
    const question = await speechPackets("what is the weather in london today");
    const report = await holdCall(door, { seconds, question });
    const { asked, answered, lost, lost_there, drift_ms } = report;
    const sound = lost === 0 && lost_there === 0 && Math.abs(drift_ms) < DRIFT_MS && answered >= asked * ANSWERED;
    if (!sound) load.complain("call", JSON.stringify(report));
    // Its messages are what was heard, which is not all that was said.
    const { conversation_id } = await client.ask("GET", `/rtc/sessions/${id}`);
    await client.ask("DELETE", `/conversations/${conversation_id}`, { status: 204 });
    return report;
  } catch (thrown) {
    load.complain("call", thrown);
    return null;
  }
}
