/**
 * A call that speaks OpenAI's protocol, for as long as it goes on.
 *
 * @module
 */
import { isWhoBegan, ownerOf, type Principal } from "../../../domain/access.ts";
import type { Log } from "../../../kit/log.ts";
import { Queue } from "../../../kit/queue.ts";
import type { Gateway } from "../../../operations/gateway.ts";
import type { Visit } from "../../../operations/operation.ts";
import { type ChannelInput, type ChannelOutput, rtcChannelAttach } from "../../../operations/rtc_doors.ts";
import type { Client } from "./clients.ts";
import { Dialect } from "./dialect.ts";
import type { JoinedCall } from "./door.ts";

/** The label of the data channel. */
const CHANNEL = "oai-events";
/** How much may wait to be sent. */
const MAX_WAITING = 4096;

/** What a {@linkcode CallLink} needs. */
export interface CallLinkDeps {
  gateway: Gateway;
  /** Who called. Its signal is not used: the call outlives the request it began with. */
  visit: Visit;
  call_id: string;
  /** The agent. */
  model: string;
  session: unknown;
  log: Log;
  now(): number;
  onEnd(): void;
}

/** See the module. */
export class CallLink implements JoinedCall {
  readonly #deps: CallLinkDeps;
  readonly #gone = new AbortController();
  readonly #outgoing = new Queue<string>({ capacity: MAX_WAITING, overflow: "drop_newest" });
  readonly #dialect: Dialect;

  /** Joins the call. Rejects when that can't be, or its session can't begin so. */
  static async open(deps: CallLinkDeps): Promise<CallLink> {
    const { gateway, visit, call_id: session_id } = deps;
    const link = new CallLink(deps);
    const own: Visit = { ...visit, signal: link.#gone.signal };
    try {
      const happening = await gateway.connect(
        rtcChannelAttach,
        () => ({ session_id, label: CHANNEL }),
        own,
        link.#outgoing,
      );
      void link.#follow(happening);
      return link;
    } catch (error) {
      link[Symbol.dispose]();
      throw error;
    }
  }

  private constructor(deps: CallLinkDeps) {
    this.#deps = deps;
    this.#dialect = new Dialect({ ...deps, say: (message) => this.#put({ type: "message", message }) });
  }

  join(client: Client, principal: Principal): Disposable {
    const { principal: caller } = this.#deps.visit;
    const began = { ...ownerOf(caller), secret_id: caller.grant?.id ?? null };
    return this.#dialect.join(client, { beside: !isWhoBegan(began, principal) });
  }

  take(frame: string, client: Client): void {
    this.#dialect.take(frame, client);
  }

  [Symbol.dispose](): void {
    this.#outgoing.end();
    this.#gone.abort();
  }

  async #follow(happening: AsyncIterable<string>): Promise<void> {
    const { log, call_id, onEnd } = this.#deps;
    const channel: Client = (text) => this.#put({ type: "text", text });
    let joined: Disposable | undefined;
    try {
      for await (const text of happening) {
        const output: ChannelOutput = JSON.parse(text);
        if (output.type === "event") this.#dialect.hear(output.event);
        else if (output.type === "text") this.#dialect.take(output.text, channel);
        else {
          joined?.[Symbol.dispose]();
          joined = this.#dialect.join(channel);
        }
      }
    } catch (error) {
      if (!this.#gone.signal.aborted) log.warn("A call lost its thread", { call_id, error });
    } finally {
      this.#dialect.close();
      this[Symbol.dispose]();
      onEnd();
    }
  }

  /** Who leaves so much unread has lost the thread. */
  #put(input: ChannelInput): void {
    if (!this.#outgoing.push(JSON.stringify(input)) && !this.#outgoing.ended) this[Symbol.dispose]();
  }
}
