/**
 * The caller's own tools, and the form an answer must have, in both of OpenAI's dialects.
 *
 * @module
 */
import { z } from "zod";
import { type GivenMessage, INVALID_ARGUMENTS, type ToolRequest } from "../../domain/message.ts";
import type { ClientTool, ResponseFormat, RunOptions } from "../../domain/run.ts";
import { invalid, parse, unsupported } from "./errors.ts";

/** A function as both dialects describe it. `strict` asks a provider for more than we can promise, and is left out. */
const Named = z.object({
  name: z.string().regex(/^[\w-]{1,64}$/, "expected 1 to 64 letters, digits, underscores or dashes"),
  description: z.string().nullish(),
  parameters: z.record(z.string(), z.unknown()).nullish(),
});

const Typed = z.looseObject({ type: z.string() });
const Tools = z.array(Typed).nullish();
const Choice = z.union([z.string(), Typed]).nullish();

const Schema = z.object({
  name: z.string().regex(/^[\w-]{1,64}$/, "expected 1 to 64 letters, digits, underscores or dashes"),
  schema: z.record(z.string(), z.unknown()),
});

/** What an answer may be called that only has to be some JSON object. */
const ANY_OBJECT = { type: "json_schema", name: "answer", schema: { type: "object" } } as const;

function toClientTool(tool: z.output<typeof Typed>, within: string): ClientTool {
  if (tool.type !== "function") {
    throw invalid(`Cannot use a tool of type "${tool.type.slice(0, 64)}": expected "function"`, {
      param: `${within}.type`,
      code: "unsupported_value",
    });
  }
  // Chat completions put the function into a field of its own, responses do not.
  const nested = "function" in tool;
  const { name, description, parameters } = parse(
    Named,
    nested ? tool.function : tool,
    nested ? `${within}.function` : within,
  );
  return { name, description: description ?? "", parameters: parameters ?? { type: "object", properties: {} } };
}

/** The name of the function that a choice or a list of allowed tools means. */
function nameOf(tool: z.output<typeof Typed>, within: string): string {
  return toClientTool(tool, within).name;
}

/** `tools` and `tool_choice` as a run takes them. Only tools that the choice allows are left. */
export function toToolOptions(
  body: { tools?: unknown; tool_choice?: unknown },
): Pick<RunOptions, "tools" | "tool_choice"> {
  const tools = parse(Tools, body.tools, "tools")?.map((tool, i) => toClientTool(tool, `tools[${i}]`)) ?? [];
  const choice = parse(Choice, body.tool_choice, "tool_choice") ?? undefined;
  const given = tools.length > 0 ? { tools } : {};
  if (choice === undefined) return given;
  if (choice === "auto" || choice === "none" || choice === "required") return { ...given, tool_choice: choice };
  if (typeof choice === "string") {
    throw invalid(`Cannot use the tool choice "${choice.slice(0, 64)}": expected auto, none, required or a function`, {
      param: "tool_choice",
    });
  }
  if (choice.type === "allowed_tools") return toAllowed(tools, choice);
  const tool = nameOf(choice, "tool_choice");
  checkKnown(tools, tool);
  return { ...given, tool_choice: { tool } };
}

function toAllowed(tools: ClientTool[], choice: z.output<typeof Typed>): Pick<RunOptions, "tools" | "tool_choice"> {
  const nested = "allowed_tools" in choice;
  const within = nested ? "tool_choice.allowed_tools" : "tool_choice";
  const Allowed = z.object({ mode: z.enum(["auto", "required"]), tools: z.array(Typed).min(1) });
  const allowed = parse(Allowed, nested ? choice.allowed_tools : choice, within);
  const names = allowed.tools.map((tool, i) => nameOf(tool, `${within}.tools[${i}]`));
  for (const name of names) checkKnown(tools, name);
  return { tools: tools.filter(({ name }) => names.includes(name)), tool_choice: allowed.mode };
}

function checkKnown(tools: readonly ClientTool[], name: string): void {
  if (tools.some((tool) => tool.name === name)) return;
  throw invalid(`Cannot choose the tool "${name}": it is not among the request's tools`, { param: "tool_choice" });
}

/** `response_format` of chat completions, or `text.format` of responses. */
export function toResponseFormat(format: unknown, param: string): ResponseFormat | undefined {
  const typed = parse(Typed.nullish(), format, param);
  if (!typed || typed.type === "text") return undefined;
  if (typed.type === "json_object") return ANY_OBJECT;
  if (typed.type !== "json_schema") {
    throw unsupported(param, `the format "${typed.type.slice(0, 64)}" is not text, json_object or json_schema`);
  }
  // Chat completions put the schema into a field of its own, responses do not.
  const nested = "json_schema" in typed || (param === "response_format" && !("schema" in typed));
  const { name, schema } = parse(Schema, nested ? typed.json_schema : typed, nested ? `${param}.json_schema` : param);
  return { type: "json_schema", name, schema };
}

/** Refuses a tool's result that no message before it asked for: a model can't be told of it. */
export function checkResult(
  { role, tool_call_id }: GivenMessage,
  { before, param }: { before: readonly GivenMessage[]; param: string },
): void {
  if (role !== "tool" || before.some((one) => one.tool_calls?.some((call) => call.tool_call_id === tool_call_id))) {
    return;
  }
  throw invalid(
    `Cannot take the result of call "${tool_call_id!.slice(0, 100)}": no message before it makes this call`,
    {
      param,
    },
  );
}

/** What a model wrote as arguments, as its text. */
export function toArguments({ arguments: args }: Pick<ToolRequest, "arguments">): string {
  const text = args[INVALID_ARGUMENTS];
  return typeof text === "string" && Object.keys(args).length === 1 ? text : JSON.stringify(args);
}

/** Arguments as a caller hands them back: a model may have written no JSON. */
export function fromArguments(text: string): Record<string, unknown> {
  if (text.trim() === "") return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  return { [INVALID_ARGUMENTS]: text };
}
