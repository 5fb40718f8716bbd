/**
 * Bytes that are sent and bytes that come.
 *
 * @module
 */
import { AppError } from "../../../domain/error.ts";
import { createId } from "../../../kit/id.ts";
import type { Terminal } from "../terminal.ts";
import { type Input } from "./input.ts";
import { openFile, type Sources } from "./sources.ts";

/** What an operation gives that answers with bytes. */
export interface Download {
  name: string;
  media_type: string;
  size: number;
  body: ReadableStream<Uint8Array>;
}

/** What people attach, and the common list lacks. */
const MORE_TYPES = { md: "text/markdown", yaml: "application/yaml", yml: "application/yaml", log: "text/plain" };

/** Puts the bytes of `path` into `input`, and what its name tells. */
export async function addUpload(
  input: Input,
  { field, path, fields, terminal, sources }: {
    field: string;
    path: string;
    /** Names the input may have. */
    fields: readonly string[];
    terminal: Terminal;
    sources: Sources;
  },
): Promise<Input> {
  if (path === "-") {
    sources.claim("FILE");
    return { ...input, [field]: terminal.input() };
  }
  const file = await openFile(path);
  const { getMimeType, mimes } = await import("@hono/hono/utils/mime");
  const name = path.replace(/^.*[/\\]/, "");
  const media_type = getMimeType(name, { ...mimes, ...MORE_TYPES })?.replace(/;.*$/, "");
  return {
    ...fields.includes("name") && { name },
    ...fields.includes("media_type") && media_type !== undefined && { media_type },
    ...input,
    [field]: file.readable,
  };
}

/** Writes the bytes to the standard output. */
export async function print({ body }: Download, terminal: Terminal): Promise<void> {
  for await (const bytes of body) terminal.out(bytes);
}

/** Writes the bytes to `path`, which holds all of them or what it held before. */
export async function save({ body }: Download, path: string, signal: AbortSignal): Promise<void> {
  const part = `${path}.${createId("part")}`;
  try {
    const file = await Deno.open(part, { write: true, createNew: true });
    await body.pipeTo(file.writable, { signal });
    await Deno.rename(part, path);
  } catch (cause) {
    await body.cancel().catch(() => {});
    await Deno.remove(part).catch(() => {});
    if (cause instanceof AppError || signal.aborted) throw cause;
    throw new AppError("ConflictError", `Cannot write the file "${path}"`, { cause });
  }
}
