/**
 * What holds a call and its session together: the connection, which is mended or replaced when it breaks, and the events
 * and messages, which take another way meanwhile.
 *
 * @module
 */
import type { ErrorBody } from "../../src/domain/error.ts";
import type { RtcMessage } from "../../src/domain/rtc_event.ts";
import type { IceCandidate, IceServer } from "../../src/domain/rtc_signal.ts";
import { type Api, CallError } from "./api.ts";
import { Connection, type Source } from "./connection.ts";
import { EventFeed, pause } from "./event_feed.ts";
import { type CallEvent, EventOrder } from "./event_order.ts";
import { Outbox } from "./outbox.ts";
import { SideWay } from "./side_way.ts";

/** Options of a link. */
export interface LinkOptions {
  api: Api;
  session_id: string;
  ice_servers: readonly IceServer[];
  /** For how many others there are sections. */
  others: number;
  /** For how long a lost connection is taken up again. */
  reattach_ms: number;
  /** What is sent over a new connection. */
  tracks(): readonly (readonly [Source, MediaStreamTrack])[];
  events: LinkEvents;
}

/** What a link tells its owner. */
export interface LinkEvents {
  onEvent(event: CallEvent): void;
  onSound(track: MediaStreamTrack): void;
  /** A section for somebody else in the room. */
  onOther(mid: string, track: MediaStreamTrack): void;
  /** Whether media flows. */
  onConnected(connected: boolean): void;
  /** Something that was to be sent won't be. */
  onGivenUp(error: ErrorBody): void;
  /** The session can't be reached any more. */
  onLost(): void;
}

/** How long a way to the server may take to be found. */
const CONNECT_MS = 10_000;
/** A connection that is broken for less mends itself. */
const BLINK_MS = 1500;
/** How long an event may be missing before it is asked for. */
const GAP_MS = 300;
const MAX_WAIT_MS = 8000;
/** How many candidates the server takes at once. */
const MAX_CANDIDATES = 64;
/** The server's answers after which no offer will be taken. */
const GONE = [401, 403, 404, 409, 410];
/** What is only meant for the moment in which it is said. */
const MOMENTARY: readonly RtcMessage["type"][] = ["interrupt"];

/** A call's link to its session. */
export class Link implements Disposable {
  readonly #options: LinkOptions;
  readonly #order: EventOrder;
  readonly #feed: EventFeed;
  readonly #side: SideWay;
  readonly #outbox: Outbox;
  readonly #closed = new AbortController();
  #connection: Connection;
  #candidates: IceCandidate[] = [];
  #mending = false;
  /** Whether the first way is still looked for: what failed then is told to whoever waits for it. */
  #opening = true;
  #blink: ReturnType<typeof setTimeout> | undefined;
  #gap: ReturnType<typeof setTimeout> | undefined;
  #posting = false;
  /** Whether the server has our description, without which it can't take our candidates. */
  #known = false;

