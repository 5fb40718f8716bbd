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
import { Member } from "./member.ts";
import { type MeantAgent, RoomBrain } from "./room_brain.ts";
import { RoomRecording } from "./room_recording.ts";
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
  readonly #deps: RoomDeps;
  /** In the order in which they came. */
  readonly #people = new Map<string, Member>();
  readonly #speaker = new ActiveSpeaker();
  readonly #addressing: Addressing;
  /** The names of those who are about to be there. */
  readonly #joining = new Set<string>();
  #looks: Disposable | undefined;
  #idle: Disposable | undefined;
  #spoken: string | null = null;
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
      owner: { tenant_id, key_id, user_id },
      requestKeyframe: (mid, from) => {
        this.people.find(({ name }) => name === from)?.session.signalling.peer?.requestKeyframe(mid);
      },
      announce: (event) => this.#recording.announce(event, this.people.map(({ session }) => session)),
      tap: (tap) => this.#taps.add(tap),
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
          onAnswering: (agent) => void (one.answering = agent.member_id),
          onAnswered: () => this.#addressing.answered(one.id),
        }),
      onLevel: (one, level) => this.#speaker.hear(one.id, { level, now: clock.now() }),
      onSaid: (one, packet) => {
        if (one.loop?.speaking) this.#taps.packet("out", packet, this.#agentOf(one));
      },
      onEvent: (one, event) => this.#pass(one, event),
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
    member.enter(session);
  }

  #remove(member: Member): void {
    if (!this.#people.delete(member.id)) return;
    this.#speaker.forget(member.id);
    this.#taps.forget(member.name);
    this.#recording.leave(member.session);
    this.#tell({ type: "room.left", data: { member_id: member.id, name: member.name } });
    this.#deps.onLeft(member);
    if (this.#over) return;
    this.#look();
    if (this.#people.size === 0) this.#rest();
  }

  /** Nobody is there. */
  #rest(): void {
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

  /** Who speaks to a member, by name. */
  #agentOf({ answering }: Member): string {
    const { agents } = this.row;
    return (agents.find(({ member_id }) => member_id === answering) ?? agents[0])?.name ?? "agent";
  }

  async #meant(member: Member, { text, turn_id }: { text: string; turn_id: string }): Promise<MeantAgent | undefined> {
    const began = member.began.turn_id === turn_id ? member.began.at : this.#deps.clock.now();
    const people = new Map(this.people.map(({ id, name }) => [id, name]));
    const id = this.#addressing.meant({ member_id: member.id, text, began }, people);
    const agent = this.row.agents.find(({ member_id }) => member_id === id);
    return agent && { ...agent, voice: await this.#deps.voiceOf(agent.agent_id) };
  }

  #companyOf(member: Member): Company {
    const others = () => this.people.filter((one) => one !== member).flatMap(({ loop }) => loop ?? []);
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
    const talking = this.people.find(({ loop }) => loop?.speaking);
    const speaker = talking?.answering ?? this.#speaker.speaker;
    if (speaker !== this.#spoken) {
      this.#spoken = speaker;
      this.#tell({ type: "room.speaker", data: { member_id: speaker } });
    }
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
    const loudest = alone
      ? sounds.find(({ member_id }) => member_id === this.#speaker.speaker) ?? sounds[0]
      : undefined;
    return loudest?.source ?? member.voice;
  }
}
