/**
 * The providers that are known by name.
 *
 * @module
 */
import { OPENAI_URL } from "./chat_body.ts";
import type { Target } from "./source.ts";

/** What is known of a provider. */
export interface KnownProvider {
  kind: Target["kind"];
  /** Null: the provider's package knows it, or the settings must. */
  base_url: string | null;
  /** Asked when nobody named a model. */
  default_model: string | null;
  key: "required" | "optional";
}

/** Providers by name; any other name works too, as an OpenAI-compatible one, when the settings give its `base_url`. */
export const KNOWN_PROVIDERS: Readonly<Record<string, KnownProvider>> = {
  openai: { kind: "chat", base_url: OPENAI_URL, default_model: "gpt-5.4-mini", key: "required" },
  anthropic: { kind: "anthropic", base_url: null, default_model: "claude-sonnet-5", key: "required" },
  google: { kind: "google", base_url: null, default_model: "gemini-3.8-flash", key: "required" },
  azure: { kind: "azure", base_url: null, default_model: null, key: "required" },
  ollama: { kind: "chat", base_url: "http://127.0.0.1:11434/v1", default_model: null, key: "optional" },
  deepseek: { kind: "chat", base_url: "https://api.deepseek.com/v1", default_model: null, key: "required" },
  groq: { kind: "chat", base_url: "https://api.groq.com/openai/v1", default_model: null, key: "required" },
  mistral: { kind: "chat", base_url: "https://api.mistral.ai/v1", default_model: null, key: "required" },
  openrouter: { kind: "chat", base_url: "https://openrouter.ai/api/v1", default_model: null, key: "required" },
  together: { kind: "chat", base_url: "https://api.together.xyz/v1", default_model: null, key: "required" },
  xai: { kind: "chat", base_url: "https://api.x.ai/v1", default_model: null, key: "required" },
};

/** What the settings say of a provider. */
export interface ProviderSettings {
  api_key?: string;
  base_url?: string;
  api_version?: string;
  headers?: Record<string, string>;
  pictures?: readonly string[];
}

/** `url` without slashes at its end. */
export function trimUrl(url: string): string {
  let end = url.length;
  while (url.charCodeAt(end - 1) === 47) end--;
  return url.slice(0, end);
}

/** The base URL for a value as `OLLAMA_HOST` takes it: `host`, `host:port` or a URL, with or without `/v1`. */
export function toOllamaUrl(host: string): string {
  const whole = /^https?:\/\//i.test(host);
  const url = new URL(whole ? host : `http://${host}`);
  if (!whole && url.port === "") url.port = "11434";
  // What a server listens on is not what a client connects to.
  if (url.hostname === "0.0.0.0") url.hostname = "127.0.0.1";
  const path = trimUrl(url.pathname);
  return `${url.origin}${path.endsWith("/v1") ? path : `${path}/v1`}`;
}
