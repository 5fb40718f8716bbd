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
import { type Given, UsageError } from "../given.ts";
import { padTo } from "../layout.ts";
import type { Style } from "../style.ts";
import { toArguments } from "./arguments.ts";
import { usersOf } from "./servers.ts";
import { startWaiting } from "./waiting.ts";

type Learned = z.output<typeof mcpServerLearn.output>;
type TrialCall = NonNullable<z.input<typeof mcpServerLearn.input>["calls"]>[number];

/** What a policy allows a program; its ceilings are no matter of learning. */
const ACCESSES = ["read", "write", "net", "env", "sys", "run", "ffi"] as const;

function colored(line: string, style: Style): string {
  const safe = toSafeLine(line);
  return line.startsWith("+") ? style.green(safe) : line.startsWith("-") ? style.red(safe) : safe;
}

function toLines(
  { policy, proposed, difference, refused, failed, applied }: Learned,
  name: string,
  style: Style,
): string[] {
  const accesses = ACCESSES.map((access) =>
    [access, [proposed[access]].flat().filter((one) => one !== false)] as const
  );
  const needed = accesses.filter(([, values]) => !isEmpty(values));
  const width = Math.max(0, ...needed.map(([access]) => access.length));
  return [
    style.bold(needed.length === 0 ? `"${name}" needed nothing of this machine` : `What "${name}" needed`),
    ...needed.flatMap(([access, values]) =>
      values.map((value, i) => `  ${style.cyan(padTo(i === 0 ? access : "", width))}  ${toSafe(String(value))}`)
    ),
    "",
    style.bold(difference.length === 0 ? "Its policy says the same already" : "Compared with the policy in force"),
    ...difference.map((line) => `  ${colored(line, style)}`),
    ...refused.map((line) => `${style.red("Refused:")} ${toSafeLine(line)}`),
    ...failed.map(({ tool, message }) => `${style.red("Failed:")} ${toSafeLine(`${tool}: ${message}`)}`),
    ...difference.length === 0 ? [] : [
      "",
      applied
        ? `${style.green("In force")} as policy "${policy}"`
        : `Nothing was changed. The same with --apply makes it policy "${policy}"`,
    ],
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
    const words = rest.startsWith("{") ? [rest] : rest.split(/\s+/).filter((word) => word !== "");
    const schema = words.length === 0 ? {} : await schemaOf(connection, toToolName(server, tool));
    calls.push({ tool, arguments: await toArguments(words, { schema, sources }) });
  }
  return calls;
}

/** Carries out the command. */
export async function mcpLearn(given: Given, context: CommandContext): Promise<void> {
  const { terminal, json, style } = context;
  const [server_name = ""] = given.positionals;
  const apply = given.flag("apply") === true;
  const connection = await context.connect();
  const { gateway, visit } = connection;
  const sources = new Sources(context);
  const calls = await toCalls(given.list("call"), { server: server_name, connection, sources });
  const agent_id = given.text("agent") ?? (await usersOf(connection, server_name))[0]!;
  let learned: Learned;
  {
    using _ = startWaiting(context, `Running "${server_name}", watched and with wide rights`);
    learned = await gateway.call(mcpServerLearn, () => ({ agent_id, server_name, calls, apply }), visit());
  }
  terminal.out(json ? `${toSafeJson(learned)}\n` : toLines(learned, server_name, style).join("\n"));
}
