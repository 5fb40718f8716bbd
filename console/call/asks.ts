/**
 * What the agent asks of the person: whether a tool may be called, and whether it may look.
 *
 * @module
 */
import type { z } from "zod";
import type { EVENT_DATA } from "../../src/domain/event.ts";
import type { Call, LookSource } from "./session_client.ts";
import { agentNames } from "./agent_names.ts";
import { answerFields } from "./answer_fields.ts";
import { describeFault } from "./devices.ts";
import { button, byId, el, show } from "./element.ts";

type Asked = z.infer<typeof EVENT_DATA["tool.call.approval_required"]>;

const SEEN_MS = 4000;

/** Shows questions, and takes their answers to the call. */
export class Asks {
  readonly #place = byId("asks");
  readonly #eye = byId("looking");
  readonly #cards = new Map<string, HTMLElement>();
  readonly #allowed = new Set<LookSource>();
  #call: Call | undefined;
  #seen: ReturnType<typeof setTimeout> | undefined;

  /** Follows a call. */
  follow(call: Call, share: (source: LookSource) => Promise<void>): void {
    this.#call = call;
    call.on("run.event", ({ run_id, event, data }) => {
      const { tool_call_id } = data as { tool_call_id?: string };
      if (event === "tool.call.approval_required") this.#askTool(run_id, data as Asked);
      else if (tool_call_id !== undefined && event !== "tool.call.started") this.#remove(tool_call_id);
      else if (/^run\.(completed|failed|cancelled)$/.test(event)) this.#removeOf(run_id);
    });
    const nameOf = agentNames(call, "the agent");
    call.onLookAsked((asked) => this.#askLook({ ...asked, who: nameOf(asked.run_id), share }));
    call.on("look.consent", ({ source, state }) => {
      if (state === "call" || state === "settings") this.#allowed.add(source);
      else this.#allowed.delete(source);
      this.#paint();
    });
    call.on("look.refused", ({ look_id }) => this.#remove(look_id));
    call.on("look.done", ({ look_id, source }) => {
      this.#remove(look_id);
      this.#showSeen(source);
    });
    call.on("media", () => this.#paint());
  }

  /** Takes everything back. */
  clear(): void {
    clearTimeout(this.#seen);
    this.#cards.clear();
    this.#allowed.clear();
    this.#place.replaceChildren();
    this.#eye.hidden = true;
  }

  #askTool(run_id: string, asked: Asked): void {
    const { tool_call_id, tool, arguments: given, reason, question } = asked;
    const call = { run_id, tool_call_id };
    const fields = question?.schema ? answerFields(question.schema) : undefined;
    const decide = (approve: boolean) => {
      if (approve && fields && !fields.form.reportValidity()) return;
      if (approve) this.#call?.approve(call, fields ? { arguments: fields.read() } : {});
      else this.#call?.deny(call);
      this.#remove(tool_call_id);
    };
    const link = question?.url !== undefined && /^https?:/.test(question.url)
      ? [el("p", {}, el("a", { href: question.url, target: "_blank", rel: "noopener noreferrer" }, question.url))]
      : [];
    const shown = question
      ? [...link, ...fields ? [fields.form] : []]
      : [el("pre", { tabindex: "0", "aria-label": "Arguments" }, JSON.stringify(given, null, 2))];
    this.#add(tool_call_id, {
      title: question ? question.message : `May the agent use ${tool}?`,
      text: reason,
      inside: shown,
      buttons: [
        button(question ? "Answer" : "Approve", () => decide(true), { class: "main" }),
        button(question ? "Decline" : "Deny", () => decide(false)),
      ],
    }).dataset.run = run_id;
  }

  #askLook({ look_id, source, reason, who, share }: {
    look_id: string;
    who: string;
    source: LookSource;
    reason: string;
    share(source: LookSource): Promise<void>;
  }): void {
    const isShared = this.#call?.stream(source) !== null;
    const allow = async (until: "once" | "call") => {
      try {
        if (this.#call?.stream(source) === null) await share(source);
      } catch (error) {
        return void card.append(el("p", { class: "notice bad", role: "alert" }, describeFault(error)));
      }
      this.#call?.answerLook({ source, look_id }, until);
      this.#remove(look_id);
    };
    const refuse = () => {
      this.#call?.answerLook({ source }, "no");
      this.#remove(look_id);
    };
    const verb = isShared ? "Allow" : `Share the ${source}, allow`;
    const card = this.#add(look_id, {
      title: `May ${who} look at your ${source}?`,
      text: reason,
      inside: [],
      buttons: [
        button(`${verb} once`, () => void allow("once"), { class: "main" }),
        button("Until the call ends", () => void allow("call")),
        button("No", refuse),
      ],
    });
  }

  #add(id: string, { title, text, inside, buttons }: {
    title: string;
    text: string;
    inside: HTMLElement[];
    buttons: HTMLElement[];
  }): HTMLElement {
    this.#remove(id);
    const heading = el("h2", { id: `ask-${id}` }, title);
    const said = text === "" ? [] : [el("p", { class: "soft" }, text)];
    const row = el("div", { class: "buttons" }, ...buttons);
    const card = el("section", { class: "ask", role: "group", "aria-labelledby": heading.id }, heading, ...said);
    card.append(...inside, row);
    this.#cards.set(id, card);
    this.#place.append(card);
    // No answer counts as a no: it must be seen.
    card.scrollIntoView({ block: "nearest" });
    byId("asked").textContent = title;
    return card;
  }

  #remove(id: string): void {
    const card = this.#cards.get(id);
    if (!card) return;
    // Whoever answered by keyboard goes on where something follows.
    if (card.contains(document.activeElement)) byId("text").focus();
    card.remove();
    this.#cards.delete(id);
    if (this.#cards.size === 0) byId("asked").textContent = "";
  }

  #removeOf(run_id: string): void {
    for (const [id, { dataset }] of this.#cards) if (dataset.run === run_id) this.#remove(id);
  }

  #showSeen(source: LookSource): void {
    clearTimeout(this.#seen);
    this.#paint(`The agent is looking at your ${source}`);
    this.#seen = setTimeout(() => this.#paint(), SEEN_MS);
  }

  /** Says at any time what can be seen. */
  #paint(now = ""): void {
    const shared = (["camera", "screen"] as const).filter((source) => this.#call?.stream(source));
    const free = shared.filter((source) => this.#allowed.has(source));
    const list = (sources: readonly string[]) => sources.join(" and ");
    const text = now !== ""
      ? now
      : free.length > 0
      ? `The agent may look at your ${list(free)} until the call ends`
      : shared.length > 0
      ? `Your ${list(shared)} ${shared.length > 1 ? "are" : "is"} on. The agent asks before it looks`
      : "";
    show(this.#eye, text);
    this.#eye.classList.toggle("active", now !== "");
    if (free.length > 0 && now === "") this.#eye.append(" ", button("Take back", () => this.#takeBack()));
  }

  #takeBack(): void {
    for (const source of this.#allowed) this.#call?.answerLook({ source }, "no");
  }
}
