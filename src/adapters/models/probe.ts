/**
 * Asks an OpenAI-compatible server which models it has.
 *
 * @module
 */
import type { Clock } from "../../kit/clock.ts";

const REMEMBER_MS = 30_000;
const MAX_BODY = 4 * 1024 * 1024;

/** Options for {@linkcode listModels}. */
export interface ListOptions {
  headers?: Record<string, string>;
  timeout_ms: number;
}

/** The ids of the models at `url`. Rejects when it does not answer, with the status as the message if it refuses. */
export async function listModels(url: string, { headers = {}, timeout_ms }: ListOptions): Promise<string[]> {
  const response = await fetch(url, { headers, redirect: "error", signal: AbortSignal.timeout(timeout_ms) });
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`status ${response.status}`);
  }
  if (Number(response.headers.get("content-length") ?? 0) > MAX_BODY) {
    await response.body?.cancel();
    throw new Error("an answer that is too long");
  }
  const body = await response.json() as { data?: { id?: unknown }[]; models?: { name?: unknown }[] };
  const ids = (body?.data ?? []).map(({ id }) => id).concat((body?.models ?? []).map(({ name }) => name));
  return ids.filter((id) => typeof id === "string");
}

/** Remembers for half a minute which models local servers have, or that they don't answer. */
export class Probe {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #known = new Map<string, { until: number; models: Promise<string[] | null> }>();

  constructor({ clock, timeout_ms = 300 }: { clock: Clock; timeout_ms?: number }) {
    this.#clock = clock;
    this.#timeoutMs = timeout_ms;
  }

  /** The models at `baseUrl`, null when nobody answers. */
  models(baseUrl: string): Promise<string[] | null> {
    const now = this.#clock.now();
    const known = this.#known.get(baseUrl);
    if (known && known.until > now) return known.models;
    const models = listModels(`${baseUrl}/models`, { timeout_ms: this.#timeoutMs }).catch(() => null);
    this.#known.set(baseUrl, { until: now + REMEMBER_MS, models });
    return models;
  }
}
