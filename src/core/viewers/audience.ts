/**
 * What the viewers of one call are shown: packets of its caller and its agent, passed on as they come.
 *
 * @module
 */
import type { LookSource, NewRtcEvent } from "../../domain/rtc_event.ts";
import type { Clock } from "../../kit/clock.ts";
import type { MediaPacket, OutgoingPacket, Peer } from "../../ports/peers.ts";
import type { CallTap, DirectedPacket, TappedCall, TrackNames } from "../calls/call_tap.ts";
import { Forwarding, MediaSource } from "../calls/forwarding.ts";

/** Pictures that a call may have. */
const MAX_PICTURES = 4;
/** How long nothing has come of a picture that isn't shown any more. */
const OVER_MS = 3000;

interface Picture {
  source: MediaSource;
  at: number;
}

/** The sections of one viewer, by kind, in the order of their description. */
interface Shown {
  audio: Forwarding[];
  video: Map<string, Forwarding>;
}

/** Options for {@linkcode Audience}. */
export interface AudienceOptions {
  clock: Clock;
  call: TappedCall;
  /** The call is over. */
  onEnd(): void;
}

/**
 * Who watches a call. A viewer with one section of sound hears whoever speaks: the agent while it does, else the caller;
 * one with two hears the caller in the first, the agent in the second. One section of pictures shows the screen while it
 * is shared, else the camera; of two, the first shows the camera, the second the screen.
 */
export class Audience implements CallTap, Disposable {
  readonly #options: AudienceOptions;
  readonly #caller: MediaSource;
  readonly #agent: MediaSource;
  readonly #pictures = new Map<string, Picture>();
  readonly #shown = new Set<Shown>();
  readonly #tap: Disposable;
  #names: TrackNames = {};
  #microphone: string | undefined;
  #over = false;
  #speaking: "caller" | "agent" = "caller";

  constructor(options: AudienceOptions) {
    const { clock, call } = this.#options = options;
    this.#caller = new MediaSource({ kind: "audio", clock });
    this.#agent = new MediaSource({ kind: "audio", clock });
    this.#tap = call.tap(this);
  }

  /** Whether the call is over. */
  get over(): boolean {
    return this.#over;
  }

  /** Shows the call to `peer` in the sections that it has by now, until disposed. */
  show(peer: Peer): Disposable & { requestKeyframe(mid: string): void } {
    const { clock } = this.#options;
    const shown: Shown = { audio: [], video: new Map() };
    for (const { mid, kind } of peer.outlets) {
      const send = (packet: OutgoingPacket) =>
        kind === "audio" ? peer.sendAudio({ ...packet, mid }) : peer.sendVideo({ ...packet, mid });
      const forwarding = new Forwarding({ clock, send });
      if (kind === "audio") shown.audio.push(forwarding);
      else shown.video.set(mid, forwarding);
    }
    this.#shown.add(shown);
    this.#choose(shown);
    return {
      requestKeyframe: (mid) => shown.video.get(mid)?.requestKeyframe(),
      [Symbol.dispose]: () => {
        this.#shown.delete(shown);
        for (const forwarding of [...shown.audio, ...shown.video.values()]) forwarding.follow(undefined);
      },
    };
  }

  onPacket(...[direction, packet]: DirectedPacket): void {
    if (direction === "in") this.#take(packet);
    else if (packet.kind === "audio" && packet.mid === undefined) this.#agent.push(packet);
  }

  onEvent({ type, data }: NewRtcEvent): void {
    const before = this.#speaking;
    if (type === "agent.resumed" || (type === "agent.speaking" && data.aloud)) this.#speaking = "agent";
    if (type === "speech.started" || type === "agent.done" || type === "agent.interrupted") this.#speaking = "caller";
    if (this.#speaking !== before) this.#chooseAll();
  }

  nameTracks(tracks: TrackNames): void {
    this.#names = tracks;
    this.#microphone = Object.keys(tracks).find((mid) => tracks[mid] === "microphone") ?? this.#microphone;
    this.#chooseAll();
  }

  onEnd(): void {
    this.#over = true;
    this.#options.onEnd();
  }

  [Symbol.dispose](): void {
    this.#tap[Symbol.dispose]();
  }

  #take(packet: MediaPacket): void {
    const { mid, kind } = packet;
    if (kind === "audio") {
      this.#microphone ??= mid;
      if (mid === this.#microphone) this.#caller.push(packet);
      return;
    }
    const { clock, call } = this.#options;
    const now = clock.now();
    let changed = this.#forgetSilent(now);
    let picture = this.#pictures.get(mid);
    if (!picture && this.#pictures.size < MAX_PICTURES) {
      const source = new MediaSource({ kind, clock, requestKeyframe: () => call.requestKeyframe(mid) });
      this.#pictures.set(mid, picture = { source, at: now });
      changed = true;
    }
    if (changed) this.#chooseAll();
    if (!picture) return;
    picture.at = now;
    picture.source.push(packet);
  }

  /** Returns whether there was one. */
  #forgetSilent(now: number): boolean {
    let found = false;
    for (const [mid, { at }] of this.#pictures) if (now - at > OVER_MS) found = this.#pictures.delete(mid);
    return found;
  }

  #chooseAll(): void {
    for (const shown of this.#shown) this.#choose(shown);
  }

  #choose({ audio, video }: Shown): void {
    const [first, second] = audio;
    if (second) {
      first?.follow(this.#caller);
      second.follow(this.#agent);
    } else first?.follow(this.#speaking === "agent" ? this.#agent : this.#caller);
    const [one, other] = video.values();
    const [camera, screen] = [this.#picture("camera"), this.#picture("screen")];
    if (other) {
      one?.follow(camera);
      other.follow(screen);
    } else one?.follow(screen ?? camera);
  }

  /** The newest that is shown. One of which nothing was said is the camera. */
  #picture(name: LookSource): MediaSource | undefined {
    return [...this.#pictures].findLast(([mid]) => (this.#names[mid] ?? "camera") === name)?.[1].source;
  }
}
