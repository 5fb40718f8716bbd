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
import { type ClientEvent, GivenItem, readClientEvent, readObject, toGivenMessage } from "./client_events.ts";
import type { Emit } from "./emit.ts";
import { type Item, Items } from "./items.ts";
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
  readonly #items = new Items();
  readonly #clients = new Clients();
  readonly #emit: Emit = this.#clients.emit;
  readonly #reader: CallEventReader;
  #session: SessionState;
  #asked: Asked[] = [];
  #mutedFor: boolean | undefined;
  /** Absent: sound is media. */
  readonly #sounds: SoundBuffer | undefined;
  /** Whose sound comes. */
  #sounding: ResponseStory | undefined;
  /** Answers by run, or by turn where there is none, in the order in which they began. */
  #stories = new Map<string, ResponseStory>();
  readonly #turns = new CallerTurns({
    emit: this.#emit,
    items: this.#items,
    add: (item) => this.#add(item),
    byHand: () => this.#session.turns === null,
  });
  /** Whether tools were called since anybody else said something: clients ask then to go on, which runs do by themselves. */
  #wentOn = false;
  readonly #questions = new Questions();
  readonly #notices = new Notices();

  /** Throws `ValidationError` when the session can't begin so. */
  constructor(deps: DialectDeps) {
    this.#deps = deps;
    const { hear, say } = deps;
    if (hear) this.#sounds = new SoundBuffer({ hear, say });
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

  /** What the caller said is known. */
  transcribed(turn_id: string, text: string): void {
    if (text !== "") this.#wentOn = false;
    this.#turns.transcribed(turn_id, text);
  }

  /** What the log of a run says. */
  told(run_id: string, event: EventType, data: Record<string, unknown>): void {
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
        return this.#create(parse(GivenItem, event.item, "item"), {
          previous: event.previous_item_id ?? undefined,
          client,
        });
      case "conversation.item.retrieve":
        return emitTo(client)("conversation.item.retrieved", { item: this.#find(event.item_id) });
      case "conversation.item.delete":
        this.#find(event.item_id);
        throw invalid("Cannot delete the item: what was said stays in the conversation", {
          param: "item_id",
          code: "unsupported_value",
        });
      case "conversation.item.truncate": {
        const { item_id, content_index, audio_end_ms } = event;
        this.#find(item_id);
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
        return this.#hearing().append(event.audio, this.#session.hears);
      case "input_audio_buffer.commit":
        return this.#commitTurn();
      case "input_audio_buffer.clear":
        if (this.#sounds) this.#sounds.clear();
        else say({ type: "clear" });
        return this.#emit("input_audio_buffer.cleared");
    }
  }

  #update(session: unknown): void {
    const next = changeSession(this.#session, session);
    for (const message of toMessages(this.#session, next)) this.#deps.say(message);
    this.#mutedFor = undefined;
    this.#session = next;
    this.#emit("session.updated", { session: this.#view() });
  }

  #create(given: GivenItem, { previous, client }: { previous: string | undefined; client: Client }): void {
    if (previous !== undefined && previous !== this.#items.last && given.type !== "mcp_approval_response") {
      throw invalid("Cannot put the item there: what was said is said, so items are added at the end", {
        param: "previous_item_id",
        code: "unsupported_value",
      });
    }
    const id = given.id ?? createId("item");
    if (this.#items.get(id)) throw invalid(`Cannot create item "${id}": it is there already`, { param: "item.id" });
    const item: Item = { ...given, id, object: "realtime.item", status: "completed" };
    const { say } = this.#deps;
    if (given.type === "message") {
      say({ type: "messages", messages: [toGivenMessage(given)] });
      this.#wentOn = false;
    } else if (given.type === "function_call_output") {
      const { call_id: tool_call_id, output: content } = given;
      if (!this.#items.hasCall(tool_call_id)) {
        throw invalid(`Cannot take the output of call "${tool_call_id}": there is no such call`, {
          param: "item.call_id",
        });
      }
      say({ type: "messages", messages: [{ role: "tool", content, attachments: [], tool_call_id }] });
    } else {
      say(this.#questions.answer(given, { beside: this.#clients.isBeside(client) }));
    }
    this.#add(item);
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

  #hearing(): SoundBuffer {
    if (this.#sounds) return this.#sounds;
    throw invalid("Cannot append sound: this call's comes as media", { code: "unsupported_value" });
  }

  #commitTurn(): void {
    if (this.#session.turns !== null) {
      const message = "Cannot commit the buffer: turns are found by the server, set turn_detection to null to end them";
      throw invalid(message, { code: "unsupported_value" });
    }
    if (this.#sounds) this.#sounds.commit();
    else this.#deps.say({ type: "commit" });
  }

  #find(id: string): Item {
    const item = this.#items.get(id);
    if (item) return item;
    throw invalid(`Cannot find item "${id.slice(0, 100)}"`, { param: "item_id", code: "item_not_found" });
  }

  #add(item: Item): void {
    const previous_item_id = this.#items.add(item);
    this.#emit("conversation.item.added", { previous_item_id, item });
    this.#emit("conversation.item.done", { previous_item_id, item });
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
