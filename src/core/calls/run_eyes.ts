/**
 * What an agent sees with in one answer.
 *
 * @module
 */
import type { ModelChoice } from "../../domain/agent.ts";
import { joinSignals } from "../../kit/joined_signal.ts";
import type { Model } from "../../ports/model.ts";
import type { Delivery } from "../orchestrator/execution.ts";
import { type Eyes, type LookRequest, type Sight, SIGHT_TYPE } from "../tools/look.ts";
import type { Looks } from "./looks.ts";

/** How many pictures an answer holds, and how many bytes of them. */
const MAX_SIGHTS = 8;
const MAX_BYTES = 8 * 1024 * 1024;

/** What {@linkcode RunEyes} need. */
export interface RunEyesDeps {
  looks: Pick<Looks, "look">;
  /** Who looks. */
  agent_id: string;
  /** What answers. */
  model: Pick<Model, "reads"> | undefined;
  interrupted: AbortSignal;
}

/** Looks for one run, and holds what it saw for as long as the run goes on. */
export class RunEyes implements Eyes {
  readonly #deps: RunEyesDeps;
  readonly #sights = new Map<string, Sight>();

  constructor(deps: RunEyesDeps) {
    this.#deps = deps;
  }

  async look(request: LookRequest, { signal }: { signal: AbortSignal }): Promise<Sight> {
    const { looks, agent_id, interrupted } = this.#deps;
    // Nobody is looked at for an answer that nobody wants any more.
    using stop = joinSignals(signal, interrupted);
    const sight = await looks.look({ ...request, agent_id }, { signal: stop.signal });
    this.#sights.set(request.tool_call_id, sight);
    let bytes = this.#sights.values().reduce((sum, { image }) => sum + image.length, 0);
    for (const [oldest, { image }] of this.#sights) {
      if (this.#sights.size <= MAX_SIGHTS && bytes <= MAX_BYTES) break;
      this.#sights.delete(oldest);
      bytes -= image.length;
    }
    return sight;
  }

  async reads(choice: ModelChoice): Promise<boolean> {
    return await this.#deps.model?.reads?.(choice, SIGHT_TYPE) ?? true;
  }

  sight(tool_call_id: string): Sight | undefined {
    return this.#sights.get(tool_call_id);
  }
}

/** What an answer sees with; undefined where there will never be anything to see. */
export function openEyes(deps: RunEyesDeps & { looks: Looks }): Eyes | undefined {
  return deps.looks.possible ? new RunEyes(deps) : undefined;
}

/** `delivery`, whose agent may look. */
export function withEyes(delivery: Delivery, whose: { looks: Looks; agent_id: string }): Delivery {
  const { model, interrupted, over } = delivery;
  // Nobody is asked for what the model can't read.
  const reads = model?.pictures?.includes(SIGHT_TYPE) ?? true;
  const eyes = reads ? openEyes({ ...whose, model, interrupted }) : undefined;
  return { model, interrupted, over, heard: (text, options) => delivery.heard(text, options), eyes };
}
