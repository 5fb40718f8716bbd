/**
 * A look: one picture of a caller's camera or screen, and by whose leave an agent saw it.
 *
 * @module
 */
import { z } from "zod";
import type { Owner } from "./access.ts";
import { LOOK_SOURCE } from "./rtc_event.ts";

/** By what leave an agent looks: the person's, for once or for the whole call, or that of the settings. */
export const LOOK_CONSENT = ["once", "call", "settings"] as const;
/** One of {@linkcode LOOK_CONSENT}. */
export type LookConsentKind = typeof LOOK_CONSENT[number];

/** A look as shown. */
export const RtcLook = z.object({
  id: z.string(),
  session_id: z.string(),
  run_id: z.string(),
  tool_call_id: z.string(),
  user_id: z.string().nullable(),
  source: z.enum(LOOK_SOURCE),
  consent: z.enum(LOOK_CONSENT),
  /** Of the picture, in pixels. */
  width: z.number().int(),
  height: z.number().int(),
  /** The picture; null where it wasn't kept. */
  file_id: z.string().nullable(),
  created_at: z.string(),
}).meta({ id: "RtcLook" });
/** See {@linkcode RtcLook}. */
export type RtcLook = z.infer<typeof RtcLook>;

/** A look as stored. */
export interface RtcLookRow extends Owner, RtcLook {}
