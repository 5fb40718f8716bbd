/**
 * The module of pages calls out of a house whose router lets HTTP through and nothing else, but has a relay (coturn): the
 * page asks the server for credentials, and reaches it by its own candidates of that relay.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { type Calling, CallStory, speech, speechSettings, understood } from "../support/calls.ts";
import { type Coturn, findCoturn, SECRET } from "../support/coturn.ts";
import type { Machine } from "../support/netns.ts";
import {
  chromiumOn,
  firefoxOn,
  HIDDEN,
  machineBehind,
  onNetworks,
  relayOn,
  SERVER as ROUTER,
  twoMachines,
} from "../support/network_calls.ts";
import { startProvider } from "../support/provider.ts";
import { startServer, type TestServer, USER_KEY } from "../support/server.ts";
import { speechEnv, writeGrammar } from "../support/speech.ts";
import { createAgent, type Json, until } from "../support/story.ts";

const COTURN = findCoturn();
const ASKED = "what is the weather in london today";
/** How long the credentials of the page hold. */
const TTL_SECONDS = 600;
const ANSWER = "your order is ready";

/** What the page keeps, as `kept`, from one thing that it is told to do to the next. */
interface Kept {
  /** The module's own. */
  call: Json;
  /** The connection that the module made. */
  connection: Json;
  /** Of what is heard. */
  recorder: Json;
  recorded: Blob[];
}

declare const kept: Kept;

type Transport = "udp" | "tcp";
type OpenOn = (stack: AsyncDisposableStack, machine: Machine, sound: Uint8Array<ArrayBuffer>) => Promise<Calling>;

const BROWSERS: Record<string, OpenOn> = {
  Chromium: (stack, machine, sound) => chromiumOn(stack, machine, { sound, hosts: [HIDDEN, ROUTER] }),
  Firefox: (stack, machine, sound) => firefoxOn(stack, machine, { sound }),
};

interface House {
  server: TestServer;
  /** The agent's words, to be understood. */
  grammar: string;
  router: Machine;
  relay: Coturn;
  page: Calling;
}

/** What the house's router lets through: HTTP to the server; and what it takes itself: its relay's port. */
function rules({ http, turn }: { http: number; turn: string }): string {
  return `
    counter direct { }
    chain forward {
      type filter hook forward priority 0; policy accept;
      iifname eth0 tcp dport ${http} accept
      iifname eth0 counter name direct drop
    }
    chain input {
      type filter hook input priority 0; policy accept;
      iifname eth0 ${turn} accept
      iifname eth0 drop
    }
  `;
}

/** A page in the house, and a server outside that makes credentials with `secret` for the relay, by `transport`. */
async function openHouse(
  stack: AsyncDisposableStack,
  { openOn, transport, secret = SECRET }: { openOn: OpenOn; transport: Transport; secret?: string },
): Promise<House> {
  const { server: router, caller } = await twoMachines(stack);
  const machine = await machineBehind(stack, router);
  const relay = await relayOn(stack, router, { program: COTURN!, host: ROUTER });
  const page = await openOn(stack, caller, await speech(ASKED));
  stack.use(machine.enter());
  const grammar = stack.use(await writeGrammar());
  const provider = stack.use(await startProvider({ script: { tokens: ["Your order", " is", " ready."] } }));
  const turn = { urls: [`turn:${ROUTER}:${relay.port}?transport=${transport}`], secret, ttl_seconds: TTL_SECONDS };
  const settings = {
    ...speechSettings(grammar.path),
    rtc: { host: HIDDEN, turn },
    server: { cors: { origins: ["*"] } },
  };
  const server = stack.use(
    await startServer({ host: HIDDEN, provider: provider.url, settings, variables: speechEnv() }),
  );
  await createAgent(server, "speaker");
  const { port: http } = new URL(server.url);
  await router.rules(rules({ http: Number(http), turn: `${transport} dport ${relay.port}` }));
  return { server, grammar: grammar.path, router, relay, page };
}

/** The page calls. Resolves with the call's id. */
function callFrom({ page, server }: House): Promise<string> {
  return page.evaluate(async ({ url, key }) => {
    const scope = globalThis as Json;
    const kept: Kept = { call: null, connection: null, recorder: null, recorded: [] };
    scope.kept = kept;
    scope.RTCPeerConnection = class extends scope.RTCPeerConnection {
      constructor(...given: unknown[]) {
        super(...given);
        kept.connection = this;
      }
    };
    const { Call } = await import(`${url}/call/session_client.js`);
    kept.call = await Call.start({ base_url: url, key, agent_id: "speaker", audio: false });
    return kept.call.id as string;
  }, { url: server.url, key: USER_KEY });
}

