/**
 * A call that speaks OpenAI's protocol without WebRTC: it lasts as long as its client's connection.
 *
 * @module
 */
import type { RtcMessage } from "../../../domain/rtc_event.ts";
import { Queue } from "../../../kit/queue.ts";
import type { Gateway } from "../../../operations/gateway.ts";
import type { Visit } from "../../../operations/operation.ts";
import { rtcConverse } from "../../../operations/rtc_doors.ts";
import type { Client } from "./clients.ts";
import { Dialect } from "./dialect.ts";
import type { JoinedCall } from "./door.ts";

/** How many texts may wait to be understood. */
const MAX_WAITING = 4096;
/** How many events of a client wait for the call to begin. */
const MAX_EARLY = 64;

/** What a {@linkcode TalkLink} needs. */
export interface TalkLinkDeps {
  gateway: Gateway;
  /** Who calls. The call ends with its signal. */
  visit: Visit;
  agent_id: string | undefined;
  /** What the session begins with, as clients write it. */
  session: unknown;
  now(): number;
  /** The caller's own client, told of everything. */
  client: Client;
  /** Resolves when the client has taken most of what it was told. */
  room(): Promise<void>;
  /** Told of the call's id once it has begun, and of its end. */
  onBegin(link: TalkLink, call_id: string): void;
  onEnd(call_id: string | undefined): void;
}

/** See the module. */
export class TalkLink implements JoinedCall {
  readonly #deps: TalkLinkDeps;
  readonly #outgoing = new Queue<string>({ capacity: MAX_WAITING, overflow: "drop_newest" });
  #happening: AsyncIterator<string> | undefined;
  #dialect: Dialect | undefined;
  #call_id: string | undefined;
  /** What the client said before the call had begun. */
  #early: { frame: string; client: Client }[] = [];

  /** Begins the call. Rejects when that can't be. */
  static async open(deps: TalkLinkDeps): Promise<TalkLink> {
    const { gateway, visit, agent_id } = deps;
    const link = new TalkLink(deps);
    try {
      const read = () => ({ ...agent_id !== undefined && { agent_id }, dialect: "openai" });
      const happening = await gateway.connect(rtcConverse, read, visit, link.#outgoing);
      link.#happening = happening[Symbol.asyncIterator]();
      return link;
    } catch (error) {
      link[Symbol.dispose]();
      throw error;
    }
  }

  private constructor(deps: TalkLinkDeps) {
    this.#deps = deps;
  }

  /** Tells the client of the call, until it ends. Resolves then. */
  async follow(): Promise<void> {
    const { room, onEnd } = this.#deps;
    try {
      for (let next; !(next = await this.#happening!.next()).done;) {
        const { type, data } = JSON.parse(next.value);
        if (type === "session.started") this.#begin(data.session);
        if (type === "sound") this.#dialect?.sound(data);
        else this.#dialect?.hear({ type, data });
        // Sound keeps the pace of whoever hears it.
        await room();
      }
    } catch {
      // The call, or the right to follow it, is over.
    } finally {
      this.#dialect?.close();
      this[Symbol.dispose]();
      onEnd(this.#call_id);
    }
  }

  join(client: Client): Disposable {
    return this.#dialect!.join(client, { beside: true });
  }

  take(frame: string, client: Client): void {
    if (this.#dialect) this.#dialect.take(frame, client);
    else if (this.#early.push({ frame, client }) > MAX_EARLY) this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.#outgoing.end();
    void this.#happening?.return?.().catch(() => {});
  }

  #begin({ id, agent_id }: { id: string; agent_id: string }): void {
    const { session, now, client, onBegin } = this.#deps;
    this.#call_id = id;
    this.#dialect = new Dialect({
      call_id: id,
      model: agent_id,
      session,
      now,
      say: (message: RtcMessage) => this.#put(JSON.stringify(message)),
      hear: (data) => this.#put(`{"type":"sound","data":"${data}"}`),
    });
    this.#dialect.join(client);
    for (const { frame, client } of this.#early.splice(0)) this.#dialect.take(frame, client);
    onBegin(this, id);
  }

  /** Who says so much more than can be understood has lost the thread. */
  #put(text: string): void {
    if (!this.#outgoing.push(text) && !this.#outgoing.ended) this[Symbol.dispose]();
  }
}
