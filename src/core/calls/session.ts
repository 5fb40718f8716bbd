/**
 * One call that goes on: its connection, its voice, its place in a conversation, and who follows it.
 *
 * @module
 */
import type { Principal } from "../../domain/access.ts";
import { AppError } from "../../domain/error.ts";
import type { NewRtcEvent } from "../../domain/rtc_event.ts";
import type { RtcEnd, RtcStats } from "../../domain/rtc_session.ts";
import type { RtcSessionRow } from "../../domain/table.ts";
import { sleep } from "../../kit/clock.ts";
import type { Channel, MediaPacket, OutgoingPacket, PeerState } from "../../ports/peers.ts";
import type { TurnDetectorOf } from "../../ports/turn_detector.ts";
import type { VoiceLimits } from "../voice/voice_limits.ts";
import type { VoiceLoop } from "../voice/voice_loop.ts";
import type { Phrases } from "../voice/voice_parts.ts";
import type { LimitReport } from "../identity/limits.ts";
import { Acknowledgements } from "./acknowledgements.ts";
import { attach, type AttachOptions } from "./attach.ts";
import { CallEvents } from "./call_events.ts";
import { CallState } from "./call_state.ts";
import type { CallMedia } from "./call_media.ts";
import { type CallVerbs, takeMessage } from "./control.ts";
import { MessageMeter } from "./message_meter.ts";
import { type LookOptions, Looks } from "./looks.ts";
import type { LookRecords } from "./look_records.ts";
import { Microphone } from "./microphone.ts";
import { noWay } from "./no_way.ts";
import { toSession } from "./session_row.ts";
import { SideChannels } from "./side_channels.ts";
import type { Seat } from "./seat.ts";
import { CHANNEL, Signalling, type SignallingDeps } from "./signalling.ts";
import { CallTaps } from "./call_tap.ts";
import { CallStats } from "./stats.ts";
import { Talk, type TalkParts } from "./talk.ts";
import { toTalkVerbs } from "./talk_verbs.ts";
import { Terms } from "./terms.ts";
import { Watchdog, type WatchdogLimits } from "./watchdog.ts";

/** How often what was counted is told and stored. */
const STATS_MS = 10_000;
/** How long the last words get to arrive before the connection goes. */
const LAST_WORDS_MS = 100;

/** What a {@linkcode CallSession} needs. */
export interface CallSessionDeps extends TalkParts {
  row: RtcSessionRow;
  principal: Principal;
  media: CallMedia;
  turns: TurnDetectorOf;
  iceServers: SignallingDeps["iceServers"];
  relay_only: boolean;
  limits: { watchdog: WatchdogLimits; voice: VoiceLimits };
  look: LookOptions;
  looks: LookRecords;
  phrases: Phrases;
  /** Its place in a room, if it is in one. */
  seat: Seat | undefined;
  /** Counts what `principal` starts. Throws `TooManyRequestsError`. */
  spend(principal: Principal): void;
  /** What is left for `principal` to spend; undefined where that isn't limited. */
  left(principal: Principal): LimitReport | undefined;
  /** Told when the call is over, and stored as such. */
  onEnd(): void;
}

/** See the module. */
export class CallSession {
  readonly principal: Principal;
  readonly events: CallEvents;
  readonly signalling: Signalling;
  /** Where other protocols are spoken. */
  readonly sides = new SideChannels();
  /** Who follows its packets as well. */
  readonly taps = new CallTaps();
  readonly #looks: Looks;
  readonly #deps: CallSessionDeps;
  readonly #watchdog: Watchdog;
  readonly #state: CallState;
  readonly #stats = new CallStats();
  readonly #stack = new DisposableStack();
  readonly #verbs: CallVerbs;
  readonly #terms = new Terms();
  readonly #microphone = new Microphone();
  #talk: Talk | undefined;
  #muted = { caller: false, agent: false };
  #ending: Promise<void> | undefined;

  /** Begins a call whose row is stored. */
  static async open(deps: CallSessionDeps): Promise<CallSession> {
    const session = new CallSession(deps);
    try {
      session.#talk = await session.#openTalk();
    } catch (error) {
      await session.end("failed");
      throw error;
    }
    session.#begin();
    return session;
  }

