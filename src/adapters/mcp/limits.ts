/**
 * How much a server may send us.
 *
 * @module
 */

/** Characters of one message, in either direction. */
export const MAX_MESSAGE = 16 * 1024 * 1024;

/** Bytes of what is read of an authorization server's answer. */
export const MAX_OAUTH_ANSWER = 1024 * 1024;

/** Messages that answer nothing: how many at once, and how many a second in the long run. */
export const FLOOD = { burst: 20_000, per_second: 2_000 };

/** Pages and entries of one list. */
export const MAX_PAGES = 200;
export const MAX_ITEMS = 10_000;

/** Characters of one entry of a list, which models read, and of all entries together. */
export const MAX_ENTRY = 256 * 1024;
export const MAX_LIST = 16 * 1024 * 1024;

/** Characters of what a server says of itself. */
export const MAX_NAME = 200;
export const MAX_INSTRUCTIONS = 16 * 1024;

/** Characters of what a server says to a person, of the form it shows, and of an address to visit. */
export const MAX_QUESTION = 4_000;
export const MAX_FORM = 64 * 1024;
export const MAX_ADDRESS = 2_000;

/** Characters of one value that a server proposes. */
export const MAX_VALUE = 2_000;

/** How long a question waits until it is clear in which call it is asked, and a call until it can be, in ms. */
export const ASKED_IN_MS = 30_000;
export const LINE_MS = 30_000;

/** How long a server may still ask in a call that was given up, in ms. */
export const GIVEN_UP_MS = 60_000;

/** How often a server may ask for input within one call. */
export const MAX_ROUNDS = 10;

/** Characters of a server's words in a message of ours. */
export const MAX_WORDS = 500;

/** How long a program may be silent about the newer era before it is taken for one of the older, in ms. */
export const PROBE_MS = 10_000;

/** How often we look how a task does, in ms, whatever its server would like. */
export const LOOK_MS = { least: 100, usual: 1_000, most: 30_000 };

/** Characters of a task's name. */
export const MAX_TASK_ID = 1_000;
