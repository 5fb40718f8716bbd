/**
 * Voices at a server that speaks OpenAI's Realtime protocol.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { Clock } from "../../kit/clock.ts";
import type { VoiceUpstream } from "../../ports/voice_upstream.ts";
import type { Failing } from "./failure.ts";
import { RealtimeLine } from "./realtime_line.ts";
import { toSession } from "./realtime_session.ts";
import { RealtimeVoice } from "./realtime_voice.ts";

/** Options for {@linkcode createRealtimeUpstream}. */
export interface RealtimeUpstreamOptions {
  /** Such as `https://api.openai.com/v1`. */
  base_url: string;
  /** Empty where it wants none. */
  api_key: string;
  model: string;
  /** The model that writes down what was heard. */
  transcriber: string;
  /** Of those who name none. */
  voice: string;
  language: string;
  renew_ms: number;
  connect_ms: number;
  timeout_ms: number;
  clock: Clock;
}

/** Builds the {@linkcode VoiceUpstream}. */
export function createRealtimeUpstream(options: RealtimeUpstreamOptions): VoiceUpstream {
  const { base_url, api_key, model } = options;
  const address = new URL(`${base_url.replace(/\/+$/, "")}/realtime`);
  address.protocol = address.protocol.replace("http", "ws");
  address.searchParams.set("model", model);
  const failing: Failing = { name: address.host, model, api_key };
  const asked = { ...options, url: address.href, failing };
  return {
    open: (given) => new RealtimeVoice(asked, given),
    async check(signal) {
      try {
        const line = await RealtimeLine.open({ ...asked, session: toSession(options, {}) }, { signal });
        line.close();
        return { ok: true, detail: `Speech server "${failing.name}" (${model}) takes calls` };
      } catch (error) {
        return { ok: false, detail: AppError.from(error).message };
      }
    },
  };
}
