/**
 * What providers say of their sources, as ours.
 *
 * @module
 */
import type { Citation } from "../../domain/message.ts";

const MAX_CITATIONS = 128;
const MAX_URL = 2_000;
const MAX_TITLE = 300;
const MAX_QUOTE = 1_000;

/** A source in a provider's words, read defensively: all of it comes from outside. */
export interface SaidSource {
  url?: unknown;
  title?: unknown;
  /** What stands in the source. */
  content?: unknown;
  start_index?: unknown;
  /** Exclusive. */
  end_index?: unknown;
}

function toText(value: unknown, limit: number): string {
  if (typeof value !== "string") return "";
  const text = value.trim();
  return text.length > limit ? `${text.slice(0, limit - 1)}…` : text;
}

/** An address that may be shown as a link; others could run code where they are clicked. */
function toUrl(value: unknown): string {
  const isLink = typeof value === "string" && value.length <= MAX_URL && /^https?:\/\/./i.test(value);
  return isLink ? value : "";
}

/** `{start_index: 0, end_index: 0}` is how some say that they don't know the place. */
function toPlace(
  { start_index: start, end_index: end }: SaidSource,
): { start_index: number; end_index: number } | null {
  const known = Number.isSafeInteger(start) && Number.isSafeInteger(end) && start as number >= 0 &&
    end as number > (start as number);
  return known ? { start_index: start as number, end_index: end as number } : null;
}

/** The citations of one answer, each once and within bounds. */
export class Citations {
  readonly #seen = new Set<string>();
  #count = 0;

  /** `said` as a citation; null when it is known already, says nothing, or is one too many. */
  accept(said: SaidSource): Citation | null {
    const url = toUrl(said.url);
    const title = toText(said.title, MAX_TITLE);
    const source = url || title;
    if (source === "" || this.#count >= MAX_CITATIONS) return null;
    const place = toPlace(said);
    const key = place ? `${source}\n${place.start_index}-${place.end_index}` : source;
    if (this.#seen.has(key)) return null;
    // A source whose places are known needs no citation without one.
    this.#seen.add(key).add(source);
    this.#count++;
    const quote = toText(said.content, MAX_QUOTE);
    return { title: title || url, ...url && { url }, ...quote && { quote }, ...place };
  }
}
