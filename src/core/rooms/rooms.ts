/**
 * Rooms: made, found, joined, left, ended.
 *
 * @module
 */
import { listableBy, ownerOf, type Principal, visibleTo } from "../../domain/access.ts";
import { AppError } from "../../domain/error.ts";
import { type Page, type PageRequest, toPage } from "../../domain/page.ts";
import type { RoomAgent, RoomSignal, RtcMember, RtcRoom, RtcRoomEnd, RtcRoomRow } from "../../domain/rtc_room.ts";
import type { Modality } from "../../domain/rtc_session.ts";
import type { RtcSessionRow } from "../../domain/table.ts";
import { type Clock, toTime } from "../../kit/clock.ts";
import { createId } from "../../kit/id.ts";
import type { Log } from "../../kit/log.ts";
import type { Store } from "../../ports/store.ts";
import type { Agents } from "../agents/agents.ts";
import type { TappedCall } from "../calls/call_tap.ts";
import type { Calls } from "../calls/calls.ts";
import type { CallSession } from "../calls/session.ts";
import { isVisible } from "../calls/session_row.ts";
import type { Conversations } from "../conversations/conversations.ts";
import type { Member } from "./member.ts";
import { Room } from "./room.ts";

/** How many rows are read at once. */
const PAGE = 200;

/** How rooms are kept. */
export interface RoomOptions {
  max_rooms: number;
  max_members: number;
  follow_up_ms: number;
  idle_ms: number;
}

/** What {@linkcode Rooms} need. */
export interface RoomsDeps {
  store: Store;
  clock: Clock;
  log: Log;
  agents: Pick<Agents, "get">;
  conversations: Pick<Conversations, "create" | "addMessage">;
  calls: Pick<Calls, "join">;
  options: RoomOptions;
}

/** What a room is made with. */
export interface NewRoom {
  name: string;
  agents: readonly RoomAgent[];
  max_members?: number | undefined;
}

/** Who joins. */
export interface NewMember {
  name: string;
  modalities: readonly Modality[];
  metadata: Record<string, unknown>;
}

/** Somebody who has joined. */
export interface Joined {
  room: RtcRoom;
  member: RtcMember;
  session: RtcSessionRow;
}

/** See the module. */
export class Rooms {
  readonly #deps: RoomsDeps;
  /** Those that have not ended. */
  readonly #live = new Map<string, Room>();

  constructor(deps: RoomsDeps) {
    this.#deps = deps;
  }

  /** Takes up the rooms of the process before; whoever was in them is gone. */
  async start(): Promise<void> {
    const { store, clock } = this.#deps;
    const left_at = toTime(clock.now());
    await store.commit({ writes: [{ update: "rtc_members", where: { left_at: null }, set: { left_at } }] });
    for (let after = "";;) {
      const where = { ended_at: null, id: { gt: after } };
      const rows = await store.read({ from: "rtc_rooms", where, order: [["id", "asc"]], limit: PAGE });
      for (const row of rows) this.#open(row);
      if (rows.length < PAGE) return;
      after = rows.at(-1)!.id;
    }
  }

  /** Makes a room, and the conversation that keeps what is said in it. */
  async create(principal: Principal, { name, agents, max_members }: NewRoom): Promise<RtcRoom> {
    const { store, clock, conversations, options } = this.#deps;
    if (this.#live.size >= options.max_rooms) {
      const message =
        `Cannot make a room: there are ${this.#live.size}, and rtc.rooms.max_rooms is ${options.max_rooms}`;
      throw new AppError("UnavailableError", message, { retry_after: 60 });
    }
    const wanted = max_members ?? options.max_members;
    if (wanted > options.max_members) {
      const message = `Cannot make a room for ${wanted}: rtc.rooms.max_members is ${options.max_members}`;
      throw new AppError("ValidationError", message);
    }
    const there = await this.#agentsOf(principal, agents);
    const conversation = await conversations.create(
      principal,
      { agent_id: there[0]?.agent_id, title: name, metadata: { channel: "rtc_room" } },
      { operation: "rtc_room_create", key: undefined },
    );
    const row: RtcRoomRow = {
      ...ownerOf(principal),
      id: createId("room"),
      name,
      conversation_id: conversation.id,
      max_members: wanted,
      agents: there,
      created_at: toTime(clock.now()),
      ended_at: null,
      reason: null,
    };
    await store.commit({ writes: [{ insert: "rtc_rooms", rows: [row] }] });
    this.#open(row);
    return this.#shown(row);
  }

