/**
 * Five hundred calls that are left at every stage, by callers who say goodbye, fall silent or are killed: nothing of
 * them is left, and each is stored with the reason of its end.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { type Caller, openCaller, type Packets, speechPackets } from "../support/caller.ts";
import { type CallServer, startCallServer } from "../support/call_server.ts";
import { good, SPEAKS } from "../support/calls.ts";
import { startProvider } from "../support/provider.ts";
import { openRawCaller } from "../support/raw_caller.ts";
import { ADMIN_KEY, USER_KEY } from "../support/server.ts";
import { startSpeechServer } from "../support/speech_server.ts";
import { until } from "../support/story.ts";
import { sampleOffer, VOICE } from "../support/whip_offer.ts";

const PROGRAM = new URL("../support/caller_program.ts", import.meta.url).pathname;
/** How many stages go on at the same time. */
const AT_ONCE = 8;
/** The most calls at the same time: those that nobody ends last some seconds, however many come meanwhile. */
const MAX_CALLS = 400;
const SETTINGS = {
  rtc: {
    // More than a machine that has a lot to do stands still.
    connect_timeout_seconds: 10,
    lost_seconds: 8,
    reattach_seconds: 10,
    max_calls: MAX_CALLS,
    max_calls_per_key: MAX_CALLS + 1,
  },
};

interface Row {
  state: string;
  reason: string;
  metadata: { stage?: string };
}

/** What a stage works with. */
interface Scene {
  server: CallServer;
  speech: Packets;
  body: { agent_id: string; metadata: { stage: string } };
}

const hangUp = ({ server }: Scene, id: string) => server.request("DELETE", `/rtc/sessions/${id}`).then(good);
const ask = (caller: Caller, text: string) => caller.send({ type: "text", text });

async function begin({ server, body }: Scene): Promise<string> {
  return (await good<{ id: string }>(await server.request("POST", "/rtc/sessions", { body }))).id;
}

/** A call that is left when `caller` is where the stage wants it. */
function connected(then: (caller: Caller, scene: Scene) => Promise<void>) {
  return async (scene: Scene) => {
    await using caller = await openCaller(scene.server, { body: scene.body });
    await then(caller, scene);
  };
}

/** A handshake of which only the first datagrams are sent. */
function halfway(most: () => number) {
  return async ({ server, body }: Scene) => {
    await using caller = await openRawCaller(server, { body, most: most() });
    const { ice } = caller.inner;
    await until("a pair is nominated", () => ice.connection.nominated);
    await new Promise((resolve) => setTimeout(resolve, 150));
  };
}

let turn = 0;

/** What is done at each stage, how often, and how the call may end: who waits long for something may be lost meanwhile. */
const STAGES: Record<string, { times: number; ends: string[]; act(scene: Scene): Promise<void> }> = {
  "begun, and left": { times: 40, ends: ["connect_timeout"], act: async (scene) => void await begin(scene) },
  "begun, and ended": {
    times: 40,
    ends: ["deleted"],
    act: async (scene) => void await hangUp(scene, await begin(scene)),
  },
  "asked for an offer, and left": {
    times: 40,
    ends: ["connect_timeout"],
    async act({ server, body }) {
      await good(await server.request("POST", "/rtc/offer", { body: { request: true, ...body } }));
    },
  },
  "answered, and left": {
    times: 60,
    ends: ["connect_timeout", "failed"],
    async act({ server, body }) {
      await good(await server.request("POST", "/rtc/offer", { body: { sdp: sampleOffer([VOICE]), ...body } }));
    },
  },
  "left with a way but no handshake": { times: 40, ends: ["connect_timeout", "failed"], act: halfway(() => 0) },
  "left within the handshake": { times: 60, ends: ["connect_timeout", "failed"], act: halfway(() => 1 + turn++ % 4) },
  "connected, and hung up": { times: 70, ends: ["hung_up"], act: connected(async () => {}) },
  "connected, and ended": {
    times: 30,
    ends: ["deleted"],
    act: connected(({ id }, scene) => hangUp(scene, id).then(() => {})),
  },
  "left while speaking": {
    times: 30,
    ends: ["hung_up", "lost"],
    act: connected(async (caller, { speech }) => {
      const noticed = caller.told("speech.started").then(() => true);
      do await caller.say(speech.sound.slice(0, 40)); while (!await Promise.race([noticed, false]));
    }),
  },
  "left within an answer": {
    times: 30,
    ends: ["hung_up", "lost"],
    act: connected(async (caller) => {
      ask(caller, "tell");
      await caller.told("agent.speaking");
    }),
  },
  "left during a tool call": {
    times: 30,
    ends: ["hung_up", "lost"],
    act: connected(async (caller) => {
      ask(caller, "use");
      for (let seen = 0;;) {
        const { data, at } = await caller.told("run.event", seen);
        if (data.event === "tool.call.started") return;
        seen = at + 1;
      }
    }),
  },
  "left while recorded": {
    times: 20,
    ends: ["hung_up", "deleted"],
    act: connected(async (caller, scene) => {
      await good(await scene.server.request("POST", `/rtc/sessions/${caller.id}/recording`));
      await caller.told("recording.started");
      await caller.say(scene.speech.sound.slice(0, 10));
      if (turn++ % 2 === 0) await hangUp(scene, caller.id);
    }),
  },
};
const KILLED = 10;

