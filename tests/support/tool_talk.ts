/**
 * A talk with a tool server over the streams of its process: the least of the
 * Model Context Protocol, so that a test of the sandbox is of the sandbox.
 *
 * @module
 */
import type { Process } from "../../src/ports/sandbox.ts";
import { within } from "./waiting.ts";

interface Message {
  id?: number;
  result?: Record<string, unknown>;
  error?: { message: string };
}

/** A tool's answer, as far as tests look at it. */
export interface Said {
  text: string;
  failed: boolean;
}

/** A talk that has begun. */
export interface Talk {
  request(method: string, params?: Record<string, unknown>): Promise<Record<string, unknown>>;
  call(tool: string, args?: Record<string, unknown>): Promise<Said>;
}

/** Says hello to the server, and waits for its answer. */
export async function openTalk(process: Process): Promise<Talk> {
  const writer = process.stdin.getWriter();
  const encoder = new TextEncoder();
  const waiting = new Map<number, PromiseWithResolvers<Message>>();
  let last = 0;
  const listen = async () => {
    const decoder = new TextDecoder();
    let text = "";
    for await (const chunk of process.stdout) {
      text += decoder.decode(chunk, { stream: true });
      const lines = text.split("\n");
      text = lines.pop()!;
      for (const line of lines) {
        const message = JSON.parse(line) as Message;
        if (message.id !== undefined) waiting.get(message.id)?.resolve(message);
      }
    }
    const end = await process.exited;
    for (const { reject } of waiting.values()) reject(new Error(`The server has ended (${end}): ${process.errors()}`));
  };
  listen();
  const send = (message: unknown) => writer.write(encoder.encode(`${JSON.stringify(message)}\n`));
  const talk: Talk = {
    async request(method, params = {}) {
      const id = ++last;
      const answer = Promise.withResolvers<Message>();
      waiting.set(id, answer);
      await send({ jsonrpc: "2.0", id, method, params });
      const seen = () => process.errors();
      const { result, error } = await within(`an answer to ${method}`, answer.promise, { seen });
      if (error !== undefined) throw new Error(error.message);
      return result!;
    },
    async call(tool, args = {}) {
      const result = await talk.request("tools/call", { name: tool, arguments: args });
      const content = result.content as { type: string; text?: string }[];
      return { text: content.map(({ text }) => text ?? "").join("\n"), failed: result.isError === true };
    },
  };
  const clientInfo = { name: "tests", version: "1" };
  await talk.request("initialize", { protocolVersion: "2025-11-25", capabilities: {}, clientInfo });
  await send({ jsonrpc: "2.0", method: "notifications/initialized" });
  return talk;
}
