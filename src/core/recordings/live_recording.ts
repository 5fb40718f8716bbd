/**
 * A recording of a call that goes on.
 *
 * @module
 */
import type { NewRtcEvent } from "../../domain/rtc_event.ts";
import type { RecordedTrack } from "../../domain/rtc_recording.ts";
import type { Clock } from "../../kit/clock.ts";
import type { MediaPacket } from "../../ports/peers.ts";
import type { RawRecording, Recording } from "../../ports/recorder.ts";
import type { DirectedPacket, Speaker, TrackNames } from "../calls/call_tap.ts";
import { Captions } from "./captions.ts";
import { AnswerTrack, type IncomingTrack, PictureTrack, SoundTrack } from "./packet_tracks.ts";

/** What a {@linkcode LiveRecording} needs. */
export interface LiveRecordingDeps {
  recording: Recording;
  clock: Clock;
  /** Asks the end that sends a track for a whole picture. */
  requestKeyframe(mid: string, from: Speaker | undefined): void;
  /** Told at the first packet, from which on its time counts. */
  onFirst(): void;
}

/** Tracks of one speaker that are recorded at most. */
const MAX_TRACKS = 32;
/** Speakers at most: more than a recording has tracks, which counts what it drops. */
const MAX_SPEAKERS = 128;

/** Puts the packets and words of one call, or room, into a recording. */
export class LiveRecording {
  readonly #deps: LiveRecordingDeps;
  #began: number | undefined;
  readonly #captions = new Map<Speaker | undefined, Captions>();
  /** By speaker, and by `mid`. */
  readonly #incoming = new Map<Speaker | undefined, Map<string, IncomingTrack>>();
  readonly #outgoing = new Map<Speaker | undefined, AnswerTrack>();
  readonly #names = new Set(["agent"]);
  readonly #said = new Map<Speaker | undefined, TrackNames>();

  constructor(deps: LiveRecordingDeps) {
    this.#deps = deps;
  }

  /** Pieces that were lost. */
  get dropped(): number {
    return this.#deps.recording.dropped;
  }

  /** What somebody's tracks are, as their client says. Counts for tracks of which nothing has come yet. */
  nameTracks(tracks: TrackNames, from?: Speaker): void {
    if (this.#said.has(from) || this.#said.size < MAX_SPEAKERS) this.#said.set(from, tracks);
  }

  /** Takes a packet that comes from somebody, or goes to them, at that moment. */
  onPacket(...[direction, packet, from]: DirectedPacket): void {
    if (direction === "in") this.#trackOf(packet, from)?.take(packet, this.#tick());
    else if (packet.kind === "audio") this.#answerOf(from)?.take(packet, this.#tick());
  }

  /** Takes an event of the call. */
  onEvent(event: NewRtcEvent, from?: Speaker): void {
    const { recording } = this.#deps;
    let captions = this.#captions.get(from);
    if (captions === undefined && this.#captions.size >= MAX_SPEAKERS) return;
    captions ??= new Captions((cue) => recording.cue(cue), from);
    this.#captions.set(from, captions);
    // Agents speak in turn, also those of one answer, which ends with the last of them.
    if (event.type === "agent.speaking") {
      for (const other of this.#captions.values()) if (other !== captions) other.end(this.#now());
    }
    captions.take(event, this.#now());
  }

  /** Ends it. */
  finish(): Promise<RawRecording> {
    for (const tracks of this.#incoming.values()) for (const track of tracks.values()) track.end();
    for (const captions of this.#captions.values()) captions.end(this.#now());
    return this.#deps.recording.finish();
  }

  #now(): number {
    return this.#began === undefined ? 0 : this.#deps.clock.now() - this.#began;
  }

  /** The time at which a packet comes. Before the first one there is nothing that could be recorded. */
  #tick(): number {
    if (this.#began === undefined) {
      this.#began = this.#deps.clock.now();
      this.#deps.onFirst();
    }
    return this.#now();
  }

  #trackOf({ mid, kind }: MediaPacket, from: Speaker | undefined): IncomingTrack | undefined {
    const tracks = this.#incoming.get(from) ?? new Map<string, IncomingTrack>();
    const known = tracks.get(mid);
    if (known !== undefined || tracks.size >= MAX_TRACKS || this.#incoming.size >= MAX_SPEAKERS) return known;
    const write = this.#writer({ kind, name: this.#nameOf(mid, kind, from) });
    const ask = () => this.#deps.requestKeyframe(mid, from);
    const track = kind === "audio" ? new SoundTrack(write) : new PictureTrack(write, ask);
    this.#incoming.set(from, tracks.set(mid, track));
    return track;
  }

  #answerOf(from: Speaker | undefined): AnswerTrack | undefined {
    let answer = this.#outgoing.get(from);
    if (answer === undefined && this.#outgoing.size >= MAX_SPEAKERS) return undefined;
    answer ??= new AnswerTrack(
      this.#writer({ kind: "audio", name: from === undefined ? "agent" : this.#free(from, "2") }),
    );
    this.#outgoing.set(from, answer);
    return answer;
  }

  #writer(track: RecordedTrack): (piece: Parameters<Recording["write"]>[1]) => void {
    return (piece) => void this.#deps.recording.write(track, piece);
  }

  #nameOf(mid: string, kind: MediaPacket["kind"], from: Speaker | undefined): string {
    const source = this.#said.get(from)?.[mid] === "screen" ? "screen" : "camera";
    const name = kind === "audio" ? from ?? "caller" : from === undefined ? source : `${from} ${source}`;
    return this.#free(name, mid.slice(0, 64));
  }

  /** A name that no other track has: with `more` where it is taken. */
  #free(name: string, more: string): string {
    let free = name;
    while (this.#names.has(free)) free += ` ${more}`;
    this.#names.add(free);
    return free;
  }
}
