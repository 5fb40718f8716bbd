/**
 * A call with an agent of MUXI, from a browser: microphone, camera and screen one way, voice and words the other.
 *
 * @example Speaking with an agent
 * ```ts
 * import { Call } from "muxi/call";
 *
 * const call = await Call.start({ base_url: "https://muxi.example.org", key, agent_id: "assistant" });
 * call.on("transcript.final", ({ text }) => console.log("you:", text));
 * call.on("agent.speaking", ({ text }) => console.log("agent:", text));
 * call.sendText("What time is it?");
 * await call.hangUp();
 * ```
 *
 * @module
 */
/// <reference no-default-lib="true" />
/// <reference lib="esnext" />
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/// <reference lib="dom.asynciterable" />
import type { LookSource, RtcEventType, RtcMessage } from "../../src/domain/rtc_event.ts";
import type { RtcEnd, RtcSession } from "../../src/domain/rtc_session.ts";
import type { IceServer } from "../../src/domain/rtc_signal.ts";
import { Api, CallError, type Credentials } from "./api.ts";
import { beginSession } from "./begin_session.ts";
import type { CallEvents, CallOptions, ConnectionState, RoomPlace } from "./call_options.ts";
import { CallRecordings } from "./call_recordings.ts";
import { type CallStatistics, readStatistics } from "./call_statistics.ts";
import type { Source } from "./connection.ts";
import type { CallEvent } from "./event_order.ts";
import { HeardClock } from "./heard_clock.ts";
import { LevelMeter } from "./level_meter.ts";
import { Link } from "./link.ts";
import { LocalMedia, type Wanted } from "./local_media.ts";

export { CallError, type CallEvent, type CallStatistics, type Credentials, LevelMeter, type LookSource, type Source };
export type { CallRecordings };
export type { CallEvents, CallOptions, ConnectionState, LocalEvents, RoomPlace } from "./call_options.ts";
export type { RtcEnd, RtcEventType, RtcMessage, RtcSession, Wanted };

type Listener = (data: never) => void;

/** What secrets begin with. */
const INVITED = "ek_";
/** The most sections for others, of each kind. */
const MAX_OTHERS = 7;

interface CallParts {
  api: Api;
  session: RtcSession;
  place: RoomPlace | undefined;
  ice_servers: readonly IceServer[];
  media: LocalMedia;
  options: CallOptions;
}

/** A call. */
export class Call {
  /** The call's id, `rtc_…`. */
  readonly id: string;
  /** The session as it was made. */
  readonly session: RtcSession;
  /** The room it is in, and as whom. */
  readonly place: RoomPlace | undefined;
  /** Whether {@linkcode Call.invite} can be used: not by those who were invited themselves. */
  readonly invites: boolean;
  /** What is recorded of it, or of its room. */
  readonly recordings: CallRecordings;
  /** The agent's voice. */
  readonly sound = new MediaStream();
  /** What plays it, if anything does. */
  readonly player: HTMLAudioElement | undefined;
  readonly #api: Api;
  readonly #link: Link;
  readonly #media: LocalMedia;
  readonly #heard: HeardClock;
  readonly #meters = new Map<"caller" | "agent", LevelMeter>();
  readonly #listeners = new Map<string, Set<Listener>>();
  #state: ConnectionState = "connecting";
  #reason: RtcEnd | null = null;
  #muted = { caller: false, agent: false };
  #held = false;
  /** What was told before anybody could listen. */
  #early: (() => void)[] | undefined = [];

