/**
 * Whether what somebody says in a room is for an agent, and for which.
 *
 * @module
 */
import type { Clock } from "../../kit/clock.ts";
import { type Named, namedIn } from "./named.ts";

/** Something that was said. */
export interface Saying {
  /** Who said it. */
  member_id: string;
  text: string;
  /** When they began to say it. */
  began: number;
}

/** What {@linkcode Addressing} needs. */
export interface AddressingDeps {
  clock: Clock;
  agents: readonly Named[];
  /** How soon after an answer whoever got it may go on without a name. */
  follow_up_ms: number;
}

/** The talk between a person and an agent that is under way. */
interface Exchange {
  member_id: string;
  agent_id: string;
  /** When its answer was over; undefined as long as it isn't. */
  answered?: number;
}

/**
 * An agent is meant if it is named, and so are those named together with it; if the same person goes on speaking to it within a few seconds and nobody has spoken
 * in between; or if the person is alone with it.
 */
export class Addressing {
  readonly #deps: AddressingDeps;
  #exchange: Exchange | undefined;

  constructor(deps: AddressingDeps) {
    this.#deps = deps;
  }

  /** The agents that are meant by something that `people` have heard, in the order in which they are to answer. */
  meant({ member_id, text, began }: Saying, people: ReadonlyMap<string, string>): string[] {
    const { agents } = this.#deps;
    const named = namedIn(text, { agents, people: [...people.values()] });
    const [first] = named;
    const agent_id = first ?? this.#followed(member_id, began) ?? (people.size <= 1 ? this.#onlyOne() : undefined);
    if (agent_id !== undefined) this.#exchange = { member_id, agent_id };
    // Others talk now: who goes on afterwards says to whom.
    else if (this.#exchange?.member_id !== member_id) this.#exchange = undefined;
    return agent_id === undefined || named.length > 0 ? named : [agent_id];
  }

  /** An agent answers `member_id`, who now speaks to it, until it is over. */
  answering(member_id: string, agent_id: string): void {
    if (this.#exchange?.member_id === member_id) this.#exchange = { member_id, agent_id };
  }

  /** The answer to `member_id` is over. */
  answered(member_id: string): void {
    if (this.#exchange?.member_id === member_id) this.#exchange.answered = this.#deps.clock.now();
  }

  #followed(member_id: string, began: number): string | undefined {
    const exchange = this.#exchange;
    if (exchange?.member_id !== member_id) return undefined;
    const { answered = began } = exchange;
    return began - answered <= this.#deps.follow_up_ms ? exchange.agent_id : undefined;
  }

  /** Whom somebody alone speaks to: the agent they spoke to last, or the first. */
  #onlyOne(): string | undefined {
    return this.#exchange?.agent_id ?? this.#deps.agents[0]?.id;
  }
}