  private constructor(deps: CallSessionDeps) {
    const { row, principal, media, iceServers, relay_only, clock, limits, seat } = this.#deps = deps;
    this.principal = principal;
    this.events = new CallEvents(row.id);
    this.#watchdog = this.#stack.use(
      new Watchdog({ clock, limits: limits.watchdog, onEnd: (reason) => void this.end(reason) }),
    );
    this.#state = new CallState({ ...deps, events: this.events, watchdog: this.#watchdog });
    const sees = row.modalities.includes("camera") || row.modalities.includes("screen");
    this.signalling = new Signalling({
      peers: media.peers,
      iceServers,
      options: {
        audio: seat || row.modalities.includes("audio") ? "sendrecv" : "inactive",
        video: seat ? "sendrecv" : sees ? "recvonly" : "inactive",
        relay_only,
      },
      events: {
        onState: (state) => this.#follow(state),
        onCandidate: (candidate) =>
          this.events.emit({ type: "session.candidate", data: { candidate: candidate ?? { candidate: "" } } }),
        onOffer: (sdp) => this.events.offer(sdp),
        onMedia: (packet) => this.#hear(packet),
        onChannel: (channel) => this.#open(channel),
        onKeyframeAsked: (mid) => seat?.onKeyframeAsked(mid),
        onLoss: (percent) => seat ? seat.onLoss(percent) : this.#loop.noteLoss(percent),
        onDescribed: (sdp) => this.#looks.describe(sdp),
        onReplaced: (peer) => {
          this.#stats.close(peer.stats());
          this.#microphone.replace();
          this.#looks.replace();
          // Until the new one connects there is nobody to hear what is said.
          if (this.row.state === "active") this.#lose();
        },
      },
    });
    this.#looks = this.#stack.use(
      new Looks({
        ...deps,
        records: deps.looks,
        options: deps.look,
        row: () => this.row,
        peer: () => this.signalling.peer,
        emit: (event) => this.#tell(event),
      }),
    );
    this.#verbs = this.#makeVerbs();
  }

  /** The call as it is now. */
  get row(): RtcSessionRow {
    return this.#state.row;
  }

  /** See {@linkcode CallState.save}. */
  save(set: Partial<RtcSessionRow>): Promise<void> {
    return this.#state.save(set);
  }

  /** Who is not heard, or not spoken to. */
  get muted(): Readonly<Record<"caller" | "agent", boolean>> {
    return this.#muted;
  }

  /** Whether it is over. */
  get ended(): boolean {
    return this.#ending !== undefined;
  }

  /** See `attach`. */
  attach(principal: Principal, options: Omit<AttachOptions, "principal" | "take">): AsyncGenerator<string> {
    const take = (text: string) => this.take(text, principal);
    const { events } = this;
    return attach({ events, watchdog: this.#watchdog, looks: this.#looks }, { ...options, principal, take });
  }

  get #loop(): VoiceLoop {
    return this.#talk!.loop;
  }

  /** Puts both on hold, or goes on. */
  hold(held: boolean): void {
    if (held === this.row.held) return;
    this.#loop.hold(held);
    this.#state.become(this.row.state, { held });
  }

  /** See {@linkcode CallVerbs.mute}. */
  mute(who: "caller" | "agent", muted: boolean): void {
    this.#muted[who] = muted;
    // The others in a room go on hearing what agents say.
    if (who === "caller" || !this.#deps.seat) this.#loop.mute(who, muted);
  }

  /** Changes how the agent sounds. */
  setVoice(choice: Parameters<VoiceLoop["setVoice"]>[0]): void {
    this.#loop.setVoice(choice);
    void this.save({ voice: { ...this.row.voice, ...choice } });
  }

  /** Ends the call and tells why. Resolves when nothing of it is left. */
  end(reason: RtcEnd): Promise<void> {
    return this.#ending ??= this.#end(reason);
  }

  #begin(): void {
    const { clock, principal, limits } = this.#deps;
    this.events.emit({ type: "session.started", data: { session: toSession(this.row) } });
    this.#looks.begin();
    for (const message of this.#talk!.missing) this.#complain(new AppError("UnavailableError", message));
    this.#stack.use(clock.every(STATS_MS, () => this.#report()));
    const left = (principal.expires_at ?? Infinity) - clock.now();
    if (left >= limits.watchdog.max_call_ms) return;
    this.#stack.use(clock.after(Math.max(0, left), () => void this.end("key_revoked")));
  }

  #openTalk(): Promise<Talk> {
    const { limits } = this.#deps;
    return Talk.open({
      ...this.#deps,
      row: this.row,
      terms: this.#terms,
      choice: () => this.row.voice,
      complain: (error) => this.#complain(error),
      looks: this.#looks,
      limits: limits.voice,
      onConversation: (conversation_id) => void this.save({ conversation_id }),
      onRunEvent: (run_id, event) => {
        this.events.emitRunEvent(run_id, event);
        if (event.type === "run.started") this.#tellLimits();
      },
      emit: (event) => this.#tell(event),
      sendAudio: (packet) => this.#deps.seat ? this.#deps.seat.onSaid(packet) : this.say(packet),
    });
  }

  /** Sends what an agent says. */
  say(packet: OutgoingPacket): void {
    this.taps.packet("out", packet);
    this.signalling.peer?.sendAudio(packet);
  }

  #tellLimits(): void {
    const report = this.#deps.left(this.principal);
    if (!report) return;
    const { limit, remaining, reset_seconds } = report;
    this.events.emit({ type: "session.limits", data: { limit, remaining, reset_seconds } });
  }

  #tell(event: NewRtcEvent): void {
    if (event.type === "speech.started" || event.type === "transcript.final") this.#watchdog.noteWord();
    this.taps.event(event);
    this.events.emit(event);
    if (this.ended) this.#deps.seat?.onEvent(event);
  }

  #follow(state: PeerState): void {
    if (this.ended) return;
    const now = this.row.state;
    if (state === "connecting" && now === "created") this.#state.become("connecting");
    else if (state === "connected") this.#connect();
    else if (state === "lost" && now === "active") this.#lose();
    else if (state === "closed" || state === "failed") this.#leave(state);
  }

  #connect(): void {
    this.#state.connect();
    this.#loop.mute("agent", this.#muted.agent && !this.#deps.seat);
    this.#loop.start();
  }

  #lose(): void {
    // In a room there are others who hear what is being said.
    if (!this.#deps.seat) this.#loop.pause();
    this.#state.become("lost");
  }

  /** The connection is over. Whoever is there without it, or was cut off, may come back. */
  #leave(state: "closed" | "failed"): void {
    const was = this.row.state;
    if (was === "lost") return;
    if (this.#watchdog.attached) return was === "active" ? this.#lose() : this.#state.become("created");
    void this.end(state === "closed" ? "hung_up" : "failed");
  }

  #hear(packet: MediaPacket): void {
    // What the agent isn't to hear is nobody else's, either.
    const silent = this.row.held || (packet.kind === "audio" && this.#muted.caller);
    if (!silent) this.taps.packet("in", packet);
    if (packet.kind !== "audio") return this.#looks.take(packet);
    if (this.#microphone.takes(packet.mid)) this.#loop.onMedia(packet);
  }

  #open(channel: Channel): { onMessage(text: string): void; onClose(): void } {
    if (channel.label !== CHANNEL) return this.sides.open(channel);
    const sending = this.events.send(channel);
    return {
      onMessage: (text) => this.take(text, this.principal),
      onClose: () => sending[Symbol.dispose](),
    };
  }

  /** Takes what is said on another way, as on the call's own channel. */
  take(text: string, principal: Principal): void {
    if (!this.ended) void takeMessage(text, this.#verbs, principal);
  }

  #makeVerbs(): CallVerbs {
    const isHeard = () => this.row.state === "active";
    const acknowledgements = new Acknowledgements({
      onDone: (id) => this.events.emit({ type: "message.acknowledged", data: { id } }),
    });
    const meter = new MessageMeter(this.#deps);
    return {
      ...toTalkVerbs({ ...this.#deps, terms: this.#terms, loop: () => this.#loop, isHeard }),
      mute: (who, muted) => this.mute(who, muted),
      hold: (held) => this.hold(held),
      setVoice: (choice) => this.setVoice(choice),
      consent: (said, principal) => this.#looks.say(said, principal),
      nameTracks: (tracks) => {
        this.taps.name(tracks);
        this.#looks.name(tracks);
        this.#microphone.name(tracks);
      },
      takeOffer: async (offer) => {
        const sdp = await this.signalling.answer(offer);
        this.events.emit({ type: "session.answer", data: { sdp } });
      },
      takeAnswer: (sdp) => this.signalling.accept(sdp),
      takeCandidate: (candidate) => this.signalling.addCandidates([candidate]),
      once: (id, work) => acknowledgements.once(id, work),
      admit: (type, work) => meter.admit(type, work),
      complain: (error) => this.#complain(error),
    };
  }

  #complain(error: AppError): void {
    this.events.emit({ type: "error", data: error.toBody() });
  }

  #report(): void {
    if (this.row.state === "active") this.#state.report(this.#count());
  }

  #count(): RtcStats {
    return this.#stats.total(this.signalling.peer?.stats(), this.#loop.stats);
  }

  async #end(reason: RtcEnd): Promise<void> {
    const { clock, onEnd, seat } = this.#deps;
    const stats = this.#talk && this.#count();
    this.#stack.dispose();
    const goesOn = this.#talk && seat?.inherit(this.#talk, reason);
    const silent = goesOn ? undefined : this.#talk?.[Symbol.asyncDispose]();
    this.taps.end();
    if (reason === "connect_timeout") this.#complain(noWay(this.signalling.peer));
    await this.#state.end(reason, stats);
    await silent;
    onEnd();
    if (this.signalling.peer?.state === "connected") await sleep(clock, LAST_WORDS_MS);
    this.events.end();
    this.sides.end();
    await this.signalling[Symbol.asyncDispose]();
  }
}