  /** Starts a call. Rejects with {@linkcode CallError}, or the browser's `DOMException` for a device. */
  static async start(options: CallOptions): Promise<Call> {
    const { base_url = "", key, ticket, user_id } = options;
    const api = new Api({
      base_url,
      ...key !== undefined && { key },
      ...ticket && { ticket },
      ...user_id !== undefined && { user_id },
    });
    const wanted = [["microphone", options.audio ?? true], ["camera", options.camera], ["screen", options.screen]]
      .filter((one): one is [Source, Exclude<Wanted, false>] => one[1] !== undefined && one[1] !== false);
    let call: Call | undefined;
    const media = new LocalMedia({ onEnded: (source) => void call?.stop(source) });
    try {
      for (const [source, how] of wanted) await media.open(source, how);
      const { ice_servers } = await api.ask<{ ice_servers: IceServer[] }>("GET", "/rtc/ice-servers");
      const { session, place } = await beginSession(api, options);
      call = new Call({ api, session, place, ice_servers, media, options });
      await call.#begin();
      setTimeout(() => call!.#tellEarly());
      return call;
    } catch (error) {
      media[Symbol.dispose]();
      await call?.hangUp();
      throw error;
    }
  }

  private constructor({ api, session, place, ice_servers, media, options }: CallParts) {
    this.#api = api;
    this.place = place;
    const own = !options.key?.startsWith(INVITED);
    this.invites = place !== undefined && own;
    const of = place ? { room_id: place.room.id } : { session_id: session.id };
    this.recordings = new CallRecordings(api, { of, allowed: own });
    this.session = session;
    this.id = session.id;
    this.#media = media;
    if (options.play !== false) {
      this.player = new Audio();
      this.player.srcObject = this.sound;
    }
    this.#link = new Link({
      api,
      session_id: session.id,
      ice_servers,
      others: place ? Math.min(place.room.max_members - 1, MAX_OTHERS) : 0,
      reattach_ms: (options.reattach_seconds ?? 60) * 1000,
      tracks: () => media.tracks,
      events: {
        onEvent: (event) => this.#receive(event),
        onSound: (track) => this.#hearSound(track),
        onOther: (mid, track) => this.#emit("other", { mid, track }),
        onConnected: (connected) => this.#become(connected ? "connected" : "reconnecting"),
        onGivenUp: (error) => this.#emit("error", error),
        onLost: () => void this.#learnEnd(),
      },
    });
    const sides = { caller: () => this.level("caller"), agent: () => this.level("agent") };
    this.#heard = new HeardClock(sides, (turn_id, ms) => {
      this.#link.send({ type: "heard", turn_id, ms });
      this.#emit("heard", { turn_id, ms });
    });
  }

  /** Where the call is. */
  get connection(): ConnectionState {
    return this.#state;
  }

  /** Why it ended. */
  get reason(): RtcEnd | null {
    return this.#reason;
  }

  /** Who isn't heard. */
  get muted(): Readonly<{ caller: boolean; agent: boolean }> {
    return this.#muted;
  }

  /** Whether both sides wait. */
  get held(): boolean {
    return this.#held;
  }

  /** What is sent, to be shown to the person; null when it isn't open. */
  stream(source: Source): MediaStream | null {
    return this.#media.stream(source);
  }

  /** Calls `listener` at each event of a type; returns how to stop that. */
  on<Type extends keyof CallEvents>(type: Type, listener: (data: CallEvents[Type]) => void): () => void {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners.add(listener as Listener));
    return () => void listeners.delete(listener as Listener);
  }

  /** Says something by writing. */
  sendText(text: string): void {
    this.#link.send({ type: "text", text });
  }

  /** Ends what the agent says. */
  interrupt(): void {
    this.#link.send({ type: "interrupt" });
  }

  /** Lets one side not be heard: the caller, or the agent, which goes on in writing. */
  mute(who: "caller" | "agent" = "caller"): void {
    this.#setMuted(who, true);
  }

  /** Lets one side be heard again. */
  unmute(who: "caller" | "agent" = "caller"): void {
    this.#setMuted(who, false);
  }

  /** Lets both sides wait. */
  hold(): void {
    this.#setHeld(true);
  }

  /** Goes on after {@linkcode Call.hold}. */
  resume(): void {
    this.#setHeld(false);
  }

  /** Lets a tool call that waits for a person go on, with other arguments if given. */
  approve(call: { run_id: string; tool_call_id: string }, { arguments: given }: {
    arguments?: Record<string, unknown>;
  } = {}): void {
    const { run_id, tool_call_id } = call;
    this.#link.send({ type: "approval", run_id, tool_call_id, decision: "approve", ...given && { arguments: given } });
  }

  /** Refuses a tool call that waits for a person. */
  deny({ run_id, tool_call_id }: { run_id: string; tool_call_id: string }, { reason }: { reason?: string } = {}): void {
    this.#link.send({
      type: "approval",
      run_id,
      tool_call_id,
      decision: "deny",
      ...reason !== undefined && { reason },
    });
  }

  /** Lets the agent look, once or until the call ends, or not. */
  consent(
    source: LookSource,
    { allow, until = "once", look_id }: { allow: boolean; until?: "once" | "call"; look_id?: string },
  ): void {
    this.#link.send({ type: "consent", source, allow, until, ...look_id !== undefined && { look_id } });
  }

  /** Calls `listener` when the agent wants to look, until what is returned is called. Without an answer it doesn't. */
  onLookAsked(listener: (look: CallEvents["look.asked"]) => void): () => void {
    return this.on("look.asked", listener);
  }

  /** Answers an agent that wants to look; `"no"` takes back what was allowed before, at any time. */
  answerLook({ source, look_id }: { source: LookSource; look_id?: string }, answer: "once" | "call" | "no"): void {
    const given = { allow: answer !== "no", until: answer === "no" ? "once" : answer } as const;
    this.consent(source, { ...given, ...look_id !== undefined && { look_id } });
  }

  /** Changes how the agent speaks. */
  setVoice(voice: { voice?: string; language?: string; speed?: number }): void {
    this.#link.send({ type: "voice", ...voice });
  }

  /** Sends a source; one that is sent already is replaced. Rejects with the browser's `DOMException`. */
  async share(source: Source, wanted: Exclude<Wanted, false> = true): Promise<void> {
    const track = await this.#media.open(source, wanted);
    if (this.#state === "ended") return this.#media.close(source);
    this.#media.silent = this.#muted.caller || this.#held;
    this.#measure("caller", this.#media.stream("microphone"));
    this.#emit("media", { source, open: true });
    await this.#link.put(source, track);
  }

  /** Sends a source no more. */
  async stop(source: Source): Promise<void> {
    this.#media.close(source);
    this.#measure("caller", this.#media.stream("microphone"));
    await this.#link.put(source, null);
    this.#emit("media", { source, open: false });
  }

  /** Plays the agent's voice on another device, where the browser can. */
  async setSpeaker(device_id: string): Promise<void> {
    await this.player?.setSinkId?.(device_id);
  }

  /** How loud a side is now, from 0 to 1. */
  level(who: "caller" | "agent"): number {
    return this.#meters.get(who)?.read() ?? 0;
  }

  /** What the browser counts. */
  statistics(): Promise<CallStatistics> {
    return readStatistics(this.#link.pc);
  }

  /** Makes a secret that joins the room of the call in place of a key. */
  async invite({ expires_seconds }: { expires_seconds: number }): Promise<string> {
    const body = { room_id: this.place?.room.id, expires_seconds };
    return (await this.#api.ask<{ secret: string }>("POST", "/rtc/secrets", { body })).secret;
  }

  /** Finds a new path at once, as after a change of the network. */
  reconnect(): void {
    this.#link.mend();
  }

  /** Ends the call. */
  async hangUp(): Promise<void> {
    if (this.#state === "ended") return;
    this.#end("hung_up");
    // It may be gone already, and then there is nothing to end.
    await this.#api.ask("DELETE", `/rtc/sessions/${this.id}`, { keepalive: true }).catch(() => {});
  }

  async #begin(): Promise<void> {
    this.#measure("caller", this.#media.stream("microphone"));
    for (const [source] of this.#media.tracks) this.#emit("media", { source, open: true });
    await this.#link.open();
  }

  #receive(event: CallEvent): void {
    if (event.type === "speech.started") this.#heard.begin(event.data.turn_id);
    else if (event.type === "speech.stopped") this.#heard.end();
    else if (event.type === "session.state" && event.data.state === "ended") this.#end(event.data.reason ?? "lost");
    // Glare is settled by the next offer of either side.
    else void this.#link.hear(event).catch(() => {});
    this.#emit("event", event);
    this.#emit(event.type, event.data as never);
  }

  #tellEarly(): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const tell of early) tell();
  }

  #hearSound(track: MediaStreamTrack): void {
    for (const old of this.sound.getTracks()) this.sound.removeTrack(old);
    this.sound.addTrack(track);
    this.#measure("agent", this.sound);
    // Until the person touches the page a browser may refuse; the page then offers a button for it.
    void this.player?.play().catch(() => {});
    this.#emit("sound", { stream: this.sound });
  }

  #measure(who: "caller" | "agent", stream: MediaStream | null): void {
    this.#meters.get(who)?.[Symbol.dispose]();
    this.#meters.delete(who);
    if (stream && stream.getAudioTracks().length > 0) this.#meters.set(who, new LevelMeter(stream));
  }

  #setMuted(who: "caller" | "agent", muted: boolean): void {
    this.#muted = { ...this.#muted, [who]: muted };
    this.#applyQuiet();
    this.#link.send({ type: muted ? "mute" : "unmute", who });
  }

  #setHeld(held: boolean): void {
    this.#held = held;
    this.#applyQuiet();
    this.#link.send({ type: held ? "hold" : "resume" });
  }

  /** Silence begins here, not when the server has heard of it. */
  #applyQuiet(): void {
    this.#media.silent = this.#muted.caller || this.#held;
    if (this.player) this.player.muted = this.#muted.agent || this.#held;
  }

  #become(state: ConnectionState): void {
    if (
      this.#state === state || this.#state === "ended" || (this.#state === "connecting" && state === "reconnecting")
    ) {
      return;
    }
    this.#state = state;
    this.#emit("connection", { state, reason: this.#reason });
  }

  /** Asks why the call is over, which nobody could say while there was no way to us. */
  async #learnEnd(): Promise<void> {
    const session = await this.#api.ask<RtcSession>("GET", `/rtc/sessions/${this.id}`).catch(() => undefined);
    this.#end(session?.reason ?? "lost");
  }

  #end(reason: RtcEnd): void {
    if (this.#state === "ended") return;
    this.#reason = reason;
    const open = this.#media.tracks.map(([source]) => source);
    this.#link[Symbol.dispose]();
    this.#heard[Symbol.dispose]();
    this.#media[Symbol.dispose]();
    for (const who of ["caller", "agent"] as const) this.#measure(who, null);
    this.player?.pause();
    for (const source of open) this.#emit("media", { source, open: false });
    this.#become("ended");
  }

  #emit<Type extends keyof CallEvents>(type: Type, data: CallEvents[Type]): void {
    if (this.#early) return void this.#early.push(() => this.#emit(type, data));
    for (const listener of this.#listeners.get(type) ?? []) (listener as (data: CallEvents[Type]) => void)(data);
  }
}
