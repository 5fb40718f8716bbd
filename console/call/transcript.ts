/**
 * What was said, as a list that grows.
 *
 * @module
 */
import type { EVENT_DATA } from "../../src/domain/event.ts";
import type { Call } from "./session_client.ts";
import { byId, el, show } from "./element.ts";

type Data<Type extends keyof typeof EVENT_DATA> = typeof EVENT_DATA[Type] extends { _output: infer Output } ? Output
  : never;

interface Entry {
  item: HTMLLIElement;
  text: HTMLElement;
  /** Whether the run's own text is shown, of which what is spoken is a part. */
  written: boolean;
}

const MAX_ENTRIES = 500;
/** How many lines are kept of what was read out: what is taken away is not read. */
const MAX_ANNOUNCED = 20;
const MAX_SHOWN = 4000;

/** Shows what both sides say, and which tools are called. */
export class Transcript {
  readonly #view = byId("said");
  readonly #list = byId("transcript");
  readonly #partial = byId("partial");
  readonly #captions = byId("captions");
  readonly #announced = byId("announced");
  readonly #entries = new Map<string, Entry>();
  readonly #tools = new Map<string, HTMLElement>();
  /** Who answers, by the run. */
  #nameOf: (run_id: string | null) => string = () => "Agent";
  #captioned = false;
  /** Whether the newest is in view. Who reads something further up is left alone. */
  #isAtEnd = true;
  #top = 0;