  constructor(options: LinkOptions) {
    this.#options = options;
    const { api, session_id, events } = options;
    this.#order = new EventOrder(events.onEvent);
    const reading = { api, session_id, last: () => this.#order.last, onEvent: (event: CallEvent) => this.#take(event) };
    this.#outbox = new Outbox({ onGivenUp: events.onGivenUp });
    this.#side = new SideWay({
      ...reading,
      onOpen: () => this.#flush(),
      onTooLong: () => {
        this.#outbox.giveUpLong();
        this.#leaveSideWay();
      },
    });
    this.#feed = new EventFeed({
      ...reading,
      onGap: () => this.#order.skip(),
      onEnd: () => events.onLost(),
    });
    this.#connection = this.#connect(options.ice_servers);
  }

  /** The connection, for its figures. */
  get pc(): RTCPeerConnection {
    return this.#connection.pc;
  }

  /** Connects for the first time. */
  async open(): Promise<void> {
    this.#feed.start();
    addEventListener("online", () => this.mend(), { signal: this.#closed.signal });
    for (const [source, track] of this.#options.tracks()) await this.#connection.put(source, track);
    await this.#connection.agree();
    const found = await this.#settled(this.#connection);
    this.#opening = false;
    if (!found) {
      throw new CallError("Cannot find a way to the server for media", { error: "TimeoutError", status: 0 });
    }
  }

  /** Says something to the server, now or as soon as it can be, until it is acknowledged. */
  send(message: RtcMessage): void {
    if (this.#closed.signal.aborted) return;
    const text = MOMENTARY.includes(message.type) ? JSON.stringify(message) : this.#outbox.add(message);
    if (text !== undefined) this.#post(text);
  }

  /** Sends a track, or nothing any more. */
  async put(source: Source, track: MediaStreamTrack | null): Promise<void> {
    if (await this.#connection.put(source, track)) await this.#connection.agree();
    this.#tellTracks();
  }

  /** Takes what the server says of the connection, and of what was said over it. */
  async hear(event: CallEvent): Promise<void> {
    if (event.type === "message.acknowledged") {
      if (this.#outbox.acknowledge(event.data.id)) this.#flush();
      this.#leaveSideWay();
    } else if (event.type === "session.candidate") {
      const { candidate, sdp_mid, sdp_m_line_index, username_fragment } = event.data.candidate;
      await this.#connection.add({
        candidate,
        sdpMid: sdp_mid ?? null,
        sdpMLineIndex: sdp_m_line_index ?? null,
        usernameFragment: username_fragment ?? null,
      });
    } else if (event.type === "session.offer" && event.data.sdp !== null) {
      const { api, session_id } = this.#options;
      const sdp = await this.#connection.answer(event.data.sdp);
      await api.ask("POST", "/rtc/answer", { body: { session_id, type: "answer", sdp } });
    }
  }

  /** Finds a new way in place of the first, again and again, until there is one or it has taken too long. */
  mend(): void {
    if (this.#opening || this.#mending || this.#closed.signal.aborted) return;
    this.#mending = true;
    void this.#keepMending().finally(() => {
      this.#mending = false;
      this.#leaveSideWay();
    });
  }

  [Symbol.dispose](): void {
    this.#closed.abort();
    clearTimeout(this.#blink);
    clearTimeout(this.#gap);
    this.#feed[Symbol.dispose]();
    this.#side[Symbol.dispose]();
    this.#connection[Symbol.dispose]();
  }

  #connect(ice_servers: readonly IceServer[]): Connection {
    const { api, session_id, others, events } = this.#options;
    this.#known = false;
    this.#candidates = [];
    return new Connection({
      ice_servers,
      others,
      exchange: async (sdp) => {
        const body = { session_id, type: "offer", sdp };
        const answer = await api.ask<{ sdp: string }>("POST", "/rtc/offer", { body, signal: this.#closed.signal });
        this.#known = true;
        void this.#postCandidates();
        return answer.sdp;
      },
      events: {
        onState: (state) => this.#hearState(state),
        onSound: events.onSound,
        onOther: events.onOther,
        onMessage: (text) => this.#take(JSON.parse(text) as CallEvent),
        onChannel: (open) => this.#hearChannel(open),
        onCandidate: (candidate) => {
          if (candidate === null) return;
          this.#candidates.push({
            candidate: candidate.candidate,
            sdp_mid: candidate.sdpMid,
            sdp_m_line_index: candidate.sdpMLineIndex,
          });
          void this.#postCandidates();
        },
      },
    });
  }

  #take(event: CallEvent): void {
    this.#order.take(event);
    clearTimeout(this.#gap);
    // It may have been the last.
    if (this.#closed.signal.aborted) return;
    if (this.#order.lacks) this.#gap = setTimeout(() => this.#feed.start(), GAP_MS);
    else if (this.#connection.open) this.#feed[Symbol.dispose]();
  }

  #hearState(state: RTCPeerConnectionState): void {
    clearTimeout(this.#blink);
    if (state === "connected") this.#useChannel();
    if (state === "failed") this.mend();
    else if (state === "disconnected") this.#blink = setTimeout(() => this.mend(), BLINK_MS);
    if (state !== "connecting") this.#options.events.onConnected(state === "connected");
  }

  #hearChannel(open: boolean): void {
    if (!open) {
      // Either the call ends, which its events say at once, or the server's end of the connection is gone.
      this.#blink = setTimeout(() => this.mend(), BLINK_MS);
      return this.#takeSideWay();
    }
    this.#tellTracks();
    this.#useChannel();
  }

  /** Speaks over the channel, if it is open, and no longer over the side way. */
  #useChannel(): void {
    if (!this.#connection.open) return;
    this.#side[Symbol.dispose]();
    this.#flush();
  }

  /** The side way has done what it was for. */
  #leaveSideWay(): void {
    const isMended = !this.#mending && this.pc.connectionState === "connected";
    if (isMended && this.#outbox.empty) this.#useChannel();
  }

  #takeSideWay(): void {
    this.#feed.start();
    this.#side.start();
  }

  /** Says again what the server may not have heard, before anything else is said over a way. */
  #flush(): void {
    for (const text of this.#outbox.texts) this.#post(text);
  }

  #post(text: string): void {
    // While there is a side way, a channel that looks open may lead nowhere.
    if (this.#side.send(text) || this.#connection.send(text)) return;
    // It is more than the channel takes.
    if (this.#connection.open) this.#takeSideWay();
  }

  #tellTracks(): void {
    this.#connection.send(JSON.stringify({ type: "tracks", tracks: this.#connection.tracks } satisfies RtcMessage));
  }

  async #postCandidates(): Promise<void> {
    if (this.#posting || !this.#known) return;
    this.#posting = true;
    const { api, session_id } = this.#options;
    const { signal } = this.#closed;
    while (this.#candidates.length > 0) {
      const body = { session_id, candidates: this.#candidates.splice(0, MAX_CANDIDATES) };
      // Without them the server still learns where we are from the first packet that reaches it.
      await api.ask("POST", "/rtc/ice-candidate", { body, signal }).catch(() => {});
    }
    this.#posting = false;
  }

  /** Resolves with whether a way was found. */
  async #settled(connection: Connection): Promise<boolean> {
    const timer = AbortSignal.timeout(CONNECT_MS);
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => ["connected", "failed", "closed"].includes(connection.pc.connectionState) && resolve();
    const over = AbortSignal.any([timer, this.#closed.signal]);
    connection.pc.addEventListener("connectionstatechange", look, { signal: over });
    over.addEventListener("abort", () => resolve(), { once: true });
    look();
    await promise;
    return connection.pc.connectionState === "connected";
  }

  async #keepMending(): Promise<void> {
    const { signal } = this.#closed;
    const { reattach_ms, events } = this.#options;
    const until = performance.now() + reattach_ms;
    if (this.pc.connectionState !== "connected" || !this.#connection.open) events.onConnected(false);
    this.#takeSideWay();
    for (let tries = 0; !signal.aborted && performance.now() < until; tries++) {
      try {
        // What a new path doesn't mend, a new connection may.
        if (tries % 2 === 0 && this.#connection.open) await this.#connection.agree({ restart: true });
        else await this.#replace();
        if (await this.#settled(this.#connection)) return events.onConnected(true);
      } catch (error) {
        if (error instanceof CallError && GONE.includes(error.status)) break;
      }
      await pause(Math.min(MAX_WAIT_MS, 500 * 2 ** tries), signal);
    }
    if (!signal.aborted) events.onLost();
  }

  /** Connects anew. The old connection goes when the server has taken the new one: without either the call would end. */
  async #replace(): Promise<void> {
    const old = this.#connection;
    // What helped in the beginning may have expired.
    const asked = this.#options.api.ask<{ ice_servers: IceServer[] }>("GET", "/rtc/ice-servers", {
      signal: this.#closed.signal,
    });
    const { ice_servers } = await asked;
    const next = this.#connect(ice_servers);
    try {
      for (const [source, track] of this.#options.tracks()) await next.put(source, track);
      await next.agree();
      this.#closed.signal.throwIfAborted();
    } catch (error) {
      next[Symbol.dispose]();
      throw error;
    }
    this.#connection = next;
    old[Symbol.dispose]();
  }
}
