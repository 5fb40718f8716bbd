/**
 * What an agent sees with in one answer.
 *
 * @module
 */
import { joinSignals } from "../../kit/joined_signal.ts";
import type { Delivery } from "../orchestrator/execution.ts";
import { type Eyes, type LookRequest, type Sight, SIGHT_TYPE } from "../tools/look.ts";
import type { Looks } from "./looks.ts";

/** How many pictures an answer holds, and how many bytes of them. */
const MAX_SIGHTS = 8;
const MAX_BYTES = 8 * 1024 * 1024;

/** Looks for one run, and holds what it saw for as long as the run goes on. */
export class RunEyes implements Eyes {
  readonly #looks: Pick<Looks, "look">;
  readonly #interrupted: AbortSignal;
  readonly #sights = new Map<string, Sight>();

  constructor({ looks, interrupted }: { looks: Pick<Looks, "look">; interrupted: AbortSignal }) {
    this.#looks = looks;
    this.#interrupted = interrupted;
  }

  async look(request: LookRequest, { signal }: { signal: AbortSignal }): Promise<Sight> {
    // Nobody is looked at for an answer that nobody wants any more.
    using stop = joinSignals(signal, this.#interrupted);
    const sight = await this.#looks.look(request, { signal: stop.signal });
    this.#sights.set(request.tool_call_id, sight);
    let bytes = this.#sights.values().reduce((sum, { image }) => sum + image.length, 0);
    for (const [oldest, { image }] of this.#sights) {
      if (this.#sights.size <= MAX_SIGHTS && bytes <= MAX_BYTES) break;
      this.#sights.delete(oldest);
      bytes -= image.length;
    }
    return sight;
  }

  sight(tool_call_id: string): Sight | undefined {
    return this.#sights.get(tool_call_id);
  }
}

/** What an answer sees with; undefined where there will never be anything to see. */
export function openEyes(looks: Looks, interrupted: AbortSignal): Eyes | undefined {
  return looks.possible ? new RunEyes({ looks, interrupted }) : undefined;
}

/** `delivery`, whose agent may look. */
export function withEyes(delivery: Delivery, looks: Looks): Delivery {
  const { model, interrupted, over } = delivery;
  // Nobody is asked for what the model can't read.
  const reads = model?.pictures?.includes(SIGHT_TYPE) ?? true;
  const eyes = reads ? openEyes(looks, interrupted) : undefined;
  return { model, interrupted, over, heard: (text, options) => delivery.heard(text, options), eyes };
}