  /** The room `id`, if `principal` may see it. */
  async get(principal: Principal, id: string): Promise<RtcRoom> {
    return this.#shown(await this.#find(principal, id));
  }

  /** A page of rooms. */
  async list(
    principal: Principal,
    { limit, cursor, order }: PageRequest,
    { ended }: { ended?: boolean | undefined },
  ): Promise<Page<RtcRoom>> {
    const where = {
      ...listableBy(principal),
      ...ended !== undefined && { ended_at: ended ? { ne: null } : null },
      ...cursor !== undefined && { id: order === "asc" ? { gt: cursor } : { lt: cursor } },
    };
    const rows = await this.#deps.store.read({ from: "rtc_rooms", where, order: [["id", order]], limit: limit + 1 });
    const { data, next_cursor } = toPage(rows, limit, (row) => row.id);
    return { data: data.map((row) => this.#shown(row)), next_cursor };
  }

  /** Ends a room, and the calls of everybody in it. Once more is as good as once. */
  async delete(principal: Principal, id: string): Promise<void> {
    const row = await this.#find(principal, id);
    if (row.ended_at === null) await this.#end(row.id, "deleted");
  }

  /** Joins a room: begins a call in it, whose first description has to follow. */
  async join(principal: Principal, id: string, { name, modalities, metadata }: NewMember): Promise<Joined> {
    const room = await this.#enter(principal, id);
    const { conversation_id, agents } = room.row;
    const member = await room.join(name, async (seat) => {
      const agent_id = agents[0]?.agent_id;
      const session = await this.#deps.calls.join(principal, { agent_id, conversation_id, modalities, metadata, seat });
      await this.#insert(room.row, { seat, session });
      return session;
    });
    const shown = this.#shown(room.row);
    return { room: shown, member: shown.members.find((one) => one.id === member.id)!, session: member.session.row };
  }

  /** Ends the call of a member. */
  async leave(principal: Principal, id: string, member_id: string): Promise<void> {
    const room = await this.#enter(principal, id);
    await room.member(member_id).session.end("left");
  }

  /** A room that goes on, for who follows all of it. */
  async tapped(principal: Principal, id: string): Promise<TappedCall> {
    return (await this.#enter(principal, id)).tapped;
  }

  /** Passes on what the member in call `session_id` says to `member_id` alone, so that the two connect directly. */
  async signal(
    principal: Principal,
    id: string,
    { session_id, member_id, signal }: { session_id: string; member_id: string; signal: RoomSignal },
  ): Promise<void> {
    const room = await this.#enter(principal, id);
    const from = room.people.find(({ session: { row } }) => row.id === session_id && isVisible(row, principal));
    if (!from) throw new AppError("NotFoundError", `Cannot find call "${session_id}" in room "${id}"`);
    const to = room.member(member_id);
    if (from === to) throw new AppError("ValidationError", "Cannot pass the signal on: it is for whoever sent it");
    from.relay.take();
    to.session.events.emit({ type: "room.signal", data: { member_id: from.id, signal } });
  }

  /** Lets go of everything. Rooms go on with the next process. */
  close(): void {
    for (const room of this.#live.values()) room[Symbol.dispose]();
    this.#live.clear();
  }

  async #find(principal: Principal, id: string): Promise<RtcRoomRow> {
    const { grant } = principal;
    const [row] = grant && grant.room_id !== id
      ? []
      : await this.#deps.store.read({ from: "rtc_rooms", where: { id, ...visibleTo(principal) }, limit: 1 });
    if (!row) throw new AppError("NotFoundError", `Cannot find room "${id}"`);
    return row;
  }

  /** A room that goes on. */
  async #enter(principal: Principal, id: string): Promise<Room> {
    const row = await this.#find(principal, id);
    if (row.ended_at !== null) {
      throw new AppError("GoneError", `Cannot use room "${id}": it has ended (${row.reason})`);
    }
    return this.#live.get(id) ?? this.#open(row);
  }

  #open(row: RtcRoomRow): Room {
    const { clock, agents, conversations, options } = this.#deps;
    const room = new Room({
      row,
      clock,
      follow_up_ms: options.follow_up_ms,
      idle_ms: options.idle_ms,
      async voiceOf(agent_id) {
        const { voice, language, speed } = (await agents.get(row.tenant_id, agent_id)).config.voice ?? {};
        return { voice, language, speed };
      },
      async keep({ principal }, message) {
        const given = { ...message, role: "user" as const };
        await conversations.addMessage(principal, row.conversation_id, given, {
          operation: "rtc_room",
          key: undefined,
        });
      },
      onLeft: (member) => void this.#left(member),
      onIdle: () => void this.#end(row.id, "idle"),
    });
    this.#live.set(row.id, room);
    return room;
  }

  async #end(id: string, reason: RtcRoomEnd): Promise<void> {
    const { store, clock, log } = this.#deps;
    const room = this.#live.get(id);
    // Nobody joins any more, also while that is being stored.
    room?.[Symbol.dispose]();
    const set = { ended_at: toTime(clock.now()), reason };
    await store.commit({ writes: [{ update: "rtc_rooms", where: { id }, set }] }).catch((error) => {
      log.error("Cannot store that a room has ended", { room_id: id, error });
    });
    this.#live.delete(id);
    await room?.end();
  }

