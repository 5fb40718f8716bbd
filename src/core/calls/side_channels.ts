/**
 * Data channels in words of other protocols, held by the doors that speak them.
 *
 * @module
 */
import { Queue } from "../../kit/queue.ts";
import type { Channel } from "../../ports/peers.ts";

/** How many texts wait for a door that isn't there yet, and for one that is slow; and how long they are together. */
const MAX_EARLY = 64;
const MAX_WAITING = 2048;
const MAX_EARLY_LENGTH = 262_144;
const MAX_WAITING_LENGTH = 4_194_304;
/** How many labels there may be in a call: for each, texts may wait for a door that never comes. */
const MAX_LABELS = 4;

/** What happens on a channel. */
export type SideEvent =
  /** It is there, or there again. */
  | { type: "open" }
  | { type: "text"; text: string };

/** A channel in somebody's hands. One that isn't taken as fast as it comes is lost. */
export interface HeldChannel extends AsyncIterable<SideEvent>, Disposable {}

/** The channels of one call, by label. */
export class SideChannels {
  readonly #labels = new Set<string>();
  readonly #open = new Map<string, Channel>();
  readonly #holders = new Map<string, Set<Holder>>();
  /** What came before anybody held the channel. */
  readonly #early = new Map<string, { events: SideEvent[]; length: number }>();
  #over = false;

  /** Takes a channel on. A later one of the same label takes the place of an earlier one. */
  open(channel: Channel): { onMessage(text: string): void; onClose(): void } {
    const { label } = channel;
    if (!this.#labels.has(label) && this.#labels.size >= MAX_LABELS) {
      channel.close();
      return { onMessage: () => {}, onClose: () => {} };
    }
    this.#labels.add(label);
    this.#open.set(label, channel);
    this.#tell(label, { type: "open" });
    return {
      onMessage: (text) => this.#tell(label, { type: "text", text }),
      onClose: () => {
        if (this.#open.get(label) === channel) this.#open.delete(label);
      },
    };
  }

  /**
   * Sends on the channel `label`. What is sent while it isn't open is lost; one that is so slow that it would miss
   * something is closed.
   */
  send(label: string, text: string): void {
    const channel = this.#open.get(label);
    if (channel && !channel.send(text)) channel.close();
  }

  /** What happens on the channel `label`, from its first text on, until `signal` aborts or the call ends. */
  hold(label: string, signal: AbortSignal): HeldChannel {
    const holder = new Holder();
    const holders = this.#holders.get(label) ?? new Set();
    this.#holders.set(label, holders.add(holder));
    for (const happened of this.#early.get(label)?.events ?? []) holder.push(happened);
    this.#early.delete(label);
    const leave = () => {
      signal.removeEventListener("abort", leave);
      holders.delete(holder);
      holder.end();
    };
    signal.addEventListener("abort", leave);
    if (this.#over || signal.aborted) leave();
    return { [Symbol.asyncIterator]: () => holder[Symbol.asyncIterator](), [Symbol.dispose]: leave };
  }

  /** The call is over. */
  end(): void {
    this.#over = true;
    this.#open.clear();
    this.#early.clear();
    for (const holders of this.#holders.values()) for (const holder of holders) holder.end();
    this.#holders.clear();
  }

  #tell(label: string, happened: SideEvent): void {
    const holders = this.#holders.get(label);
    for (const holder of holders ?? []) holder.push(happened);
    if (this.#over || (holders?.size ?? 0) > 0) return;
    const early = this.#early.get(label) ?? { events: [], length: 0 };
    const length = early.length + lengthOf(happened);
    if (early.events.length >= MAX_EARLY || length > MAX_EARLY_LENGTH) return;
    early.events.push(happened);
    this.#early.set(label, { ...early, length });
  }
}

/** What waits for one door. It ends, once what waits was taken, when more comes than may wait. */
class Holder implements AsyncIterable<SideEvent> {
  readonly #queue = new Queue<SideEvent>({ capacity: MAX_WAITING, overflow: "drop_newest" });
  #length = 0;

  push(happened: SideEvent): void {
    this.#length += lengthOf(happened);
    if (this.#length > MAX_WAITING_LENGTH || !this.#queue.push(happened)) this.end();
  }

  end(): void {
    this.#queue.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SideEvent> {
    for await (const happened of this.#queue) {
      this.#length -= lengthOf(happened);
      yield happened;
    }
  }
}

function lengthOf(happened: SideEvent): number {
  return happened.type === "text" ? happened.text.length : 0;
}