  constructor() {
    const view = this.#view;
    view.addEventListener("scroll", () => {
      const isAtEnd = view.scrollHeight - view.scrollTop - view.clientHeight < 60;
      // What grew since is no scrolling: only who went up has left the end.
      this.#isAtEnd = isAtEnd || (this.#isAtEnd && view.scrollTop >= this.#top);
      this.#top = view.scrollTop;
    });
    const sizes = new ResizeObserver(() => this.#keepInView());
    for (const part of [view, ...view.children]) sizes.observe(part);
  }

  /** Follows a call, in which `nameOf` tells who answers in a run. */
  follow(call: Call, nameOf: (run_id: string | null) => string): void {
    this.#nameOf = nameOf;
    call.on("transcript.partial", ({ text }) => this.#hear(text));
    call.on("transcript.final", ({ turn_id, text }) => {
      this.#hear("");
      this.#set(this.#entry(`caller ${turn_id}`), text);
    });
    call.on("agent.speaking", ({ turn_id, run_id, text, aloud }) => {
      const entry = this.#entry(`agent ${run_id ?? turn_id}`, run_id);
      if (!entry.written) this.#set(entry, `${entry.text.textContent} ${text}`.trim());
      this.#caption(call.place ? `${nameOf(run_id)}: ${text}` : text);
      // A screen reader doesn't talk over what is heard, unless the person wants to read.
      if (!aloud || this.#captioned || call.muted.agent) this.#announce(`${nameOf(run_id)}: ${text}`);
    });
    call.on("agent.interrupted", ({ turn_id, run_id, heard }) => {
      const entry = this.#entry(`agent ${run_id ?? turn_id}`, run_id);
      this.#set(entry, heard);
      entry.item.classList.add("cut");
      this.#caption("");
    });
    call.on("agent.done", () => this.#caption(""));
    call.on("look.done", ({ source }) => this.note(`The agent looked at your ${source}.`));
    call.on("look.refused", ({ source }) => this.note(`The agent didn't see your ${source}.`));
    call.on("error", ({ message }) => this.note(message));
    call.on("run.event", ({ run_id, event, data }) => this.#run(run_id, event, data));
  }

  /** Adds a line of the page's own, or what somebody else in the room said. */
  note(text: string, name?: string): HTMLElement {
    const said = name === undefined ? text : `${name}: ${text}`;
    const item = name === undefined
      ? el("li", { class: "note" }, text)
      : el("li", { class: "agent" }, el("b", {}, name), el("p", {}, text));
    this.#add(item);
    if (name !== undefined) this.#caption(said);
    if (name === undefined || this.#captioned) this.#announce(said);
    return item;
  }

  /** Shows what others say in large letters, or not. */
  set captions(on: boolean) {
    this.#captioned = on;
    this.#captions.hidden = !on || this.#captions.textContent === "";
  }

  /** Begins anew. */
  clear(): void {
    this.#list.replaceChildren();
    this.#entries.clear();
    this.#tools.clear();
    this.#announced.replaceChildren();
    this.#hear("");
    this.#caption("");
  }

  #run(run_id: string, event: string, data: unknown): void {
    const key = `agent ${run_id}`;
    if (event === "model.delta") {
      const entry = this.#entry(key, run_id);
      const before = entry.written ? entry.text.textContent : "";
      entry.written = true;
      this.#set(entry, before + (data as Data<"model.delta">).text);
    } else if (event === "step.restarted") {
      const entry = this.#entries.get(key);
      if (entry) this.#set(entry, "");
    } else if (event === "message.completed") {
      const { message } = data as Data<"message.completed">;
      if (message.content === "") return;
      this.#set(this.#entry(key, run_id), message.content);
      // What comes after a tool call is a message of its own.
      this.#entries.delete(key);
    } else if (event === "tool.call.started") this.#startTool(data as Data<"tool.call.started">);
    else if (event === "tool.call.result") this.#endTool(data as Data<"tool.call.result">);
    else if (event === "run.failed") this.note((data as Data<"run.failed">).error.message);
  }

  #startTool({ tool_call_id, tool, arguments: given }: Data<"tool.call.started">): void {
    const state = el("span", { class: "soft" }, "running");
    const parts = el("div", {}, ...json("Arguments", given));
    const details = el("details", {}, el("summary", {}, el("code", {}, tool), " ", state), parts);
    this.#tools.set(tool_call_id, details);
    this.#add(el("li", { class: "tool" }, details));
  }

  #endTool({ tool_call_id, result, error, duration_ms }: Data<"tool.call.result">): void {
    const details = this.#tools.get(tool_call_id);
    if (!details) return;
    details.querySelector("summary span")!.textContent = error ? "failed" : `done in ${Math.round(duration_ms)} ms`;
    details.classList.toggle("bad", error !== undefined);
    details.lastElementChild!.append(...json(error ? "Error" : "Result", error?.message ?? result));
  }

  /** What an agent says in a run, or what the caller does. */
  #entry(key: string, run_id?: string | null): Entry {
    const known = this.#entries.get(key);
    if (known) return known;
    const text = el("p");
    const [who, name] = run_id === undefined ? ["caller", "You"] : ["agent", this.#nameOf(run_id)];
    const item = el("li", { class: who }, el("b", {}, name), text);
    const entry = { item, text, written: false };
    this.#entries.set(key, entry);
    this.#add(item);
    return entry;
  }

  #set(entry: Entry, text: string): void {
    entry.text.textContent = text;
  }

  #add(item: HTMLElement): void {
    this.#list.append(item);
    if (this.#list.childElementCount > MAX_ENTRIES) this.#list.firstElementChild!.remove();
  }

  #announce(text: string): void {
    this.#announced.append(el("p", {}, text));
    if (this.#announced.childElementCount > MAX_ANNOUNCED) this.#announced.firstElementChild!.remove();
  }

  #keepInView(): void {
    if (this.#isAtEnd) this.#view.scrollTop = this.#view.scrollHeight;
  }

  #hear(text: string): void {
    this.#partial.textContent = text;
  }

  #caption(text: string): void {
    show(this.#captions, text);
    this.captions = this.#captioned;
  }
}

function json(title: string, value: unknown): HTMLElement[] {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2) ?? "";
  return [el("h3", {}, title), el("pre", { tabindex: "0", "aria-label": title }, text.slice(0, MAX_SHOWN))];
}
