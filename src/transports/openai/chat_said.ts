/**
 * What a run has said so far, for an answer that breaks off on the way.
 *
 * @module
 */
import type { Item } from "../../operations/operation.ts";

/** Follows a run's events, or those of a plain call of a model. */
export class ChatSaid {
  #run_id: string | undefined;
  #step_id: string | undefined;
  #text = "";
  #reasoning = "";

  /** The run it comes from; undefined for a plain call of a model. */
  get run_id(): string | undefined {
    return this.#run_id;
  }

  /** The text of the last step that spoke: what the message would begin with. */
  get text(): string {
    return this.#text;
  }

  /** Everything it thought. */
  get reasoning(): string {
    return this.#reasoning;
  }

  /** Takes an item, and gives its data. */
  // deno-lint-ignore no-explicit-any -- the data is as various as the events
  next({ type, data: json }: Item): any {
    const data = JSON.parse(json);
    this.#run_id ??= data.run_id;
    if (type === "model.delta") {
      this.#text = data.step_id === this.#step_id ? this.#text + data.text : data.text;
      this.#step_id = data.step_id;
    }
    if (type === "model.reasoning.delta") this.#reasoning += data.text;
    if (type === "step.restarted") {
      this.#reasoning = "";
      if (data.step_id === this.#step_id) this.#text = "";
    }
    return data;
  }
}
