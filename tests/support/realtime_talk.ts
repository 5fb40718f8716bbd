/**
 * One connection of the scripted Realtime server.
 *
 * @module
 */
import { joinSamples, toBytes } from "../../src/kit/pcm.ts";
import type { LineFault, RealtimeProvider } from "./realtime_provider.ts";

// deno-lint-ignore no-explicit-any -- events and items have every shape
type Loose = any;

/** Sound shorter than this is refused, as OpenAI does. */
const MIN_SAMPLES = 2400;

/** Keeps a conversation. */
export class RealtimeTalk {
  readonly #socket: WebSocket;
  readonly #provider: RealtimeProvider;
  readonly #number: number;
  readonly #fault: LineFault | undefined;
  #session: Loose = {};
  #items: Loose[] = [];
  #sound: Int16Array[] = [];
  #made = 0;
  #active: { id: string; cancelled: boolean } | undefined;
  #spoke = false;
  over = false;

  constructor(
    socket: WebSocket,
    provider: RealtimeProvider,
    { number, fault }: { number: number; fault: LineFault | undefined },
  ) {
    this.#socket = socket;
    this.#provider = provider;
    this.#number = number;
    this.#fault = fault;
    socket.onopen = () => {
      if (fault === "die") return this.die();
      if (fault === "garbage") return socket.send("this is no event");
      if (fault !== "silent") this.#tell({ type: "session.created", session: {} });
    };
    socket.onclose = () => this.over = true;
    socket.onerror = () => this.over = true;
    socket.onmessage = ({ data }) => void this.#take(JSON.parse(data));
  }

  /** What it remembers. */
  get items(): Loose[] {
    return this.#items;
  }

  /** Breaks the connection. */
  die(): void {
    this.over = true;
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.close(1011);
  }

  /** Says what is no event. */
  babble(): void {
    this.#socket.send("{");
  }

  #tell(event: Loose): void {
    if (this.over || this.#socket.readyState !== WebSocket.OPEN) return;
    this.#socket.send(JSON.stringify({ event_id: `event_${++this.#made}`, ...event }));
  }

