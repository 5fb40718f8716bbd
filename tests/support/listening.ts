/**
 * A server in a process of its own, as far as its outputs tell of it.
 *
 * @module
 */

import { within } from "./waiting.ts";

/** What a process says. */
export interface Listening {
  /** Where it listens; undefined when it ended before. */
  url: string | undefined;
  /** Everything it has said so far. */
  texts: { stdout: string; stderr: string };
  /** Resolves at the end of both outputs. */
  drained: Promise<void>;
}

/** Reads both outputs of `child`, whose log is in JSON, and waits until it listens. */
export async function untilListening(child: Deno.ChildProcess): Promise<Listening> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const texts = { stdout: "", stderr: "" };
  const drain = async (name: "stdout" | "stderr") => {
    const decoder = new TextDecoder();
    for await (const chunk of child[name]) {
      texts[name] += decoder.decode(chunk, { stream: true });
      const found = /"message":"Listening","address":"([^"]+)"/.exec(texts.stderr);
      if (found !== null) resolve(found[1]);
    }
  };
  const drained = Promise.all([drain("stdout"), drain("stderr")]).then(() => resolve(undefined));
  return { url: await within("the program to listen", promise, { seen: () => texts }), texts, drained };
}
