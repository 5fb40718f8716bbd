/**
 * A call's talk: its voice, who answers, and what is left to do when it is over.
 *
 * @module
 */
import { ownerOf, type Principal } from "../../domain/access.ts";
import type { AppError } from "../../domain/error.ts";
import type { RunEvent } from "../../domain/event.ts";
import type { NewRtcEvent } from "../../domain/rtc_event.ts";
import type { RtcSessionRow } from "../../domain/table.ts";
import type { Clock } from "../../kit/clock.ts";
import type { Log } from "../../kit/log.ts";
import type { Model, UnusedCall } from "../../ports/model.ts";
import type { OutgoingPacket } from "../../ports/peers.ts";
import type { Store } from "../../ports/store.ts";
import type { TurnDetectorOf } from "../../ports/turn_detector.ts";
import type { UpstreamChoice } from "../../ports/voice_upstream.ts";
import { toLooseCallRow } from "../orchestrator/model_call.ts";
import type { Preview } from "../orchestrator/preview.ts";
import type { Runs } from "../runs/runs.ts";
import { EarlyModel } from "../voice/early_model.ts";
import type { VoiceLimits } from "../voice/voice_limits.ts";
import { VoiceLoop } from "../voice/voice_loop.ts";
import type { Phrases } from "../voice/voice_parts.ts";
import type { CallMedia } from "./call_media.ts";
import { openEngines } from "./talk_engines.ts";
import { ConversationLink } from "./conversation_link.ts";
import type { Seat } from "./seat.ts";
import type { Looks } from "./looks.ts";
import type { Terms } from "./terms.ts";

/** What a {@linkcode Talk} needs of the server. */
export interface TalkParts {
  store: Store;
  clock: Clock;
  log: Log;
  runs: Runs;
  /** What answers are prepared by. */
  model: Model;
  preview: Preview;
}

/** What a {@linkcode Talk} needs of its call. */
export interface TalkDeps extends TalkParts {
  row: RtcSessionRow;
  principal: Principal;
  media: CallMedia;
  turns: TurnDetectorOf;
  terms: Terms;
  looks: Looks;
  limits: VoiceLimits;
  phrases: Phrases;
  /** The call's place in a room, if it is in one. */
  seat: Seat | undefined;
  /** How the agent sounds now. */
  choice(): UpstreamChoice;
  /** Told when somebody can't be reached. */
  complain(error: AppError): void;
  onConversation(id: string): void;
  onRunEvent(run_id: string, event: RunEvent): void;
  emit(event: NewRtcEvent): void;
  sendAudio(packet: OutgoingPacket): void;
}

/** See the module. Disposing it resolves when nothing of it is under way. */
export class Talk implements AsyncDisposable {
  readonly loop: VoiceLoop;
  /** What is missing, in words for people. */
  readonly missing: readonly string[];
  readonly #stack: AsyncDisposableStack;

  /** Opens what it needs. */
  static async open(deps: TalkDeps): Promise<Talk> {
    const { row, clock, media: { codec, activity }, model, preview } = deps;
    await using stack = new AsyncDisposableStack();
    const onUnused = (call: UnusedCall) => keepUnused(deps, call);
    const early = stack.use(new EarlyModel({ model, clock, onUnused }));
    const { model: asked, stt, tts, missing } = openEngines({
      ...deps,
      model: early,
      early: deps.limits.preemptive ? { onUnused } : undefined,
    }, stack);
    const { agent_id, conversation_id } = row;
    const link = new ConversationLink({
      ...deps,
      session_id: row.id,
      agent_id,
      conversation_id,
      early: { model: early, preview },
    });
    // What somebody else answers in the end is not prepared by the agent's own model: it would be paid for in vain.
    const preemptive = deps.limits.preemptive && asked === early;
    const loop = await VoiceLoop.open({
      ...deps,
      limits: { ...deps.limits, preemptive },
      codec,
      activity,
      stt,
      tts,
      brain: deps.seat?.brain(link) ?? link,
      company: deps.seat?.company,
      model: asked,
      voice: row.voice,
    });
    stack.use(loop);
    deps.seat?.onVoice(loop);
    return new Talk(loop, { missing, stack: stack.move() });
  }

  private constructor(
    loop: VoiceLoop,
    { missing, stack }: { missing: readonly string[]; stack: AsyncDisposableStack },
  ) {
    this.loop = loop;
    this.missing = missing;
    this.#stack = stack;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

/** What was prepared and not needed is on the books all the same. */
async function keepUnused(
  { store, log, row, principal }: TalkDeps,
  { error, ...facts }: UnusedCall,
): Promise<void> {
  const outcome = error ? "failed" : "cancelled";
  const call = toLooseCallRow(ownerOf(principal), row.agent_id, { ...facts, outcome, error: error?.toBody() ?? null });
  await store.commit({ writes: [{ insert: "model_calls", rows: [call] }] }).catch((error) => {
    log.error("Cannot store a call of a model", { session_id: row.id, error });
  });
}
