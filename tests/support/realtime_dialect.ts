/**
 * A call that is translated, without a server.
 *
 * @module
 */
import type { EventType } from "../../src/domain/event.ts";
import type { RtcEventType, RtcMessage } from "../../src/domain/rtc_event.ts";
import { Dialect } from "../../src/transports/openai/realtime/dialect.ts";

/** An event of OpenAI's, as far as tests look at it. */
// deno-lint-ignore no-explicit-any -- tests look into events of every type
export type RealtimeEvent = { type: string; event_id: string } & Record<string, any>;

/** A dialect, and what it has said to both sides. */
export interface DialectTalk {
  dialect: Dialect;
  /** What the client was told, in order. */
  told: RealtimeEvent[];
  /** What was said in the call, in order. */
  said: RtcMessage[];
  /** Moves the time. */
  wait(ms: number): void;
  /** The client says something. */
  send(event: Record<string, unknown>): void;
  /** Something happens in the call. */
  hear(type: RtcEventType, data: unknown): void;
  /** The run's log says something. */
  run(event: EventType, data?: Record<string, unknown>, run_id?: string): void;
  /** What the client's sound was heard as, in base64. */
  heard: string[];
  /** The agent's voice comes, in base64. */
  sound(data: string): void;
  /** The types of what the client was told since the last time. */
  types(): string[];
}

/** Begins one, with a client. `sounds`: sound comes and goes as events. */
export function startDialect({ session, sounds = false }: { session?: unknown; sounds?: boolean } = {}): DialectTalk {
  const heard: string[] = [];
  const told: RealtimeEvent[] = [];
  const said: RtcMessage[] = [];
  let now = 1_000_000;
  let seq = 0;
  let seen = 0;
  const dialect = new Dialect({
    call_id: "rtc_1",
    model: "guide",
    ...session !== undefined && { session },
    now: () => now,
    say: (message) => said.push(message),
    ...sounds && { hear: (data: string) => void heard.push(data) },
  });
  const client = (frame: string) => void told.push(JSON.parse(frame));
  dialect.join(client);
  const hear = (type: RtcEventType, data: unknown) => dialect.hear({ type, data });
  return {
    dialect,
    told,
    said,
    wait: (ms) => now += ms,
    send: (event) => dialect.take(JSON.stringify(event), client),
    hear,
    run: (event, data = {}, run_id = "run_1") => {
      hear("run.event", { run_id, seq: ++seq, event, data: { run_id, time: "2026-01-01T00:00:00.000Z", ...data } });
    },
    heard,
    sound: (data) => dialect.sound(data),
    types: () => told.slice(seen, seen = told.length).map(({ type }) => type),
  };
}
