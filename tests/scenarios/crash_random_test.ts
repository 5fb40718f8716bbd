/**
 * The process is killed at random moments under load, on one data folder.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { checkEffects, checkPromises, checkRows, readDatabase } from "../support/crash_checks.ts";
import { catchUp, Client, createPromises, type Promises, settle, type Wanted } from "../support/crash_client.ts";
import { type ServerProcess, startChild, startMain } from "../support/crash_process.ts";
import { AGENTS, startScript } from "../support/crash_script.ts";
import { pickSeed, Random } from "../support/random.ts";

const SEED = pickSeed();
const CLIENTS = 16;
/** How long the load lasts before a kill, in milliseconds: at least and at most. */
const LOAD_MS = [60, 500] as const;
/** What clients do, the first word of their messages. */
const STORIES = ["plain", "plain", "tools", "mixed", "refused", "collected", "stored", "cancelled", "queued", "keyed"];

/** Clients that go on from one server to the next. */
class Load {
  readonly promises: Promises = createPromises();
  /** Requests with a key that may not have been answered: they are made again. */
  readonly unsure = new Map<string, { user_id: string; message: string }>();
  #random: Random;
  #number = 0;
  #stopping = false;
  #clients: Promise<void>[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  /** How many messages were sent. */
  get size(): number {
    return this.#number;
  }

  start(server: ServerProcess): void {
    this.#stopping = false;
    this.#clients = Array.from({ length: CLIENTS }, async (_, i) => {
      const client = new Client(server, this.promises, `story-load${i}`);
      while (!this.#stopping) {
        try {
          await this.#act(client);
        } catch (error) {
          // The kill breaks whatever is under way; anything before it is a fault.
          if (!this.#stopping) throw error;
        }
      }
    });
    // Whoever kills the server hears of a fault.
    for (const client of this.#clients) client.catch(() => {});
  }

  /** Kills `server` in the middle of it all. */
  async kill(server: ServerProcess): Promise<void> {
    this.#stopping = true;
    await server.kill();
    await Promise.all(this.#clients);
  }

  async #act(client: Client): Promise<void> {
    const say = (story: string) => `${story} ${++this.#number}`;
    const story = this.#random.pick(STORIES);
    switch (story) {
      case "collected":
        return void await client.collect(say(story));
      case "stored": {
        const conversation_id = await client.begin();
        await client.store(conversation_id, say(story));
        return void await (await client.run(conversation_id)).end();
      }
      case "cancelled": {
        const talk = await client.chat(say(story));
        await talk.until("model.delta");
        await client.cancel(talk.run_id!);
        return void await talk.end();
      }
      case "queued": {
        const first = await client.chat(say(story));
        const { conversation_id } = (await first.until("run.started")).data;
        const multitask = this.#random.chance(0.3) ? "interrupt" : "enqueue";
        const second = await client.chat(say(story), { conversation_id, multitask });
        return void await Promise.all([first.end(), second.end()]);
      }
      case "keyed": {
        const message = say(story);
        const key = message.replace(" ", "-");
        this.unsure.set(key, { user_id: client.user_id, message });
        await (await client.chat(message, { key })).end();
        return void this.unsure.delete(key);
      }
      default: {
        const talk = await client.chat(say(story));
        const { type } = await talk.until("run.waiting", "run.completed", "run.failed");
        if (type === "run.waiting") await client.decide(talk.run_id!, () => "approve");
        await talk.end();
      }
    }
  }
}

/** Kills `kills` servers under load, and checks everything after each. */
async function killMany(
  kills: number,
  start: (dir: string, provider: string) => Promise<ServerProcess>,
): Promise<void> {
  const random = new Random(SEED);
  const data_dir = await Deno.makeTempDir({ prefix: "muxi-random-" });
  try {
    await Deno.writeTextFile(join(data_dir, "agents.yaml"), AGENTS);
    await Deno.writeTextFile(join(data_dir, "effects.txt"), "");
    await using provider = await startScript();
    const load = new Load(random);
    const { promises } = load;
    const decide = ({ kind }: Wanted) => kind === "approval" || random.chance(0.5) ? "approve" : "deny";
    let server = await start(data_dir, provider.url);
    let resumed = 0;
    try {
      for (let kill = 1; kill <= kills; kill++) {
        load.start(server);
        await new Promise((resolve) => setTimeout(resolve, random.whole(...LOAD_MS)));
        await load.kill(server);
        assert.equal(server.errors, "", `seed ${SEED}, kill ${kill}`);
        resumed += readDatabase(join(data_dir, "muxi.db")).runs.filter(({ status }) => status === "running").length;
        server = await start(data_dir, provider.url);
        await settle(server, promises, decide);
        for (const [key, { user_id, message }] of load.unsure) {
          await (await new Client(server, promises, user_id).chat(message, { key })).end();
        }
        load.unsure.clear();
        const users = new Map(readDatabase(join(data_dir, "muxi.db")).runs.map(({ id, user_id }) => [id, user_id!]));
        await catchUp(server, promises, (run_id) => users.get(run_id)!);
        const rows = readDatabase(join(data_dir, "muxi.db"));
        const lines = (await Deno.readTextFile(join(data_dir, "effects.txt"))).split("\n").slice(0, -1);
        const problems = [
          ...checkRows(rows),
          ...checkPromises(rows, promises),
          ...checkEffects(lines, rows),
          ...provider.problems,
        ];
        assert.deepEqual(problems, [], `seed ${SEED}, kill ${kill}`);
      }
    } finally {
      await server.kill();
    }
    // A kill that interrupts nothing shows nothing.
    assert.ok(resumed >= kills, `${kills} kills interrupted ${resumed} runs of ${load.size} messages`);
    assert.equal(readDatabase(join(data_dir, "muxi.db")).integrity, "ok");
  } finally {
    await Deno.remove(data_dir, { recursive: true });
  }
}

Deno.test(`the program is killed at 30 random moments under load and keeps every promise (seed ${SEED})`, () =>
  killMany(30, (data_dir, provider) => {
    return startMain({ data_dir, provider, settings: { MUXI_AGENTS_FILE: join(data_dir, "agents.yaml") } });
  }));

Deno.test(`a server with tools is killed at 10 random moments and repeats no call by itself (seed ${SEED})`, () =>
  killMany(10, (data_dir, provider) => {
    const settings = { agents: { file: join(data_dir, "agents.yaml") } };
    return startChild({ data_dir, provider, settings, effects: join(data_dir, "effects.txt") });
  }));
