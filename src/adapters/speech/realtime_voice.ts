/**
 * One voice at a Realtime server: it hears, thinks and speaks, and remembers what the record says.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import { abortable } from "../../kit/abortable.ts";
import type { Clock } from "../../kit/clock.ts";
import { sleep } from "../../kit/clock.ts";
import type { Model, ModelOutput, ModelRequest } from "../../ports/model.ts";
import type { TextToSpeech } from "../../ports/text_to_speech.ts";
import type { UpstreamOptions, UpstreamVoice } from "../../ports/voice_upstream.ts";
import { type Failing, fromRubbish, SpeechError, toCancelled } from "./failure.ts";
import { SPOKEN_RATE } from "./rates.ts";
import { RealtimeConnection } from "./realtime_connection.ts";
import { type Asked, RealtimeEarly } from "./realtime_early.ts";
import { RealtimeEars } from "./realtime_ears.ts";
import { RealtimeHistory } from "./realtime_history.ts";
import { PICTURES, wantedItems } from "./realtime_items.ts";
import { type RealtimeEvent, RealtimeLine } from "./realtime_line.ts";
import { RealtimeResponse, toRecord } from "./realtime_response.ts";
import { type SessionOptions, toSession, voiceOf } from "./realtime_session.ts";

/** What a server is asked with. */
export interface RealtimeVoiceOptions extends SessionOptions {
  url: string;
  failing: Failing;
  /** How long a line is used. */
  renew_ms: number;
  connect_ms: number;
  /** How long a server may say nothing while it answers. */
  timeout_ms: number;
  clock: Clock;
}

/** How often an answer is asked for when the line breaks before it began. */
const MAX_TRIES = 2;
/** How long a server may take to stop. */
const STOP_MS = 1000;
/** Answers whose sound may still be taken. */
const MAX_SOUNDS = 2;
/** The name of the provider, in the rows of calls of models. */
const PROVIDER = "realtime";

/** See the module. */
export class RealtimeVoice implements UpstreamVoice {
  readonly ears: RealtimeEars;
  readonly mouth: TextToSpeech;
  readonly model: Model;
  readonly #options: RealtimeVoiceOptions;
  readonly #upstream: UpstreamOptions;
  readonly #connection: RealtimeConnection;
  readonly #history = new RealtimeHistory();
  /** How the session was asked for last. */
  #session: RealtimeEvent;
  /** The answer under way. */
  #current: Asked | undefined;
  #last: Asked | undefined;
  readonly #early: RealtimeEarly;
  #spoken: RealtimeResponse[] = [];
  #asking: Promise<unknown> = Promise.resolve();
  /** Requests that have no answer yet. */
  #waiting = 0;

