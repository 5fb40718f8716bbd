/**
 * Who is speaking, by how loud they are. One loud moment is nobody speaking, and a pause for breath is no end.
 *
 * @module
 */

/** How loud speech is at least, as RFC 6464 says it: 0 is loudest, 127 silence. */
const LOUD = 50;
/** How long the past counts, in milliseconds. */
const MEMORY_MS = 250;
/** How much of late somebody was loud to count as speaking, and to go on so. */
const SPEAKING = 0.6;
const QUIET = 0.15;
/** How much more than the speaker somebody has to speak, and for how long, to take their place. */
const MORE = 0.25;
const TAKE_MS = 400;
/** How long a speaker may pause. */
const PAUSE_MS = 1200;
/** How much of late somebody was loud to be heard at once, and how much it takes that nobody else is. */
const HEARD = 0.2;
const HOLDS = 0.4;

interface Loudness {
  /** How much of the last moments was loud, between 0 and 1. */
  share: number;
  at: number;
}

/** See the module. Times are milliseconds. */
export class ActiveSpeaker {
  readonly #members = new Map<string, Loudness>();
  readonly #spoke = new Map<string, number>();
  #speaker: string | null = null;
  #heard: string | null = null;
  #quietSince: number | undefined;
  #rival: { id: string; since: number } | undefined;

  /** Who speaks. */
  get speaker(): string | null {
    return this.#speaker;
  }

  /**
   * Who is heard where one alone can be: who speaks, but while they make no sound whoever else does, and at once, so that
   * hardly a syllable is missing. Null: nobody was loud.
   */
  get heard(): string | null {
    return this.#heard;
  }

  /** When `id` has spoken last; 0: never. */
  lastSpoke(id: string): number {
    return this.#spoke.get(id) ?? 0;
  }

  /** What came of `id`, a packet of 20 ms unless told, was as loud as `level`. */
  hear(id: string, { level, now, ms = 20 }: { level: number; now: number; ms?: number }): void {
    const share = this.#shareOf(id, now);
    const weight = 1 - Math.exp(-ms / MEMORY_MS);
    const next = share + ((level <= LOUD ? 1 : 0) - share) * weight;
    this.#members.set(id, { share: next, at: now });
    if (id === this.#heard || next < HEARD) return;
    if (this.#heard === null || this.#shareOf(this.#heard, now) < HOLDS) this.#heard = id;
  }

  /** `id` is gone. */
  forget(id: string): void {
    this.#members.delete(id);
    this.#spoke.delete(id);
    if (this.#rival?.id === id) this.#rival = undefined;
    if (this.#heard === id) this.#heard = null;
    if (this.#speaker === id) this.#become(null);
  }

  /** Looks who speaks at `now`. To be called each 100 ms or so. */
  look(now: number): void {
    const before = this.#speaker;
    const shares = [...this.#members.keys()].map((id) => ({ id, share: this.#shareOf(id, now) }));
    for (const { id, share } of shares) if (share >= SPEAKING) this.#spoke.set(id, now);
    const loudest = shares.reduce((most, one) => one.share > most.share ? one : most, { id: "", share: 0 });
    const own = before === null ? 0 : this.#shareOf(before, now);
    if (before === null) {
      if (loudest.share >= SPEAKING) this.#become(loudest.id);
    } else if (loudest.id !== before && loudest.share >= SPEAKING && loudest.share - own >= MORE) {
      if (this.#rival?.id !== loudest.id) this.#rival = { id: loudest.id, since: now };
      if (now - this.#rival.since >= TAKE_MS) this.#become(loudest.id);
    } else {
      this.#rival = undefined;
      if (own > QUIET) this.#quietSince = undefined;
      else if (now - (this.#quietSince ??= now) >= PAUSE_MS) this.#become(null);
    }
  }

  #become(id: string | null): void {
    this.#speaker = id;
    this.#heard = id ?? this.#heard;
    this.#rival = this.#quietSince = undefined;
  }

  /** Who sends nothing is silent. */
  #shareOf(id: string, now: number): number {
    const { share, at } = this.#members.get(id) ?? { share: 0, at: now };
    const absent = now - at - 60;
    return absent <= 0 ? share : share * Math.exp(-absent / MEMORY_MS);
  }
}
