/**
 * The data channels of a peer: text, in bounds.
 *
 * @module
 */
import type { RTCDataChannel } from "werift";
import type { Channel, PeerEvents } from "../../ports/peers.ts";

/** The most channels at once, and in a peer's whole life. */
const MAX_CHANNELS = { open: 8, ever: 64 } as const;
/** The most that waits for a slow reader. */
const MAX_WAITING = 1024 * 1024;

/** Options for {@linkcode Channels}. */
export interface ChannelsOptions {
  onChannel: PeerEvents["onChannel"];
  /** A message came. */
  onAlive(): void;
  /** The other end opens channels without end. */
  onAbuse(reason: string): void;
}

/** All of them. */
export class Channels {
  readonly #options: ChannelsOptions;
  readonly #open = new Set<RTCDataChannel>();
  #ever = 0;

  constructor(options: ChannelsOptions) {
    this.#options = options;
  }

  /** Takes a channel on; its owner listens before this returns, since a message may come with it. */
  add(raw: RTCDataChannel): Channel | undefined {
    if (++this.#ever > MAX_CHANNELS.ever) return void this.#options.onAbuse("it opens channels without end");
    if (this.#open.size >= MAX_CHANNELS.open) return void raw.close();
    this.#open.add(raw);
    const channel: Channel = {
      label: raw.label,
      send: (text) => {
        if (raw.readyState === "closing" || raw.readyState === "closed") return false;
        if (raw.bufferedAmount + text.length > MAX_WAITING) return false;
        try {
          raw.send(text);
          return true;
        } catch {
          // Longer than the other end takes.
          return false;
        }
      },
      close: () => raw.close(),
    };
    const { onMessage, onClose } = this.#options.onChannel(channel);
    raw.onMessage.subscribe((message) => {
      this.#options.onAlive();
      if (typeof message === "string") onMessage(message);
    });
    raw.stateChanged.subscribe((state) => {
      if (state === "closed" && this.#open.delete(raw)) onClose();
    });
    return channel;
  }

  /** Tells the owners that every channel is closed. */
  close(): void {
    for (const raw of this.#open) raw.setReadyState("closed");
  }
}
