/**
 * A session as this protocol describes it, and what clients change of it.
 *
 * @module
 */
import { z } from "zod";
import type { RtcMessage } from "../../../domain/rtc_event.ts";
import type { RunOptions } from "../../../domain/run.ts";
import { parse } from "../errors.ts";
import { toToolOptions } from "../tools.ts";
import { GivenFormat, PCM, type SoundFormat, toFormat } from "./sound_format.ts";
import { answersTurns, GivenTurns, toListen, toTurnsView, type Turns, USUAL_TURNS } from "./turn_detection.ts";

/** Names of OpenAI's own voices, which mean the agent's here. */
const THEIR_VOICES = ["alloy", "ash", "ballad", "cedar", "coral", "echo", "marin", "sage", "shimmer", "verse"];

const Voice = z.union([z.string().max(100), z.looseObject({ id: z.string().max(100) })]);
const MaxTokens = z.union([z.number().int().min(1), z.literal("inf")]);

/** What may be said of a session. What isn't known here changes nothing, and the answer shows so. */
const Change = z.looseObject({
  model: z.string().max(200).nullish(),
  instructions: z.string().max(100_000).nullish(),
  output_modalities: z.array(z.enum(["audio", "text"])).min(1).nullish(),
  max_output_tokens: MaxTokens.nullish(),
  tools: z.unknown().optional(),
  tool_choice: z.unknown().optional(),
  parallel_tool_calls: z.boolean().nullish(),
  audio: z.looseObject({
    input: z.looseObject({ format: GivenFormat.nullish(), turn_detection: GivenTurns.nullish() }).nullish(),
    output: z.looseObject({
      format: GivenFormat.nullish(),
      voice: Voice.nullish(),
      speed: z.number().min(0.25).max(4).nullish(),
    }).nullish(),
  }).nullish(),
});

/** What is in force. */
export interface SessionState {
  /** The agent. */
  model: string;
  instructions: string;
  aloud: boolean;
  turns: Turns;
  /** How sound is written where it comes and goes as events. */
  hears: SoundFormat;
  says: SoundFormat;
  max_output_tokens: number | "inf";
  tools: NonNullable<RunOptions["tools"]>;
  tool_choice: RunOptions["tool_choice"];
  parallel_tool_calls: boolean | undefined;
  voice: string | undefined;
  speed: number;
}

/** A session that nobody has changed yet. */
export function newSession(model: string): SessionState {
  return {
    model,
    instructions: "",
    aloud: true,
    turns: USUAL_TURNS,
    hears: PCM,
    says: PCM,
    max_output_tokens: "inf",
    tools: [],
    tool_choice: undefined,
    parallel_tool_calls: undefined,
    voice: undefined,
    speed: 1,
  };
}

/** `state` as `session` changes it. What is absent stays. Throws `ValidationError`. */
export function changeSession(state: SessionState, session: unknown): SessionState {
  const change = parse(Change, session, "session");
  const { turn_detection, format: hears } = change.audio?.input ?? {};
  const { voice, speed, format: says } = change.audio?.output ?? {};
  const named = typeof voice === "object" ? voice?.id : voice;
  return {
    ...state,
    ...given("instructions", change.instructions),
    ...change.output_modalities && { aloud: change.output_modalities.includes("audio") },
    ...given("max_output_tokens", change.max_output_tokens),
    ...given("parallel_tool_calls", change.parallel_tool_calls),
    ...toTools(state, change),
    ...hears && { hears: toFormat(hears) },
    ...says && { says: toFormat(says) },
    // Null is a choice: who wants no detection says where a turn ends, and when to answer.
    ...turn_detection !== undefined && { turns: turn_detection },
    ...typeof named === "string" && { voice: THEIR_VOICES.includes(named) ? undefined : named },
    ...given("speed", speed),
  };
}

/** What is asked of one answer. Throws `ValidationError`. */
export function changeResponse(state: SessionState, response: unknown): SessionState {
  return response === undefined || response === null ? state : changeSession(state, response);
}

/** What `state` asks of every answer. */
export function toRunOptions(
  { instructions, max_output_tokens, tools, tool_choice, parallel_tool_calls }: SessionState,
): RunOptions {
  return {
    ...instructions !== "" && { instructions },
    ...max_output_tokens !== "inf" && { max_output_tokens },
    ...tools.length > 0 && { tools },
    ...tool_choice !== undefined && { tool_choice },
    ...parallel_tool_calls !== undefined && { parallel_tool_calls },
  };
}

/** What has to be said so that `to` is in force instead of `from`. */
export function toMessages(from: SessionState, to: SessionState): RtcMessage[] {
  const messages: RtcMessage[] = [{ type: "configure", options: toRunOptions(to), answers: answersTurns(to.turns) }];
  const listen = toListen(to.turns);
  if (JSON.stringify(listen) !== JSON.stringify(toListen(from.turns))) messages.push(listen);
  if (from.aloud !== to.aloud) messages.push({ type: to.aloud ? "unmute" : "mute", who: "agent" });
  const { voice, speed } = to;
  if (voice !== from.voice || speed !== from.speed) {
    messages.push({ type: "voice", ...voice !== undefined && { voice }, speed });
  }
  return messages;
}

/** `state` as it is told. */
export function toSessionView(state: SessionState, { id, expires_at }: { id: string; expires_at?: number }) {
  const { tool_choice, voice } = state;
  return {
    type: "realtime",
    object: "realtime.session",
    id,
    model: state.model,
    output_modalities: [state.aloud ? "audio" : "text"],
    instructions: state.instructions,
    tools: state.tools.map((tool) => ({ type: "function", ...tool })),
    tool_choice: typeof tool_choice === "object" ? { type: "function", name: tool_choice.tool } : tool_choice ?? "auto",
    ...state.parallel_tool_calls !== undefined && { parallel_tool_calls: state.parallel_tool_calls },
    max_output_tokens: state.max_output_tokens,
    truncation: "auto",
    tracing: null,
    prompt: null,
    audio: {
      input: {
        format: state.hears,
        transcription: { model: state.model },
        noise_reduction: null,
        turn_detection: toTurnsView(state.turns),
      },
      output: { format: state.says, voice: voice ?? null, speed: state.speed },
    },
    ...expires_at !== undefined && { expires_at },
  };
}

function toTools(state: SessionState, change: z.output<typeof Change>): Partial<SessionState> {
  if (change.tools === undefined && change.tool_choice === undefined) return {};
  const tools = change.tools === undefined ? state.tools.map((tool) => ({ type: "function", ...tool })) : change.tools;
  const choice = change.tool_choice === undefined ? {} : { tool_choice: change.tool_choice };
  const read = toToolOptions({ tools, ...choice });
  return { tools: read.tools ?? [], ..."tool_choice" in choice && { tool_choice: read.tool_choice } };
}

function given<K extends keyof SessionState>(
  name: K,
  value: SessionState[K] | null | undefined,
): Partial<SessionState> {
  return value === undefined || value === null ? {} : { [name]: value } as Partial<SessionState>;
}
