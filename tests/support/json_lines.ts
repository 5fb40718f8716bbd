/**
 * The least of a client for tool servers on standard input and output.
 *
 * @module
 */
import type { Process } from "../../src/ports/sandbox.ts";
import { within } from "./waiting.ts";

interface Reply {
  id?: number;
  result?: Record<string, unknown>;
  error?: { message: string };
}

/** Speaks to one server. */
export class JsonLines {
  readonly #process: Process;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #next = 0;

  constructor(process: Process) {
    this.#process = process;
    this.#writer = process.stdin.getWriter();
    this.#read();
  }

  /** Shakes hands. */
  async open(): Promise<void> {
    const clientInfo = { name: "test", version: "1" };
    await this.request("initialize", { protocolVersion: "2025-06-18", capabilities: {}, clientInfo });
    await this.#write({ method: "notifications/initialized" });
  }

  /** The result of `method`. Rejects with what the server says, or its end. */
  async request(method: string, params: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const id = this.#next++;
    const { promise, resolve } = Promise.withResolvers<Reply>();
    this.#waiting.set(id, resolve);
    await this.#write({ id, method, params });
    const ended = this.#process.exited.then((end): Reply => ({
      error: { message: `It ended (${end}): ${this.#process.errors()}` },
    }));
    const answer = Promise.race([promise, ended]);
    const { result, error } = await within(`an answer to ${method}`, answer, { seen: () => this.#process.errors() });
    if (error !== undefined) throw new Error(error.message);
    return result!;
  }

  /** The text a tool answers, and whether it failed. */
  async call(name: string, args: Record<string, unknown>): Promise<{ text: string; failed: boolean }> {
    const { content, isError } = await this.request("tools/call", { name, arguments: args });
    const texts = (content as { text?: string }[]).map(({ text }) => text ?? "");
    return { text: texts.join("\n"), failed: isError === true };
  }

  async #write(message: Record<string, unknown>): Promise<void> {
    await this.#writer.write(new TextEncoder().encode(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`));
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of this.#process.stdout) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        const reply = JSON.parse(line) as Reply;
        if (reply.id !== undefined) this.#waiting.get(reply.id)?.(reply);
      }
    }
  }
}
