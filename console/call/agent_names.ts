/**
 * What the agents of a call are called: in a room it is known by the run which of them answers.
 *
 * @module
 */
import type { Call } from "./session_client.ts";

/** Tells who answers, by the run, from now on; `alone` is the agent of a call without a room. */
export function agentNames(call: Call, alone: string): (run_id: string | null) => string {
  const agents = call.place?.room.members.filter(({ role }) => role === "agent");
  if (!agents) return () => alone;
  const runs = new Map<string, string>();
  let speaking: string | undefined;
  call.on("run.event", ({ run_id, event, data }) => {
    if (event === "run.started") runs.set(run_id, (data as { agent_id: string }).agent_id);
  });
  call.on("room.speaker", ({ member_id }) => {
    speaking = agents.find(({ id }) => id === member_id)?.id ?? speaking;
  });
  return (run_id) => {
    const meant = agents.filter(({ agent_id }) => agent_id === runs.get(run_id ?? ""));
    // One agent may be there under two names: then it is the one that speaks.
    const found = meant.length === 1 ? meant[0] : agents.find(({ id }) => id === speaking) ?? meant[0] ?? agents[0];
    return found?.name ?? "Agent";
  };
}
