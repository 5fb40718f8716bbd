/**
 * What a check of the machine finds.
 *
 * @module
 */

/** How one thing is. `off`: not there, and something else does without it. */
export interface Check {
  name: string;
  status: "ok" | "warn" | "fail" | "off";
  detail: string;
  /** What to do about it. */
  remedy?: string;
}
