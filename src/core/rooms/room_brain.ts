/**
 * Who answers in a room: the agents that are meant, one after the other, or nobody, and then what was said is kept for
 * whoever is asked next.
 *
 * @module
 */
import type { AnswerOptions, Brain, Said } from "../voice/brain.ts";
import type { VoiceChoice } from "../voice/speaking.ts";

/** An agent that was meant. */
export interface MeantAgent {
  agent_id: string;
  member_id: string;
  name: string;
  voice: VoiceChoice;
}

/** What a {@linkcode RoomBrain} needs. */
export interface RoomBrainDeps {
  /** Who speaks. */
  name: string;
  member_id: string;
  room_id: string;
  /** Who answers when somebody does. */
  link: Brain;
  /** Whom something is for, in the order in which they are to answer. */
  meant(text: string, turn_id: string): Promise<MeantAgent[]>;
  /** Who is there, by name. */
  people(): string[];
  /** Keeps something in the conversation that nobody answers. */
  keep(content: string, metadata: Record<string, unknown>): Promise<void>;
  /** An agent's answer has begun; the last one's is over. */
  onAnswering(agent: MeantAgent): void;
  onAnswered(): void;
}

/** See the module. */
export class RoomBrain implements Brain {
  readonly #deps: RoomBrainDeps;

  constructor(deps: RoomBrainDeps) {
    this.#deps = deps;
  }

  async *answer(text: string, options: AnswerOptions): AsyncGenerator<Said> {
    const { name, member_id, room_id, meant, keep, onAnswered } = this.#deps;
    const agents = await meant(text, options.turn_id);
    const content = text === "" ? "" : `${name}: ${text}`;
    const metadata = { room_id, member_id, speaker: name };
    if (agents.length === 0) {
      if (content !== "") await keep(content, { ...metadata, turn_id: options.turn_id, channel: "rtc" });
      return;
    }
    const { delivery: { interrupted, over }, signal } = options;
    let failure: { error: unknown } | undefined;
    try {
      for (const [turn, agent] of agents.entries()) {
        if (turn > 0 && (interrupted.aborted || over.aborted || signal.aborted)) break;
        // The question stands above what the one before has answered, and many models answer nothing but a user.
        const asked = turn === 0 ? content : `(${name} asked ${agent.name} as well.)`;
        try {
          yield* this.#answer(asked, { agent, options, metadata });
        } catch (error) {
          // That one can't answer keeps no other from it.
          failure ??= { error };
        }
      }
    } finally {
      onAnswered();
    }
    if (failure) throw failure.error;
  }

  async *#answer(
    content: string,
    { agent, options, metadata }: { agent: MeantAgent; options: AnswerOptions; metadata: Record<string, unknown> },
  ): AsyncGenerator<Said> {
    const { link, people, onAnswering } = this.#deps;
    const by = { agent_id: agent.agent_id, instructions: toInstructions(agent, people()), metadata };
    for await (const said of link.answer(content, { ...options, by })) {
      if (said.type === "started") onAnswering(agent);
      yield said.type === "started" ? { ...said, voice: agent.voice } : said;
    }
  }
}

function toInstructions({ name }: MeantAgent, people: readonly string[]): string {
  return `You are "${name}", in a spoken conversation with several people. Now in the room: ${people.join(", ")}. ` +
    "What people say begins with their name; some of it they say to each other. Answer whoever spoke last, briefly, " +
    "and don't begin with a name of your own.";
}
