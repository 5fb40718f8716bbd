/**
 * A call in this protocol's words: one translation for every way on which its clients come.
 *
 * @module
 */
import { AppError } from "../../../domain/error.ts";
import type { EventType } from "../../../domain/event.ts";
import type { RtcMessage } from "../../../domain/rtc_event.ts";
import { createId } from "../../../kit/id.ts";
import { maskSecrets } from "../../../kit/log.ts";
import { invalid, parse, toOpenAiError } from "../errors.ts";
import { toResponseId } from "../ids.ts";
import { type AnswerPlace, type CallEvent, CallEventReader, type CallListener } from "./call_event_reader.ts";
import { CallerTurns } from "./caller_turns.ts";
import { type Client, Clients, emitTo } from "./clients.ts";
import { type ClientEvent, GivenItem, readClientEvent, readObject } from "./client_events.ts";
import { Conversation } from "./conversation.ts";
import type { Emit } from "./emit.ts";
import { HistoryMeter } from "./history_meter.ts";
import { InputBuffer } from "./input_buffer.ts";
import { Items } from "./items.ts";
import { type NoticeData, Notices, type NoticeType } from "./notices.ts";
import { Questions } from "./questions.ts";
import { ResponseStory, toApprovalId } from "./response_story.ts";
import {
  changeResponse,
  changeSession,
  newSession,
  type SessionState,
  toMessages,
  toRunOptions,
  toSessionView,
} from "./session_view.ts";
import { SoundBuffer } from "./sound_buffer.ts";

/** How many answers can be asked for that have not begun. */
const MAX_ASKED = 8;
/** How many answers that ended may still be heard. */
const MAX_HEARD = 8;

/** What a {@linkcode Dialect} needs. */
export interface DialectDeps {
  call_id: string;
  /** The agent. */
  model: string;
  /** What the session begins with, as clients write it. */
  session?: unknown;
  /** Milliseconds. */
  now(): number;
  /** Says something in the call. */
  say(message: RtcMessage): void;
  /** Speaks in the call, where sound comes as events: 16-bit samples in base64, 24,000 a second. */
  hear?(data: string): void;
}

interface Asked {
  event_id: string | undefined;
  metadata: Record<string, unknown> | null;
  aloud: boolean;
}

