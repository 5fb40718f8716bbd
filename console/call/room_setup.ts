/**
 * Which room the page's address names, and as whom the person joins it.
 *
 * @module
 */
/// <reference no-default-lib="true" />
/// <reference lib="esnext" />
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import type { Api } from "./api.ts";
import { byId } from "./element.ts";

/** The name under which the person's own is kept. */
const STORED = "muxi.name";

/** The part of the form that is about a room. */
export class RoomSetup {
  /** The room; undefined for a call with an agent alone. */
  readonly id: string | undefined;
  /** What an invitation carries in place of a key: behind the `#`, where no server sees it. */
  readonly secret: string | undefined;
  readonly #name = byId<HTMLInputElement>("name");
  #title = "";

  constructor() {
    this.id = new URLSearchParams(location.search).get("room") ?? undefined;
    this.secret = new URLSearchParams(location.hash.slice(1)).get("secret") ?? undefined;
    if (this.id === undefined) return;
    byId("agent-field").hidden = true;
    byId("name-field").hidden = false;
    byId("key-field").hidden = this.secret !== undefined;
    this.#name.required = true;
    this.#name.value = localStorage.getItem(STORED) ?? "";
  }

  /** What the call is begun with. */
  get chosen(): { room?: { id: string; name: string } } {
    if (this.id === undefined) return {};
    const name = this.#name.value.trim();
    localStorage.setItem(STORED, name);
    return { room: { id: this.id, name } };
  }

  /** What the room is called. */
  get title(): string {
    return this.#title;
  }

  /** Looks whether the room is there. */
  async load(api: Api): Promise<void> {
    const { name } = await api.ask<{ name: string }>("GET", `/rtc/rooms/${this.id}`);
    this.#title = name;
    byId("setup-title").textContent = `Join ${name}`;
  }
}
