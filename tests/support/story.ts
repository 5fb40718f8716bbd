/**
 * What stories about a server have in common.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import type { Clock } from "../../src/kit/clock.ts";
import { type Frame, readFrames } from "./events.ts";
import { ADMIN_KEY, type TestServer } from "./server.ts";
import { type Found, InVain, PATIENCE_MS } from "./waiting.ts";

/** How a request is made, and the status it must have. */
export interface AskOptions {
  body?: unknown;
  key?: string | null;
  headers?: Record<string, string>;
  status?: number;
}

// deno-lint-ignore no-explicit-any -- the tests look into answers of every shape
export type Json = any;

/** Requests `route`, such as `POST /chat`. Fails unless the status is the expected one (a success unless told). */
export async function ask(server: TestServer, route: string, options: AskOptions = {}): Promise<Json> {
  const [method = "", path = ""] = route.split(" ");
  const response = await server.request(method, path, options);
  const text = await response.text();
  const { status } = options;
  assert.ok(status === undefined ? response.ok : response.status === status, `${route}: ${response.status} ${text}`);
  return text === "" ? null : JSON.parse(text);
}

/** Like {@linkcode ask}, as an admin. */
export function askAdmin(server: TestServer, route: string, options: AskOptions = {}): Promise<Json> {
  return ask(server, route, { ...options, key: ADMIN_KEY });
}

/** Makes an agent. */
export function createAgent(server: TestServer, id: string, config: Record<string, unknown> = {}): Promise<Json> {
  return askAdmin(server, "POST /agents", { body: { id, name: id, ...config } });
}

/** Requests a stream and reads it to its end. */
export async function framesOf(server: TestServer, route: string, options: AskOptions = {}): Promise<Frame[]> {
  const [method = "", path = ""] = route.split(" ");
  const headers = { accept: "text/event-stream", ...options.headers };
  const response = await server.request(method, path, { ...options, headers });
  if (response.status !== 200) assert.fail(`${route}: ${response.status} ${await response.text()}`);
  return await readFrames(response);
}

/** Every event of a run, from its log. */
export function eventsOf(server: TestServer, run_id: string): Promise<Frame[]> {
  return framesOf(server, `GET /runs/${run_id}/events`);
}

/** Looks again and again until `check` gives something. Rejects with `what` was waited for when nothing comes. */
export async function until<T>(
  what: string | (() => string),
  check: () => Promise<T> | T,
  { every_ms = 5 }: { every_ms?: number } = {},
): Promise<Found<T>> {
  const since = Date.now();
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    const found = await check();
    if (found) return found as Found<T>;
    if (performance.now() > end) {
      throw new InVain(`Waited in vain: ${typeof what === "string" ? what : what()}`, { since });
    }
    await new Promise((resolve) => setTimeout(resolve, every_ms));
  }
}

/** Waits until a run has `status`. */
export function untilStatus(server: TestServer, run_id: string, status: string): Promise<Json> {
  let run: Json;
  return until(() => `run is ${status}, not ${JSON.stringify(run)}`, async () => {
    run = await ask(server, `GET /runs/${run_id}`);
    return run.status === status ? run : null;
  });
}

/** A clock that can be moved ahead; timers go by the machine's own time unless it is moved. */
export interface MovableClock extends Clock {
  /** Moves time ahead by `ms` and does at once what is due by then. */
  move(ms: number): void;
}

/** Makes a {@linkcode MovableClock}. */
export function movableClock(): MovableClock {
  let ahead = 0;
  const repeated = new Set<{ ms: number; task: () => void }>();
  return {
    now: () => Date.now() + ahead,
    after(ms, task) {
      const timer = setTimeout(task, ms);
      Deno.unrefTimer(timer);
      return { [Symbol.dispose]: () => clearTimeout(timer) };
    },
    every(ms, task) {
      const timer = setInterval(task, ms);
      Deno.unrefTimer(timer);
      const entry = { ms, task };
      repeated.add(entry);
      return {
        [Symbol.dispose]: () => {
          clearInterval(timer);
          repeated.delete(entry);
        },
      };
    },
    move(ms) {
      ahead += ms;
      for (const { ms: period, task } of [...repeated]) if (period <= ms) task();
    },
  };
}

/** The texts that a provider was sent, `role: content` each. */
export function saidTo(request: { body: Json }): string[] {
  return request.body.messages.map(({ role, content }: Json) =>
    `${role}: ${typeof content === "string" ? content : JSON.stringify(content)}`
  );
}
