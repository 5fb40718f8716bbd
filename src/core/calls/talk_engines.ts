/**
 * Who hears, thinks and speaks in a call: engines and the agent's model, or a voice that does it all.
 *
 * @module
 */
import type { AppError } from "../../domain/error.ts";
import type { RtcSessionRow } from "../../domain/table.ts";
import type { Model } from "../../ports/model.ts";
import type { UpstreamChoice, UpstreamOptions } from "../../ports/voice_upstream.ts";
import { type Engines, withFallback } from "../voice/fallback_engines.ts";
import type { CallMedia } from "./call_media.ts";

/** What {@linkcode openEngines} needs. */
export interface TalkEnginesDeps {
  row: RtcSessionRow;
  media: CallMedia;
  /** The agent's own. */
  model: Model;
  /** How a voice may begin to answer before it is asked, if it may. */
  early?: UpstreamOptions["early"];
  /** How the agent sounds now. */
  choice(): UpstreamChoice;
  /** Told when the voice can't be reached. */
  complain(error: AppError): void;
}

/** Who does it, and what is missing, in words for people. */
export interface TalkEngines extends Engines {
  missing: readonly string[];
}

/** Opens them; `stack` closes them. */
export function openEngines(
  { row, media, model, early, choice, complain }: TalkEnginesDeps,
  stack: AsyncDisposableStack,
): TalkEngines {
  if (!row.modalities.includes("audio")) return { stt: undefined, tts: undefined, model, missing: [] };
  const { stt, tts, missing, upstream } = media;
  const own = { stt, tts, model };
  if (!(row.voice.upstream ?? upstream?.usual ?? false)) return { ...own, missing };
  if (!upstream?.engine) {
    const why = "The agent speaks by speech.realtime, which is not set";
    if (upstream?.fallback) return { ...own, missing: [why, ...missing] };
    return { stt: undefined, tts: undefined, model, missing: [why] };
  }
  const voice = stack.use(upstream.engine.open({ choice, early, onTrouble: complain }));
  const { ears, mouth } = voice;
  const engines = upstream.fallback ? withFallback(voice, own) : { stt: ears, tts: mouth, model: voice.model };
  return { ...engines, missing: [] };
}
