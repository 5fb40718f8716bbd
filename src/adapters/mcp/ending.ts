/**
 * Why a channel ended, for those who wait on it.
 *
 * @module
 */

/** The end of a channel: its program has gone, or it did what it may not. */
export class ChannelEnded extends Error {
  override readonly name = "ChannelEnded";
}

/** Something that a message couldn't be handed to, so that nobody has acted on it. */
export class NotSent extends Error {
  override readonly name = "NotSent";
}

/** A channel that can say why it is over. */
export interface Ending {
  /** Undefined while it is open, and when it was closed by us. */
  readonly ending: ChannelEnded | undefined;
}
