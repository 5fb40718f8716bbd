/**
 * Calls: begun, signalled, followed, ended.
 *
 * @module
 */
import { listableBy, ownerOf, type Principal, visibleTo } from "../../domain/access.ts";
import { AppError } from "../../domain/error.ts";
import { type Page, type PageRequest, toPage } from "../../domain/page.ts";
import type { RtcEvent } from "../../domain/rtc_event.ts";
import type { Modality, RtcDialect, RtcState } from "../../domain/rtc_session.ts";
import type { IceCandidate } from "../../domain/rtc_signal.ts";
import type { RtcSessionRow } from "../../domain/table.ts";
import type { Voice } from "../../domain/voice.ts";
import { type Clock, toTime } from "../../kit/clock.ts";
import { createId } from "../../kit/id.ts";
import type { Log } from "../../kit/log.ts";
import type { IceFragment } from "../../ports/peers.ts";
import type { Store } from "../../ports/store.ts";
import type { Agents } from "../agents/agents.ts";
import type { Conversations } from "../conversations/conversations.ts";
import type { Keys } from "../identity/keys.ts";
import type { Limits } from "../identity/limits.ts";
import { subjectOf } from "../identity/subject.ts";
import type { Runs } from "../runs/runs.ts";
import type { VoiceLimits } from "../voice/voice_limits.ts";
import type { Phrases } from "../voice/voice_loop.ts";
import type { Admission } from "./admission.ts";
import type { FollowCallOptions } from "./call_events.ts";
import type { CallMedia, TurnsOf } from "./call_media.ts";
import { type GivenFragment, takeFragment } from "./fragments.ts";
import { type IceOptions, type IssuedServers, issueIceServers } from "./ice_servers.ts";
import { CallSession } from "./session.ts";
import { isVisible } from "./session_row.ts";
import { speakOn, type SpeakOptions } from "./side_speech.ts";
import type { WatchdogLimits } from "./watchdog.ts";

/** How calls are carried out. */
export interface CallOptions {
  ice: IceOptions;
  relay_only: boolean;
  watchdog: WatchdogLimits;
  voice: VoiceLimits;
  phrases: Phrases;
}

/** What {@linkcode Calls} need. */
export interface CallsDeps {
  store: Store;
  clock: Clock;
  log: Log;
  agents: Agents;
  conversations: Conversations;
  runs: Runs;
  keys: Pick<Keys, "signalFor">;
  limits: Pick<Limits, "take">;
  admission: Admission;
  /** Opens the ports of media. Rejects with `UnavailableError` when that can't be. */
  openMedia(): Promise<CallMedia>;
  turnsOf: TurnsOf;
  default_agent: string;
  instance_id: string;
  options: CallOptions;
}

/** What a call is begun with. */
export interface NewCall {
  agent_id?: string | undefined;
  conversation_id?: string | undefined;
  modalities: readonly Modality[];
  voice?: Voice | undefined;
  metadata: Record<string, unknown>;
  dialect?: RtcDialect | undefined;
}

/** A description of ours. */
export interface Described {
  session_id: string;
  type: "offer" | "answer";
  sdp: string;
  /** Whether candidates may come as events. */
  candidates_follow: boolean;
}

/** Changes of a call. */
export interface CallChange {
  held?: boolean | undefined;
  muted?: { caller?: boolean | undefined; agent?: boolean | undefined } | undefined;
  voice?: Pick<Voice, "voice" | "language" | "speed"> | undefined;
}

/** See the module. */
export class Calls {
  readonly #deps: CallsDeps;
  readonly #live = new Map<string, CallSession>();
  #closing = false;

  constructor(deps: CallsDeps) {
    this.#deps = deps;
  }

  /** How many go on. */
  get size(): number {
    return this.#live.size;
  }

  /** Notes that calls of processes before us have ended. Returns how many. */
  async start(): Promise<number> {
    const { store, clock } = this.#deps;
    const where = { state: { ne: "ended" } } as const;
    const [left] = await store.sum({ from: "rtc_sessions", where, sum: [], by: [] });
    if (!left?.count) return 0;
    const set = { state: "ended", reason: "process_ended", ended_at: toTime(clock.now()) } as const;
    await store.commit({ writes: [{ update: "rtc_sessions", where, set }] });
    return left.count;
  }

