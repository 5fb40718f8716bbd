/**
 * Whether the default model can be asked, found out without paying for it.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { Clock } from "../../kit/clock.ts";
import type { Model } from "../../ports/model.ts";
import { listModels } from "./probe.ts";
import type { Resolver } from "./resolve.ts";
import type { Target } from "./source.ts";

const REMEMBER_MS = 30_000;
const TIMEOUT_MS = 3_000;

/** What was found. */
export interface Health {
  ok: boolean;
  detail: string;
}

function toListing({ kind, base_url, api_key, headers }: Target): { url: string; headers: Record<string, string> } {
  const key = api_key ?? "";
  switch (kind) {
    case "anthropic":
      return {
        url: `${base_url ?? "https://api.anthropic.com/v1"}/models`,
        headers: { "anthropic-version": "2023-06-01", ...key && { "x-api-key": key }, ...headers },
      };
    case "google":
      return {
        url: `${base_url ?? "https://generativelanguage.googleapis.com/v1beta"}/models`,
        headers: { ...key && { "x-goog-api-key": key }, ...headers },
      };
    default:
      return { url: `${base_url}/models`, headers: { ...key && { authorization: `Bearer ${key}` }, ...headers } };
  }
}

/** Checks the default model, at most twice a minute. */
export class Checker {
  readonly #resolver: Resolver;
  readonly #offline: Model;
  readonly #clock: Clock;
  #known: { until: number; health: Promise<Health> } | null = null;

  constructor({ resolver, offline, clock }: { resolver: Resolver; offline: Model; clock: Clock }) {
    this.#resolver = resolver;
    this.#offline = offline;
    this.#clock = clock;
  }

  /** Never rejects. */
  check(): Promise<Health> {
    const now = this.#clock.now();
    if (this.#known === null || this.#known.until <= now) {
      const health = this.#look().catch((error) => ({
        ok: false,
        detail: error instanceof AppError ? error.message : "The model cannot be checked",
      }));
      this.#known = { until: now + REMEMBER_MS, health };
    }
    return this.#known.health;
  }

  async #look(): Promise<Health> {
    const target = await this.#resolver.target({});
    if (target === null) return await this.#offline.check();
    const name = `${target.provider}/${target.model}`;
    // Azure lists models of a region, not the deployments one can ask.
    if (target.kind === "azure") return { ok: true, detail: `${name} is configured` };
    const { url, headers } = toListing(target);
    try {
      await listModels(url, { headers, timeout_ms: TIMEOUT_MS });
      return { ok: true, detail: `${name} answers` };
    } catch (error) {
      const status = error instanceof Error && error.message.startsWith("status ") ? error.message : null;
      // A server may well not list its models; only a refused key or no answer says that it can't be asked.
      if (status === "status 404" || status === "status 405") return { ok: true, detail: `${name} answers` };
      return { ok: false, detail: `${name} ${status ? `refuses: ${status}` : "does not answer"}` };
    }
  }
}
