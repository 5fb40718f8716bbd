/**
 * Decides which provider and model a request goes to.
 *
 * @module
 */
import type { ModelChoice } from "../../domain/agent.ts";
import { AppError } from "../../domain/error.ts";
import type { Probe } from "./probe.ts";
import { KNOWN_PROVIDERS, type ProviderSettings, toOllamaUrl, trimUrl } from "./providers.ts";
import type { Target } from "./source.ts";

/** A wish: what is absent is chosen. */
export interface Candidate {
  provider?: string | undefined;
  model?: string | undefined;
  api_key?: string | undefined;
  base_url?: string | undefined;
}

/** Options for {@linkcode Resolver}. */
export interface ResolverOptions {
  provider?: string | undefined;
  default_model?: string | undefined;
  providers: Record<string, ProviderSettings>;
  fallback: string[];
  probe: Probe;
}

/** `provider/model`, at the first slash. */
export function toCandidate(name: string): Candidate {
  const slash = name.indexOf("/");
  return slash === -1 ? { provider: name } : { provider: name.slice(0, slash), model: name.slice(slash + 1) };
}

/** Turns wishes into {@linkcode Target}s. */
export class Resolver {
  readonly #provider: string | undefined;
  readonly #defaultModel: string | undefined;
  readonly #providers: Record<string, ProviderSettings>;
  readonly #fallback: string[];
  readonly #probe: Probe;

  constructor({ provider, default_model, providers, fallback, probe }: ResolverOptions) {
    this.#provider = provider || undefined;
    this.#defaultModel = default_model || undefined;
    this.#providers = providers;
    this.#fallback = fallback;
    this.#probe = probe;
  }

  /** What to ask, in order. */
  candidates({ provider, model, api_key, base_url, fallback }: ModelChoice): Candidate[] {
    const names = [...fallback ?? [], ...this.#fallback];
    return [{ provider, model, api_key, base_url }, ...names.map(toCandidate)];
  }

  /** The target of `candidate`; null is the built-in offline model. Throws `ConfigurationError`. */
  async target({ provider, model, api_key, base_url }: Candidate): Promise<Target | null> {
    const name = provider || this.#provider || (base_url ? "openai" : await this.#find());
    if (name === "offline") return null;
    const known = KNOWN_PROVIDERS[name];
    const settings = this.#providers[name] ?? {};
    const ownUrl = base_url ?? settings.base_url;
    const baseUrl = this.#baseUrl(name, ownUrl);
    // The installation's key goes nowhere but where the installation says.
    const foreign = base_url !== undefined && this.#baseUrl(name, settings.base_url) !== baseUrl;
    const key = api_key ? api_key : foreign ? null : settings.api_key || null;
    if (key === null && !ownUrl && known?.key === "required") {
      throw new AppError("ConfigurationError", `Cannot use provider "${name}": it has no API key and no base URL`, {
        details: { provider: name },
      });
    }
    const wanted = model || await this.#default(provider) || await this.#firstModel(name, baseUrl, key, ownUrl);
    return {
      provider: name,
      model: wanted,
      kind: known?.kind ?? "chat",
      base_url: baseUrl,
      api_key: key,
      api_version: settings.api_version || null,
      headers: foreign ? {} : settings.headers ?? {},
      pictures: settings.pictures,
    };
  }

  #baseUrl(name: string, own: string | undefined): string | null {
    if (name === "ollama") {
      try {
        return toOllamaUrl(own || "127.0.0.1");
      } catch (cause) {
        throw new AppError("ConfigurationError", `Cannot read the address of Ollama "${own}"`, { cause });
      }
    }
    const known = KNOWN_PROVIDERS[name];
    if (own) return trimUrl(own);
    if (known && name !== "azure") return known.base_url;
    throw new AppError("ConfigurationError", `Cannot use provider "${name}": it has no base URL`, {
      details: { provider: name },
    });
  }

  /** The provider when nobody names one. */
  async #find(): Promise<string> {
    const { openai, anthropic, google, azure, ollama } = this.#providers;
    if (openai?.api_key || openai?.base_url) return "openai";
    if (anthropic?.api_key) return "anthropic";
    if (google?.api_key) return "google";
    if (azure?.api_key && azure.base_url) return "azure";
    const models = await this.#probe.models(this.#baseUrl("ollama", ollama?.base_url)!);
    // An Ollama without a model can answer nothing.
    return models && models.length > 0 ? "ollama" : "offline";
  }

  /** The default model, if it is one of `provider`: it belongs to the default provider. */
  async #default(provider: string | undefined): Promise<string | undefined> {
    if (!this.#defaultModel || !provider) return this.#defaultModel;
    return provider === (this.#provider ?? await this.#find()) ? this.#defaultModel : undefined;
  }

  async #firstModel(name: string, url: string | null, key: string | null, ownUrl: string | undefined): Promise<string> {
    const known = KNOWN_PROVIDERS[name];
    // A server of one's own says what it has; a paid one might offer its dearest model first.
    if (name === "ollama" || ((known?.kind ?? "chat") === "chat" && key === null && ownUrl && url)) {
      const models = await this.#probe.models(url!);
      if (models?.[0]) return models[0];
      if (name === "ollama") {
        throw new AppError(
          "UnavailableError",
          models ? "Cannot use Ollama: it has no model" : "Cannot reach Ollama",
          { details: { provider: name } },
        );
      }
    }
    if (known?.default_model) return known.default_model;
    throw new AppError("ConfigurationError", `Cannot use provider "${name}": no model is named`, {
      details: { provider: name },
    });
  }
}
