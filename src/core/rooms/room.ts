/**
 * A room that goes on: who is in it, who is heard and seen where, who speaks, and which agent answers.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { NewRtcEvent } from "../../domain/rtc_event.ts";
import type { RtcMember, RtcRoomRow } from "../../domain/rtc_room.ts";
import { type Clock, toTime } from "../../kit/clock.ts";
import { createId } from "../../kit/id.ts";
import { CallTaps, type TappedCall } from "../calls/call_tap.ts";
import type { MediaSource } from "../calls/forwarding.ts";
import type { CallSession } from "../calls/session.ts";
import type { Company } from "../voice/company.ts";
import type { VoiceChoice } from "../voice/speaking.ts";
import { Addressing } from "./addressing.ts";
import { LastWords } from "./last_words.ts";
import { Member } from "./member.ts";
import { type MeantAgent, RoomBrain } from "./room_brain.ts";
import { RoomRecording } from "./room_recording.ts";
import { RoomViewers } from "./room_viewers.ts";
import type { Shared } from "./shared_media.ts";
import { assignSlots } from "./slots.ts";
import { ActiveSpeaker } from "./speaker.ts";

/** How often it is looked who speaks and what goes where. */
const LOOK_MS = 100;
/** How loud silence is (RFC 6464). */
const SILENCE = 127;

/** What a {@linkcode Room} needs. */
export interface RoomDeps {
  row: RtcRoomRow;
  clock: Clock;
  follow_up_ms: number;
  idle_ms: number;
  /** How an agent sounds now. */
  voiceOf(agent_id: string): Promise<VoiceChoice>;
  /** Keeps what nobody answers in the conversation of the room. */
  keep(session: CallSession, message: { content: string; metadata: Record<string, unknown> }): Promise<void>;
  onLeft(member: Member): void;
  /** Nobody was there for long. */
  onIdle(): void;
}

/** See the module. */
export class Room implements Disposable {
  readonly row: RtcRoomRow;
  /** For who follows all of it. */
  readonly tapped: TappedCall;
  readonly #taps = new CallTaps();
  readonly #recording = new RoomRecording();
  readonly #viewers = new RoomViewers();
  readonly #deps: RoomDeps;
  /** In the order in which they came. */
  readonly #people = new Map<string, Member>();
  readonly #lastWords = new LastWords();
  readonly #speaker = new ActiveSpeaker();
  readonly #addressing: Addressing;
  /** The names of those who are about to be there. */
  readonly #joining = new Set<string>();
  #looks: Disposable | undefined;
  #idle: Disposable | undefined;
  #spoken: string | null = null;
  /** Who is heard where one alone can be. */
  #turn: [direction: "in" | "out", name: string | undefined] = ["in", undefined];
  #over = false;

