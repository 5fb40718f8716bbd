/**
 * `muxi mcp call`.
 *
 * @module
 */
import type { z } from "zod";
import type { DirectQuestion } from "../../../domain/direct_question.ts";
import { AppError } from "../../../domain/error.ts";
import type { ToolContent } from "../../../domain/tool.ts";
import { toolCall, toolCallAnswer, toolGet } from "../../../operations/tools.ts";
import { toSafe, toSafeJson, toSafeLine } from "../chat/safe_text.ts";
import type { CommandContext } from "../command.ts";
import type { Connection } from "../connection.ts";
import { Sources } from "../derived/sources.ts";
import { EXIT } from "../exit.ts";
import type { Given } from "../given.ts";
import { findPerson, type Person } from "./answering.ts";
import { toArguments } from "./arguments.ts";
import { startWaiting } from "./waiting.ts";
import { checkQuotes } from "./words.ts";

type Answer = z.output<typeof toolCall.output>;
type Asked = z.input<typeof toolCall.input>;
type Told = z.input<typeof toolCallAnswer.input>;

/** A part of an answer as text. */
function toText(part: ToolContent): string {
  switch (part.type) {
    case "text":
      return toSafe(part.text);
    case "image":
    case "audio":
      return `[${toSafeLine(part.media_type)}, ${part.data.length} characters of base64: --json shows them]`;
    case "resource_link":
      return `${toSafeLine(part.name)}: ${toSafeLine(part.uri)}`;
    case "resource":
      return part.text === undefined ? `[${toSafeLine(part.uri)}: --json shows its bytes]` : toSafe(part.text);
  }
}

async function makeCall(
  { gateway, visit }: Connection,
  input: Asked,
  { context, person }: { context: CommandContext; person: Person },
): Promise<Answer> {
  const words = `Calling ${input.tool_name}`;
  const { signal, ...who } = visit();
  const during = { ...who, signal: AbortSignal.any([signal, person.left]) };
  let waiting = startWaiting(context, words);
  try {
    for await (const { type, data } of await gateway.stream(toolCall, () => input, during) ?? []) {
      const told = JSON.parse(data);
      if (type === "tool.call.result") return told;
      if (type !== "tool.call.question") waiting.say(toProgress(told));
      else {
        // A person types where it was said what is waited for.
        waiting[Symbol.dispose]();
        const { user_id } = input;
        const tell = (answer: Told) => {
          const whose = user_id !== undefined && { user_id };
          return gateway.call(toolCallAnswer, () => ({ ...answer, ...whose }), visit());
        };
        await answerQuestion(told, { person, context, signal: during.signal, tell });
        waiting = startWaiting(context, words);
      }
    }
  } finally {
    waiting[Symbol.dispose]();
  }
  throw new AppError("UpstreamError", `The call of "${input.tool_name}" ended without an answer`);
}

/** Asks the person, again where their answer isn't what the question wants. */
async function answerQuestion(
  question: DirectQuestion,
  { person, context, signal, tell }: {
    person: Person;
    context: CommandContext;
    signal: AbortSignal;
    tell(answer: Told): Promise<unknown>;
  },
): Promise<void> {
  const { tool_call_id, question_id } = question;
  for (;;) {
    const reply = await person.answer(question, signal);
    try {
      return void await tell({ tool_call_id, question_id, ...reply });
    } catch (thrown) {
      // Nothing but an answer can be another the next time.
      const isUnfit = thrown instanceof AppError && thrown.name === "ValidationError" && reply.action === "accept";
      if (!isUnfit) throw thrown;
      context.terminal.err(`muxi: ${toSafeLine(thrown.message)}\n`);
    }
  }
}

function toProgress({ progress, total, message }: { progress: number; total?: number; message?: string }): string {
  return [total === undefined ? String(progress) : `${progress}/${total}`, message ?? ""].join(" ");
}

/** Carries out the command. Answers with the exit code. */
export async function mcpCall(given: Given, context: CommandContext): Promise<number> {
  const { terminal, json } = context;
  const [tool_name = "", ...words] = given.positionals;
  const user_id = given.text("user");
  // Nobody knows how far a call got whose connection broke: it isn't made again.
  const connection = await context.connect({ retries: 0 });
  const { gateway, visit } = connection;
  const { parameters } = await gateway.call(toolGet, () => ({ tool_name }), visit());
  for (const word of words) checkQuotes(word);
  const args = await toArguments(words, { schema: parameters, sources: new Sources(context) });
  const readsInput = words.some((word) => word === "-" || word.endsWith("=-"));
  using person = findPerson(context, { readsInput });
  const { can_answer } = person;
  const approve = given.flag("yes") === true;
  const input = { tool_name, arguments: args, approve, can_answer, ...user_id !== undefined && { user_id } };
  const answer = await makeCall(connection, input, { context, person });
  const { content, structured_content, is_error, denied } = answer.result;
  const text = content.length === 0 && structured_content !== undefined
    ? toSafe(JSON.stringify(structured_content, null, 2))
    : content.map(toText).join("\n");
  if (json) terminal.out(`${toSafeJson(answer)}\n`);
  else if (is_error) terminal.err(`muxi: The tool failed: ${text}\n`);
  else terminal.out(`${text}\n`);
  if (!is_error) return EXIT.ok;
  return denied ? EXIT.no_permission : EXIT.unavailable;
}
