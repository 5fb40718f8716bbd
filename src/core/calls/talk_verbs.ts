/**
 * What clients may do with the talk of a call.
 *
 * @module
 */
import type { Principal } from "../../domain/access.ts";
import type { Runs } from "../runs/runs.ts";
import type { VoiceLoop } from "../voice/voice_loop.ts";
import type { CallVerbs } from "./control.ts";
import type { Terms } from "./terms.ts";

/** What {@linkcode toTalkVerbs} needs. */
export interface TalkVerbsDeps {
  runs: Runs;
  terms: Terms;
  /** Counts what `principal` starts. Throws `TooManyRequestsError`. */
  spend(principal: Principal): void;
  loop(): VoiceLoop;
  /** Whether anybody would hear an answer. */
  isHeard(): boolean;
}

/** The verbs of one talk. */
export function toTalkVerbs({ runs, terms, spend, loop, isHeard }: TalkVerbsDeps) {
  /** Where nobody hears it, the answer is text, and complete as soon as it is written. */
  const writeUnheard = () => isHeard() || loop().mute("agent", true);
  return {
    say(text, principal) {
      spend(principal);
      writeUnheard();
      loop().type(text);
    },
    configure: (given) => terms.configure(given),
    bring: (messages, options) => terms.bring(messages, options),
    forget: (id) => terms.forget(id),
    respond(options, principal) {
      spend(principal);
      writeUnheard();
      terms.askOnce(options);
      loop().respond();
    },
    interrupt: (heard_ms) => loop().interrupt(heard_ms),
    listen({ turns, ...how }) {
      loop().tune(how);
      loop().byHand.use(turns === "by_hand");
    },
    commit: () => loop().byHand.commit(),
    clear: () => loop().clear(),
    noteHeard: (turn_id, ms) => loop().heardAt(turn_id, ms),
    async decide({ run_id, tool_call_id, decision, reason, arguments: edited }, principal) {
      await runs.decide(principal, run_id, tool_call_id, { decision, reason, arguments: edited });
    },
  } satisfies Partial<CallVerbs>;
}