/** See the module. */
export class Dialect {
  readonly #deps: DialectDeps;
  readonly #items = new Items({
    forget: (name) => {
      this.#history.drop(name);
      this.#deps.say({ type: "forget", name });
    },
    onNamed: () => this.#conversation.settle(),
  });
  readonly #clients = new Clients();
  readonly #emit: Emit = this.#clients.emit;
  readonly #reader: CallEventReader;
  #session: SessionState;
  #asked: Asked[] = [];
  #mutedFor: boolean | undefined;
  /** Absent: sound is media. */
  readonly #sounds: SoundBuffer | undefined;
  readonly #buffer: InputBuffer;
  /** Whose sound comes. */
  #sounding: ResponseStory | undefined;
  /** Answers by run, or by turn where there is none, in the order in which they began. */
  #stories = new Map<string, ResponseStory>();
  readonly #questions = new Questions();
  readonly #history = new HistoryMeter();
  readonly #conversation = new Conversation({
    emit: this.#emit,
    items: this.#items,
    questions: this.#questions,
    meter: this.#history,
    say: (message) => this.#deps.say(message),
  });
  readonly #turns = new CallerTurns({
    emit: this.#emit,
    items: this.#items,
    add: (item, place) => this.#conversation.add(item, place),
    byHand: () => this.#session.turns === null,
  });
  /** Whether tools were called since anybody else said something: clients ask then to go on, which runs do by themselves. */
  #wentOn = false;
  readonly #notices = new Notices();

  /** Throws `ValidationError` when the session can't begin so. */
  constructor(deps: DialectDeps) {
    this.#deps = deps;
    const { hear, say } = deps;
    if (hear) this.#sounds = new SoundBuffer({ hear, say });
    this.#buffer = new InputBuffer({ sounds: this.#sounds, session: () => this.#session, say, emit: this.#emit });
    const plain = newSession(deps.model);
    this.#session = deps.session === undefined ? plain : changeSession(plain, deps.session);
    this.#reader = new CallEventReader(this);
    if (this.#session !== plain) { for (const message of toMessages(plain, this.#session)) deps.say(message); }
  }

  /** Joins a client, until disposed. It is told of the session at once. `beside`: it isn't that of who is in the call. */
  join(client: Client, { beside = false } = {}): Disposable {
    const emit = emitTo(client);
    emit("session.created", { session: this.#view() });
    this.#notices.tell(emit);
    return this.#clients.add(client, { beside });
  }

  /** Takes what a client says. What can't be done, it is told. */
  take(frame: string, client: Client): void {
    let event_id: string | undefined;
    try {
      const value = readObject(frame);
      if (typeof value.event_id === "string") event_id = value.event_id.slice(0, 512);
      this.#obey(readClientEvent(value), client);
    } catch (thrown) {
      this.#refuse(AppError.from(thrown), emitTo(client), event_id);
    }
  }

  /** Takes what happened in the call. */
  hear(event: CallEvent): void {
    this.#reader.read(event);
  }

  /** The caller has begun to speak. */
  speechStarted(turn_id: string, at_ms: number): void {
    this.#turns.started(turn_id, at_ms);
  }

  /** The caller is silent. */
  speechStopped(turn_id: string, at_ms: number): void {
    this.#turns.stopped(turn_id, at_ms);
  }

  /** The caller has said nothing for too long: the agent goes on. */
  missed(turn_id: string, silence: { audio_start_ms: number; audio_end_ms: number }): void {
    this.#wentOn = false;
    this.#turns.missed(turn_id, silence);
  }

  /** What the caller said is known. */
  transcribed(turn_id: string, text: string): void {
    if (text !== "") {
      this.#wentOn = false;
      this.#history.wait(turn_id);
    }
    this.#turns.transcribed(turn_id, text);
  }

  /** What the caller said can't be written down. */
  unheard(turn_id: string, error: AppError): void {
    this.#turns.failed(turn_id, error);
  }

  /** What the log of a run says. */
  told(run_id: string, event: EventType, data: Record<string, unknown>): void {
    if (event === "run.started") this.#history.answered();
    if (event === "run.started" && !this.#stories.has(run_id)) this.#begin(run_id, toResponseId(run_id));
    const story = this.#stories.get(run_id);
    if (!story) return;
    if (event === "tool.call.approval_required") {
      const tool_call_id = String(data.tool_call_id);
      this.#questions.add(toApprovalId(tool_call_id), { type: "approval", run_id, tool_call_id });
    }
    if (event === "tool.call.result") this.#wentOn = true;
    story.take(event, data as never);
    if (story.done) this.#ended();
  }

  /** The agent says a sentence. Without a run nobody asked for it. */
  speaking({ turn_id, run_id, text, aloud }: AnswerPlace & { text: string; aloud: boolean }): void {
    const of = this.#stories.get(run_id ?? turn_id);
    // What is said once a run has failed is an answer of its own where sound has to belong to one.
    const isOwn = run_id === null || (of?.done === true && aloud && this.#sounds !== undefined);
    const story = isOwn ? this.#stories.get(turn_id) ?? this.#begin(turn_id, toTurnResponse(turn_id)) : of;
    if (aloud) story?.sound(text, turn_id);
    if (isOwn) story?.say(turn_id, text);
    this.#sounding = story;
  }

  /** The agent is heard: 16-bit samples in base64, 24,000 a second. */
  sound(data: string): void {
    if (this.#sounds) this.#sounding?.hear(this.#sounds.toClient(data, this.#session.says));
  }

  /** The caller wants to hear no more. */
  interrupted({ turn_id, run_id, heard }: AnswerPlace & { heard: string }): void {
    for (const story of this.#storiesOf({ turn_id, run_id })) story.interrupt(heard);
    this.#stories.get(turn_id)?.end({ status: "completed" });
  }

  /** All of an answer was heard. */
  finished({ turn_id, run_id }: AnswerPlace): void {
    this.#stories.get(turn_id)?.end({ status: "completed" });
    for (const story of this.#storiesOf({ turn_id, run_id })) story.silence();
  }

  /** The agent wants to look. */
  looking({ look_id, source, reason, run_id }: Parameters<CallListener["looking"]>[0]): void {
    this.#questions.add(toApprovalId(look_id), { type: "consent", look_id, source });
    this.#stories.get(run_id)?.askToLook({ look_id, source, reason });
  }

  /** It has looked, or won't. */
  looked(look_id: string): void {
    this.#questions.drop(toApprovalId(look_id));
  }

  /** What is left of the requests that the caller may make. Tokens aren't limited here. */
  limited(left: Parameters<CallListener["limited"]>[0]): void {
    this.#emit("rate_limits.updated", { rate_limits: [{ name: "requests", ...left }] });
  }

  /** The call is recorded, or watched, or no longer. */
  noticed(type: NoticeType, data: NoticeData): void {
    this.#notices.take(type, data);
    this.#emit(type, data);
  }

  /** Something went wrong. */
  failed(error: AppError): void {
    const asked = this.#active ? undefined : this.#asked.shift();
    this.#refuse(error, this.#emit, asked?.event_id);
  }

  /** The call is over: what began is ended. */
  close(): void {
    for (const story of this.#stories.values()) {
      story.end({ status: "cancelled", status_details: { type: "cancelled", reason: "client_cancelled" } });
    }
    this.#clients.clear();
  }

  /** The answer that has not ended. */
  get #active(): ResponseStory | undefined {
    return this.#stories.values().find(({ done }) => !done);
  }

  /** The answers of a turn: that of its run, and what was said beside it. */
  #storiesOf({ turn_id, run_id }: AnswerPlace): ResponseStory[] {
    return [run_id, turn_id].flatMap((key) => key === null ? [] : this.#stories.get(key) ?? []);
  }

  #begin(key: string, id: string): ResponseStory {
    const { aloud, metadata } = this.#asked.shift() ?? { aloud: this.#session.aloud, metadata: null };
    const { now } = this.#deps;
    const sounds = this.#sounds !== undefined;
    const story = new ResponseStory(id, { emit: this.#emit, items: this.#items, aloud, sounds, metadata, now });
    this.#stories.set(key, story);
    for (const [old, { done }] of this.#stories) {
      if (this.#stories.size <= MAX_HEARD) break;
      if (done) this.#stories.delete(old);
    }
    return story;
  }

  /** What was asked of one answer alone is over with it. */
  #ended(): void {
    if (!this.#active && this.#asked.length === 0) this.#muteFor(this.#session.aloud);
  }

  /** The agent speaks aloud, or not, until the answers that were asked for are there. */
  #muteFor(aloud: boolean): void {
    if (aloud === (this.#mutedFor ?? this.#session.aloud)) return;
    this.#mutedFor = aloud;
    this.#deps.say({ type: aloud ? "unmute" : "mute", who: "agent" });
  }

  #obey(event: ClientEvent, client: Client): void {
    const { say } = this.#deps;
    switch (event.type) {
      case "session.update":
        return this.#update(event.session);
      case "conversation.item.create":
        return this.#create(event, client);
      case "conversation.item.retrieve":
        return this.#retrieve(event.item_id, emitTo(client));
      case "conversation.item.delete":
        return this.#conversation.delete(event.item_id);
      case "conversation.item.truncate": {
        const { item_id, content_index, audio_end_ms } = event;
        this.#conversation.find(item_id, "truncate");
        // Where sound is media, the server knows itself what was heard.
        if (this.#sounds && this.#active?.cutAt(item_id, audio_end_ms)) {
          return say({ type: "interrupt", heard_ms: audio_end_ms });
        }
        return this.#emit("conversation.item.truncated", { item_id, content_index, audio_end_ms });
      }
      case "response.create":
        return this.#respond(event);
      case "response.cancel":
        if (!this.#active) {
          throw invalid("Cannot cancel the response: none is active", { code: "response_cancel_not_active" });
        }
        return say({ type: "interrupt" });
      case "output_audio_buffer.clear":
        if (this.#active) say({ type: "interrupt" });
        return;
      case "input_audio_buffer.append":
      case "input_audio_buffer.commit":
      case "input_audio_buffer.clear":
        return this.#buffer.obey(event);
    }
  }

  #update(session: unknown): void {
    const next = changeSession(this.#session, session);
    for (const message of toMessages(this.#session, next)) this.#deps.say(message);
    this.#mutedFor = undefined;
    this.#session = next;
    this.#emit("session.updated", { session: this.#view() });
  }

  #create(
    { item, previous_item_id }: Extract<ClientEvent, { type: "conversation.item.create" }>,
    client: Client,
  ): void {
    const given = parse(GivenItem, item, "item");
    const beside = this.#clients.isBeside(client);
    this.#conversation.create(given, { previous: previous_item_id ?? undefined, beside });
    if (given.type === "message" || given.type === "function_call_output") this.#wentOn = false;
  }

  #retrieve(item_id: string, emit: Emit): void {
    emit("conversation.item.retrieved", { item: this.#conversation.find(item_id, "retrieve") });
    for (const story of this.#stories.values()) story.retell(item_id, emit);
  }

  #respond({ event_id, response }: Extract<ClientEvent, { type: "response.create" }>): void {
    if (this.#active || this.#asked.length >= MAX_ASKED) {
      throw invalid("Cannot create a response: the conversation has an active one", {
        code: "conversation_already_has_active_response",
      });
    }
    const { conversation, input, metadata } = (response ?? {}) as Record<string, unknown>;
    if (conversation === "none" || (input !== undefined && input !== null)) {
      const param = conversation === "none" ? "response.conversation" : "response.input";
      throw invalid(`Cannot use "${param}": answers belong to the call's conversation`, {
        param,
        code: "unsupported_parameter",
      });
    }
    if (this.#wentOn && this.#asked.length === 0 && Object.keys(response ?? {}).length === 0) {
      this.#wentOn = false;
      const id = createId("resp");
      return this.#begin(id, id).end({ status: "completed" });
    }
    const own = changeResponse(this.#session, response);
    this.#asked.push({
      event_id: event_id ?? undefined,
      metadata: typeof metadata === "object" ? metadata as Record<string, unknown> | null : null,
      aloud: own.aloud,
    });
    this.#muteFor(own.aloud);
    const only = own === this.#session ? {} : { options: toRunOptions(own) };
    this.#deps.say({ type: "respond", ...only });
  }

  #refuse(error: AppError, emit: Emit, event_id: string | undefined): void {
    const { error: told } = toOpenAiError(error);
    emit("error", { error: { ...told, message: maskSecrets(told.message), event_id: event_id ?? null } });
  }

  #view() {
    return toSessionView(this.#session, {
      id: `sess_${this.#deps.call_id.slice(this.#deps.call_id.indexOf("_") + 1)}`,
    });
  }
}

function toTurnResponse(turn_id: string): string {
  return `resp_${turn_id}`;
}
