/**
 * What is chosen before a call: key and agent.
 *
 * @module
 */
import { Api } from "./api.ts";
import { byId, el, show } from "./element.ts";
import { RoomSetup } from "./room_setup.ts";

/** The name under which every page of the server keeps the key, in the tab's own storage. */
const STORED = "muxi.key";
const TYPED_MS = 400;

interface AgentEntry {
  id: string;
  name?: string | null;
  description?: string | null;
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

/** The form. */
export class Setup {
  readonly #base: string;
  readonly #room = new RoomSetup();
  readonly #key = byId<HTMLInputElement>("key");
  readonly #agent = byId<HTMLSelectElement>("agent");
  readonly #start = byId<HTMLButtonElement>("start");
  readonly #error = byId("setup-error");
  #asked = 0;
  #typed: ReturnType<typeof setTimeout> | undefined;

  constructor({ base, onStart }: { base: string; onStart(): void }) {
    this.#base = base;
    this.#key.value = this.#room.secret ?? sessionStorage.getItem(STORED) ?? "";
    this.#key.addEventListener("input", () => {
      clearTimeout(this.#typed);
      this.#typed = setTimeout(() => void this.#load(), TYPED_MS);
    });
    byId("setup").addEventListener("submit", (event) => {
      event.preventDefault();
      onStart();
    });
    void this.#load();
  }

  /** What was chosen. */
  get chosen(): Chosen {
    const conversation_id = new URLSearchParams(location.search).get("conversation");
    const key = this.#key.value.trim();
    if (this.#room.id !== undefined) return { key, agent_name: this.#room.title, ...this.#room.chosen };
    return {
      key,
      agent_id: this.#agent.value,
      agent_name: this.#agent.selectedOptions[0]?.textContent ?? this.#agent.value,
      ...conversation_id !== null && { conversation_id },
    };
  }

  /** Whether a call is being started. */
  set busy(busy: boolean) {
    const room = this.#room.id !== undefined;
    this.#start.disabled = busy || (room ? this.#room.title === "" : this.#agent.value === "");
    this.#start.textContent = busy ? "Connecting…" : room ? "Join" : "Start the call";
  }

  /** Says what is wrong; empty: nothing. */
  set fault(text: string) {
    show(this.#error, text);
  }

  /** Asks for the agents that the key may use. */
  async #load(): Promise<void> {
    const asked = ++this.#asked;
    const key = this.#key.value.trim();
    if (key === "") return this.#fill([]);
    try {
      const api = new Api({ base_url: this.#base, key });
      if (this.#room.id !== undefined) {
        await this.#room.load(api);
        if (this.#room.secret === undefined) sessionStorage.setItem(STORED, key);
        this.fault = "";
        this.busy = false;
        return;
      }
      const { data } = await api.ask<{ data: AgentEntry[] }>("GET", "/agents?limit=100");
      if (asked !== this.#asked) return;
      sessionStorage.setItem(STORED, key);
      this.#fill(data);
      this.fault = data.length === 0 ? "There is no agent yet." : "";
    } catch (error) {
      if (asked !== this.#asked) return;
      sessionStorage.removeItem(STORED);
      this.#fill([]);
      this.fault = error instanceof Error ? error.message : String(error);
    }
  }

  #fill(agents: readonly AgentEntry[]): void {
    const wanted = this.#agent.value || new URLSearchParams(location.search).get("agent");
    const options = agents.map(({ id, name }) => el("option", { value: id }, name || id));
    this.#agent.replaceChildren(...options.length > 0 ? options : [el("option", { value: "" }, "Enter a key first")]);
    if (agents.some(({ id }) => id === wanted)) this.#agent.value = wanted!;
    this.#agent.disabled = agents.length === 0;
    this.busy = false;
  }
}
