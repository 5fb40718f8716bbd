/**
 * What somebody sends who is watched: a microphone, a camera, a screen.
 *
 * @module
 */
import type { LookSource } from "../../domain/rtc_event.ts";
import type { Clock } from "../../kit/clock.ts";
import type { MediaPacket } from "../../ports/peers.ts";
import type { TrackNames } from "../calls/call_tap.ts";
import { MediaSource } from "../calls/forwarding.ts";
import { Microphone } from "../calls/microphone.ts";

/** Pictures that somebody may send at once. */
const MAX_PICTURES = 4;
/** How long nothing has come of a picture that isn't shown any more. */
const OVER_MS = 3000;

/** What a {@linkcode Sender} needs. */
export interface SenderDeps {
  clock: Clock;
  requestKeyframe(mid: string): void;
  /** Told when a picture is there, or isn't any more. */
  onChange(): void;
}

/** See the module. */
export class Sender {
  readonly sound: MediaSource;
  readonly #deps: SenderDeps;
  readonly #microphone = new Microphone();
  readonly #pictures = new Map<string, { source: MediaSource; at: number }>();
  #names: TrackNames = {};

  constructor(deps: SenderDeps) {
    this.#deps = deps;
    this.sound = new MediaSource({ kind: "audio", clock: deps.clock });
  }

  /** Passes a packet on. */
  push(packet: MediaPacket): void {
    const { mid, kind } = packet;
    if (kind === "audio") {
      if (this.#microphone.takes(mid)) this.sound.push(packet);
      return;
    }
    const picture = this.#pictures.get(mid) ?? this.#open(mid);
    if (!picture) return;
    picture.at = this.#deps.clock.now();
    picture.source.push(packet);
  }

  /** The client says what its tracks are, all of them: a picture that it doesn't name is not to be seen. */
  name(tracks: TrackNames): void {
    this.#names = tracks;
    this.#microphone.name(tracks);
  }

  /** The newest picture of that name. */
  picture(name: LookSource): MediaSource | undefined {
    return [...this.#pictures].findLast(([mid]) => this.#nameOf(mid) === name)?.[1].source;
  }

  /** Forgets pictures of which nothing comes any more. */
  sweep(): void {
    const now = this.#deps.clock.now();
    const before = this.#pictures.size;
    for (const [mid, { at }] of this.#pictures) if (now - at > OVER_MS) this.#pictures.delete(mid);
    if (this.#pictures.size < before) this.#deps.onChange();
  }

  #open(mid: string): { source: MediaSource; at: number } | undefined {
    if (this.#pictures.size >= MAX_PICTURES) return undefined;
    const { clock, requestKeyframe, onChange } = this.#deps;
    const source = new MediaSource({ kind: "video", clock, requestKeyframe: () => requestKeyframe(mid) });
    const picture = { source, at: clock.now() };
    this.#pictures.set(mid, picture);
    onChange();
    return picture;
  }

  /** Of a client that never says anything, a picture is the camera's. */
  #nameOf(mid: string): string | undefined {
    return Object.keys(this.#names).length === 0 ? "camera" : this.#names[mid];
  }
}
