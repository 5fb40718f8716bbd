/**
 * What clients say during a call, on whatever way.
 *
 * @module
 */
import type { Principal } from "../../domain/access.ts";
import { AppError } from "../../domain/error.ts";
import type { RunOptions } from "../../domain/run.ts";
import { type CallMessage, RtcMessage, RtcMessageId } from "../../domain/rtc_event.ts";
import type { IceCandidate } from "../../domain/rtc_signal.ts";
import type { VoiceChoice } from "../voice/speaking.ts";
import type { Acknowledgements } from "./acknowledgements.ts";
import type { SaidOfLooks } from "./look_consent.ts";
import type { MessageMeter } from "./message_meter.ts";

/** What can be done with a call. Each may throw an `AppError`, which its client is told. */
export interface CallVerbs {
  say(text: string, principal: Principal): void;
  /** See {@linkcode Terms.configure}. */
  configure(terms: Pick<Extract<RtcMessage, { type: "configure" }>, "options" | "answers">): void;
  /** See {@linkcode Terms.bring}. */
  bring(messages: readonly CallMessage[], options: { after: string | null | undefined }): void;
  /** See {@linkcode Terms.forget}. */
  forget(name: string): void;
  /** Answers what waits for an answer. */
  respond(options: RunOptions | undefined, principal: Principal): void;
  interrupt(heard_ms?: number): void;
  /** Whether the caller says where turns end, or how they are found. */
  listen(how: Omit<Extract<RtcMessage, { type: "listen" }>, "type" | "id">): void;
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
  /** See {@linkcode Acknowledgements.once}. */
  once: Acknowledgements["once"];
  /** See {@linkcode MessageMeter.admit}. */
  admit: MessageMeter["admit"];
  /** Tells that something can't be done. */
  complain(error: AppError): void;
}

/**
 * Does what the message `text` says. What it can't, its client is told; the call goes on. What is refused is acknowledged
 * as well, whatever the reason: sent again, it would be done long after its client was told that it isn't.
 */
export async function takeMessage(text: string, verbs: CallVerbs, principal: Principal): Promise<void> {
  const said = parse(text);
  try {
    const { id, type } = namesOf(said);
    await verbs.once(id, () => verbs.admit(type, () => obey(read(said), verbs, principal)));
  } catch (error) {
    verbs.complain(AppError.from(error));
  }
}

/** Undefined for what is no JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What a message is called and what it asks for, also of one that can't be read. */
function namesOf(said: unknown): { id: string | undefined; type: unknown } {
  const { id, type } = said !== null && typeof said === "object" ? said as Record<string, unknown> : {};
  return { id: RtcMessageId.safeParse(id).data, type };
}

function read(said: unknown): RtcMessage {
  if (said === undefined) throw new AppError("ValidationError", "Cannot read the message: expected JSON");
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
      return verbs.bring(message.messages, { after: message.after });
    case "forget":
      return verbs.forget(message.name);
    case "respond":
      return verbs.respond(message.options, principal);
    case "interrupt":
      return verbs.interrupt(message.heard_ms);
    case "listen": {
      const { type: _, id: __, ...how } = message;
      return verbs.listen(how);
    }
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
      const { type: _, id: __, ...choice } = message;
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
