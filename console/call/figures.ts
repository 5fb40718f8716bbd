/**
 * How the call is doing, in numbers.
 *
 * @module
 */
import { byId, el } from "./element.ts";
import type { Call } from "./session_client.ts";

const EVERY_MS = 2000;

/** Shows the connection's figures, and how long the last answer took. */
export class Figures {
  readonly #place = byId("figures");
  readonly #rows = new Map<string, HTMLElement>();
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Follows a call until it ends. */
  follow(call: Call): void {
    this.#set("Call", call.id);
    call.on("agent.done", ({ latency: { turn_ms, transcript_ms, first_token_ms, first_sound_ms } }) => {
      this.#set("Your turn was over after", ms(turn_ms));
      this.#set("Transcript after", ms(transcript_ms));
      this.#set("First word of the model after", ms(first_token_ms));
      this.#set("First sound sent after", ms(first_sound_ms));
    });
    call.on("heard", (heard) => this.#set("You heard the answer after", ms(heard.ms)));
    call.on("connection", ({ state }) => state === "ended" && clearInterval(this.#timer));
    this.#timer = setInterval(() => void this.#look(call), EVERY_MS);
    void this.#look(call);
  }

  /** Begins anew. */
  clear(): void {
    clearInterval(this.#timer);
    this.#rows.clear();
    this.#place.replaceChildren();
  }

  async #look(call: Call): Promise<void> {
    const { round_trip_ms, jitter_ms, packets_received, packets_lost, path } = await call.statistics();
    const all = packets_received + packets_lost;
    this.#set("Way", path ?? "–");
    this.#set("Round trip", ms(round_trip_ms));
    this.#set("Jitter", ms(jitter_ms));
    this.#set("Lost", all === 0 ? "–" : `${(100 * packets_lost / all).toFixed(1)} % of ${all} packets`);
  }

  #set(name: string, value: string): void {
    let row = this.#rows.get(name);
    if (!row) {
      row = el("dd");
      this.#rows.set(name, row);
      this.#place.append(el("div", {}, el("dt", {}, name), row));
    }
    row.textContent = value;
  }
}

function ms(value: number | null): string {
  return value === null ? "–" : `${Math.round(value)} ms`;
}
