/**
 * Events on their way to this protocol's clients.
 *
 * @module
 */

/** Sends an event. Its id is given by whoever sends it. */
export type Emit = (type: string, fields?: Readonly<Record<string, unknown>>) => void;