  constructor(options: RealtimeVoiceOptions, upstream: UpstreamOptions) {
    this.#options = options;
    this.#upstream = upstream;
    this.#session = toSession(options, upstream.choice());
    this.#connection = new RealtimeConnection({
      ...options,
      open: (signal) => RealtimeLine.open({ ...options, session: this.#session }, { signal }),
      idle: () => this.#current === undefined && this.ears.idle,
      onLine: (line) => this.#useLine(line),
      onBreak: (error) => this.#current?.response.fail(error),
      onTrouble: upstream.onTrouble,
    });
    this.#early = new RealtimeEarly({
      ...options,
      ...upstream.early,
      provider: PROVIDER,
      stop: (response) => this.#stop(response),
      begin: () => this.#begin(new RealtimeResponse(options.failing), "early"),
    });
    const check = (signal = AbortSignal.timeout(options.connect_ms)) => this.ears.check(signal);
    this.ears = new RealtimeEars({
      connection: this.#connection,
      history: this.#history,
      refusal: (event) => this.#refusal(event),
      onSpeech: () => this.#forgetEarly(),
      onSaid: (line) => {
        if (!this.#busy) this.#early.begin(line);
      },
      onNoise: () => this.#forgetEarly(),
      onIdle: () => this.#connection.settle(),
    });
    this.model = { pictures: PICTURES, check, stream: (request, { signal }) => this.#stream(request, signal) };
    this.mouth = { rate: SPOKEN_RATE, check, speak: (text, { signal }) => this.#speak(text, signal) };
    this.#connection.start();
  }

  get down(): boolean {
    return this.#connection.down;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#forgetEarly();
    this.#connection[Symbol.dispose]();
    this.#current?.response.fail(new AppError("CancelledError", "The call is over"));
    await this.#early[Symbol.asyncDispose]();
  }

  /** Whether something is answered, or may still be heard: who speaks then may mean nothing by it. */
  get #busy(): boolean {
    const { began = 0, response } = this.#last ?? {};
    const heardUntil = began + (response?.sound.ms ?? 0);
    return this.#current !== undefined || this.#waiting > 0 || this.#options.clock.now() < heardUntil;
  }

  async *#stream(request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelOutput, void> {
    for (let left = MAX_TRIES;; left--) {
      let begun = false;
      try {
        yield { type: "start", provider: PROVIDER, model: this.#options.failing.model };
        const response = this.#adopt(request) ??
          await this.#ask(() => this.#toAsk(request, signal), { signal, kind: "told" });
        for await (const output of this.#follow(response, signal)) {
          begun = true;
          yield output;
        }
        return;
      } catch (error) {
        if (signal.aborted) throw toCancelled(signal.reason);
        const passing = error instanceof SpeechError && error.retryable;
        if (begun || left <= 1 || !passing) throw error;
      }
    }
  }

  /** The sound of what the model said; what it didn't say is read aloud by it. */
  async *#speak(text: string, signal: AbortSignal): AsyncGenerator<Int16Array, void> {
    for (const { sound } of this.#spoken) {
      const to = sound.next(text);
      if (to !== undefined) return yield* sound.take(to, { signal });
    }
    if (!/[\p{L}\p{N}]/u.test(text)) return;
    const instructions = `Say exactly these words, and nothing else: ${text}`;
    const create = { conversation: "none", input: [], tools: [], output_modalities: ["audio"], instructions };
    const asked = () => this.#connection.ready(signal).then((line) => ({ line, events: [], create }));
    const response = await this.#ask(asked, { signal, kind: "aside" });
    using _ = this.#cancelling(response, signal);
    yield* response.sound.take(Infinity, { signal });
    for await (const _ of response.outputs());
  }

  async #toAsk(request: ModelRequest, signal: AbortSignal) {
    let line = await this.#connection.ready(signal);
    const session = toSession(this.#options, this.#upstream.choice(), request);
    const json = JSON.stringify(session);
    const events: RealtimeEvent[] = [];
    this.#session = session;
    if (json !== line.session) {
      // A session's voice can't change once it was heard.
      if (line.spoken && voiceOf(json) !== voiceOf(line.session)) line = await this.#connection.renew(signal);
      else events.push(session);
      line.session = json;
    }
    // What was answered too early is no part of the conversation.
    events.push(...this.#early.takeStale().map((item_id) => ({ type: "conversation.item.delete", item_id })));
    return { line, events: [...events, ...this.#history.mend(wantedItems(request))], create: undefined };
  }

  /** The answer that has begun, if it is the one that is asked for. */
  #adopt(request: ModelRequest): RealtimeResponse | undefined {
    const { line } = this.#connection;
    const session = toSession(this.#options, this.#upstream.choice(), request);
    const same = () => line?.session === JSON.stringify(session) && this.#history.remembers(wantedItems(request));
    const asked = this.#early.take(line, same);
    if (!asked) return this.#forgetEarly();
    asked.kind = "told";
    for (const id of asked.ids) this.#history.begin(id);
    if (asked.response.done) this.#finish(asked);
    return asked.response;
  }

  #forgetEarly(): undefined {
    const response = this.#early.drop();
    if (response) this.#spoken = this.#spoken.filter((one) => one !== response);
  }

  /** Asks for an answer, after the one before. */
  #ask(
    prepare: () => Promise<{ line: RealtimeLine; events: RealtimeEvent[]; create: object | undefined }>,
    { signal, kind }: { signal: AbortSignal; kind: Asked["kind"] },
  ): Promise<RealtimeResponse> {
    const asking = this.#asking.then(async () => {
      signal.throwIfAborted();
      if (this.#current) await abortable(this.#current.response.over, signal);
      const { line, events, create } = await prepare();
      signal.throwIfAborted();
      const response = new RealtimeResponse(this.#options.failing);
      this.#begin(response, kind);
      for (const event of events) line.send(event);
      line.send({ type: "response.create", event_id: "ask", ...create && { response: create } });
      // It may have broken meanwhile, and nobody would tell.
      if (line.ended) response.fail(await line.over);
      return response;
    });
    this.#waiting++;
    this.#asking = asking.catch(() => {}).finally(() => this.#waiting--);
    return abortable(asking, signal);
  }

  #begin(response: RealtimeResponse, kind: Asked["kind"]): Asked {
    const { clock, timeout_ms, failing } = this.#options;
    let timer: Disposable | undefined;
    const late = () => {
      const message = `Speech server "${failing.name}" did not go on within ${timeout_ms} ms`;
      response.fail(new AppError("TimeoutError", message));
      this.#connection.drop();
    };
    const alive = () => {
      timer?.[Symbol.dispose]();
      timer = clock.after(timeout_ms, late);
    };
    alive();
    const asked: Asked = { response, kind, ids: [], alive, began: clock.now() };
    this.#current = this.#last = asked;
    this.#spoken = [response, ...this.#spoken].slice(0, MAX_SOUNDS);
    void response.over.then(() => {
      timer?.[Symbol.dispose]();
      this.#finish(asked);
      if (this.#current === asked) this.#current = undefined;
      this.#connection.settle();
    });
    return asked;
  }

  #finish({ response: { items, sound: { ms: sound_ms } }, kind }: Asked): void {
    if (kind === "told") { for (const item of items) this.#history.finish(item, { sound_ms }); }
  }

  async *#follow(response: RealtimeResponse, signal: AbortSignal): AsyncGenerator<ModelOutput, void> {
    using _ = this.#cancelling(response, signal);
    yield* response.outputs();
    signal.throwIfAborted();
  }

  /** Stops the answer with `signal`, or when it is left before its end. */
  #cancelling(response: RealtimeResponse, signal: AbortSignal): Disposable {
    const stop = () => this.#stop(response);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    return {
      [Symbol.dispose]() {
        signal.removeEventListener("abort", stop);
        if (!signal.aborted) stop();
      },
    };
  }

  #stop(response: RealtimeResponse): void {
    if (response.done) return;
    this.#connection.line?.send({ type: "response.cancel" });
    void this.#giveUp(response);
  }

  /** A server that doesn't stop would refuse the next answer. */
  async #giveUp(response: RealtimeResponse): Promise<void> {
    const enough = new AbortController();
    await Promise.race([response.over, sleep(this.#options.clock, STOP_MS, enough.signal).catch(() => {})]);
    enough.abort();
    if (response.done) return;
    response.fail(fromRubbish(this.#options.failing, "does not stop"));
    this.#connection.drop();
  }

  #useLine(line: RealtimeLine): void {
    line.listen((event) => line === this.#connection.line && this.#take(event, line));
    this.#forgetEarly();
    this.#early.takeStale();
    line.resume(() => {
      for (const event of this.#history.replay()) line.send(event);
      this.ears.restore(line);
    });
  }

  #take(event: RealtimeEvent, line: RealtimeLine): void {
    const current = this.#current;
    if (event.type === "error") return this.#refuse(event);
    if (!event.type.startsWith("response.")) return this.ears.take(event);
    if (!current) return;
    current.alive();
    if (event.type === "response.output_audio.delta") line.spoken = true;
    const { id } = toRecord(event.item);
    if (event.type === "response.output_item.added" && typeof id === "string") {
      if (current.kind === "told") this.#history.begin(id);
      else current.ids.push(id);
    }
    current.response.take(event);
  }

  /** Most errors leave everything as it was; those about what was asked end it. */
  #refuse(event: RealtimeEvent): void {
    const { event_id } = toRecord(event.error);
    if (event_id === "ask" || event_id === "session") this.#current?.response.fail(this.#refusal(event));
    else if (event_id === "heard") this.ears.refuse(this.#refusal(event));
  }

  #refusal(event: RealtimeEvent): Error {
    return this.#connection.line?.refusal(event) ?? fromRubbish(this.#options.failing, "refused what was asked");
  }
}
