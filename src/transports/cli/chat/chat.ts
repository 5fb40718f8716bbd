/**
 * `muxi chat`: one message, or a conversation.
 *
 * @module
 */
import { MAX_CONTENT } from "../../../domain/message.ts";
import type { CommandContext } from "../command.ts";
import type { Connection } from "../connection.ts";
import { EXIT, toExitCode } from "../exit.ts";
import { type Given, UsageError } from "../given.ts";
import { readInput, type Terminal } from "../terminal.ts";
import { askPerson, decideAlike } from "./approve.ts";
import type { Drawer } from "./drawer.ts";
import { type Decide, Exchange, type ExchangeOptions, type Message, type Outcome } from "./exchange.ts";
import { createPaint, type Paint } from "./ink.ts";
import { JsonDrawer } from "./json_drawer.ts";
import { Keyboard } from "./keyboard.ts";
import { toCall } from "./phrases.ts";
import { PlainDrawer } from "./plain_drawer.ts";
import { answerQuestions, declineQuestions } from "./question_form.ts";
import { toSafeLine } from "./safe_text.ts";
import { Session } from "./session.ts";
import { TerminalDrawer } from "./terminal_drawer.ts";

const PATIENCE_SECONDS = 60;
/** How long to look for a server that was never there. */
const BEFORE_MS = 2000;
/** A character takes at most so many bytes. */
const MAX_INPUT = MAX_CONTENT * 4;

function toPatience(given: Given): ExchangeOptions["patience"] {
  const text = given.text("patience") ?? String(PATIENCE_SECONDS);
  if (!/^\d{1,6}(\.\d+)?$/.test(text)) {
    throw new UsageError(`Cannot use --patience ${text}: want a number of seconds, such as ${PATIENCE_SECONDS}`);
  }
  return { once_begun_ms: Number(text) * 1000, before_ms: Math.min(BEFORE_MS, Number(text) * 1000) };
}

/** What to say, where it is given. */
async function readMessage({ positionals }: Given, terminal: Terminal): Promise<string> {
  const said = positionals.join(" ").trim();
  if (terminal.isTerminal.in) return said;
  const read = await readInput(terminal, MAX_INPUT);
  const all = [said, read?.trimEnd() ?? ""].filter((text) => text !== "").join("\n\n");
  if (read === undefined || all.length > MAX_CONTENT) {
    throw new UsageError(`Cannot say so much at once: a message has at most ${MAX_CONTENT} characters`);
  }
  return all;
}

function createDrawer(given: Given, { terminal, json }: CommandContext, paint: Paint): Drawer {
  const out = (text: string) => terminal.out(text);
  const aside = (line: string) => terminal.err(`${toSafeLine(line)}\n`);
  const stream = given.flag("stream") ?? true;
  if (json) return new JsonDrawer({ out, aside, stream });
  if (!terminal.isTerminal.out) return new PlainDrawer({ out, aside, stream });
  const size = { columns: () => terminal.columns(), rows: () => terminal.rows() };
  const reasoning = given.flag("reasoning") ?? true;
  return new TerminalDrawer({
    out,
    aside: terminal.isTerminal.err ? undefined : aside,
    ...size,
    paint,
    reasoning,
    stream,
  });
}

function toDecide(given: Given): Decide | undefined {
  if (given.flag("approve") && given.flag("deny")) throw new UsageError("Cannot use --approve and --deny together");
  return given.flag("approve") ? decideAlike("approve") : given.flag("deny") ? decideAlike("deny") : undefined;
}

/** Says how to go on with a run that is not over. */
function explain(
  outcome: Outcome & { kind: "waiting" | "left" },
  { terminal }: CommandContext,
  url: string | null,
): number {
  const { last, asked } = outcome.story;
  const run_id = toSafeLine(outcome.story.run_id ?? "");
  if (outcome.kind === "left") {
    const how = url === null
      ? ""
      : `, which goes on: follow it with "muxi runs events ${run_id} --starting-after ${last}"`;
    terminal.err(`muxi: Left ${run_id === "" ? "before there was a run" : `run ${run_id}${how}`}\n`);
    return EXIT.interrupted;
  }
  for (const call of asked) {
    const how = `muxi tool-calls decide ${run_id} ${toSafeLine(call.id)} --decision approve`;
    terminal.err(
      call.question
        ? `muxi: Run ${run_id} waits for an answer: ${toSafeLine(call.question.message)}\n` +
          `Answer with "${how} --arguments JSON" (or deny); "muxi approvals list --json" shows what is asked for\n`
        : `muxi: Run ${run_id} waits for a decision about ${toCall(call, 400)}\nDecide with "${how}" (or deny)\n`,
    );
  }
  return EXIT.waiting;
}

/** Says one message and shows the answer. */
async function sayOnce(
  message: Message,
  { context, connection, drawer, decide, patience, paint }: {
    context: CommandContext;
    connection: Connection;
    drawer: Drawer;
    decide: Decide | undefined;
    patience: ExchangeOptions["patience"];
    paint: Paint;
  },
): Promise<number> {
  const { terminal, signal } = context;
  using stack = new DisposableStack();
  const asking = terminal.isTerminal.in && terminal.isTerminal.out && !context.json && decide === undefined;
  const onInterrupt = () => exchange.interrupt();
  const out = (text: string) => terminal.out(text);
  // Without a server the call ends with this process, so nobody could answer later.
  let reply = decide || connection.url === null ? declineQuestions() : undefined;
  if (asking) {
    const keyboard = stack.use(new Keyboard({ terminal, onInterrupt }));
    decide = askPerson({ keyboard, drawer, out, paint });
    reply = answerQuestions({ keyboard, drawer, out, columns: () => terminal.columns(), paint });
  } else stack.use(terminal.onInterrupt(onInterrupt));
  const exchange = new Exchange(message, { connection, drawer, decide, reply, signal, patience });
  const outcome = await exchange.run();
  if (outcome.kind !== "answered") {
    if (outcome.kind === "waiting") drawer.finish(outcome.story.waiting());
    return explain(outcome, context, connection.url);
  }
  const { answer } = outcome;
  drawer.finish(answer);
  if (answer.status === "completed") return EXIT.ok;
  if (answer.status === "cancelled") return EXIT.interrupted;
  if (!terminal.isTerminal.out && !context.json) {
    terminal.err(`muxi: ${toSafeLine(answer.error?.message ?? "The run failed")}\n`);
  }
  return answer.error ? toExitCode(answer.error.error) : EXIT.internal;
}

/** Carries out the command. */
export async function chat(given: Given, context: CommandContext): Promise<number> {
  const { terminal, json, style, signal } = context;
  const decide = toDecide(given);
  const patience = toPatience(given);
  const text = await readMessage(given, terminal);
  const alone = text === "" && terminal.isTerminal.in && terminal.isTerminal.out && !json;
  if (text === "" && !alone) throw new UsageError('There is nothing to say: want a message, as in muxi chat "Hello"');
  const to = {
    agent_id: given.text("agent"),
    conversation_id: given.text("conversation"),
    user_id: given.text("user"),
  };
  // A connection that breaks is ours to mend, since somebody wants to know of it.
  const connection = await context.connect({ runs: true, retries: 0 });
  const paint = createPaint(style.bold("x") !== "x");
  const drawer = createDrawer(given, context, paint);
  if (alone) return await new Session({ connection, terminal, drawer, paint, to, signal, patience }).talk();
  return await sayOnce({ ...to, text }, { context, connection, drawer, decide, patience, paint });
}
