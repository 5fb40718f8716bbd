/**
 * What stands between a provider's protocol and the retries around it.
 *
 * @module
 */
import type { ModelOutput, ModelRequest } from "../../ports/model.ts";

/** One model of one provider, with all that is needed to ask it. */
export interface Target {
  provider: string;
  model: string;
  /** Which protocol it speaks. */
  kind: "chat" | "anthropic" | "google" | "azure";
  /** Without a slash at the end; null where the provider's package knows it. */
  base_url: string | null;
  api_key: string | null;
  api_version: string | null;
  headers: Record<string, string>;
  /** The formats of pictures it reads; absent or empty: the usual ones. */
  pictures?: readonly string[] | undefined;
}

/** An answer that is being streamed. */
export interface Source {
  /** What has come since the last call, at least one; null at the end. Rejects when the signal aborts. */
  pull(): Promise<ModelOutput[] | null>;
}

/** Asks a model. Resolves once the provider has accepted the request; aborting `signal` closes the connection. */
export type OpenSource = (target: Target, request: ModelRequest, signal: AbortSignal) => Promise<Source>;
