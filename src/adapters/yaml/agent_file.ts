/**
 * Reads files of agents: our own format, and those of the seeds as they are
 * (002, section 7.2, and 004).
 *
 * @module
 */
import { AgentConfig } from "../../domain/agent.ts";
import { AppError } from "../../domain/error.ts";
import { expand, expandDeep } from "../../kit/expand.ts";
import { nearest } from "../../kit/nearest.ts";
import type { AgentEntry, AgentFiles } from "../../ports/agent_files.ts";

/** Variables that `${NAME}` stands for. */
export type Variables = Readonly<Record<string, string>>;

type Fields = Record<string, unknown>;

const LARGEST = 1_048_576;
const MOST_ALIASES = 100;
/** Written before a model's name where both are in one text. */
const PROVIDERS = ["openai", "anthropic", "google", "azure", "ollama", "offline"];
const FIELDS = ["id", "system_message", ...Object.keys(AgentConfig.shape)];

/** An {@linkcode AgentFiles} that expands `variables`. */
export function createAgentFiles({ variables }: { variables: Variables }): AgentFiles {
  return { parse: (text, format) => parseAgents(text, format, variables) };
}

/**
 * The agents in `text`: a map `agents` of them by id, a list, or a single one.
 * Throws `ValidationError` with the agent, the field and what is wanted.
 */
export async function parseAgents(text: string, format: "yaml" | "json", variables: Variables): Promise<AgentEntry[]> {
  if (text.length > LARGEST) refuse(`it has ${text.length} characters: want ${LARGEST} at most`);
  const root = format === "json" ? parseJson(text) : await parseYaml(text);
  const entries = listEntries(root).map(([id, value]) => toEntry(id, value, variables));
  const seen = new Set<string>();
  for (const { id } of entries) {
    if (seen.has(id)) refuse(`there are two agents "${id}"`);
    seen.add(id);
  }
  return entries;
}

function refuse(why: string): never {
  throw new AppError("ValidationError", `Cannot read the agents: ${why}`);
}

function refuseField(agent: string, field: string, why: string): never {
  throw new AppError("ValidationError", `Cannot read agent "${agent}": ${field}: ${why}`, {
    details: { agent, field },
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The rest of the message quotes the text, and what it keeps secret.
    const place = /line \d+ column \d+/.exec((error as Error).message)?.[0];
    refuse(`it is not JSON${place === undefined ? "" : ` at ${place}`}`);
  }
}

async function parseYaml(text: string): Promise<unknown> {
  const { parseDocument } = await import("yaml");
  const document = parseDocument(text, { logLevel: "error" });
  const [error] = document.errors;
  if (error !== undefined) refuse(error.message.split("\n")[0]!.replace(/:$/, ""));
  try {
    return document.toJS({ maxAliasCount: MOST_ALIASES });
  } catch (thrown) {
    const many = /^Excessive/.test((thrown as Error).message);
    refuse(many ? "it has too many aliases" : "an alias has no anchor: put text that begins with * in quotes");
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The agents with the id that their place gives them, if it does. */
function listEntries(root: unknown): (readonly [string | undefined, unknown])[] {
  if (root === null || root === undefined) return [];
  if (Array.isArray(root)) return root.map((value) => [undefined, value]);
  if (!isFields(root)) refuse("want a map of agents, a list of them, or a single one");
  if (!Object.hasOwn(root, "agents")) return [[undefined, root]];
  const other = Object.keys(root).find((name) => name !== "agents" && !name.startsWith("x-"));
  if (other !== undefined) refuse(`beside "agents" there is "${other}": want "agents" alone`);
  const { agents } = root;
  if (Array.isArray(agents)) return listEntries(agents);
  if (agents !== null && !isFields(agents)) refuse('"agents" must be a map or a list');
  return Object.entries(agents ?? {});
}

/** `SQL Agent` becomes `sql-agent`. */
function toId(name: string): string {
  const plain = name.normalize("NFKD").replaceAll(/\p{M}/gu, "").toLowerCase();
  return plain.replaceAll(/[^a-z0-9_]+/g, "-").replaceAll(/^[-_]+|-+$/g, "").slice(0, 64);
}

function toEntry(key: string | undefined, value: unknown, variables: Variables): AgentEntry {
  const label = key ?? (isFields(value) ? value.id ?? value.name : undefined);
  const id = key ?? (isFields(value) && value.id === undefined ? toId(String(value.name ?? "")) : String(label));
  if (!isFields(value)) refuse(`${key === undefined ? "an agent" : `agent "${key}"`} must be a map of fields`);
  if (label === undefined || id === "") refuse('an agent has neither "id" nor "name"');
  if (value.id !== undefined && value.id !== id) refuseField(id, "id", `"${value.id}" is not the name it stands under`);
  for (const field of Object.keys(value)) {
    if (FIELDS.includes(field)) continue;
    const meant = nearest(field, FIELDS);
    refuseField(id, field, `there is no such field${meant === undefined ? "" : `; did you mean "${meant}"?`}`);
  }
  const { id: _, system_message, model, ...rest } = expandFields(id, value, variables);
  if (system_message !== undefined && rest.system_prompt !== undefined) {
    refuseField(id, "system_message", 'means the same as "system_prompt": want one of them');
  }
  const config: Fields = { name: id, ...rest };
  if (system_message !== undefined) config.system_prompt = system_message;
  if (model !== undefined) config.model = toModel(model);
  if (Array.isArray(config.mcp_servers)) {
    config.mcp_servers = config.mcp_servers.map(withoutEmpty);
    config.allowed_tools ??= toolsOf(config.mcp_servers as unknown[]);
  }
  return { id, config };
}

/** Whoever names servers and no tools means all of theirs. */
function toolsOf(servers: unknown[]): string[] {
  return servers.flatMap((server) => isFields(server) && typeof server.name === "string" ? `${server.name}__*` : []);
}

/** The fields with variables in their places, without those that have nothing behind them. */
function expandFields(id: string, value: Fields, variables: Variables): Fields {
  const lookup = (name: string) => Object.hasOwn(variables, name) ? variables[name] : undefined;
  const fields: Fields = {};
  for (const [field, given] of Object.entries(withoutEmpty(value) as Fields)) {
    const missing: string[] = [];
    if (field === "model" && isFields(given)) {
      const { api_key, ...rest } = withoutEmpty(given) as Fields;
      const model = expandDeep(rest, lookup, { missing }) as Fields;
      const key = typeof api_key === "string" ? expand(api_key, lookup) : { text: api_key, missing: [] };
      // A file may name the keys of providers that only some machines have.
      const absent = key.text === undefined || key.text === "" || key.missing.length > 0;
      fields.model = absent ? model : { ...model, api_key: key.text };
    } else {
      fields[field] = expandDeep(given, lookup, { missing });
    }
    const [first] = missing;
    if (first !== undefined) {
      refuseField(id, field, `the variable ${first} is not set: write $\${${first}} to mean the text`);
    }
  }
  return fields;
}

function withoutEmpty(value: unknown): unknown {
  if (!isFields(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== null && one !== undefined));
}

/** `openai/gpt-4o` and `gpt-4o` are models too. */
function toModel(model: unknown): unknown {
  if (typeof model !== "string") return model;
  const at = model.indexOf("/");
  const provider = model.slice(0, Math.max(at, 0));
  return PROVIDERS.includes(provider) ? { provider, model: model.slice(at + 1) } : { model };
}
