/**
 * How late a page's sound comes by its own clock, which neither a player that waits for more nor a machine that is held
 * up for a moment changes for long: what drifts does.
 *
 * @module
 */

/** How often it is looked. */
const LOOK_MS = 200;
/** Ticks of Opus' clock in a millisecond. */
const TICKS = 48;

/** What was seen since the look before. */
export interface Lateness {
  /**
   * How late sound comes by its own clock, at the quickest, in milliseconds beside a constant: when it is played, less
   * what it waited for its turn, as it does the longer the less evenly it comes.
   */
  late_ms: number;
  /** How long it waited for its turn on average, in milliseconds. */
  waited_ms: number;
}

/**
 * A page's script: `inboundOf(pc)` is what was counted of the sound that comes, and `lateness(connection)` watches it
 * until `end()`: `look()` resolves with {@linkcode Lateness}, or with null where no sound came.
 */
export const LATENESS = `
const inboundOf = async (pc) => [...(await pc.getStats()).values()]
  .find(({ type, kind }) => type === "inbound-rtp" && kind === "audio");

const lateness = (connection) => {
  let first, last, looked, late = Infinity, over = false;
  const waitBetween = (from, to) => {
    const samples = to.jitterBufferEmittedCount - from.jitterBufferEmittedCount;
    return samples > 0 ? (to.jitterBufferDelay - from.jitterBufferDelay) * 1000 / samples : undefined;
  };
  const watch = async () => {
    const now = await inboundOf(connection());
    const wait = last && waitBetween(last, now);
    const [source] = connection().getReceivers().find(({ track }) => track.kind === "audio").getSynchronizationSources();
    if (wait !== undefined && source !== undefined) {
      first ??= source;
      // The clock of what is sent goes round.
      const sent = ((source.rtpTimestamp - first.rtpTimestamp) >>> 0) / ${TICKS};
      late = Math.min(late, source.timestamp - first.timestamp - sent - wait);
    }
    last = now;
    looked ??= now;
    if (!over) setTimeout(watch, ${LOOK_MS});
  };
  void watch();
  return {
    async look() {
      const now = await inboundOf(connection());
      const seen = Number.isFinite(late) ? { late_ms: late, waited_ms: waitBetween(looked, now) } : null;
      looked = now;
      late = Infinity;
      return seen;
    },
    end: () => over = true,
  };
};
`;