/** Callers whose process is killed while they speak. */
async function kill({ url }: CallServer): Promise<void> {
  const args = ["run", "-A", PROGRAM, url, USER_KEY, `${KILLED / 2}`];
  const child = new Deno.Command(Deno.execPath(), { args, stdout: "piped", stderr: "inherit" }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  await new Promise((resolve) => setTimeout(resolve, 300));
  child.kill("SIGKILL");
  await child.status;
  await reader.cancel();
}

async function rows(server: CallServer, query = ""): Promise<Row[]> {
  const all: Row[] = [];
  for (let cursor = "";;) {
    const response = await server.request("GET", `/rtc/sessions?limit=100${query}${cursor}`, { key: ADMIN_KEY });
    const { data, next_cursor } = await good<{ data: Row[]; next_cursor: string | null }>(response);
    all.push(...data);
    if (next_cursor === null) return all;
    cursor = `&cursor=${next_cursor}`;
  }
}

/** Resolves when no call goes on. */
async function quiet(server: CallServer): Promise<void> {
  for (const state of ["created", "connecting", "active", "lost"]) {
    const left = async () => (await rows(server, `&state=${state}`)).length;
    await until(`no call is ${state}`, async () => await left() === 0, { every_ms: 100 });
  }
}

/** Acts every stage as often as `timesOf` says, a few at the same time. */
async function play(scene: Omit<Scene, "body">, timesOf: (stage: string) => number): Promise<number> {
  const acts = Object.entries(STAGES).flatMap(([stage, { act }]) =>
    Array.from(
      { length: timesOf(stage) },
      (_, round) => ({ round, run: () => act({ ...scene, body: { agent_id: "worker", metadata: { stage } } }) }),
    )
  ).toSorted((a, b) => a.round - b.round);
  const count = acts.length;
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (let next; (next = acts.shift());) await next.run();
  }));
  return count;
}

Deno.test({
  name: "five hundred calls that are left at every stage leave nothing behind",
  ignore: !SPEAKS,
  async fn() {
    await using stack = new AsyncDisposableStack();
    const engines = stack.use(await startSpeechServer({ instant: { text: "use" } }));
    const provider = stack.use(
      await startProvider({
        keep: 1,
        script: ({ body }) =>
          body.messages.at(-1).content === "tell"
            ? { tokens: ["This is a long story. ", "It has no end. "], delay: 200 }
            : { tool_calls: [{ name: "wait", arguments: {} }] },
      }),
    );
    const engine = { engine: "openai", base_url: engines.url, api_key: "sk-x", model: "instant" };
    const server = stack.use(
      await startCallServer({
        provider: provider.url,
        settings: { ...SETTINGS, speech: { stt: engine, tts: engine } },
      }),
    );
    const agent = { id: "worker", name: "Worker", allowed_tools: ["*"] };
    await good(await server.request("POST", "/agents", { key: ADMIN_KEY, body: agent }));
    const scene = { server, speech: await speechPackets("what is the weather in london today") };
    // What is loaded or made once is not left by a call.
    await play(scene, () => 2);
    await quiet(server);
    const before = await server.held();
    const earlier = (await rows(server)).length;
    const begun = await play(scene, (stage) => STAGES[stage]!.times);
    await Promise.all([kill(server), kill(server)]);
    await quiet(server);
    const all = await rows(server);
    assert.equal(all.length - earlier, begun + KILLED);
    assert.equal(begun + KILLED, 500);
    const odd = all.filter(({ state, reason, metadata: { stage } }) =>
      state !== "ended" || !(stage === undefined ? ["lost"] : STAGES[stage]!.ends).includes(reason)
    );
    assert.deepEqual(odd.map(({ reason, metadata: { stage } }) => `${stage ?? "killed"}: ${reason}`), []);
    const { peers, names, remotes, expected, ...after } = await server.held();
    assert.deepEqual({ peers, names, remotes, expected }, { peers: 0, names: 0, remotes: 0, expected: 0 });
    const told = JSON.stringify({ before, after });
    // Idle connections to the engines and from here are kept for a while, a few for each that was at work.
    assert.ok(after.descriptors <= before.descriptors + 8 * AT_ONCE, told);
    // Timers of half a second and more share those of the system, which stay until they are due.
    assert.ok(after.timers <= before.timers + 60, told);
    // What a call holds while it lasts is ten times that, and more; compiled code and idle connections take their part.
    assert.ok(after.heap + after.external - before.heap - before.external < 500 * 32_768, told);
    assert.equal(provider.active, 0);
    await engines.idle();
    // As many as ever are taken again, and no more.
    const answers = await Promise.all(
      Array.from({ length: MAX_CALLS + 1 }, () => server.request("POST", "/rtc/sessions", { body: {} })),
    );
    const statuses = answers.map(({ status }) => status).toSorted();
    await Promise.all(answers.map((answer) => answer.body?.cancel()));
    assert.deepEqual(statuses, [...Array.from({ length: MAX_CALLS }, () => 201), 503]);
    assert.equal(await server.stop(), 0, server.log());
    assert.doesNotMatch(server.log(), /"level":"error"|Uncaught/);
  },
});
