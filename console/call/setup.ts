/**
 * What is chosen before a call: key and agent, or a room to make or join.
 *
 * @module
 */
/// <reference no-default-lib="true" />
/// <reference lib="esnext" />
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { Api, CallError } from "./api.ts";
import { describeFault } from "./devices.ts";
import { byId, el, show } from "./element.ts";
import type { Retry } from "./retry.ts";
import { RoomSetup } from "./room_setup.ts";

/** The name under which every page of the server keeps the key, in the tab's own storage. */
const STORED = "muxi.key";
const TYPED_MS = 400;

/** What the form is for. */
type Mode = "agent" | "new_room" | "join";

const WORDS: Readonly<Record<Mode, { title: string; lead: string; start: string; busy: string }>> = {
  agent: {
    title: "Talk to an agent",
    lead: "It hears you, answers aloud, and every word stays in the conversation.",
    start: "Start the call",
    busy: "Connecting…",
  },
  new_room: {
    title: "Meet in a room",
    lead: "Several people speak with each other, and with an agent that answers when it is called by name.",
    start: "Make the room",
    busy: "Making it…",
  },
  join: {
    title: "Join",
    lead: "Everybody hears everybody, and every word stays in the conversation.",
    start: "Join",
    busy: "Connecting…",
  },
};

interface AgentEntry {
  id: string;
  name?: string | null;
}

/** What a call is begun with. */
interface Chosen {
  key: string;
  /** With whom one will speak. */
  agent_name: string;
  agent_id?: string;
  conversation_id?: string;
  room?: { id: string; name: string };
}

/** Options for {@linkcode Setup}. */
export interface SetupOptions {
  base: string;
  retry: Retry;
  onStart(): void;
}

