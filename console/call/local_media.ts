/**
 * The caller's microphone, camera and screen.
 *
 * @module
 */
import type { Source } from "./connection.ts";

/** Whether, and which one: `true` is what the browser takes by itself; a track is sent as it is. */
export type Wanted = boolean | MediaTrackConstraints | MediaStreamTrack;

/** What is told of the tracks. */
export interface LocalMediaEvents {
  /** A track ended without the page: unplugged, or stopped in the browser's own bar. */
  onEnded(source: Source): void;
}

const CAMERA = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 15 } };
/** Text must stay legible, motion needn't be smooth. */
const SCREEN = { frameRate: { ideal: 5, max: 10 } };

/** What browsers say of a device that is in use, each its own. */
const BUSY = ["NotReadableError", "AbortError"];

/** Opens and closes what is sent. */
export class LocalMedia implements Disposable {
  readonly #events: LocalMediaEvents;
  readonly #open = new Map<Source, { stream: MediaStream; track: MediaStreamTrack; owned: boolean }>();
  readonly #closing = new Map<Source, AbortController>();

  constructor(events: LocalMediaEvents) {
    this.#events = events;
  }

  /** What is sent, to be shown. */
  stream(source: Source): MediaStream | null {
    return this.#open.get(source)?.stream ?? null;
  }

  /** The tracks that are open. */
  get tracks(): readonly (readonly [Source, MediaStreamTrack])[] {
    return [...this.#open].map(([source, { track }]) => [source, track] as const);
  }

  /** Opens a source; one that is open already is closed. Rejects with the browser's `DOMException`. */
  async open(source: Source, wanted: Wanted): Promise<MediaStreamTrack> {
    const given = wanted instanceof MediaStreamTrack;
    const stream = given ? new MediaStream([wanted]) : await this.#request(source, wanted);
    const [track] = stream.getTracks();
    if (track === undefined) throw new DOMException(`There is no ${source}`, "NotFoundError");
    this.close(source);
    if (source === "screen") track.contentHint = "detail";
    const closing = new AbortController();
    track.addEventListener("ended", () => this.#events.onEnded(source), { signal: closing.signal });
    this.#closing.set(source, closing);
    this.#open.set(source, { stream, track, owned: !given });
    return track;
  }

  /** Closes a source. A track that was given stays its owner's. */
  close(source: Source): void {
    const found = this.#open.get(source);
    this.#closing.get(source)?.abort();
    this.#open.delete(source);
    if (found?.owned) found.track.stop();
  }

  /** Lets the microphone be heard, or not. */
  set silent(silent: boolean) {
    const track = this.#open.get("microphone")?.track;
    if (track) track.enabled = !silent;
  }

  [Symbol.dispose](): void {
    for (const source of [...this.#open.keys()]) this.close(source);
  }

  /** Many phones, and some browsers, open only one device of a kind: where another is refused, the one in use goes first. */
  async #request(source: Source, wanted: true | MediaTrackConstraints | false): Promise<MediaStream> {
    try {
      return await request(source, wanted);
    } catch (error) {
      const used = this.#open.get(source);
      if (!used?.owned || !(error instanceof DOMException) || !BUSY.includes(error.name)) throw error;
      used.track.stop();
    }
    try {
      return await request(source, wanted);
    } catch (error) {
      this.#events.onEnded(source);
      throw error;
    }
  }
}

function request(source: Source, wanted: true | MediaTrackConstraints | false): Promise<MediaStream> {
  const chosen = typeof wanted === "object" ? wanted : {};
  const { mediaDevices } = navigator;
  // Browsers hide it where a page came over plain HTTP from another machine.
  if (mediaDevices === undefined) {
    throw new DOMException(`Cannot use the ${source}: the page must come over HTTPS`, "SecurityError");
  }
  if (source === "screen") return mediaDevices.getDisplayMedia({ video: { ...SCREEN, ...chosen } });
  if (source === "camera") return mediaDevices.getUserMedia({ video: { ...CAMERA, ...chosen } });
  return mediaDevices.getUserMedia({
    audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true, ...chosen },
  });
}
