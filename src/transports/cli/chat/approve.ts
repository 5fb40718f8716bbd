/**
 * Asking a person whether an agent may call a tool.
 *
 * @module
 */
import type { Drawer } from "./drawer.ts";
import type { Decide, Decision } from "./exchange.ts";
import { MARK, type Paint } from "./ink.ts";
import type { Keyboard } from "./keyboard.ts";
import { toSafe, toSafeJson, toSafeLine } from "./safe_text.ts";
import type { ToldCall } from "./story.ts";

/** What {@linkcode askPerson} needs. */
export interface AskPersonOptions {
  keyboard: Keyboard;
  drawer: Drawer;
  out(text: string): void;
  paint: Paint;
}

const ANSWERS: Readonly<Record<string, "approve" | "deny" | "edit">> = {
  a: "approve",
  approve: "approve",
  y: "approve",
  yes: "approve",
  d: "deny",
  deny: "deny",
  n: "deny",
  no: "deny",
  e: "edit",
  edit: "edit",
};

function describe({ tool, arguments: args, reason = "" }: ToldCall, paint: Paint): string {
  const shown = toSafe(JSON.stringify(args, null, 2)).split("\n").map((line) => `    ${line}`).join("\n");
  return `\n${paint("?", MARK.bold | MARK.cyan)} ${toSafeLine(reason)}\n  ${
    paint(toSafeLine(tool), MARK.bold)
  }\n${shown}\n`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Shows the whole call and asks until there is an answer. */
export function askPerson({ keyboard, drawer, out, paint }: AskPersonOptions): Decide {
  const edit = async (call: ToldCall, signal: AbortSignal): Promise<Decision | "again" | "withdrawn"> => {
    const filled = toSafeJson(call.arguments);
    const typed = await keyboard.ask({ prompt: "  Arguments: ", filled, signal });
    if (typed.kind === "withdrawn") return "withdrawn";
    if (typed.kind !== "line") return "again";
    try {
      const args = JSON.parse(typed.text);
      if (isObject(args)) return { decision: "approve", arguments: args };
    } catch {
      // Said below.
    }
    out('  Arguments are a JSON object, such as {"name": "value"}\n');
    return "again";
  };
  return async (call, signal) => {
    drawer.rest();
    out(describe(call, paint));
    for (;;) {
      const typed = await keyboard.ask({ prompt: "  Approve, deny or edit? [a/d/e] ", signal });
      if (typed.kind === "withdrawn") return "withdrawn";
      if (typed.kind === "interrupt") return "cancel";
      if (typed.kind !== "line") return "leave";
      const [word = "", ...rest] = typed.text.trim().split(/\s+/);
      const answer = ANSWERS[word.toLowerCase()];
      if (answer === "approve") return { decision: "approve" };
      if (answer === "deny") return { decision: "deny", ...rest.length > 0 && { reason: rest.join(" ") } };
      if (answer !== "edit") continue;
      const edited = await edit(call, signal);
      if (edited !== "again") return edited;
    }
  };
}

/** Decides everything alike, as the command line said. */
export function decideAlike(decision: "approve" | "deny"): Decide {
  return () => Promise.resolve({ decision });
}
