/**
 * A session that goes on, of whatever kind.
 *
 * @module
 */
import type { Principal } from "../../domain/access.ts";
import type { RtcEnd } from "../../domain/rtc_session.ts";
import type { RtcSessionRow } from "../../domain/table.ts";
import type { CallEvents } from "./call_events.ts";
import type { CallMedia } from "./call_media.ts";
import type { Signalling, SignallingDeps } from "./signalling.ts";
import type { WatchdogLimits } from "./watchdog.ts";

/** See the module. */
export interface LiveSession {
  readonly principal: Principal;
  readonly row: RtcSessionRow;
  readonly ended: boolean;
  readonly events: CallEvents;
  readonly signalling: Signalling;
  /** Ends it and tells why. Resolves when nothing of it is left. */
  end(reason: RtcEnd): Promise<void>;
}

/** What a session is opened with. */
export interface HostedParts {
  media: CallMedia;
  iceServers: SignallingDeps["iceServers"];
  relay_only: boolean;
  watchdog: WatchdogLimits;
  /** Told when it is over, and stored as such. */
  onEnd(): void;
}