  constructor(deps: RoomDeps) {
    const { row, clock, follow_up_ms } = this.#deps = deps;
    this.row = row;
    const agents = row.agents.map(({ member_id, name, aliases }) => ({ id: member_id, names: [name, ...aliases] }));
    this.#addressing = new Addressing({ clock, agents, follow_up_ms });
    const { tenant_id, key_id, user_id, id } = row;
    this.tapped = {
      id,
      room_id: id,
      agent_id: row.agents[0]?.agent_id,
      owner: { tenant_id, key_id, user_id },
      requestKeyframe: (mid, from) => {
        this.people.find(({ name }) => name === from)?.session.signalling.peer?.requestKeyframe(mid);
      },
      announce: (event) => {
        const sessions = this.people.map(({ session }) => session);
        if (event.type === "session.viewer") this.#viewers.announce(event, sessions);
        else this.#recording.announce(event, sessions);
      },
      tap: (tap) => {
        const tapping = this.#taps.add(tap);
        tap.onEvent(...this.#speaking());
        tap.onTurn?.(...this.#turn);
        return tapping;
      },
    };
    this.#rest();
  }

  /** Who is there, agents first. */
  get members(): RtcMember[] {
    const agents = this.row.agents.map(({ member_id, agent_id, name }) => (
      { id: member_id, role: "agent" as const, name, agent_id, joined_at: this.row.created_at }
    ));
    const people = [...this.#people.values()].map(({ id, name, joined_at }) => (
      { id, role: "person" as const, name, agent_id: null, joined_at }
    ));
    return [...agents, ...people];
  }

  /** The people who are there. */
  get people(): readonly Member[] {
    return [...this.#people.values()];
  }

  /** Lets somebody in with the call that `call` makes for them. Rejects with `ConflictError` when there is no place. */
  async join(name: string, call: (member: Member) => Promise<CallSession>): Promise<Member> {
    const { max_members, name: room } = this.row;
    if (this.#over) throw new AppError("GoneError", `Cannot join room "${room}": it has ended`);
    if (this.#people.size + this.#joining.size >= max_members) {
      throw new AppError(
        "ConflictError",
        `Cannot join room "${room}": it has ${max_members} members, and takes no more`,
      );
    }
    const distinct = this.#distinct(name);
    this.#joining.add(distinct);
    try {
      const member = this.#seat(distinct);
      const session = await call(member);
      if (this.#over || session.ended) {
        await session.end("room_ended");
        this.#deps.onLeft(member);
        throw new AppError("GoneError", `Cannot join room "${room}": it has ended, or the call has`);
      }
      this.#admit(member, session);
      return member;
    } finally {
      this.#joining.delete(distinct);
    }
  }

  /** The person `id`. Rejects with `NotFoundError`. */
  member(id: string): Member {
    const member = this.#people.get(id);
    if (!member) throw new AppError("NotFoundError", `Cannot find member "${id}" in room "${this.row.id}"`);
    return member;
  }

  /** Ends the room for everybody in it. */
  async end(): Promise<void> {
    this[Symbol.dispose]();
    this.#taps.end();
    await Promise.all(this.people.map(({ session }) => session.end("room_ended")));
  }

  [Symbol.dispose](): void {
    this.#over = true;
    this.#looks?.[Symbol.dispose]();
    this.#idle?.[Symbol.dispose]();
    this.#lastWords[Symbol.dispose]();
  }

  /** In whose talks agents speak. */
  get #talkers(): readonly Member[] {
    return [...this.people, ...this.#lastWords.members];
  }

  #seat(name: string): Member {
    const { row, clock, keep } = this.#deps;
    const member: Member = new Member({
      id: createId("member"),
      name,
      room_id: row.id,
      joined_at: toTime(clock.now()),
      clock,
      taps: this.#taps,
      company: (one) => this.#companyOf(one),
      brain: (one, link) =>
        new RoomBrain({
          name,
          member_id: one.id,
          room_id: row.id,
          link,
          meant: (text, turn_id) => this.#meant(one, { text, turn_id }),
          people: () => this.people.map((person) => person.name),
          keep: (content, metadata) => keep(one.session, { content, metadata }),
          onAnswering: (agent) => {
            one.answering = agent.member_id;
            this.#addressing.answering(one.id, agent.member_id);
          },
          onAnswered: () => this.#addressing.answered(one.id),
        }),
      onLevel: (one, level) => {
        const before = this.#speaker.heard;
        this.#speaker.hear(one.id, { level, now: clock.now() });
        if (this.#speaker.heard !== before) this.#passTurn();
      },
      onSaid: (one, packet) => {
        if (!one.loop?.speaking) return;
        this.#passTurn();
        this.#taps.packet("out", packet, this.#agentOf(one));
      },
      // What an agent says to one goes to all, also to whoever misses most.
      onLoss: ({ loop }) => loop?.noteLoss(Math.max(...this.people.map(({ loss }) => loss))),
      onEvent: (one, event) => this.#pass(one, event),
      inherit: (one, talk, reason) =>
        this.#people.has(one.id) && this.#people.size > 1 && this.#lastWords.take(one, talk, reason),
      onEnd: (one) => this.#remove(one),
    });
    return member;
  }

  #admit(member: Member, session: CallSession): void {
    this.#idle?.[Symbol.dispose]();
    this.#looks ??= this.#deps.clock.every(LOOK_MS, () => this.#look());
    const there = this.members;
    this.#people.set(member.id, member);
    for (const { id, name, role } of [...there, ...this.members.slice(-1)]) {
      session.events.emit({ type: "room.joined", data: { member_id: id, name, role } });
    }
    this.#tell({ type: "room.joined", data: { member_id: member.id, name: member.name, role: "person" } }, member);
    this.#recording.enter(session);
    this.#viewers.enter(session);
    member.enter(session);
  }

  #remove(member: Member): void {
    if (!this.#people.delete(member.id)) return;
    this.#speaker.forget(member.id);
    this.#taps.forget(member.name);
    this.#recording.leave(member.session);
    const left = { type: "room.left", data: { member_id: member.id, name: member.name } } as const;
    this.#taps.event(left, member.name);
    this.#tell(left);
    this.#deps.onLeft(member);
    if (this.#over) return;
    this.#look();
    if (this.#people.size === 0) this.#rest();
  }

  /** Nobody is there. */
  #rest(): void {
    this.#lastWords[Symbol.dispose]();
    this.#looks?.[Symbol.dispose]();
    this.#looks = undefined;
    const { clock, idle_ms, onIdle } = this.#deps;
    this.#idle = clock.after(idle_ms, () => this.#joining.size > 0 ? this.#rest() : onIdle());
  }

  /** Two of the same name are told apart. */
  #distinct(name: string): string {
    const names = [...this.members.map((member) => member.name), ...this.#joining];
    const taken = new Set(names.map((one) => one.toLowerCase()));
    for (let n = 1;; n++) {
      const distinct = n === 1 ? name : `${name} ${n}`;
      if (!taken.has(distinct.toLowerCase())) return distinct;
    }
  }

  #tell(event: NewRtcEvent, except?: Member): void {
    for (const member of this.#people.values()) if (member !== except) member.session.events.emit(event);
  }

  /** What one has said, or an agent to them, the others may read. */
  #pass(member: Member, event: NewRtcEvent): void {
    this.#taps.event(event, event.type.startsWith("agent.") ? this.#agentOf(member) : member.name);
    if (event.type === "transcript.final" && event.data.text !== "") {
      this.#tell(
        { type: "room.said", data: { member_id: member.id, name: member.name, text: event.data.text } },
        member,
      );
    } else if (event.type === "agent.speaking") {
      const agent = this.row.agents.find(({ member_id }) => member_id === member.answering);
      if (!agent) return;
      const data = { member_id: agent.member_id, name: agent.name, text: event.data.text };
      this.#tell({ type: "room.said", data }, member);
    }
  }

  /** Tells who follows the room whom to listen to, where they can listen to one alone. */
  #passTurn(): void {
    const talking = this.#talkers.find(({ loop }) => loop?.speaking);
    const name = talking ? this.#agentOf(talking) : this.#people.get(this.#speaker.heard ?? "")?.name;
    const [before, whose] = this.#turn;
    this.#turn = [talking ? "out" : "in", name];
    if (before !== this.#turn[0] || whose !== name) this.#taps.turn(...this.#turn);
  }

  /** Who speaks now, also by name. */
  #speaking(): [event: NewRtcEvent, name: string | undefined] {
    const name = this.members.find(({ id }) => id === this.#spoken)?.name;
    return [{ type: "room.speaker", data: { member_id: this.#spoken } }, name];
  }

  /** Who speaks to a member, by name. */
  #agentOf({ answering }: Member): string {
    const { agents } = this.row;
    return (agents.find(({ member_id }) => member_id === answering) ?? agents[0])?.name ?? "agent";
  }

  #meant(member: Member, { text, turn_id }: { text: string; turn_id: string }): Promise<MeantAgent[]> {
    const began = member.began.turn_id === turn_id ? member.began.at : this.#deps.clock.now();
    // Whoever has just left said it to those who were there.
    const people = new Map([...this.people, member].map(({ id, name }) => [id, name]));
    const meant = this.#addressing.meant({ member_id: member.id, text, began }, people).flatMap((id) =>
      this.row.agents.find(({ member_id }) => member_id === id) ?? []
    );
    return Promise.all(
      meant.map(async (agent) => ({ ...agent, voice: await this.#deps.voiceOf(agent.agent_id) })),
    );
  }

  #companyOf(member: Member): Company {
    const others = () => this.#talkers.filter((one) => one !== member).flatMap(({ loop }) => loop ?? []);
    return {
      get speaking() {
        return others().some(({ speaking }) => speaking);
      },
      get barging() {
        return others().some(({ barging }) => barging);
      },
      interrupt: () => others().forEach((loop) => loop.speaking && loop.interrupt()),
      resume: () => others().forEach((loop) => loop.speaking && loop.resume()),
      played: (level) => others().forEach((loop) => member.loop?.speaking && loop.noteEcho(level)),
    };
  }

  /** Sees who speaks, and lets everybody hear and see whom they should. */
  #look(): void {
    const now = this.#deps.clock.now();
    for (const { id, measured, loop } of this.people) {
      // Whose end doesn't say how loud it is was listened to.
      if (!measured && loop) this.#speaker.hear(id, { level: loop.hearing ? 0 : SILENCE, now, ms: LOOK_MS });
    }
    this.#speaker.look(now);
    this.#lastWords.sweep();
    const talking = this.#talkers.find(({ loop }) => loop?.speaking);
    const speaker = talking?.answering ?? this.#speaker.speaker;
    if (speaker !== this.#spoken) {
      this.#spoken = speaker;
      const [event, name] = this.#speaking();
      this.#taps.event(event, name);
      this.#tell(event);
    }
    this.#passTurn();
    for (const member of this.people) member.shared.sweep();
    for (const member of this.people) this.#serve(member, talking);
  }

  #serve(member: Member, talking: Member | undefined): void {
    const { main, audio, video } = member.sections();
    const others = this.people.filter((one) => one !== member)
      .toSorted((a, b) => this.#speaker.lastSpoke(b.id) - this.#speaker.lastSpoke(a.id));
    const sounds = others.flatMap(({ shared }) => shared.of("audio"));
    const pictures = others.flatMap(({ shared }) => shared.of("video"))
      .toSorted((a, b) => Number(b.name === "screen") - Number(a.name === "screen"));
    const all = new Map([...sounds, ...pictures].map((shared) => [shared.source, shared]));
    const carried = new Map<string, MediaSource>();
    for (const [slots, wanted] of [[audio, sounds], [video, pictures]] as const) {
      const now = new Map(slots.flatMap((mid) => {
        const source = member.carried(mid);
        return source ? [[mid, source] as const] : [];
      }));
      const assigned = assignSlots(slots, { wanted: wanted.map(({ source }) => source), now });
      for (const [mid, source] of assigned) carried.set(mid, source);
    }
    if (main !== undefined) carried.set(main, this.#mainOf(member, { talking, sounds, alone: audio.length === 0 }));
    const shown = [...carried].flatMap(([mid, source]) => {
      const shared = all.get(source);
      return shared ? [[mid, shared] as const] : [];
    });
    member.carry(carried, new Map(shown));
  }

  /** The first section is the agents'; who has no other hears whoever speaks there. */
  #mainOf(
    member: Member,
    { talking, sounds, alone }: { talking: Member | undefined; sounds: readonly Shared[]; alone: boolean },
  ): MediaSource {
    if (talking && !member.session.muted.agent) return talking.voice;
    const loudest = alone ? sounds.find(({ member_id }) => member_id === this.#speaker.heard) ?? sounds[0] : undefined;
    return loudest?.source ?? member.voice;
  }
}
