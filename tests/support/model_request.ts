/**
 * Requests to models, and what came of them.
 *
 * @module
 */
import { systemClock } from "../../src/kit/clock.ts";
import { createLog, type Log } from "../../src/kit/log.ts";
import { createOfflineModel } from "../../src/adapters/offline/model.ts";
import type { ModelOptions } from "../../src/adapters/models/model.ts";
import type { Model, ModelOutput, ModelRequest } from "../../src/ports/model.ts";

/** A log that keeps its lines in `lines`. */
export function createMemoryLog(lines: string[] = []): Log {
  return createLog({ level: "debug", format: "text", write: (line) => void lines.push(line) });
}

/** A request with `text` as the user's message. */
export function ask(text: string, rest: Partial<ModelRequest> = {}): ModelRequest {
  return {
    choice: {},
    messages: [{ role: "user", content: text, parts: [] }],
    tools: [],
    passages: [],
    response_format: null,
    ...rest,
  };
}

/** Options for `createModel` that ask `url`. */
export function toModelOptions(url: string, rest: Partial<ModelOptions> = {}): ModelOptions {
  return {
    provider: "openai",
    default_model: "scripted",
    providers: { openai: { base_url: url } },
    fallback: [],
    timeouts: { first_token_ms: 30_000, idle_ms: 30_000, total_ms: 60_000 },
    retries: 0,
    prices: {},
    offline: createOfflineModel(),
    log: createMemoryLog(),
    clock: systemClock,
    ...rest,
  };
}

/** What a stream gave, and what it threw. */
export interface Collected {
  outputs: ModelOutput[];
  text: string;
  // deno-lint-ignore no-explicit-any -- tests look into errors of every kind
  error: any;
}

/** Reads a stream to its end. */
export async function collect(
  model: Model,
  request: ModelRequest,
  { signal = new AbortController().signal, onOutput }: {
    signal?: AbortSignal;
    onOutput?: (output: ModelOutput) => void;
  } = {},
): Promise<Collected> {
  const outputs: ModelOutput[] = [];
  let error = null;
  try {
    for await (const output of model.stream(request, { signal })) {
      outputs.push(output);
      onOutput?.(output);
    }
  } catch (thrown) {
    error = thrown;
  }
  const text = outputs.map((output) => output.type === "text" ? output.text : "").join("");
  return { outputs, text, error };
}
