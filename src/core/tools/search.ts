/**
 * A few tools that stand for many: one finds them, one calls them.
 *
 * @module
 */
import { INVALID_ARGUMENTS, type ToolRequest } from "../../domain/message.ts";
import { type Tool, type ToolResult, toolText } from "../../domain/tool.ts";
import { toScores } from "../../kit/rank.ts";
import { toTerms, toWords } from "../../kit/words.ts";

/** Finds tools. */
export const TOOL_SEARCH = "tool_search";
/** Calls one that was found. */
export const TOOL_CALL = "tool_call";
const MOST = 20;
const USUAL = 5;

const base = { destructive: false, open_world: false, server: null };

/** What a model gets instead of the tools themselves. */
export const SEARCH_TOOLS: readonly Tool[] = [{
  ...base,
  name: TOOL_SEARCH,
  description: "Finds tools by what they do. Gives their names, and the schemas of their arguments for tool_call",
  parameters: {
    type: "object",
    properties: {
      query: { type: "string", description: "What the tool should do, in a few words" },
      limit: { type: "integer", minimum: 1, maximum: MOST, default: USUAL },
    },
    required: ["query"],
    additionalProperties: false,
  },
  read_only: true,
  idempotent: true,
}, {
  ...base,
  name: TOOL_CALL,
  description: "Calls a tool that tool_search found",
  parameters: {
    type: "object",
    properties: { name: { type: "string" }, arguments: { type: "object" } },
    required: ["name", "arguments"],
    additionalProperties: false,
  },
  read_only: false,
  idempotent: false,
}];

/** The call that a model means: of {@linkcode TOOL_CALL} the one inside, of all else itself. */
export function toMeantCall(call: ToolRequest): ToolRequest {
  if (call.tool !== TOOL_CALL) return call;
  const { name, arguments: given = {} } = call.arguments;
  if (typeof name !== "string" || name === TOOL_CALL) return call;
  return { ...call, tool: name, arguments: toFields(given) };
}

/** Many models write the inner arguments as a text. */
function toFields(given: unknown): Record<string, unknown> {
  let value = given;
  if (typeof given === "string") {
    try {
      value = JSON.parse(given);
    } catch {
      return { [INVALID_ARGUMENTS]: given };
    }
  }
  const isFields = typeof value === "object" && value !== null && !Array.isArray(value);
  return isFields ? value as Record<string, unknown> : { [INVALID_ARGUMENTS]: JSON.stringify(value) };
}

const known = new WeakMap<Tool, string[]>();

/** The words by which a tool is found. Its name counts most. */
function termsOf(tool: Tool): string[] {
  let terms = known.get(tool);
  if (terms) return terms;
  const { name, title = "", description, parameters } = tool;
  const fields = Object.keys(parameters.properties ?? {});
  const names = toTerms(`${name} ${title}`);
  terms = [...names, ...names, ...names, ...toTerms(description), ...toTerms(fields.join(" "))];
  known.set(tool, terms);
  return terms;
}

/** The best of `tools` for `query`, best first. */
export function findTools(query: string, tools: readonly Tool[], limit: number): Tool[] {
  const terms = toTerms(query);
  // A query of nothing but common words still means something.
  const wanted = terms.length > 0 ? terms : toWords(query);
  const scores = toScores([...new Set(wanted)], tools.map(termsOf));
  return tools.map((tool, i) => ({ tool, score: scores[i]!.score }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .slice(0, limit)
    .map(({ tool }) => tool);
}

/** What {@linkcode TOOL_SEARCH} answers. */
export function answerSearch(args: Record<string, unknown>, tools: readonly Tool[]): ToolResult {
  const { query, limit = USUAL } = args as { query: string; limit?: number };
  const found = findTools(query, tools, limit);
  if (found.length === 0) {
    const servers = [...new Set(tools.flatMap(({ server }) => server ?? []))];
    return toolText(`None of ${tools.length} tools fits. They are of: ${servers.join(", ") || "this server"}`);
  }
  return {
    content: [],
    structured_content: {
      tools: found.map(({ name, description, parameters }) => ({ name, description, parameters })),
      of: tools.length,
    },
    is_error: false,
  };
}