  #refuse(event: Loose, message: string): void {
    const error = { type: "invalid_request_error", message, event_id: event.event_id ?? null };
    this.#tell({ type: "error", error });
  }

  async #take(event: Loose): Promise<void> {
    this.#provider.said.push(event);
    if (this.#fault === "silent") return;
    switch (event.type) {
      case "session.update": {
        const voice = event.session.audio?.output?.voice;
        if (this.#spoke && voice !== this.#session.audio?.output?.voice) {
          return this.#refuse(event, "Cannot update a conversation's voice if assistant audio is present");
        }
        this.#session = { ...this.#session, ...event.session };
        this.#tell({ type: "session.updated", session: this.#session });
        if (this.#fault === "brief") this.die();
        return;
      }
      case "conversation.item.create":
        this.#items.push({ ...event.item });
        return this.#tell({ type: "conversation.item.added", item: event.item });
      case "conversation.item.delete":
        if (!this.#items.some(({ id }) => id === event.item_id)) return this.#refuse(event, "No such item");
        this.#items = this.#items.filter(({ id }) => id !== event.item_id);
        return this.#tell({ type: "conversation.item.deleted", item_id: event.item_id });
      case "conversation.item.truncate": {
        const item = this.#items.find(({ id }) => id === event.item_id);
        if (item?.role !== "assistant") return this.#refuse(event, "No such item");
        item.truncated_ms = event.audio_end_ms;
        return this.#tell({ type: "conversation.item.truncated", item_id: event.item_id });
      }
      case "input_audio_buffer.append": {
        const bytes = Uint8Array.fromBase64(event.audio);
        this.#sound.push(new Int16Array(bytes.buffer));
        return;
      }
      case "input_audio_buffer.clear":
        this.#sound = [];
        return this.#tell({ type: "input_audio_buffer.cleared" });
      case "input_audio_buffer.commit":
        return await this.#commit(event);
      case "response.cancel":
        if (!this.#active) return this.#refuse(event, "Cancellation failed: no active response found");
        this.#active.cancelled = true;
        return;
      case "response.create":
        return await this.#respond(event);
      default:
        return this.#refuse(event, `Unknown event "${event.type}"`);
    }
  }

  async #commit(event: Loose): Promise<void> {
    const sound = joinSamples(this.#sound);
    this.#sound = [];
    if (sound.length < MIN_SAMPLES) return this.#refuse(event, "Error committing input audio buffer: buffer too small");
    const id = `item_heard_${this.#number}_${++this.#made}`;
    const item: Loose = {
      id,
      type: "message",
      role: "user",
      content: [{ type: "input_audio" }],
      samples: sound.length,
    };
    this.#items.push(item);
    this.#tell({ type: "input_audio_buffer.committed", item_id: id });
    const text = await this.#provider.options.hear?.(sound) ?? "hello there";
    const type = "conversation.item.input_audio_transcription";
    if (text === "FAIL") {
      return this.#tell({ type: `${type}.failed`, item_id: id, error: { message: "Cannot hear that" } });
    }
    item.heard = text;
    this.#tell({ type: `${type}.delta`, item_id: id, content_index: 0, delta: text.split(" ")[0] });
    this.#tell({ type: `${type}.completed`, item_id: id, content_index: 0, transcript: text });
  }

  async #respond(event: Loose): Promise<void> {
    if (this.#active) return this.#refuse(event, "Conversation already has an active response in progress");
    const aside = event.response?.conversation === "none";
    const items = structuredClone(this.#items);
    this.#provider.asked.push({ items, session: this.#session, response: event.response, line: this.#number });
    const id = `resp_${this.#number}_${++this.#made}`;
    const active = this.#active = { id, cancelled: false };
    this.#tell({ type: "response.created", response: { id, status: "in_progress", output: [] } });
    const step = aside ? { text: event.response.instructions.replace(/^[^:]*: /, "") } : this.#provider.step();
    const { text = "", tool_calls = [], fail, hang_after, die_after, garbage_after, word_ms = 0 } = step as Loose;
    let output_tokens = 0;
    if (text !== "") {
      const item: Loose = { id: `item_${id}`, type: "message", role: "assistant", content: [], text: "" };
      if (!aside) this.#items.push(item);
      this.#tell({ type: "response.output_item.added", response_id: id, item: { ...item, status: "in_progress" } });
      for (const [i, word] of (text as string).split(/(?<= )/).entries()) {
        if (i === die_after) return this.die();
        if (i === garbage_after) return this.babble();
        if (i === hang_after) return;
        await new Promise((resolve) => setTimeout(resolve, word_ms));
        if (active.cancelled || this.over) break;
        item.text += word;
        output_tokens++;
        const about = { response_id: id, item_id: item.id, output_index: 0, content_index: 0 };
        this.#tell({ type: "response.output_audio_transcript.delta", ...about, delta: word });
        const sound = await this.#speak(word);
        this.#spoke = true;
        const delta = toBytes(sound.slice()).toBase64();
        this.#tell({ type: "response.output_audio.delta", ...about, delta });
      }
      const status = active.cancelled ? "incomplete" : "completed";
      this.#tell({ type: "response.output_item.done", response_id: id, item: { ...item, status } });
    }
    for (const { name, arguments: given } of active.cancelled ? [] : tool_calls) {
      const call = { id: `item_${id}_${name}`, type: "function_call", call_id: `call_${++this.#made}`, name };
      this.#tell({ type: "response.output_item.added", response_id: id, item: { ...call, arguments: "" } });
      const item = { ...call, arguments: JSON.stringify(given), status: "completed" };
      this.#items.push(item);
      this.#tell({ type: "response.output_item.done", response_id: id, item });
    }
    this.#active = undefined;
    const status = fail !== undefined ? "failed" : active.cancelled ? "cancelled" : "completed";
    const status_details = fail === undefined ? null : { type: "failed", error: { message: fail } };
    const usage = { input_tokens: items.length, output_tokens, total_tokens: items.length + output_tokens };
    this.#tell({ type: "response.done", response: { id, status, status_details, usage, output: [] } });
  }

  async #speak(text: string): Promise<Int16Array> {
    const { speak } = this.#provider.options;
    if (speak) return await speak(text);
    const letters = text.replaceAll(/[^\p{L}\p{N}]/gu, "").length;
    return new Int16Array(letters * 480).fill(4000);
  }
}
