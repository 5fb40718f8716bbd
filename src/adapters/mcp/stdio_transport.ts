/**
 * Messages as lines through the standard input and output of a program.
 *
 * @module
 */
import type { JSONRPCMessage, Transport } from "@modelcontextprotocol/client";
import { setImmediate } from "node:timers";
import type { Process } from "../../ports/sandbox.ts";
import { ChannelEnded, type Ending, NotSent } from "./ending.ts";
import { LineReader } from "./lines.ts";
import { MAX_MESSAGE } from "./limits.ts";

const encoder = new TextEncoder();
/** The most that is read at once. */
const READ_BYTES = 65_536;

/** A channel to a program that runs. */
export class StdioTransport implements Transport, Ending {
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: ((message: JSONRPCMessage) => void) | undefined;
  /** With `pid` what the SDK knows a local pipe by, on which silence means a server of the older era. */
  readonly stderr = null;
  readonly #process: Process;
  readonly #onNoise: (line: string) => void;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reader: ReadableStreamBYOBReader;
  #queue: string[] = [];
  #queued = 0;
  #flushing: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #ending: ChannelEnded | undefined;

  /** `onNoise` is told of lines that are no messages; they are skipped. */
  constructor(process: Process, { onNoise }: { onNoise: (line: string) => void }) {
    this.#process = process;
    this.#onNoise = onNoise;
    this.#writer = process.stdin.getWriter();
    this.#writer.closed.catch(() => {});
    this.#reader = process.stdout.getReader({ mode: "byob" });
  }

  get pid(): number {
    return this.#process.pid;
  }

  get ending(): ChannelEnded | undefined {
    return this.#ending;
  }

  async start(): Promise<void> {
    this.#read().then(
      () => this.#end("Its output ended"),
      (error: Error) => this.#end(error.message),
    );
  }

  send(message: JSONRPCMessage): Promise<void> {
    if (this.#closing) return Promise.reject(new NotSent("The program is gone", { cause: this.#ending }));
    const text = `${JSON.stringify(message)}\n`;
    if (this.#queued > 0 && this.#queued + text.length > MAX_MESSAGE) {
      return Promise.reject(new NotSent(`The program doesn't read: ${this.#queued} characters wait`));
    }
    this.#queue.push(text);
    this.#queued += text.length;
    return this.#flushing ??= this.#flush();
  }

  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  /** Ends the channel for a reason of ours. */
  end(reason: string): Promise<void> {
    this.#ending ??= new ChannelEnded(reason);
    return this.close();
  }

  async #read(): Promise<void> {
    const lines = new LineReader({ limit: MAX_MESSAGE });
    // It goes back and forth: a new one for every read costs more than the read.
    let buffer = new Uint8Array(READ_BYTES);
    for (;;) {
      const { done, value } = await this.#reader.read(buffer);
      if (done) return;
      for (const line of lines.push(value)) {
        if (this.#closing) return;
        const message = parse(line);
        if (message) this.onmessage?.(message);
        else this.#onNoise(line);
      }
      buffer = new Uint8Array(value.buffer);
    }
  }

  /** Writes what waits, joined: calls that begin in the same turn of the event loop cost one write. */
  async #flush(): Promise<void> {
    try {
      while (this.#queue.length > 0) {
        await new Promise((resolve) => void setImmediate(resolve));
        const text = this.#queue.join("");
        this.#queue = [];
        await this.#writer.write(encoder.encode(text));
        this.#queued -= text.length;
      }
    } catch (cause) {
      throw new NotSent("The program no longer reads", { cause });
    } finally {
      this.#flushing = undefined;
    }
  }

  async #end(reason: string): Promise<void> {
    if (this.#closing) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#closing = promise;
    const words = await this.#process.kill();
    const said = this.#process.errors().trim();
    this.#ending ??= new ChannelEnded(`${reason} (${words})${said === "" ? "" : `; it said: ${said}`}`);
    await this.#release();
    resolve();
    this.onclose?.();
  }

  async #close(): Promise<void> {
    // Its input's end is what asks a program to go.
    this.#writer.close().catch(() => {});
    await this.#process.kill();
    await this.#release();
    this.onclose?.();
  }

  async #release(): Promise<void> {
    this.#queue = [];
    await this.#writer.abort().catch(() => {});
    await this.#reader.cancel().catch(() => {});
  }
}

function parse(line: string): JSONRPCMessage | undefined {
  if (!line.startsWith("{") && !line.trimStart().startsWith("{")) return undefined;
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
