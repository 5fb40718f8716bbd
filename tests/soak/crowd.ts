/**
 * Many readers of one run that never says anything: they come, wait, and some leave for others.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { within } from "../support/waiting.ts";
import { type Client, Seen, toMessage } from "./client.ts";

const READERS = 50;
/** How many leave for others at a time. */
const CHANGE = 5;

interface Reader {
  seen: Seen;
  reading: Promise<void>;
  leave(): Promise<void>;
}

/** Readers of a run that hangs. */
export class Crowd {
  readonly #client: Client;
  readonly #run: { id: string; conversation_id: string };
  readonly #readers: Reader[] = [];

  private constructor(client: Client, run: { id: string; conversation_id: string }) {
    this.#client = client;
    this.#run = run;
  }

  /** Starts the run, and everybody joins. */
  static async open(client: Client): Promise<Crowd> {
    const { id: conversation_id } = await client.ask("POST", "/conversations", { body: {}, status: 201 });
    const message = { content: toMessage({ hang: true }) };
    await client.ask("POST", `/conversations/${conversation_id}/messages`, { body: message, status: 201 });
    const run = await client.ask("POST", `/conversations/${conversation_id}/runs`, { body: {}, status: 202 });
    const crowd = new Crowd(client, run);
    await Promise.all(Array.from({ length: READERS }, () => crowd.#join()));
    return crowd;
  }

  /** A few leave, as many come. */
  async change(): Promise<void> {
    const gone = this.#readers.splice(0, CHANGE);
    await Promise.all(gone.map(async ({ seen, leave }) => {
      await leave();
      assert.ok(seen.last >= 1 && seen.end === undefined, `a reader had ${seen.last} events and ${seen.end}`);
    }));
    await Promise.all(gone.map(() => this.#join()));
  }

  /** Ends the run: everybody has to hear of it. */
  async end(): Promise<void> {
    const { id, conversation_id } = this.#run;
    await this.#client.ask("POST", `/runs/${id}/cancel`, { body: {}, status: 202 });
    for (const { seen, reading } of this.#readers) {
      await within("the end of the run that everybody reads", reading, { seen: () => seen.frames.at(-1) });
      assert.equal(seen.end, "run.cancelled");
    }
    await this.#client.ask("DELETE", `/conversations/${conversation_id}`, { status: 204 });
  }

  async #join(): Promise<void> {
    const seen = new Seen();
    const leaving = new AbortController();
    const response = await this.#client.open("GET", `/runs/${this.#run.id}/events`, { signal: leaving.signal });
    const reading = seen.read(response);
    reading.catch(() => {});
    await seen.until(1, reading);
    const leave = async () => {
      leaving.abort();
      await assert.rejects(reading, { name: "AbortError" });
    };
    this.#readers.push({ seen, reading, leave });
  }
}
