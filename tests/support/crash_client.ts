/**
 * Clients that note everything the server promised them, so that it can be held
 * to it after a crash.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import type { ServerProcess } from "./crash_process.ts";
import { type Frame, streamFrames } from "./events.ts";
import { ADMIN_KEY } from "./server.ts";
import { Waiting, within } from "./waiting.ts";

/** All promises made to the clients of one data folder. */
export interface Promises {
  /** Messages that were acknowledged: what, and where it is known, in which conversation. */
  messages: Map<string, { conversation_id?: string; message_id?: string }>;
  /** Runs that were acknowledged, with every event seen of them. */
  runs: Map<string, Frame[]>;
  /** Runs whose cancellation was acknowledged. */
  cancelled: Set<string>;
  /** Decisions that were acknowledged: `tool call:what for:attempt`. */
  decided: Map<string, "approve" | "deny">;
  /** What each idempotency key made. */
  keys: Map<string, string>;
}

/** Nothing promised yet. */
export function createPromises(): Promises {
  return { messages: new Map(), runs: new Map(), cancelled: new Set(), decided: new Map(), keys: new Map() };
}

/** A run that is being followed. */
export class Talk {
  run_id: string | undefined;
  conversation_id: string | undefined;
  readonly #over: Promise<void>;
  readonly #frames: Frame[] = [];
  readonly #waiting = new Waiting();
  #ended = false;

  constructor(response: Response, promises: Promises, run_id?: string) {
    this.#over = this.#read(response, promises, run_id)
      // A server that dies breaks its streams.
      .catch((error) => assert.ok(!(error instanceof assert.AssertionError), error))
      .finally(() => {
        this.#ended = true;
        this.#waiting.told();
      });
  }

  /** Resolves at the end of the stream, however it ends. */
  get over(): Promise<void> {
    return within("the end of the stream", this.#over, { seen: () => this.#frames.slice(-5) });
  }

  /** Resolves with the first event of one of `types`; rejects when the stream ends before. */
  until(...types: string[]): Promise<Frame> {
    const wanted = types.join(" or ");
    return this.#waiting.until(wanted, () => {
      const found = this.#frames.find(({ type }) => types.includes(type));
      if (found === undefined && this.#ended) throw new Error(`The stream ended before ${wanted}`);
      return found;
    }, { seen: () => this.#frames.slice(-5) });
  }

  /** Resolves at the end of the run. */
  end(): Promise<Frame> {
    return this.until("run.completed", "run.failed", "run.cancelled");
  }

  async #read(response: Response, promises: Promises, run_id: string | undefined): Promise<void> {
    this.run_id = run_id;
    for await (const frame of streamFrames(response, { patience_ms: Infinity })) {
      this.run_id ??= frame.data.run_id as string;
      this.conversation_id ??= frame.data.conversation_id;
      note(promises.runs.getOrInsertComputed(this.run_id, () => []), frame);
      this.#frames.push(frame);
      this.#waiting.told();
    }
  }
}

/** Adds `frame` to what was seen. Whoever reads a run again must see the same. */
function note(seen: Frame[], frame: Frame): void {
  const known = seen.find(({ id }) => id === frame.id);
  if (known) assert.deepEqual(frame, known);
  else seen.push(frame);
}

/** A client of `server`. It acts for the user `user_id`. */
export class Client {
  readonly server: ServerProcess;
  readonly promises: Promises;
  readonly user_id: string;

  constructor(server: ServerProcess, promises: Promises, user_id: string) {
    this.server = server;
    this.promises = promises;
    this.user_id = user_id;
  }

  /** Says `message` and follows the answer. */
  async chat(message: string, { key, ...body }: Record<string, unknown> & { key?: string } = {}): Promise<Talk> {
    const response = await this.server.request("POST", "/agents/helper/chat/stream", {
      body: { message, user_id: this.user_id, ...body },
      headers: key === undefined ? {} : { "idempotency-key": key },
    });
    assert.equal(response.status, 200, `${message}: ${response.ok ? "" : await response.text()}`);
    this.promises.messages.set(message, {});
    const talk = new Talk(response, this.promises);
    if (key !== undefined) await this.#keep(key, (await talk.until("run.started", "run.queued")).data.run_id);
    return talk;
  }

  /** Says `message` and waits for the collected answer. */
  async collect(message: string, agent = "helper"): Promise<{ run_id: string; status: string }> {
    const response = await this.server.request("POST", `/agents/${agent}/chat`, {
      body: { message, user_id: this.user_id },
    });
    const answer = await response.json();
    assert.equal(response.status, 200, JSON.stringify(answer));
    this.promises.messages.set(message, { conversation_id: answer.conversation_id });
    this.promises.runs.getOrInsertComputed(answer.run_id, () => []);
    return answer;
  }

