/**
 * Calls: begun, signalled, followed, ended.
 *
 * @module
 */
import { listableBy, type Principal, visibleTo } from "../../domain/access.ts";
import { AppError } from "../../domain/error.ts";
import { type Page, type PageRequest, toPage } from "../../domain/page.ts";
import type { RtcEvent } from "../../domain/rtc_event.ts";
import type { RtcState } from "../../domain/rtc_session.ts";
import type { IceCandidate } from "../../domain/rtc_signal.ts";
import type { RtcSessionRow } from "../../domain/table.ts";
import { type Clock, toTime } from "../../kit/clock.ts";
import type { Log } from "../../kit/log.ts";
import type { Model } from "../../ports/model.ts";
import type { IceFragment } from "../../ports/peers.ts";
import type { Store } from "../../ports/store.ts";
import type { Agents } from "../agents/agents.ts";
import type { Conversations } from "../conversations/conversations.ts";
import type { Keys } from "../identity/keys.ts";
import type { Limits } from "../identity/limits.ts";
import { subjectOf } from "../identity/subject.ts";
import type { Preview } from "../orchestrator/preview.ts";
import type { Runs } from "../runs/runs.ts";
import type { VoiceLimits } from "../voice/voice_limits.ts";
import type { Phrases } from "../voice/voice_parts.ts";
import type { Admission } from "./admission.ts";
import type { FollowCallOptions } from "./call_events.ts";
import type { CallMedia, TurnsOf } from "./call_media.ts";
import { type GivenFragment, takeFragment } from "./fragments.ts";
import { type IceOptions, type IssuedServers, issueIceServers } from "./ice_servers.ts";
import type { CallRecorder, TappedCall } from "./call_tap.ts";
import type { LookRecords } from "./look_records.ts";
import type { LookOptions } from "./looks.ts";
import type { CallChange, Described, NewCall } from "./new_call.ts";
import type { HostedParts, LiveSession } from "./live_session.ts";
import type { Seat } from "./seat.ts";
import { CallSession } from "./session.ts";
import { isVisible, newSessionRow } from "./session_row.ts";
import { speakOn, type SpeakOptions } from "./side_speech.ts";
import { type LineOptions, LineTalk } from "./line_talk.ts";
import { toTapped } from "./tapped.ts";
import type { WatchdogLimits } from "./watchdog.ts";

/** How calls are carried out. */
export interface CallOptions {
  ice: IceOptions;
  relay_only: boolean;
  watchdog: WatchdogLimits;
  voice: VoiceLimits;
  phrases: Phrases;
  look: LookOptions;
}

/** What {@linkcode Calls} need. */
export interface CallsDeps {
  store: Store;
  clock: Clock;
  log: Log;
  agents: Agents;
  conversations: Conversations;
  runs: Runs;
  /** What answers are prepared by, before it is known that they are wanted. */
  model: Model;
  preview: Preview;
  keys: Pick<Keys, "signalFor">;
  limits: Pick<Limits, "take" | "peek">;
  admission: Admission;
  looks: LookRecords;
  recorder: CallRecorder;
  /** Opens the ports of media. Rejects with `UnavailableError` when that can't be. */
  openMedia(): Promise<CallMedia>;
  turnsOf: TurnsOf;
  default_agent: string;
  instance_id: string;
  options: CallOptions;
}

