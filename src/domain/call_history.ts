/**
 * How much of its conversation's history a client may change during a call.
 *
 * @module
 */

/** See the module. Each is an upper bound. */
export const CALL_HISTORY = {
  /** Changes of how it is read: each is made anew in every answer. */
  changes: 1000,
  /** Messages that wait for the next answer. */
  waiting: 250,
} as const;
