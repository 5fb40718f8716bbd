/**
 * `muxi mcp learn`.
 *
 * @module
 */
import type { z } from "zod";
import { AppError } from "../../../domain/error.ts";
import { toToolName } from "../../../domain/tool.ts";
import { mcpServerLearn } from "../../../operations/mcp_servers.ts";
import { toolGet } from "../../../operations/tools.ts";
import { toSafe, toSafeJson, toSafeLine } from "../chat/safe_text.ts";
import type { CommandContext } from "../command.ts";
import type { Connection } from "../connection.ts";
import { isEmpty } from "../derived/format.ts";
import { Sources } from "../derived/sources.ts";
import { EXIT } from "../exit.ts";
import { type Given, UsageError } from "../given.ts";
import { padTo } from "../layout.ts";
import type { Style } from "../style.ts";
import { toArguments } from "./arguments.ts";
import { usersOf } from "./servers.ts";
import { startWaiting } from "./waiting.ts";
import { splitWords } from "./words.ts";

type Learned = z.output<typeof mcpServerLearn.output>;
type TrialCall = NonNullable<z.input<typeof mcpServerLearn.input>["calls"]>[number];

/** What a policy allows a program; its ceilings are no matter of learning. */
const ACCESSES = ["read", "write", "net", "env", "sys", "run", "ffi"] as const;

function colored(line: string, style: Style): string {
  const safe = toSafeLine(line);
  return line.startsWith("+") ? style.green(safe) : line.startsWith("-") ? style.red(safe) : safe;
}

/** What was asked for, which the answer doesn't tell. */
interface Asked {
  name: string;
  /** How many calls were made. */
  calls: number;
  apply: boolean;
  prune: boolean;
}

/** What became of the policy, and what can be done about it. */
function toEnd({ policy, difference, failed, unused, applied }: Learned, asked: Asked, style: Style): string[] {
  const { calls, apply, prune } = asked;
  const made = calls === 0 ? "The" : `The ${calls === 1 ? "call was" : "calls were"} really made; the`;
  const rest = unused.length === 0 || prune ? [] : ["--prune takes away what wasn't used"];
  if (applied) return [`${style.green("In force")} as policy "${policy}"${rest.map((one) => `; ${one}`).join("")}`];
  const changed = `${made} policy was not changed`;
  if (failed.length > 0) {
    const what = failed.length === 1 ? "a call" : `${failed.length} calls`;
    const how = difference.length > 0 && apply ? "; --force puts the proposal in force nevertheless" : "";
    return [`${changed}, and ${what} failed${how}`];
  }
  if (difference.length === 0) return calls === 0 && rest.length === 0 ? [] : [[changed, ...rest].join("; ")];
  return [`${changed}. The same with --apply makes this policy "${policy}"${rest.map((one) => `; ${one}`).join("")}`];
}

function toLines(learned: Learned, asked: Asked, style: Style): string[] {
  const { needed: least, difference, unused, refused, notes, failed } = learned;
  const { name, prune } = asked;
  const accesses = ACCESSES.map((access) => {
    const values = [least[access]].flat().filter((one) => one !== false);
    return [access, access === "sys" && values.length > 0 ? [values.join(", ")] : values] as const;
  });
  const needed = accesses.filter(([, values]) => !isEmpty(values));
  const width = Math.max(0, ...needed.map(([access]) => access.length));
  const end = toEnd(learned, asked, style);
  return [
    style.bold(needed.length === 0 ? `"${name}" needed nothing of this machine` : `What "${name}" needed`),
    ...needed.flatMap(([access, values]) =>
      values.map((value, i) => `  ${style.cyan(padTo(i === 0 ? access : "", width))}  ${toSafe(String(value))}`)
    ),
    "",
    style.bold(difference.length === 0 ? "Its policy allows that already" : "Compared with the policy in force"),
    ...difference.map((line) => `  ${colored(line, style)}`),
    ...prune || unused.length === 0
      ? []
      : ["", style.bold("Allowed, and not used"), ...unused.map((line) => `  ${toSafeLine(line)}`)],
    ...refused.length + notes.length + failed.length === 0 ? [] : [""],
    ...notes.map((line) => `${style.bold("Note:")} ${toSafeLine(line)}`),
    ...refused.map((line) => `${style.red("Refused:")} ${toSafeLine(line)}`),
    ...failed.map(({ tool, message }) => `${style.red("Failed:")} ${toSafeLine(`${tool}: ${message}`)}`),
    ...end.length === 0 ? [] : ["", ...end],
    "",
  ];
}

/** The schema of a tool's arguments; nothing where its server can't even start without what is to be learned. */
async function schemaOf({ gateway, visit }: Connection, tool_name: string): Promise<Record<string, unknown>> {
  try {
    return (await gateway.call(toolGet, () => ({ tool_name }), visit())).parameters;
  } catch (error) {
    if (error instanceof AppError && error.name === "NotFoundError") return {};
    throw error;
  }
}

/** Calls as they are typed: the tool, then its arguments. */
async function toCalls(texts: readonly string[], { server, connection, sources }: {
  server: string;
  connection: Connection;
  sources: Sources;
}): Promise<TrialCall[]> {
  const calls: TrialCall[] = [];
  for (const text of texts) {
    const [, tool, rest = ""] = /^\s*(\S+)\s*(.*)$/s.exec(text) ?? [];
    if (tool === undefined) throw new UsageError('Cannot read an empty --call: want --call "TOOL NAME=VALUE …"');
    const words = rest.startsWith("{") ? [rest] : splitWords(rest);
    const schema = words.length === 0 ? {} : await schemaOf(connection, toToolName(server, tool));
    calls.push({ tool, arguments: await toArguments(words, { schema, sources }) });
  }
  return calls;
}

/** Carries out the command. Answers with the exit code. */
export async function mcpLearn(given: Given, context: CommandContext): Promise<number> {
  const { terminal, json, style } = context;
  const [server_name = ""] = given.positionals;
  const [apply, prune, force] = ["apply", "prune", "force"].map((flag) => given.flag(flag) === true);
  const connection = await context.connect();
  const { gateway, visit } = connection;
  const sources = new Sources(context);
  const calls = await toCalls(given.list("call"), { server: server_name, connection, sources });
  const agent_id = given.text("agent") ?? (await usersOf(connection, server_name))[0]!;
  let learned: Learned;
  {
    using _ = startWaiting(context, `Running "${server_name}", watched and with wide rights`);
    const input = { agent_id, server_name, calls, apply, prune, force };
    learned = await gateway.call(mcpServerLearn, () => input, visit());
  }
  const asked = { name: server_name, calls: calls.length, apply: apply!, prune: prune! };
  terminal.out(json ? `${toSafeJson(learned)}\n` : toLines(learned, asked, style).join("\n"));
  return learned.failed.length === 0 || learned.applied ? EXIT.ok : EXIT.unavailable;
}
