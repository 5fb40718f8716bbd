/**
 * Which room the person makes or joins, as whom, and how the others are let in.
 *
 * @module
 */
/// <reference no-default-lib="true" />
/// <reference lib="esnext" />
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import type { RtcRoom } from "../../src/domain/rtc_room.ts";
import type { Api } from "./api.ts";
import { byId } from "./element.ts";
import { invitationTo, INVITED_SECONDS } from "./invitation.ts";

/** The name under which the person's own is kept. */
const STORED = "muxi.name";

/** The part of the form that is about a room. */
export class RoomSetup {
  /** What an invitation carries in place of a key: behind the `#`, where no server sees it. */
  readonly secret = new URLSearchParams(location.hash.slice(1)).get("secret") ?? undefined;
  readonly #name = byId<HTMLInputElement>("name");
  readonly #link = byId<HTMLInputElement>("invitation-link");
  #id = new URLSearchParams(location.search).get("room") ?? undefined;
  #room: RtcRoom | undefined;

  constructor() {
    this.#name.value = localStorage.getItem(STORED) ?? "";
    byId("copy-invitation").addEventListener("click", async () => {
      this.#link.select();
      await navigator.clipboard?.writeText(this.#link.value).then(() => this.#hint("Copied."), () => {});
    });
  }

  /** The room that is to be joined; undefined: none is. */
  get id(): string | undefined {
    return this.#id;
  }

  /** The room as it was found; undefined until then. */
  get found(): RtcRoom | undefined {
    return this.#room;
  }

  /** What the call is begun with. */
  get chosen(): { room?: { id: string; name: string } } {
    if (this.#id === undefined) return {};
    const name = this.#name.value.trim();
    localStorage.setItem(STORED, name);
    return { room: { id: this.#id, name } };
  }

  /** Looks whether the room is there. */
  async load(api: Api): Promise<void> {
    this.#room = await api.ask<RtcRoom>("GET", `/rtc/rooms/${this.#id}`);
  }

  /** Makes a room, which is to be joined then. */
  async make(api: Api, { name, agent_id }: { name: string; agent_id: string }): Promise<void> {
    const agents = agent_id === "" ? [] : [{ agent_id }];
    const room = this.#room = await api.ask<RtcRoom>("POST", "/rtc/rooms", { body: { name, agents } });
    this.#id = room.id;
    history.replaceState(null, "", `?room=${room.id}`);
  }

  /** Shows the link that lets others in. */
  async invite(api: Api, { base }: { base: string }): Promise<void> {
    const room_id = this.#id!;
    const body = { room_id, expires_seconds: INVITED_SECONDS };
    const made = await api.ask<{ secret: string; expires_at: string }>("POST", "/rtc/secrets", { body });
    this.#link.value = invitationTo({ base, room_id, secret: made.secret });
    const time = new Date(made.expires_at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    this.#hint(`Whoever has this link can join without a key, until ${time}.`);
    byId("invitation").hidden = false;
  }

  /** Forgets the room. */
  leave(): void {
    this.#id = this.#room = undefined;
    history.replaceState(null, "", location.pathname);
    byId("invitation").hidden = true;
  }

  #hint(text: string): void {
    byId("invitation-hint").textContent = text;
  }
}
