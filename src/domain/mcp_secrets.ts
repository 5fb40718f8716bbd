/**
 * What a definition of a tool server keeps secret, and what of it may be shown.
 *
 * @module
 */
import { wordsOf } from "./mcp_definition.ts";
import type { McpServer } from "./mcp_server.ts";

/** The shortest text that is kept secret: what is shorter stands in too many answers by chance. */
const SHORTEST_SECRET = 6;
const NAME = "[\\w-]*(?:key|token|secret|password|passwd|pwd|auth|credential)[\\w-]*";
const SECRET_NAME = new RegExp(`^${NAME}$`, "i");
const PLAIN_PATH = /^(?:\/[\w.@ -]+){2,}\/?$/;
const OPTION = new RegExp(`^--?${NAME}$`, "i");
/** `--key=value`, `KEY=value`, `X-Api-Key: value`. */
const ASSIGNED = new RegExp(`^((?:--?)?${NAME}\\s*[=:]\\s*)(.+)$`, "is");
/** A part of a path that nobody would type. */
const KEY_IN_PATH = /^(?=.*\d)[\w~.-]{24,}$/;
const MASK = "[masked]";

/** What a server was trusted with, and what must not come back in its answers. The longest first. */
export function secretsOf(server: McpServer, lookup: (name: string) => string | undefined): string[] {
  const { url, env, headers, credentials, oauth } = server;
  const variables = Object.entries(env).flatMap(([name, value]) => isPlainPath(name, value) ? [] : value);
  const values = [...variables, ...Object.values(headers), ...secretsInCommand(server), oauth?.client_secret];
  if (url !== undefined) values.push(...secretsInUrl(url));
  for (const { value, env_fallback } of credentials) {
    values.push(value ?? (env_fallback === undefined ? undefined : lookup(env_fallback)));
  }
  return toSecrets(values);
}

/** Whether a variable only says where something is, which messages have to name. */
function isPlainPath(name: string, value: string): boolean {
  return PLAIN_PATH.test(value) && !SECRET_NAME.test(name);
}

/** `values` as they are looked for: a header's scheme is no secret, what follows it is one also by itself. */
export function toSecrets(values: readonly (string | undefined)[]): string[] {
  const bare = values.flatMap((value) => value === undefined ? [] : [value, value.replace(/^\w+\s+(?=\S+$)/, "")]);
  const long = [...new Set(bare)].filter((value) => value.length >= SHORTEST_SECRET);
  // One may begin with another, of which nothing must be left over.
  return long.sort((a, b) => b.length - a.length);
}

function secretsInUrl(text: string): string[] {
  const url = URL.parse(text);
  if (url === null) return [];
  // As they were given, and as they are read.
  const raw = url.search.slice(1).split("&").map((pair) => pair.slice(pair.indexOf("=") + 1));
  const path = url.pathname.split("/").filter((part) => KEY_IN_PATH.test(part));
  return [...raw, ...url.searchParams.values(), url.password, toPlain(url.password), ...path];
}

function toPlain(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}

/** An address without names, passwords, parameters and keys. */
export function shownUrl(text: string): string {
  const { protocol, host, pathname, search } = new URL(text);
  const path = pathname.split("/").map((part) => KEY_IN_PATH.test(part) ? MASK : part).join("/");
  return `${protocol}//${host}${path}${search === "" ? "" : `?${MASK}`}`;
}

interface Word {
  shown: string;
  secrets: string[];
}

function readWord(word: string, before = ""): Word {
  if (OPTION.test(before)) return { shown: MASK, secrets: word.startsWith("--") ? [] : [word] };
  const [, name, value] = ASSIGNED.exec(word) ?? [];
  if (name !== undefined) return { shown: `${name}${MASK}`, secrets: [value!] };
  const at = word.search(/\b[a-z][a-z\d+.-]*:\/\//i);
  const url = at < 0 ? null : URL.parse(word.slice(at));
  if (url === null || (url.search === "" && url.username === "" && url.password === "")) {
    return { shown: word, secrets: [] };
  }
  return { shown: `${word.slice(0, at)}${shownUrl(url.href)}`, secrets: secretsInUrl(url.href) };
}

function readCommand({ command = "", args = [] }: Pick<McpServer, "command"> & { args?: readonly string[] }): Word[] {
  const words = [...wordsOf(command), ...args];
  return words.map((word, i) => readWord(word, words[i - 1]));
}

function secretsInCommand(server: McpServer): string[] {
  return readCommand(server).flatMap(({ secrets }) => secrets);
}

/** A word as one types it: in quotes where it would be several, or none. */
function quoted(word: string): string {
  if (word !== "" && !/\s/.test(word)) return word;
  return word.includes('"') ? `'${word}'` : `"${word}"`;
}

/** A command line without the values of what sounds secret, and without passwords and parameters in addresses. */
export function shownCommand(line: Parameters<typeof readCommand>[0]): string {
  return readCommand(line).map(({ shown }) => quoted(shown)).join(" ");
}

/** A command line as {@linkcode shownCommand} shows it, in its parts; those without a secret as they are. */
export function shownLine({ command = "", args }: McpServer): { command: string; args: string[] } {
  const words = readCommand({ command, args });
  const first = words.slice(0, words.length - args.length);
  const hidden = first.some(({ shown, secrets }) => secrets.length > 0 || shown.includes(MASK));
  return {
    command: hidden ? first.map(({ shown }) => shown).join(" ") : command,
    args: words.slice(first.length).map(({ shown }) => shown),
  };
}