/** See the module. */
export class Calls {
  readonly #deps: CallsDeps;
  readonly #live = new Map<string, LiveSession>();
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
    const ended_at = toTime(clock.now());
    const set = { state: "ended", reason: "process_ended", recording_id: null, ended_at } as const;
    await store.commit({ writes: [{ update: "rtc_sessions", where, set }] });
    return left.count;
  }

  /** Begins a call. */
  async create(principal: Principal, given: NewCall): Promise<RtcSessionRow> {
    return await this.#beginWith(principal, given, (session) => session.row);
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

  /** Makes an offer, for a call that is there or for a new one. It is an event of the call as well, until it is answered. */
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
    if (row && isVisible(row, principal)) return row;
    throw new AppError("SessionNotFoundError", `Cannot find call "${id}"`);
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
    const session = await this.#findCall(principal, id);
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
    return (await this.#findCall(principal, id)).attach(principal, options);
  }

  /** Takes candidates or finds a new path, by fragments. See `takeFragment`. */
  async fragment(principal: Principal, id: string, fragment: GivenFragment): Promise<IceFragment | null> {
    return await takeFragment((await this.#find(principal, id)).signalling, fragment);
  }

  /** Speaks another protocol on a data channel. See `speakOn`. */
  async channel(principal: Principal, id: string, options: SpeakOptions): Promise<AsyncIterable<string>> {
    return speakOn(await this.#findCall(principal, id), principal, options);
  }

  /** Begins a call in a room. */
  join(principal: Principal, given: NewCall & { seat: Seat }): Promise<CallSession> {
    return this.#beginWith(principal, given, (session) => session);
  }

  /** Begins a call that needs no WebRTC: `{"type":"sound","data":…}` is among its texts. It ends with `incoming`. */
  async converse(
    principal: Principal,
    given: Omit<NewCall, "line">,
    options: Omit<LineOptions, "clock">,
  ): Promise<AsyncIterable<string>> {
    const talk = new LineTalk();
    const { clock } = this.#deps;
    const call = { ...given, line: talk.line };
    return await this.#beginWith(principal, call, (session) => talk.begin(session, principal, { ...options, clock }));
  }

  /** A call that goes on, for who follows its packets. */
  async tapped(principal: Principal, id: string): Promise<TappedCall> {
    return toTapped(await this.#findCall(principal, id));
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
  async #beginWith<T>(
    principal: Principal,
    given: NewCall,
    work: (session: CallSession) => Promise<T> | T,
  ): Promise<T> {
    const session = await this.#begin(principal, given);
    try {
      if (given.record) await this.#deps.recorder.start(principal, toTapped(session), given.record);
      return await work(session);
    } catch (error) {
      await session.end("failed");
      await this.#deps.store.commit({ writes: [{ delete: "rtc_sessions", where: { id: session.row.id } }] });
      throw error;
    }
  }

  async #begin(principal: Principal, given: NewCall): Promise<CallSession> {
    const { agents, conversations, turnsOf, options } = this.#deps;
    const { conversation_id, seat } = given;
    assertGranted(principal, seat?.room_id);
    const conversation = conversation_id === undefined ? null : await conversations.get(principal, conversation_id);
    const agent_id = given.agent_id ?? conversation?.agent_id ?? this.#deps.default_agent;
    const agent = await agents.get(principal.tenant_id, agent_id);
    const row = newSessionRow(principal, {
      ...this.#deps,
      agent_id,
      conversation_id: conversation?.id ?? null,
      room_id: seat?.room_id ?? null,
      dialect: given.dialect ?? "muxi",
      modalities: [...given.modalities],
      // Whoever joins others finds them talking.
      voice: { ...agent.config.voice, ...given.voice, ...seat && { greeting: "" } },
      metadata: given.metadata,
    });
    return await this.host(principal, row, (parts) =>
      CallSession.open({
        ...this.#deps,
        ...parts,
        media: given.line?.over(parts.media) ?? parts.media,
        row,
        principal,
        seat,
        turns: turnsOf(row.voice, { principal, agent }),
        limits: { watchdog: options.watchdog, voice: options.voice },
        phrases: options.phrases,
        look: options.look,
        spend: (who) => void this.#deps.limits.take(subjectOf(who, ""), "rtc_session_attach", "run"),
        left: (who) => this.#deps.limits.peek(subjectOf(who, ""), "rtc_session_attach", "run"),
      }));
  }

  /** Takes in a session of `row`: it has a place among the calls, is found by its id, and ends with its key. */
  async host<S extends LiveSession>(
    principal: Principal,
    row: RtcSessionRow,
    open: (parts: HostedParts) => Promise<S>,
  ): Promise<S> {
    if (this.#closing) throw new AppError("UnavailableError", "Cannot take a call: the server is stopping");
    const { store, clock, admission, openMedia, options } = this.#deps;
    using stack = new DisposableStack();
    stack.use(admission.admit(subjectOf(principal, "")));
    const media = await openMedia();
    const iceServers = async () => (await issueIceServers(options.ice, row.id, clock)).ice_servers;
    await store.commit({ writes: [{ insert: "rtc_sessions", rows: [row] }] });
    const places = stack.move();
    const onEnd = () => {
      this.#live.delete(row.id);
      places.dispose();
    };
    const { relay_only, watchdog } = options;
    const session = await open({ media, iceServers, relay_only, watchdog, onEnd }).catch((error) => {
      places.dispose();
      throw error;
    });
    this.#live.set(row.id, session);
    places.use(this.#endWithKey(session));
    // The server may have begun to stop meanwhile.
    if (this.#closing) await session.end("shutdown");
    return session;
  }

  /** A key that is revoked takes its calls along. */
  #endWithKey(session: LiveSession): Disposable {
    const revoked = this.#deps.keys.signalFor(session.principal.key_id);
    const end = () => void session.end("key_revoked");
    if (revoked.aborted) end();
    else revoked.addEventListener("abort", end, { once: true });
    return { [Symbol.dispose]: () => revoked.removeEventListener("abort", end) };
  }

  /** The call `id`, which must go on, and be one. */
  async #findCall(principal: Principal, id: string): Promise<CallSession> {
    const session = await this.#find(principal, id);
    if (session instanceof CallSession) return session;
    throw new AppError("ConflictError", `Cannot speak in session "${id}": it only watches a call`);
  }

  /** The session `id`, which must go on. */
  async #find(principal: Principal, id: string): Promise<LiveSession> {
    const { reason } = await this.get(principal, id);
    const session = this.#live.get(id);
    if (session && !session.ended) return session;
    throw new AppError("GoneError", `Cannot use call "${id}": it has ended (${reason})`, { details: { reason } });
  }
}

function toDescribed({ row, signalling }: LiveSession, type: Described["type"], sdp: string): Described {
  return { session_id: row.id, type, sdp, candidates_follow: signalling.trickles };
}

/** What was given away for a room opens nothing else. */
function assertGranted({ grant }: Principal, room_id: string | undefined): void {
  if (grant?.room_id === undefined || grant.room_id === room_id) return;
  throw new AppError("ForbiddenError", `Cannot begin a call: the secret is for room "${grant.room_id}" alone`);
}

function definedOf<T extends object>(given: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const said = Object.entries(given).filter(([, value]) => value !== undefined);
  return Object.fromEntries(said) as { [K in keyof T]: Exclude<T[K], undefined> };
}
