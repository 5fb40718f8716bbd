/**
 * The looks of one call: one at a time, not too many, with consent, and each on record.
 *
 * @module
 */
import { isWhoBegan, type Principal } from "../../domain/access.ts";
import { AppError } from "../../domain/error.ts";
import type { LookSource, LookState, NewRtcEvent } from "../../domain/rtc_event.ts";
import type { RtcSessionRow } from "../../domain/table.ts";
import { abortable } from "../../kit/abortable.ts";
import { type Clock, toTime } from "../../kit/clock.ts";
import { createId } from "../../kit/id.ts";
import { joinSignals } from "../../kit/joined_signal.ts";
import { Lines } from "../../kit/lines.ts";
import type { MediaPacket, Peer } from "../../ports/peers.ts";
import type { LookRequest, Sight } from "../tools/look.ts";
import type { TrackNames } from "./call_tap.ts";
import { Camera } from "./camera.ts";
import { LookConsent, type LookConsentOptions, type SaidOfLooks } from "./look_consent.ts";
import type { LookRecords } from "./look_records.ts";
import { readVideo, type VideoOffer } from "./video_offer.ts";

const MINUTE = 60_000;
/** Between two requests for a picture. */
const INTERVAL_MS = 500;

/** How calls are looked at. */
export interface LookOptions {
  consent: LookConsentOptions["rule"];
  /** How long a person has to answer. */
  ask_ms: number;
  /** How long a picture may take. */
  timeout_ms: number;
  max_per_minute: number;
}

/** A look that an agent asks for. */
export interface AskedLook extends LookRequest {
  agent_id: string;
}

/** What {@linkcode Looks} need. */
export interface LooksDeps {
  clock: Clock;
  principal: Principal;
  options: LookOptions;
  records: LookRecords;
  /** The call as it is now. */
  row(): RtcSessionRow;
  /** The connection in force. */
  peer(): Peer | undefined;
  emit(event: NewRtcEvent): void;
}

/** See the module. */
export class Looks implements Disposable {
  readonly #deps: LooksDeps;
  readonly #camera: Camera;
  readonly #consent: LookConsent;
  readonly #line = new Lines();
  readonly #over = new AbortController();
  /** When the last ones were asked for. */
  #recent: number[] = [];
  /** What the caller says of its video; undefined: nothing yet. */
  #video: VideoOffer | undefined;
  /** How many are there who may be asked, beside the connection. */
  #present = 0;