/** The form. */
export class Setup {
  readonly #options: SetupOptions;
  readonly #room = new RoomSetup();
  readonly #key = byId<HTMLInputElement>("key");
  readonly #agent = byId<HTMLSelectElement>("agent");
  readonly #start = byId<HTMLButtonElement>("start");
  #mode: Mode = this.#room.id === undefined ? "agent" : "join";
  #agents: readonly AgentEntry[] = [];
  #asked = 0;
  #typed: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SetupOptions) {
    this.#options = options;
    this.#key.value = this.#room.secret ?? sessionStorage.getItem(STORED) ?? "";
    this.#key.addEventListener("input", () => {
      clearTimeout(this.#typed);
      this.#typed = setTimeout(() => void this.load(), TYPED_MS);
    });
    byId("mode-agent").addEventListener("change", () => this.#become("agent"));
    byId("mode-room").addEventListener("change", () => this.#become("new_room"));
    byId("setup").addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#isOver) this.newRoom();
      else if (this.#mode === "new_room") void this.#makeRoom();
      else options.onStart();
    });
    this.#become(this.#mode);
    void this.load();
  }

  /** What was chosen. */
  get chosen(): Chosen {
    const conversation_id = new URLSearchParams(location.search).get("conversation");
    const key = this.#key.value.trim();
    if (this.#mode === "join") return { key, agent_name: this.#room.found?.name ?? "", ...this.#room.chosen };
    return {
      key,
      agent_id: this.#agent.value,
      agent_name: this.#agent.selectedOptions[0]?.textContent ?? this.#agent.value,
      ...conversation_id !== null && { conversation_id },
    };
  }

  /** Whether something is being started. */
  set busy(busy: boolean) {
    const { start, busy: doing } = WORDS[this.#mode];
    const ready = this.#mode === "join"
      ? this.#room.found !== undefined && (!this.#isOver || this.#room.secret === undefined)
      : this.#agents.length > 0;
    this.#start.disabled = busy || !ready;
    this.#start.textContent = busy ? doing : this.#isOver && ready ? "Make a new room" : start;
  }

  /** Says what is wrong; empty: nothing. */
  set fault(text: string) {
    show(byId("setup-error"), text);
  }

  /** Lets the person make a room, called as the one before. */
  newRoom(): void {
    byId<HTMLInputElement>("room-name").value = this.#room.found?.name ?? "";
    byId<HTMLInputElement>("mode-room").checked = true;
    this.#room.leave();
    this.fault = "";
    this.#become("new_room");
    void this.load();
    byId("room-name").focus();
  }

  /** Asks for the room, or the agents, that the key may use. */
  async load(): Promise<void> {
    const asked = ++this.#asked;
    const key = this.#key.value.trim();
    if (key === "") return this.#fill([]);
    try {
      const api = this.#api();
      const { retry } = this.#options;
      const page = this.#mode === "join"
        ? await retry.run(() => this.#room.load(api))
        : await retry.run(() => api.ask<{ data: AgentEntry[] }>("GET", "/agents?limit=100"));
      if (asked !== this.#asked) return;
      if (this.#room.secret === undefined) sessionStorage.setItem(STORED, key);
      if (page) this.#fill(page.data);
      else this.#become("join");
      this.fault = page?.data.length === 0 ? "There is no agent yet." : this.#isOver ? this.#over : "";
    } catch (error) {
      if (asked !== this.#asked) return;
      if (error instanceof CallError && error.status === 401) sessionStorage.removeItem(STORED);
      this.#fill([]);
      this.fault = describeFault(error);
    }
  }

  get #isOver(): boolean {
    return this.#mode === "join" && typeof this.#room.found?.ended_at === "string";
  }

  get #over(): string {
    return `The room has ended.${this.#room.secret === undefined ? "" : " Ask whoever invited you for another one."}`;
  }

  #api(): Api {
    return new Api({ base_url: this.#options.base, key: this.#key.value.trim() });
  }

  async #makeRoom(): Promise<void> {
    const { base, retry } = this.#options;
    const wanted = { name: byId<HTMLInputElement>("room-name").value.trim(), agent_id: this.#agent.value };
    const api = this.#api();
    this.fault = "";
    this.busy = true;
    try {
      await retry.run(() => this.#room.make(api, wanted));
      // The room is there also where its invitation can't be made.
      this.#become("join");
      await retry.run(() => this.#room.invite(api, { base }));
      byId("copy-invitation").focus();
    } catch (error) {
      this.fault = describeFault(error);
      this.busy = false;
    }
  }

  /** Shows the fields that the chosen kind of call needs. */
  #become(mode: Mode): void {
    this.#mode = mode;
    const { title, lead } = WORDS[mode];
    const { found, secret } = this.#room;
    const ask = (id: string, ...modes: Mode[]) => {
      const asked = modes.includes(mode);
      byId(`${id}-field`).hidden = !asked;
      return asked;
    };
    byId("modes").hidden = mode === "join";
    byId<HTMLInputElement>("name").required = ask("name", "join");
    byId<HTMLInputElement>("room-name").required = ask("room-name", "new_room");
    ask("agent", "agent", "new_room");
    byId("key-field").hidden = secret !== undefined;
    byId("devices").hidden = mode === "new_room";
    byId("setup-title").textContent = mode === "join" && found ? `Join ${found.name}` : title;
    const there = mode === "join" ? found?.members.map(({ name }) => name) ?? [] : [];
    byId("lead").textContent = there.length > 0 ? `${lead} In it now: ${there.join(", ")}.` : lead;
    this.#fill(this.#agents);
  }

  #fill(agents: readonly AgentEntry[]): void {
    this.#agents = agents;
    const wanted = this.#agent.value || new URLSearchParams(location.search).get("agent");
    const options = agents.map(({ id, name }) => el("option", { value: id }, name || id));
    if (options.length > 0 && this.#mode === "new_room") options.push(el("option", { value: "" }, "No agent"));
    this.#agent.replaceChildren(...options.length > 0 ? options : [el("option", { value: "" }, "Enter a key first")]);
    if (agents.some(({ id }) => id === wanted)) this.#agent.value = wanted!;
    this.#agent.disabled = agents.length === 0;
    this.busy = false;
  }
}