/** The person speaks, once both ends have agreed on where; the page records what it hears from then on. */
function speak(page: Calling): Promise<void> {
  return page.evaluate(async () => {
    const { Audio, MediaRecorder } = globalThis as Json;
    const player = new Audio("sound.wav");
    const stream = (player.captureStream ?? player.mozCaptureStream).call(player);
    const { promise: captured, resolve } = Promise.withResolvers<Json>();
    stream.onaddtrack = ({ track }: Json) => resolve(track);
    // Browsers capture nothing of what has never been played.
    await player.play();
    player.pause();
    await kept.call.share("microphone", await captured);
    kept.recorded = [];
    kept.recorder = new MediaRecorder(kept.call.sound);
    kept.recorder.ondataavailable = ({ data }: { data: Blob }) => kept.recorded.push(data);
    kept.recorder.start();
    player.currentTime = 0;
    await player.play();
  });
}

/** What the page has heard: the file's bytes in base64. */
function recorded(page: Calling): Promise<string> {
  return page.evaluate(async () => {
    // What was sent last is heard a little later, and recorded later still by a machine that is busy.
    await new Promise((resolve) => setTimeout(resolve, 3000));
    const stopped = new Promise((resolve) => kept.recorder.onstop = resolve);
    kept.recorder.stop();
    await stopped;
    const bytes = new Uint8Array(await new Blob(kept.recorded).arrayBuffer());
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  });
}

/** The person asks until it is understood, there and here: on a busy machine a syllable may be missing. */
async function talk({ page, grammar }: House, story: CallStory): Promise<void> {
  let understands: string[] = [];
  await until(() => `question and answer are understood, not ${understands}`, async () => {
    const from = story.events.at(-1)?.seq ?? 0;
    await speak(page);
    const { data } = await story.until(({ seq, type }) => type === "transcript.final" && seq > from);
    understands = [data.text];
    if (data.text !== ASKED) return false;
    await story.until(({ type, data: { turn_id } }) => type === "agent.done" && turn_id === data.turn_id);
    understands.push(...await understood(await recorded(page), grammar));
    return understands.join() === `${ASKED},${ANSWER}`;
  });
}

/** The page's own end of the path in use. */
function endOf(page: Calling): Promise<{ candidateType: string; relayProtocol: string }> {
  return page.evaluate(async () => {
    const reports: Json[] = [...(await kept.connection.getStats()).values()];
    const find = (id: string) => reports.find((one) => one.id === id);
    const transport = reports.find(({ type }) => type === "transport");
    const pair = find(transport?.selectedCandidatePairId) ?? reports.find(({ selected }) => selected);
    return find(pair.localCandidateId);
  });
}

/** For how many seconds more the relay takes the credentials that the page showed it. */
function secondsLeft(relay: Coturn): number {
  const [, expires] = /username=<(\d+):user>/.exec(relay.output()) ?? [];
  return Number(expires) - Date.now() / 1000;
}

for (const [name, openOn] of Object.entries(BROWSERS)) {
  for (const transport of ["udp", "tcp"] as const) {
    onNetworks(`${name} calls over the relay by ${transport.toUpperCase()}, is heard and hears`, async (stack) => {
      const house = await openHouse(stack, { openOn, transport });
      const { server, page, router, relay } = house;
      const story = stack.use(new CallStory(server, await callFrom(house)));
      await talk(house, story);
      const { candidateType, relayProtocol } = await endOf(page);
      assert.deepEqual([candidateType, relayProtocol], ["relay", transport]);
      assert.ok(await router.counted("direct") > 0, "straight ways were tried");
      const left = secondsLeft(relay);
      assert.ok(left > 0 && left <= TTL_SECONDS, `${left} seconds are left`);
      await page.evaluate(() => kept.call.hangUp());
      await story.state("ended");
    }, { path: COTURN });
  }
}

onNetworks("a page whose credentials the relay refuses finds no other way, and is told", async (stack) => {
  const house = await openHouse(stack, { openOn: BROWSERS.Chromium!, transport: "udp", secret: "another" });
  await assert.rejects(callFrom(house), /Cannot find a way to the server for media/);
  assert.match(house.relay.output(), /Unauthorized/);
  assert.doesNotMatch(house.relay.output(), /ALLOCATE processed, success/);
}, { path: COTURN });
