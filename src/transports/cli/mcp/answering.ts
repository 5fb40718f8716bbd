/**
 * A person at the terminal who is asked in the middle of a tool's call.
 *
 * @module
 */
import type { CanAnswer, DirectQuestion, DirectReply } from "../../../domain/direct_question.ts";
import { createPaint, MARK } from "../chat/ink.ts";
import { Keyboard } from "../chat/keyboard.ts";
import { answerQuestions } from "../chat/question_form.ts";
import { toSafe } from "../chat/safe_text.ts";
import type { CommandContext } from "../command.ts";
import type { Terminal } from "../terminal.ts";

/** Answers with {@linkcode Person.answer} what {@linkcode Person.can_answer} names. */
export interface Person extends Disposable {
  can_answer: CanAnswer[];
  /** Aborts when Ctrl-C is pressed while nothing is asked. */
  left: AbortSignal;
  answer(question: DirectQuestion, signal: AbortSignal): Promise<DirectReply>;
}

/** The same terminal, whose standard output is left to the answer. */
function beside(terminal: Terminal): Terminal {
  const decoder = new TextDecoder();
  return {
    isTerminal: terminal.isTerminal,
    out: (text) => terminal.err(typeof text === "string" ? text : decoder.decode(text, { stream: true })),
    err: (text) => terminal.err(text),
    columns: () => terminal.columns(),
    rows: () => terminal.rows(),
    input: () => terminal.input(),
    setRaw: (raw) => terminal.setRaw(raw),
    onInterrupt: (handler) => terminal.onInterrupt(handler),
    onResize: (handler) => terminal.onResize(handler),
  };
}

/** Finds out who is there: nobody where the input, or the errors, are no terminal or something else reads the input. */
export function findPerson(
  { terminal: whole, json, errStyle }: CommandContext,
  { readsInput }: { readsInput: boolean },
): Person {
  const terminal = beside(whole);
  const { isTerminal } = terminal;
  const isThere = isTerminal.in && isTerminal.err && !json && !readsInput;
  const left = new AbortController();
  const paint = createPaint(errStyle.bold("?") !== "?");
  const out = (text: string) => terminal.out(text);
  let open: Keyboard | undefined;
  const keyboardOf = () => open ??= new Keyboard({ terminal, onInterrupt: () => left.abort() });
  // Nothing is being drawn while somebody is asked.
  const drawer = { rest() {} };
  return {
    can_answer: isThere ? ["form", "url"] : [],
    left: left.signal,
    async answer(question, signal) {
      const keyboard = keyboardOf();
      if (question.kind === "approval") {
        out(`\n${paint("?", MARK.bold | MARK.cyan)} ${toSafe(question.message)}\n`);
        const typed = await keyboard.ask({ prompt: "  Call it? [y/N] ", signal });
        if (typed.kind !== "line") return { action: "cancel" };
        return { action: "accept", content: { approve: /^y(es)?$/i.test(typed.text.trim()) } };
      }
      const { tool_call_id: id, tool, message, schema, url } = question;
      const ask = answerQuestions({ keyboard, drawer, out, columns: terminal.columns, paint });
      const asked = { message, ...schema && { schema }, ...url !== undefined && { url } };
      const said = await ask({ id, tool, arguments: {}, question: asked }, signal);
      if (typeof said === "string") return { action: "cancel" };
      return said.decision === "approve" ? { action: "accept", content: said.arguments ?? {} } : { action: "decline" };
    },
    [Symbol.dispose]: () => open?.[Symbol.dispose](),
  };
}