  async #insert(row: RtcRoomRow, { seat, session }: { seat: Member; session: CallSession }): Promise<void> {
    const { tenant_id, key_id, user_id, id: room_id } = row;
    const { id, name, joined_at } = seat;
    const session_id = session.row.id;
    const member = { tenant_id, key_id, user_id, id, room_id, session_id, name, joined_at, left_at: null };
    try {
      await this.#deps.store.commit({ writes: [{ insert: "rtc_members", rows: [member] }] });
    } catch (error) {
      await session.end("failed");
      throw error;
    }
  }

  async #left({ id }: Member): Promise<void> {
    const { store, clock, log } = this.#deps;
    const set = { left_at: toTime(clock.now()) };
    await store.commit({ writes: [{ update: "rtc_members", where: { id }, set }] }).catch((error) => {
      log.error("Cannot store that somebody has left a room", { member_id: id, error });
    });
  }

  /** Agents by the names they answer to. Two of one name can't be told apart. */
  async #agentsOf(principal: Principal, given: readonly RoomAgent[]): Promise<RtcRoomRow["agents"]> {
    const agents = await Promise.all(given.map(async ({ agent_id, name, aliases }) => {
      const { config } = await this.#deps.agents.get(principal.tenant_id, agent_id);
      return { member_id: createId("member"), agent_id, name: name ?? config.name, aliases };
    }));
    const names = agents.flatMap(({ name, aliases }) => [name, ...aliases]).map((name) => name.toLowerCase());
    const twice = names.find((name, i) => names.indexOf(name) < i);
    if (twice === undefined) return agents;
    throw new AppError("ValidationError", `Cannot make a room with two agents that are called "${twice}"`);
  }

  #shown({ tenant_id: _, key_id: __, agents: ___, ...row }: RtcRoomRow): RtcRoom {
    return { ...row, members: this.#live.get(row.id)?.members ?? [] };
  }
}
