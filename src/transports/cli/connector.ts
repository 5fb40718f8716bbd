/**
 * Decides where the operations are: in this process, or on a server.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { CommandContext } from "./command.ts";
import type { OpenConnection } from "./connection.ts";
import { type Given, UsageError } from "./given.ts";
import { readInput, type Terminal } from "./terminal.ts";
import type { Verbs } from "./verbs.ts";

/** What a {@linkcode Connector} decides from. */
export interface ConnectorOptions {
  given: Given;
  env: Readonly<Record<string, string>>;
  verbs: Verbs;
  terminal: Terminal;
  signal: AbortSignal;
}

/** Connects once, and closes what it opened. */
export interface Connector extends AsyncDisposable {
  /** See {@linkcode CommandContext}. */
  url: string | undefined;
  connect: CommandContext["connect"];
}

/** Longer than any key. */
const MAX_KEY = 16_384;

function readUrl({ given, env }: ConnectorOptions): string | undefined {
  const [source, text] = given.text("url") !== undefined ? ["--url", given.text("url")!] : ["MUXI_URL", env.MUXI_URL];
  if (text === undefined || text === "") return undefined;
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.search === "" && url.hash === "") {
    return text;
  }
  throw new UsageError(`Cannot use ${source}: want an address such as http://127.0.0.1:8000, without a key in it`);
}

/** The key, from where the list of processes does not show it. */
async function readKey({ given, env, terminal }: ConnectorOptions): Promise<string | undefined> {
  const file = given.text("key-file") ?? (env.MUXI_KEY ? undefined : env.MUXI_KEY_FILE);
  if (file === undefined || file === "") return env.MUXI_KEY || undefined;
  const text = file === "-" ? await readInput(terminal, MAX_KEY) : await Deno.readTextFile(file).catch((cause) => {
    throw new AppError("ConfigurationError", `Cannot read the key from "${file}"`, { cause });
  });
  const key = text?.trim() ?? "";
  if (/^[\x21-\x7e]+$/.test(key)) return key;
  const wanted = "want one line of visible ASCII characters";
  throw new AppError("ConfigurationError", `Cannot read the key from "${file}": ${wanted}`);
}

/** Makes a {@linkcode Connector}. */
export function createConnector(options: ConnectorOptions): Connector {
  const { given, verbs, signal } = options;
  const url = readUrl(options);
  let opened: Promise<OpenConnection> | undefined;
  const open = async ({ runs = false, retries }: { runs?: boolean; retries?: number }) => {
    const key = url === undefined ? undefined : await readKey(options);
    return await verbs.connect(given.settings, { url, key, runs, retries, signal });
  };
  return {
    url,
    connect: (how = {}) => opened ??= open(how),
    [Symbol.asyncDispose]: async () => {
      const connection = await opened?.catch(() => undefined);
      await connection?.[Symbol.asyncDispose]();
    },
  };
}
