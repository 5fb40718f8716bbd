/**
 * Where values come from: the command line, a file, or the standard input.
 *
 * @module
 */
import { AppError } from "../../../domain/error.ts";
import { UsageError } from "../given.ts";
import { readInput, type Terminal } from "../terminal.ts";

/** More than any server takes as JSON. */
const MAX_TEXT = 64 * 1024 * 1024;

/** Opens a file to be read. */
export async function openFile(path: string): Promise<Deno.FsFile> {
  try {
    const file = await Deno.open(path);
    if ((await file.stat()).isDirectory) {
      file.close();
      throw new Error("It is a folder");
    }
    return file;
  } catch (cause) {
    const reason = cause instanceof Deno.errors.NotFound ? "there is none" : "it can't be opened";
    throw new AppError("NotFoundError", `Cannot read the file "${path}": ${reason}`, { cause });
  }
}

/** Reads values that name where they are. The standard input is there once. */
export class Sources {
  readonly #terminal: Terminal;
  #taken: string | undefined;

  constructor({ terminal }: { terminal: Terminal }) {
    this.#terminal = terminal;
  }

  /** Takes the standard input for `flag`. */
  claim(flag: string): void {
    if (this.#taken !== undefined) {
      throw new UsageError(`Cannot read "${flag}" from the standard input: "${this.#taken}" is read from it`);
    }
    this.#taken = flag;
  }

  /** `text` itself, what the file holds for `@FILE`, or the standard input for `-`; `@@` stands for an @. */
  async text(text: string, flag: string): Promise<string> {
    if (text === "-") {
      this.claim(flag);
      const read = await readInput(this.#terminal, MAX_TEXT);
      if (read === undefined) throw new UsageError(`Cannot read "${flag}": the standard input is longer than 64 MiB`);
      return read;
    }
    if (!text.startsWith("@")) return text;
    if (text.startsWith("@@")) return text.slice(1);
    return await new Response((await openFile(text.slice(1))).readable).text();
  }

  /** The same as JSON. */
  async json(text: string, flag: string): Promise<unknown> {
    const json = await this.text(text, flag);
    try {
      return JSON.parse(json);
    } catch (error) {
      // The rest of the message quotes what may be a secret.
      const place = /line \d+ column \d+|position \d+/.exec(error instanceof Error ? error.message : "")?.[0];
      const why = `it is none${place === undefined ? "" : ` at ${place}`}`;
      const file = text.startsWith("@") && !text.startsWith("@@") ? ` the file "${text.slice(1)}" for` : "";
      throw new UsageError(
        `Cannot read${file} "${flag}" as JSON: ${why}; want JSON, @FILE, or - for the standard input`,
      );
    }
  }
}
