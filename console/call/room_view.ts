/**
 * The others in a room: who is there, who speaks, what they show, and their voices.
 *
 * @module
 */
/// <reference no-default-lib="true" />
/// <reference lib="esnext" />
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { describeFault } from "./devices.ts";
import { byId, el } from "./element.ts";
import { invitationTo, INVITED_SECONDS } from "./invitation.ts";
import type { Call, CallEvents, RoomPlace } from "./session_client.ts";

interface Person {
  item: HTMLLIElement;
  name: string;
}

/** Options for {@linkcode RoomView}. */
export interface RoomViewOptions {
  base: string;
  /** Adds a line to what was said: somebody's words, or without a name the page's own. */
  say(text: string, name?: string): unknown;
  /** The device on which the others are heard; empty: the browser's own choice. */
  speaker(): string;
}

/** Shows a room for as long as its call goes on. */
export class RoomView {
  readonly #options: RoomViewOptions;
  readonly #view = byId("room");
  readonly #people = new Map<string, Person>();
  readonly #tiles = new Map<string, { figure: HTMLElement; video: HTMLVideoElement; caption: HTMLElement }>();
  readonly #voices: HTMLAudioElement[] = [];

  readonly #invite = byId("invite");
  #call: Call | undefined;

  constructor(options: RoomViewOptions) {
    this.#options = options;
    this.#invite.addEventListener("click", () => void this.#copyInvitation());
  }

  /** Follows a call; without a room there is nothing to show. */
  follow(call: Call): void {
    this.#clear();
    const { place } = call;
    this.#view.hidden = place === undefined;
    if (!place) return;
    this.#call = call;
    // Only who has a key can invite.
    this.#invite.hidden = !call.invites;
    call.on("room.joined", (member) => this.#join(member, place));
    call.on("room.left", (member) => this.#leave(member));
    call.on("room.said", ({ name, text }) => this.#options.say(text, name));
    call.on("room.speaker", ({ member_id }) => {
      for (const [id, { item }] of this.#people) item.toggleAttribute("data-speaking", id === member_id);
    });
    call.on("room.tracks", ({ slots }) => this.#show(slots));
    call.on("other", ({ mid, track }) => track.kind === "audio" ? this.#hear(track) : this.#see(mid, track));
    call.on("session.state", ({ held }) => {
      for (const voice of this.#voices) voice.muted = held;
    });
    call.on("connection", ({ state }) => {
      if (state === "ended") this.#clear();
    });
  }

  /** Plays the others on the speaker that is chosen now, where the browser can. */
  async useSpeaker(): Promise<void> {
    const speaker = this.#options.speaker();
    await Promise.all(this.#voices.map((voice) => voice.setSinkId?.(speaker)));
  }

  #join({ member_id, name, role }: CallEvents["room.joined"], place: RoomPlace): void {
    const own = member_id === place.member.id;
    const label = own ? `${name} (you)` : name;
    const item = el("li", {}, label, ...role === "agent" ? [" ", el("small", {}, "agent")] : []);
    this.#people.set(member_id, { item, name });
    byId("people").append(item);
    if (!own && this.#people.has(place.member.id)) this.#options.say(`${name} has joined.`);
  }

  #leave({ member_id, name }: CallEvents["room.left"]): void {
    this.#people.get(member_id)?.item.remove();
    this.#people.delete(member_id);
    this.#options.say(`${name} has left.`);
  }

  /** A voice that belongs to nobody yet is silent. */
  #hear(track: MediaStreamTrack): void {
    const voice = new Audio();
    voice.srcObject = new MediaStream([track]);
    // Where the person has to touch the page first, the agent's own sound asks for that.
    void voice.play().catch(() => addEventListener("pointerdown", () => void voice.play(), { once: true }));
    this.#voices.push(voice);
    void this.useSpeaker().catch(() => {});
  }

  #see(mid: string, track: MediaStreamTrack): void {
    const caption = el("figcaption");
    const video = el("video", { playsinline: "", autoplay: "" });
    video.muted = true;
    video.srcObject = new MediaStream([track]);
    const figure = el("figure", { hidden: "" }, video, caption);
    this.#tiles.set(mid, { figure, video, caption });
    byId("tiles").append(figure);
  }

  #show(slots: CallEvents["room.tracks"]["slots"]): void {
    for (const [mid, { figure, video, caption }] of this.#tiles) {
      const slot = slots[mid] ?? null;
      const name = slot && this.#people.get(slot.member_id)?.name;
      figure.hidden = !name;
      if (!name) continue;
      caption.textContent = slot.source === "screen" ? `${name}’s screen` : name;
      video.setAttribute("aria-label", caption.textContent);
      figure.toggleAttribute("data-screen", slot.source === "screen");
      void video.play().catch(() => {});
    }
  }

  async #copyInvitation(): Promise<void> {
    const { place } = this.#call!;
    let address = "";
    try {
      const secret = await this.#call!.invite({ expires_seconds: INVITED_SECONDS });
      address = invitationTo({ base: this.#options.base, room_id: place!.room.id, secret });
      await navigator.clipboard.writeText(address);
      this.#options.say("The invitation is copied. It lets people in for two hours.");
    } catch (error) {
      if (address === "") return void this.#options.say(describeFault(error));
      prompt("The invitation, good for two hours", address);
    }
  }

  #clear(): void {
    this.#view.hidden = this.#invite.hidden = true;
    for (const voice of this.#voices.splice(0)) voice.srcObject = null;
    for (const { figure } of this.#tiles.values()) figure.remove();
    for (const { item } of this.#people.values()) item.remove();
    this.#tiles.clear();
    this.#people.clear();
  }
}
