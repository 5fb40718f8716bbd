/**
 * What clients say during a call, on whatever way.
 *
 * @module
 */
import type { Principal } from "../../domain/access.ts";
import { AppError } from "../../domain/error.ts";
import type { GivenMessage } from "../../domain/message.ts";
import type { RunOptions } from "../../domain/run.ts";
import { RtcMessage } from "../../domain/rtc_event.ts";
import type { IceCandidate } from "../../domain/rtc_signal.ts";
import type { VoiceChoice } from "../voice/speaking.ts";
import type { SaidOfLooks } from "./look_consent.ts";

/** What can be done with a call. Each may throw an `AppError`, which its client is told. */
export interface CallVerbs {
  say(text: string, principal: Principal): void;
  /** See {@linkcode Terms.configure}. */
  configure(terms: Omit<Extract<RtcMessage, { type: "configure" }>, "type">): void;
  /** See {@linkcode Terms.bring}. */
  bring(messages: readonly GivenMessage[]): void;
  /** Answers what waits for an answer. */
  respond(options: RunOptions | undefined, principal: Principal): void;
  interrupt(heard_ms?: number): void;
  /** Whether the caller says where turns end. */
  listenByHand(byHand: boolean): void;
  commit(): void;
  clear(): void;
  mute(who: "caller" | "agent", muted: boolean): void;
  hold(held: boolean): void;
  setVoice(choice: VoiceChoice): void;
  decide(decision: Extract<RtcMessage, { type: "approval" }>, principal: Principal): Promise<void>;
  /** See `Looks.say`. */
  consent(said: SaidOfLooks, principal: Principal): void;
  nameTracks(tracks: Record<string, "microphone" | "camera" | "screen">): void;
  /** Answers an offer; the answer is told as an event. */
  takeOffer(sdp: string): Promise<void>;
  takeAnswer(sdp: string): Promise<void>;
  takeCandidate(candidate: IceCandidate): Promise<void>;
  noteHeard(turn_id: string, ms: number): void;
  /** Tells that something can't be done. */
  complain(error: AppError): void;
}

/** Does what the message `text` says. What it can't, its client is told; the call goes on. */
export async function takeMessage(text: string, verbs: CallVerbs, principal: Principal): Promise<void> {
  try {
    await obey(read(text), verbs, principal);
  } catch (error) {
    verbs.complain(AppError.from(error));
  }
}

function read(text: string): RtcMessage {
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch {
    throw new AppError("ValidationError", "Cannot read the message: expected JSON");
  }
  const parsed = RtcMessage.safeParse(said);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue?.path.join(".") ?? "";
  throw new AppError(
    "ValidationError",
    `Cannot read the message: ${where === "" ? "" : `${where}: `}${issue?.message}`,
  );
}

function obey(message: RtcMessage, verbs: CallVerbs, principal: Principal): Promise<void> | void {
  switch (message.type) {
    case "text":
      return verbs.say(message.text, principal);
    case "configure":
      return verbs.configure(message);
    case "messages":
      return verbs.bring(message.messages);
    case "respond":
      return verbs.respond(message.options, principal);
    case "interrupt":
      return verbs.interrupt(message.heard_ms);
    case "listen":
      return verbs.listenByHand(message.turns === "by_hand");
    case "commit":
      return verbs.commit();
    case "clear":
      return verbs.clear();
    case "mute":
    case "unmute":
      return verbs.mute(message.who, message.type === "mute");
    case "hold":
    case "resume":
      return verbs.hold(message.type === "hold");
    case "voice": {
      const { type: _, ...choice } = message;
      return verbs.setVoice(choice);
    }
    case "approval":
      return verbs.decide(message, principal);
    case "tracks":
      return verbs.nameTracks(message.tracks);
    case "offer":
      return verbs.takeOffer(message.sdp);
    case "answer":
      return verbs.takeAnswer(message.sdp);
    case "candidate":
      return verbs.takeCandidate(message.candidate);
    case "heard":
      return verbs.noteHeard(message.turn_id, message.ms);
    case "consent":
      return verbs.consent(message, principal);
    case "ping":
      return;
  }
}
