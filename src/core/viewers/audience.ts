/**
 * What the viewers of one call, or room, are shown: packets of the people and agents in it, passed on as they come.
 *
 * @module
 */
import type { NewRtcEvent } from "../../domain/rtc_event.ts";
import type { Clock } from "../../kit/clock.ts";
import type { MediaPacket, OutgoingPacket, Peer } from "../../ports/peers.ts";
import type { CallTap, DirectedPacket, Speaker, TappedCall, TrackNames } from "../calls/call_tap.ts";
import { Forwarding, MediaSource } from "../calls/forwarding.ts";
import { Sender } from "./sender.ts";

/** The two of a call. */
const CALLER = "caller";
const AGENT = "agent";
/** How often it is looked which pictures are over. */
const SWEEP_MS = 1000;

/** The sections of one viewer, by kind, in the order of their description. */
interface Shown {
  audio: Forwarding[];
  video: Map<string, Forwarding>;
}

/** Options for {@linkcode Audience}. */
export interface AudienceOptions {
  clock: Clock;
  call: TappedCall;
  /** The call, or room, is over. */
  onEnd(): void;
}

/**
 * Who watches a call, or a room. A viewer with one section of sound hears whose turn it is: an agent's while it speaks,
 * else that of the person who does, or did last; one with two hears the person in the first, the agent in the second.
 * One section of pictures shows a screen while one is shared, else the camera of who spoke last of those who have one;
 * of two, the first shows the camera, the second the screen.
 */
export class Audience implements CallTap, Disposable {
  readonly #options: AudienceOptions;
  readonly #people = new Map<Speaker, Sender>();
  readonly #agents = new Map<Speaker, MediaSource>();
  /** Who spoke when, counted in speakers. */
  readonly #spoke = new Map<Speaker, number>();
  readonly #shown = new Set<Shown>();
  readonly #tap: Disposable;
  #speakers = 0;
  /** Who is heard of people and agents, and of which of the two. */
  readonly #heard = { in: CALLER as Speaker, out: AGENT as Speaker };
  #turn: "in" | "out" = "in";
  #swept = 0;
  #over = false;

  constructor(options: AudienceOptions) {
    this.#options = options;
    this.#tap = options.call.tap(this);
  }

  /** Whether the call, or room, is over. */
  get over(): boolean {
    return this.#over;
  }

  /** Shows what there is to `peer` in the sections that it has by now, until disposed. */
  show(peer: Peer): Disposable & { requestKeyframe(mid: string): void } {
    const { clock } = this.#options;
    const shown: Shown = { audio: [], video: new Map() };
    for (const { mid, kind } of peer.outlets) {
      const send = (packet: OutgoingPacket) =>
        kind === "audio" ? peer.sendAudio({ ...packet, mid }) : peer.sendVideo({ ...packet, mid });
      const forwarding = new Forwarding({ clock, send });
      if (kind === "audio") shown.audio.push(forwarding);
      else shown.video.set(mid, forwarding);
    }
    this.#shown.add(shown);
    this.#choose(shown);
    return {
      requestKeyframe: (mid) => shown.video.get(mid)?.requestKeyframe(),
      [Symbol.dispose]: () => {
        this.#shown.delete(shown);
        for (const forwarding of [...shown.audio, ...shown.video.values()]) forwarding.follow(undefined);
      },
    };
  }

  onPacket(...[direction, packet, from]: DirectedPacket): void {
    if (direction === "in") this.#take(packet, from);
    else if (packet.kind === "audio" && packet.mid === undefined) this.#agentOf(from ?? AGENT).push(packet);
  }

  onEvent({ type, data }: NewRtcEvent, from?: Speaker): void {
    if (type === "room.speaker") this.#noteSpeaker(from);
    else if (type === "room.left") this.#forget(data.name);
    // Whose turn it is in a room, the room says.
    else if (from !== undefined) return;
    else if (type === "agent.resumed" || (type === "agent.speaking" && data.aloud)) this.onTurn("out", AGENT);
    else if (type === "speech.started" || type === "agent.done" || type === "agent.interrupted") {
      this.onTurn("in", CALLER);
    }
  }

  onTurn(direction: "in" | "out", from: Speaker | undefined): void {
    this.#turn = direction;
    this.#heard[direction] = from ?? this.#heard[direction];
    this.#chooseAll();
  }

  nameTracks(tracks: TrackNames, from?: Speaker): void {
    this.#senderOf(from).name(tracks);
    this.#chooseAll();
  }

  onEnd(): void {
    this.#over = true;
    this.#options.onEnd();
  }

  [Symbol.dispose](): void {
    this.#tap[Symbol.dispose]();
  }

  #take(packet: MediaPacket, from: Speaker | undefined): void {
    if (packet.kind === "video") this.#sweep();
    this.#senderOf(from).push(packet);
  }

  #senderOf(from: Speaker | undefined): Sender {
    const name = from ?? CALLER;
    let sender = this.#people.get(name);
    if (!sender) {
      const { clock, call } = this.#options;
      sender = new Sender({
        clock,
        requestKeyframe: (mid) => call.requestKeyframe(mid, from),
        onChange: () => this.#chooseAll(),
      });
      this.#people.set(name, sender);
      this.#chooseAll();
    }
    return sender;
  }

  #agentOf(name: Speaker): MediaSource {
    let agent = this.#agents.get(name);
    if (!agent) {
      this.#agents.set(name, agent = new MediaSource({ kind: "audio", clock: this.#options.clock }));
      this.#chooseAll();
    }
    return agent;
  }

  #noteSpeaker(speaker: Speaker | undefined): void {
    if (speaker === undefined) return;
    this.#spoke.set(speaker, ++this.#speakers);
    this.#chooseAll();
  }

  /** Somebody is gone. */
  #forget(name: Speaker): void {
    this.#people.delete(name);
    this.#spoke.delete(name);
    this.#chooseAll();
  }

  #sweep(): void {
    const now = this.#options.clock.now();
    if (now - this.#swept < SWEEP_MS) return;
    this.#swept = now;
    for (const sender of this.#people.values()) sender.sweep();
  }

  #chooseAll(): void {
    for (const shown of this.#shown) this.#choose(shown);
  }

  #choose({ audio: [first, second], video }: Shown): void {
    const person = this.#people.get(this.#heard.in)?.sound ?? this.#latest(({ sound }) => sound);
    const agent = this.#agents.get(this.#heard.out);
    if (second) {
      first?.follow(person);
      second.follow(agent);
    } else first?.follow(this.#turn === "out" ? agent ?? person : person);
    const camera = this.#latest((sender) => sender.picture("camera"));
    const screen = this.#latest((sender) => sender.picture("screen"));
    const [one, other] = video.values();
    if (other) {
      one?.follow(camera);
      other.follow(screen);
    } else one?.follow(screen ?? camera);
  }

  /** What `of` gives for whoever spoke last of those for whom it gives something; where nobody did, for the first. */
  #latest(of: (sender: Sender) => MediaSource | undefined): MediaSource | undefined {
    let latest: { source: MediaSource; spoke: number } | undefined;
    for (const [name, sender] of this.#people) {
      const source = of(sender);
      const spoke = this.#spoke.get(name) ?? 0;
      if (source && (!latest || spoke > latest.spoke)) latest = { source, spoke };
    }
    return latest?.source;
  }
}
