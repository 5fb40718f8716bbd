/**
 * The clients of a soak, all at once, and what they complain of.
 *
 * @module
 */
import { pause } from "../bench/support/child.ts";
import { Random } from "../support/random.ts";
import { Client, type ClientOptions } from "./client.ts";
import { Crowd } from "./crowd.ts";
import { CAST } from "./stories.ts";

/** The longest rest of a client between two stories. */
const REST_MS = 40;
/** How long a story may take to end when the soak does. */
const END_MS = 60_000;
/** Wrong answers that are told of. */
const TOLD = 20;

/** Options for {@linkcode Load.start}. */
export interface LoadOptions extends Omit<ClientOptions, "random"> {
  seed: number;
  /** Called with every wrong answer. */
  onWrong(text: string): void;
}

/** See the module. */
export class Load {
  /** How often each story was told. */
  readonly stories: Record<string, number> = {};
  readonly wrong: { count: number; first: string[] } = { count: 0, first: [] };
  readonly #options: LoadOptions;
  readonly #clients: Client[] = [];
  #crowd: Crowd | undefined;
  #busy: Promise<void>[] = [];
  #over = false;

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  /** Requests so far. */
  get requests(): number {
    return this.#clients.reduce((sum, { requests }) => sum + requests, 0);
  }

  /** Another client. */
  enter(): Client {
    const client = new Client({ ...this.#options, random: new Random(this.#options.seed + this.#clients.length) });
    this.#clients.push(client);
    return client;
  }

  /** Notes that something is wrong. */
  complain(where: string, thrown: unknown): void {
    this.wrong.count++;
    if (this.wrong.first.length >= TOLD) return;
    const text = `${where}: ${thrown instanceof Error ? thrown.message : thrown}`;
    this.wrong.first.push(text.replaceAll(/\s+/g, " ").slice(0, 1000));
    this.#options.onWrong(this.wrong.first.at(-1)!);
  }

  /** Everybody begins. */
  async start(): Promise<void> {
    this.#crowd = await Crowd.open(this.enter());
    this.#busy = Object.entries(CAST).flatMap(([name, { clients }]) => {
      return Array.from({ length: clients }, () => this.#live(name));
    });
  }

  /** Some of those who only wait leave, others come. */
  async change(): Promise<void> {
    await this.#crowd!.change().catch((thrown) => this.complain("crowd", thrown));
  }

  /** Everybody ends what they do. */
  async end(): Promise<void> {
    this.#over = true;
    const late = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => late.resolve(true), END_MS);
    if (await Promise.race([Promise.all(this.#busy), late.promise]) === true) {
      this.complain("end", "a story did not end");
    }
    clearTimeout(timer);
    await this.#crowd!.end().catch((thrown) => this.complain("crowd", thrown));
  }

  async #live(name: string): Promise<void> {
    const client = this.enter();
    while (!this.#over) {
      try {
        await CAST[name]!.story(client);
      } catch (thrown) {
        this.complain(name, thrown);
      }
      this.stories[name] = (this.stories[name] ?? 0) + 1;
      await pause(client.random.whole(0, REST_MS));
    }
  }
}