  /** Begins a conversation. */
  async begin(): Promise<string> {
    return (await this.#post("/conversations", 201, { agent_id: "helper" })).id;
  }

  /** Stores a message. */
  async store(conversation_id: string, content: string, key?: string): Promise<void> {
    const { id: message_id } = await this.#post(`/conversations/${conversation_id}/messages`, 201, { content }, key);
    this.promises.messages.set(content, { conversation_id, message_id });
    if (key !== undefined) await this.#keep(key, message_id);
  }

  /** Starts a run on what is stored, and follows it. */
  async run(conversation_id: string): Promise<Talk> {
    const { id } = await this.#post(`/conversations/${conversation_id}/runs`, 202, {});
    this.promises.runs.getOrInsertComputed(id, () => []);
    return await this.follow(id);
  }

  /** Follows a run from the last event seen. */
  async follow(run_id: string): Promise<Talk> {
    const last = this.promises.runs.get(run_id)?.at(-1)?.id ?? 0;
    const response = await this.server.request("GET", `/runs/${run_id}/events?user_id=${this.user_id}`, {
      headers: { accept: "text/event-stream", "last-event-id": String(last) },
    });
    assert.ok(response.status === 200 || response.status === 204, `following ${run_id}: ${response.status}`);
    return new Talk(response.body ? response : new Response(""), this.promises, run_id);
  }

  /** Stops a run. False when it was over. */
  async cancel(run_id: string): Promise<boolean> {
    const response = await this.server.request("POST", `/runs/${run_id}/cancel`, { body: { user_id: this.user_id } });
    const run = await response.json();
    if (response.status === 409) return false;
    assert.equal(response.status, 202, JSON.stringify(run));
    this.promises.cancelled.add(run_id);
    return true;
  }

  /** Decides about everything a run waits for. */
  async decide(run_id: string, decision: (wanted: Wanted) => "approve" | "deny"): Promise<void> {
    const { data } = await (await this.server.request("GET", `/runs/${run_id}/steps?user_id=${this.user_id}`)).json();
    // deno-lint-ignore no-explicit-any -- JSON of the API
    for (const call of data.flatMap((step: any) => step.tool_calls)) {
      if (call.status !== "approval_required" && call.status !== "unknown") continue;
      const kind = call.status === "unknown" ? "unknown" : "approval";
      const verdict = decision({ user_id: this.user_id, kind });
      const path = `/runs/${run_id}/tool_calls/${call.id}/decision`;
      const response = await this.server.request("POST", path, {
        body: { user_id: this.user_id, decision: verdict },
      });
      const text = await response.text();
      const about = `${call.id}:${kind}:${call.attempt}`;
      const before = this.promises.decided.get(about);
      // A decision taken already may still be on its way to the run; another one must not be possible.
      if (before !== undefined) assert.equal(response.status, 409, text);
      else if (response.status === 200) this.promises.decided.set(about, verdict);
      else assert.equal(response.status, 409, text);
    }
  }

  async #post(path: string, status: number, body: Record<string, unknown>, key?: string) {
    const response = await this.server.request("POST", path, {
      body: { user_id: this.user_id, ...body },
      headers: key === undefined ? {} : { "idempotency-key": key },
    });
    const answer = await response.json();
    assert.equal(response.status, status, JSON.stringify(answer));
    return answer;
  }

  async #keep(key: string, id: string): Promise<void> {
    const known = this.promises.keys.get(key);
    if (known !== undefined) assert.equal(id, known, `key "${key}" made something else`);
    this.promises.keys.set(key, id);
  }
}

/** What a run waits for. */
export interface Wanted {
  /** Whose run it is. */
  user_id: string;
  kind: "approval" | "unknown";
}

/** How often to look before giving up on a run that does not end. */
const LOOKS = 1200;

/** Waits until no run is active, deciding what waits for a person. */
export async function settle(
  server: ServerProcess,
  promises: Promises,
  decision: (wanted: Wanted) => "approve" | "deny",
): Promise<void> {
  let active: { id: string; status: string; user_id: string }[] = [];
  for (let look = 0; look < LOOKS; look++) {
    const lists = await Promise.all(["queued", "running", "waiting"].map(async (status) => {
      const response = await server.request("GET", `/runs?limit=100&status=${status}`, { key: ADMIN_KEY });
      return (await response.json()).data as typeof active;
    }));
    active = lists.flat();
    if (active.length === 0) return;
    for (const run of active) {
      if (run.status === "waiting") await new Client(server, promises, run.user_id).decide(run.id, decision);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.fail(`left active: ${JSON.stringify(active)}`);
}

/** Comes back to every run that was seen, and reads what was missed. */
export async function catchUp(server: ServerProcess, promises: Promises, userOf: (run_id: string) => string) {
  for (const [run_id, seen] of promises.runs) {
    const last = seen.at(-1)?.type ?? "";
    if (["run.completed", "run.failed", "run.cancelled"].includes(last)) continue;
    await (await new Client(server, promises, userOf(run_id)).follow(run_id)).over;
  }
}
