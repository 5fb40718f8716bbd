/**
 * The rates our engines speak and hear at, whatever the programs and servers behind them do.
 *
 * @module
 */

/** Samples a second of what is spoken: what Opus takes, and OpenAI gives. */
export const SPOKEN_RATE = 24_000;
/** Samples a second of what is heard: what recognition was trained with. */
export const HEARD_RATE = 16_000;