  /** Begins a call. */
  async create(principal: Principal, given: NewCall): Promise<RtcSessionRow> {
    return (await this.#begin(principal, given)).row;
  }

  /** Answers an offer, of a call that is there or of a new one. One that can't be answered begins none. */
  async answer(principal: Principal, offer: string, call: { session_id: string } | NewCall): Promise<Described> {
    if ("session_id" in call) {
      const session = await this.#find(principal, call.session_id);
      return toDescribed(session, "answer", await session.signalling.answer(offer));
    }
    return await this.#beginWith(principal, call, async (session) => {
      return toDescribed(session, "answer", await session.signalling.answer(offer));
    });
  }

  /** Makes an offer, for a call that is there or for a new one. */
  async offer(principal: Principal, call: { session_id: string } | NewCall): Promise<Described> {
    if ("session_id" in call) {
      const session = await this.#find(principal, call.session_id);
      return toDescribed(session, "offer", await session.signalling.offer());
    }
    return await this.#beginWith(principal, call, async (session) => {
      return toDescribed(session, "offer", await session.signalling.offer());
    });
  }

  /** Takes the answer to our offer. */
  async accept(principal: Principal, id: string, answer: string): Promise<void> {
    await (await this.#find(principal, id)).signalling.accept(answer);
  }

  /** Takes candidates of the other end. */
  async addCandidates(principal: Principal, id: string, candidates: readonly (IceCandidate | null)[]): Promise<void> {
    await (await this.#find(principal, id)).signalling.addCandidates(candidates);
  }

  /** The call `id`, if `principal` may see it. */
  async get(principal: Principal, id: string): Promise<RtcSessionRow> {
    const live = this.#live.get(id);
    if (live && isVisible(live.row, principal)) return live.row;
    const [row] = await this.#deps.store.read({
      from: "rtc_sessions",
      where: { id, ...visibleTo(principal) },
      limit: 1,
    });
    if (!row) throw new AppError("SessionNotFoundError", `Cannot find call "${id}"`);
    return row;
  }

  /** A page of calls. */
  async list(
    principal: Principal,
    { limit, cursor, order }: PageRequest,
    { state, agent_id }: { state?: RtcState | undefined; agent_id?: string | undefined },
  ): Promise<Page<RtcSessionRow>> {
    const where = {
      ...listableBy(principal),
      ...state !== undefined && { state },
      ...agent_id !== undefined && { agent_id },
      ...cursor !== undefined && { id: order === "asc" ? { gt: cursor } : { lt: cursor } },
    };
    const rows = await this.#deps.store.read({ from: "rtc_sessions", where, order: [["id", order]], limit: limit + 1 });
    return toPage(rows, limit, (row) => row.id);
  }

  /** Changes a call that goes on. */
  async update(principal: Principal, id: string, { held, muted, voice }: CallChange): Promise<RtcSessionRow> {
    const session = await this.#find(principal, id);
    if (held !== undefined) session.hold(held);
    if (muted?.caller !== undefined) session.mute("caller", muted.caller);
    if (muted?.agent !== undefined) session.mute("agent", muted.agent);
    if (voice !== undefined) session.setVoice(definedOf(voice));
    return session.row;
  }

  /** Ends a call. Once more is as good as once. */
  async delete(principal: Principal, id: string): Promise<void> {
    await this.get(principal, id);
    await this.#live.get(id)?.end("deleted");
  }

  /** The events of a call behind `cursor`; null when it is over. */
  async follow(
    principal: Principal,
    id: string,
    options: FollowCallOptions,
  ): Promise<AsyncIterable<RtcEvent> | null> {
    await this.get(principal, id);
    return this.#live.get(id)?.events.follow(options) ?? null;
  }

  /** Joins a call without media: what the client says goes in, what happens comes out, each a JSON text. */
  async attach(
    principal: Principal,
    id: string,
    options: { incoming: AsyncIterable<string>; cursor: number | undefined; signal: AbortSignal },
  ): Promise<AsyncIterable<string>> {
    return (await this.#find(principal, id)).attach(principal, options);
  }

  /** Takes candidates or finds a new path, by fragments. See `takeFragment`. */
  async fragment(principal: Principal, id: string, fragment: GivenFragment): Promise<IceFragment | null> {
    return await takeFragment((await this.#find(principal, id)).signalling, fragment);
  }

  /** Speaks another protocol on a data channel. See `speakOn`. */
  async channel(principal: Principal, id: string, options: SpeakOptions): Promise<AsyncIterable<string>> {
    return speakOn(await this.#find(principal, id), principal, options);
  }

  /** Servers that help the caller's end, with credentials of its own. */
  iceServers({ key_id, user_id }: Principal): Promise<IssuedServers> {
    const { options, clock } = this.#deps;
    return issueIceServers(options.ice, user_id ?? key_id, clock);
  }

  /** Ends every call, and takes no more. */
  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all([...this.#live.values()].map((session) => session.end("shutdown")));
  }

  /** Begins a call that is only there if `work` succeeds. */
  async #beginWith<T>(principal: Principal, given: NewCall, work: (session: CallSession) => Promise<T>): Promise<T> {
    const session = await this.#begin(principal, given);
    try {
      return await work(session);
    } catch (error) {
      await session.end("failed");
      await this.#deps.store.commit({ writes: [{ delete: "rtc_sessions", where: { id: session.row.id } }] });
      throw error;
    }
  }

  async #begin(principal: Principal, given: NewCall): Promise<CallSession> {
    if (this.#closing) throw new AppError("UnavailableError", "Cannot take a call: the server is stopping");
    const { store, clock, agents, conversations, admission, openMedia, turnsOf, options } = this.#deps;
    using stack = new DisposableStack();
    stack.use(admission.admit(subjectOf(principal, "")));
    const { conversation_id } = given;
    const conversation = conversation_id === undefined ? null : await conversations.get(principal, conversation_id);
    const agent_id = given.agent_id ?? conversation?.agent_id ?? this.#deps.default_agent;
    const agent = await agents.get(principal.tenant_id, agent_id);
    const media = await openMedia();
    const row: RtcSessionRow = {
      ...ownerOf(principal),
      id: createId("rtc"),
      agent_id,
      conversation_id: conversation?.id ?? null,
      room_id: null,
      dialect: given.dialect ?? "muxi",
      state: "created",
      held: false,
      modalities: [...given.modalities],
      voice: { ...agent.config.voice, ...given.voice },
      reason: null,
      stats: null,
      metadata: given.metadata,
      instance_id: this.#deps.instance_id,
      created_at: toTime(clock.now()),
      connected_at: null,
      ended_at: null,
    };
    const { ice_servers } = await issueIceServers(options.ice, row.id, clock);
    await store.commit({ writes: [{ insert: "rtc_sessions", rows: [row] }] });
    const places = stack.move();
    const session = await CallSession.open({
      ...this.#deps,
      row,
      principal,
      media,
      ice_servers,
      turns: turnsOf(row.voice, { principal, agent }),
      relay_only: options.relay_only,
      limits: { watchdog: options.watchdog, voice: options.voice },
      phrases: options.phrases,
      spend: (who) => void this.#deps.limits.take(subjectOf(who, ""), "rtc_session_attach", "run"),
      onEnd: () => {
        this.#live.delete(row.id);
        places.dispose();
      },
    });
    this.#live.set(row.id, session);
    places.use(this.#endWithKey(session));
    // The server may have begun to stop meanwhile.
    if (this.#closing) await session.end("shutdown");
    return session;
  }

  /** A key that is revoked takes its calls along. */
  #endWithKey(session: CallSession): Disposable {
    const revoked = this.#deps.keys.signalFor(session.principal.key_id);
    const end = () => void session.end("key_revoked");
    if (revoked.aborted) end();
    else revoked.addEventListener("abort", end, { once: true });
    return { [Symbol.dispose]: () => revoked.removeEventListener("abort", end) };
  }

  /** The call `id`, which must go on. */
  async #find(principal: Principal, id: string): Promise<CallSession> {
    const { reason } = await this.get(principal, id);
    const session = this.#live.get(id);
    if (session && !session.ended) return session;
    throw new AppError("GoneError", `Cannot use call "${id}": it has ended (${reason})`, { details: { reason } });
  }
}

function toDescribed({ row, signalling }: CallSession, type: Described["type"], sdp: string): Described {
  return { session_id: row.id, type, sdp, candidates_follow: signalling.trickles };
}

function definedOf<T extends object>(given: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const said = Object.entries(given).filter(([, value]) => value !== undefined);
  return Object.fromEntries(said) as { [K in keyof T]: Exclude<T[K], undefined> };
}
