/**
 * What was recorded of a call that is over: played with all its voices and words, or downloaded.
 *
 * @module
 */
/// <reference no-default-lib="true" />
/// <reference lib="esnext" />
/// <reference lib="dom" />
import type { RtcRecording } from "../../src/domain/rtc_recording.ts";
import { describeFault } from "./devices.ts";
import { byId, el, show } from "./element.ts";
import type { CallRecordings } from "./session_client.ts";
import { playTogether } from "./together.ts";
import { splitTracks } from "./webm_tracks.ts";

/** How soon it is asked again whether the file is made, twice as late each time, and how late at most. */
const ASK_MS = 500;
const ASK_MAX_MS = 10_000;
/** How long a recording may take to end. */
const END_MS = 5000;
/** The largest file that is played here: all of it is in memory for that. */
const MAX_PLAYED = 250_000_000;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** See the module. */
export class RecordingPlayer {
  readonly #view = byId("recorded");
  readonly #play = byId<HTMLButtonElement>("play");
  readonly #download = byId<HTMLButtonElement>("download");
  readonly #player = byId("player");
  #urls: string[] = [];
  #recordings: CallRecordings | undefined;
  #id: string | undefined;

  constructor() {
    this.#play.addEventListener("click", () => void this.#do((recordings, made) => this.#open(recordings, made)));
    this.#download.addEventListener("click", () =>
      void this.#do(async (recordings, { id }) => {
        this.#say("The call was recorded.");
        el("a", { href: await recordings.address(id), download: `${id}.webm` }).click();
      }));
  }

  /** Offers recording `id`. */
  show(recordings: CallRecordings, id: string): void {
    this.clear();
    this.#recordings = recordings;
    this.#id = id;
    this.#view.hidden = false;
    for (const one of [this.#play, this.#download]) one.hidden = !recordings.allowed;
    this.#say("The call was recorded.");
  }

  /** Takes everything back. */
  clear(): void {
    for (const url of this.#urls.splice(0)) URL.revokeObjectURL(url);
    this.#player.replaceChildren();
    this.#player.hidden = true;
    this.#view.hidden = true;
    this.#recordings = this.#id = undefined;
  }

  /** Does something with the recording when it is made. */
  async #do(act: (recordings: CallRecordings, made: RtcRecording) => Promise<void>): Promise<void> {
    const [recordings, id] = [this.#recordings, this.#id];
    if (!recordings || id === undefined) return;
    this.#busy = true;
    try {
      const made = await this.#made(recordings, id);
      if (made && this.#id === id) await act(recordings, made);
    } catch (error) {
      if (this.#id === id) this.#say(describeFault(error));
    } finally {
      this.#busy = false;
    }
  }

  async #made(recordings: CallRecordings, id: string): Promise<RtcRecording | undefined> {
    const until = performance.now() + END_MS;
    let wait = ASK_MS;
    while (this.#id === id) {
      const found = await recordings.find(id);
      if (!found) this.#say("The recording is not there: it was deleted, or belongs to somebody else.");
      else if (found.state === "failed") this.#say("The recording failed: there is no file of it.");
      else if (found.size === 0) this.#say("Nothing was said or shown while it was recorded.");
      else if (found.state === "ready") return found;
      else if (found.state === "finishing" || performance.now() < until) {
        this.#say("The recording is being made into a file…");
        await pause(wait);
        wait = Math.min(2 * wait, ASK_MAX_MS);
        continue;
      } else this.#say("The room is still being recorded. Try again when that has ended.");
      return undefined;
    }
  }

  async #open(recordings: CallRecordings, { id, size, tracks }: RtcRecording): Promise<void> {
    if (size! > MAX_PLAYED) return this.#say("The recording is too large to be played here: download it.");
    this.#say("The recording is being loaded…");
    const [file, words] = await Promise.all([recordings.file(id), recordings.words(id)]);
    if (this.#id !== id) return;
    const [leader, ...rest] = splitTracks(file);
    const video = el("video", { controls: "", playsinline: "", "aria-label": "The recording" });
    video.src = this.#urlOf(leader!.file);
    const captions = el("track", { kind: "captions", label: "What was said", srclang: "und", default: "" });
    captions.src = this.#urlOf(words);
    video.append(captions);
    const others = rest.map(({ kind, file }) => {
      const other = el(kind === "video" ? "video" : "audio", kind === "video" ? { playsinline: "" } : {});
      other.src = this.#urlOf(file);
      return other;
    });
    playTogether(video, others);
    this.#player.replaceChildren(video, ...others);
    this.#player.hidden = false;
    this.#play.hidden = true;
    show(byId("recorded-text"), `Recorded: ${tracks.map(({ name }) => name).join(", ")}`);
    video.focus();
    // Where the browser wants another click, the player has a button for it.
    await video.play().catch(() => {});
  }

  #urlOf(blob: Blob): string {
    const url = URL.createObjectURL(blob);
    this.#urls.push(url);
    return url;
  }

  set #busy(busy: boolean) {
    this.#play.disabled = this.#download.disabled = busy;
  }

  #say(text: string): void {
    byId("recorded-text").textContent = text;
  }
}
