/**
 * How a Realtime server is asked to listen, think and speak.
 *
 * @module
 */
import type { ModelRequest } from "../../ports/model.ts";
import type { UpstreamChoice } from "../../ports/voice_upstream.ts";
import { SPOKEN_RATE } from "./rates.ts";
import { instructionsOf } from "./realtime_items.ts";
import type { RealtimeEvent } from "./realtime_line.ts";

/** What is asked of every session. */
export interface SessionOptions {
  /** The model that writes down what was heard. */
  transcriber: string;
  /** Of those who name none. */
  voice: string;
  language: string;
}

/** Turns are found here, so that every answer is one of ours. */
const TURNS = null;
const FORMAT = { type: "audio/pcm", rate: SPOKEN_RATE };

/** The event that asks for it; before the first request, of the sound alone. */
export function toSession(
  { transcriber, voice, language }: SessionOptions,
  choice: UpstreamChoice,
  request?: ModelRequest,
): RealtimeEvent {
  const spoken = choice.language ?? language;
  const transcription = { model: transcriber, ...spoken !== "" && { language: spoken.split("-")[0]!.toLowerCase() } };
  const session = {
    type: "realtime",
    output_modalities: ["audio"],
    audio: {
      input: { format: FORMAT, transcription, turn_detection: TURNS },
      output: {
        format: FORMAT,
        voice: choice.voice ?? voice,
        ...choice.speed !== undefined && { speed: choice.speed },
      },
    },
    ...request && toTask(request),
  };
  return { type: "session.update", event_id: "session", session };
}

/** The voice that a session, as JSON, asks for. */
export function voiceOf(session: string): unknown {
  return JSON.parse(session).session?.audio?.output?.voice;
}

function toTask(request: ModelRequest): Record<string, unknown> {
  const { tools, tool_choice: choice = "auto", choice: { max_output_tokens } } = request;
  return {
    instructions: instructionsOf(request),
    tools: tools.map(({ name, description, parameters }) => ({ type: "function", name, description, parameters })),
    tool_choice: typeof choice === "string" ? choice : { type: "function", name: choice.tool },
    ...max_output_tokens !== undefined && { max_output_tokens },
  };
}