  constructor(deps: LooksDeps) {
    this.#deps = deps;
    const { clock, options: { consent: rule, ask_ms, timeout_ms }, peer, emit } = deps;
    const onChange = (source: LookSource, state: LookState) => {
      if (this.#sources.includes(source)) emit({ type: "look.consent", data: { source, state } });
    };
    this.#consent = new LookConsent({ clock, rule, ask_ms, onChange });
    this.#camera = new Camera({
      clock,
      timeout_ms,
      interval_ms: INTERVAL_MS,
      sending: () => {
        const rejected = this.#video?.rejected ?? [];
        const tracks = peer()?.tracks ?? [];
        return tracks.flatMap(({ kind, mid }) => kind === "video" && !rejected.includes(mid) ? [mid] : []);
      },
      requestKeyframe: (mid) => peer()?.requestKeyframe(mid),
    });
  }

  /** Begins, and tells what holds. */
  begin(): void {
    this.#consent.begin();
  }

  /** Whether there may ever be something to look at. */
  get possible(): boolean {
    return this.#deps.options.consent !== "never" && this.#sources.length > 0;
  }

  /** Takes a packet of video. */
  take(packet: MediaPacket): void {
    this.#camera.take(packet);
  }

  /** Takes what the caller's tracks are. */
  name(tracks: TrackNames): void {
    this.#camera.name(tracks);
  }

  /** Another connection takes the place of the one before. */
  replace(): void {
    this.#video = undefined;
    this.#camera.replace();
    this.#consent.renew();
  }

  /** `principal` follows the call beside its connection, until disposed: who is in the call may be asked there. */
  attend(principal: Principal): Disposable {
    const counts = isWhoBegan(this.#deps.row(), principal) ? 1 : 0;
    this.#present += counts;
    return { [Symbol.dispose]: () => void (this.#present -= counts) };
  }

  /** Takes the caller's description. Tells of video that can't be looked at. */
  describe(sdp: string): void {
    const video = readVideo(sdp);
    const { foreign } = video;
    if (foreign !== undefined && foreign !== this.#video?.foreign && this.#sources.length > 0) {
      const message = `Nobody can look at the caller's video: it is in ${foreign}, wanted VP8`;
      this.#deps.emit({ type: "error", data: new AppError("ConflictError", message).toBody() });
    }
    this.#video = video;
    this.#camera.check();
  }

  /** Takes what the person says. Throws `ForbiddenError` when it isn't the one who is in the call. */
  say(said: SaidOfLooks, principal: Principal): void {
    if (!isWhoBegan(this.#deps.row(), principal)) {
      throw new AppError("ForbiddenError", "Cannot take the consent: only who is in the call may give it");
    }
    this.#consent.say(said);
  }

  /** Looks. Rejects with an `AppError` that tells the agent why it can't. */
  async look(request: AskedLook, { signal }: { signal: AbortSignal }): Promise<Sight> {
    using stop = joinSignals(signal, this.#over.signal);
    this.#count();
    return await abortable(this.#line.run("", () => this.#look(request, stop.signal)), stop.signal);
  }

  /** Ends every look: the call is over. */
  [Symbol.dispose](): void {
    this.#over.abort(new AppError("CancelledError", "Cannot look: the call has ended"));
    this.#camera[Symbol.dispose]();
  }

  /** Whether there is anybody to ask. Clients of WHIP are told of nothing. */
  get #reachable(): boolean {
    return this.#deps.row().dialect !== "whip" || this.#present > 0;
  }

  get #sources(): LookSource[] {
    return this.#deps.row().modalities.filter((one) => one === "camera" || one === "screen");
  }

  async #look({ reason, ...request }: AskedLook, signal: AbortSignal): Promise<Sight> {
    const { principal, records, emit, clock } = this.#deps;
    const look_id = createId("look");
    const { run_id, agent_id, tool_call_id } = request;
    const facts = { id: look_id, run_id, tool_call_id, principal };
    let asked = false;
    let source: LookSource | undefined = request.source;
    try {
      signal.throwIfAborted();
      const wanted = source = this.#choose(request.source);
      this.#assertNotHeld(wanted);
      if (this.#consent.isOpen(wanted) && !this.#reachable) throw unreachable(wanted);
      // A yes may be taken back in the same breath: it is watched before it is there.
      using back = this.#consent.watch(wanted);
      using stop = joinSignals(signal, back.signal);
      const consent = await this.#consent.obtain(wanted, {
        look_id,
        run_id,
        signal: stop.signal,
        tell: () => {
          asked = true;
          emit({ type: "look.asked", data: { look_id, source: wanted, reason, agent_id, run_id } });
        },
      });
      this.#assertNotHeld(wanted);
      const picture = await this.#camera.look(wanted, { signal: stop.signal });
      this.#assertNotHeld(wanted);
      const session = this.#deps.row();
      const { row, file } = await records.add({ ...facts, session, source: wanted, consent }, {
        picture,
        signal: stop.signal,
      });
      emit({ type: "look.done", data: { look_id, source: wanted, file_id: row.file_id } });
      // A room's conversation is everybody's: a picture of one person stays theirs.
      return { ...picture, source: wanted, at: toTime(clock.now()), file: session.room_id === null ? file : null };
    } catch (thrown) {
      // Whoever stopped the answer has reasons that nobody in the call is told.
      const stopped = signal.aborted && !(thrown instanceof AppError);
      const error = stopped
        ? new AppError("CancelledError", "Cannot look: the answer was stopped")
        : AppError.from(thrown);
      if (asked && source) emit({ type: "look.refused", data: { look_id, source, message: error.message } });
      records.refuse({ ...facts, session: this.#deps.row(), source }, error);
      throw error;
    }
  }

  /** What is meant: what was named, or what is shared, the screen first. */
  #choose(wanted: LookSource | undefined): LookSource {
    const possible = this.#sources;
    const { sources: shared } = this.#camera;
    const source = wanted ?? (["screen", "camera"] as const).find((one) => shared.has(one)) ?? possible[0];
    if (source === undefined || !possible.includes(source)) {
      throw new AppError("ConflictError", `Cannot look at the ${source ?? "camera"}: this call carries none`);
    }
    if (shared.has(source)) return source;
    const { foreign, none } = this.#video ?? {};
    if (foreign !== undefined) {
      const message = `Cannot look at the ${source}: the caller's video is in ${foreign}, wanted VP8`;
      throw new AppError("ConflictError", message);
    }
    if (none) {
      throw new AppError(
        "ConflictError",
        `Cannot look at the ${source}: there is none, the caller's client has no video`,
      );
    }
    // Who is asked may share it before they say yes. Nobody is asked twice.
    if (this.#consent.isOpen(source) && this.#reachable) return source;
    throw new AppError("ConflictError", `Cannot look at the ${source}: it is off`);
  }

  #assertNotHeld(source: LookSource): void {
    if (!this.#deps.row().held) return;
    throw new AppError("ConflictError", `Cannot look at the ${source}: the call is on hold`);
  }

  #count(): void {
    const { clock, options: { max_per_minute } } = this.#deps;
    const now = clock.now();
    this.#recent = this.#recent.filter((at) => at > now - MINUTE);
    if (this.#recent.length >= max_per_minute) {
      const retry_after = Math.max(1, Math.ceil((this.#recent[0]! + MINUTE - now) / 1000));
      const message = `Cannot look more than ${max_per_minute} times a minute: look again in ${retry_after} s`;
      throw new AppError("TooManyRequestsError", message, { retry_after });
    }
    this.#recent.push(now);
  }
}

function unreachable(source: LookSource): AppError {
  const why = "the person has to be asked, and this call's client (WHIP) can't be";
  return new AppError("ForbiddenError", `Cannot look at the ${source}: ${why}`);
}
