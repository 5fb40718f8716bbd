/**
 * MCP over standard input and output, a message a line: how desktop hosts start a server.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { Clock } from "../../kit/clock.ts";
import type { Credentials, Gateway } from "../../operations/gateway.ts";
import { Channel } from "./channel.ts";
import { OurCatalog } from "./ours/catalog.ts";
import { Outbox } from "./outbox.ts";

/** The most characters of a line. */
const MAX_LINE = 16_000_000;
/** How long what is under way may go on when nothing further comes in. */
const DRAIN_MS = 300_000;

/** What {@linkcode serveStdio} needs. */
export interface StdioOptions {
  gateway: Gateway;
  clock: Clock;
  /** Of this program. */
  version: string;
  /** Whose rights the host has. */
  credentials: Credentials;
  stdin: ReadableStream<Uint8Array>;
  stdout: WritableStream<Uint8Array>;
  /** Ends it from outside. */
  signal: AbortSignal;
}

/** Serves until the input ends and what came is answered. Throws `AppError` for credentials that aren't right. */
export async function serveStdio(options: StdioOptions): Promise<void> {
  const { gateway, clock, version, credentials, stdin, stdout, signal } = options;
  const principal = await gateway.identify(credentials);
  const { address, request_id } = credentials;
  const gone = new AbortController();
  const outbox = new Outbox(() => gone.abort());
  const writing = write(outbox, stdout).finally(() => gone.abort());
  const channel = new Channel({
    catalog: new OurCatalog({ gateway, clock, version }),
    visit: { principal, address, request_id, signal: gone.signal },
    write: (message) => outbox.push(message),
    onClose: () => outbox.end(),
  });
  // Where changes can't be heard of there is no news.
  channel.open().catch(() => {});
  const stop = () => gone.abort();
  signal.addEventListener("abort", stop, { once: true });
  const lines = readLines(stdin, gone.signal);
  try {
    for await (const line of lines) await channel.take(line);
    using _ = clock.after(DRAIN_MS, stop);
    await channel.answered();
  } catch (thrown) {
    channel.refuse(thrown);
  } finally {
    signal.removeEventListener("abort", stop);
    await channel.end();
    await writing;
  }
}

async function write(outbox: Outbox, stdout: WritableStream<Uint8Array>): Promise<void> {
  const encoder = new TextEncoder();
  const writer = stdout.getWriter();
  try {
    for await (const { data } of outbox) await writer.write(encoder.encode(`${data}\n`));
  } catch {
    // The host has gone; nobody is left to tell.
  } finally {
    writer.releaseLock();
  }
}

async function* readLines(stdin: ReadableStream<Uint8Array>, signal: AbortSignal): AsyncGenerator<string> {
  const reader = stdin.pipeThrough(new TextDecoderStream()).getReader();
  const stop = () => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", stop, { once: true });
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (rest + value).split("\n");
      rest = lines.pop()!;
      for (const line of lines) if (line.trim() !== "") yield line;
      if (rest.length > MAX_LINE) {
        throw new AppError("PayloadTooLargeError", `Cannot read a line of more than ${MAX_LINE} characters`);
      }
    }
  } finally {
    signal.removeEventListener("abort", stop);
    stop();
  }
}
