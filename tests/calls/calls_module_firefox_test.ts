/**
 * A page of somebody's own, made with the module, calls from Firefox on another machine, since it calls no loopback
 * address. The page comes from that machine itself: to the server it is of another origin.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { type Calling, CallStory, good, speechSettings, understood } from "../support/calls.ts";
import type { Machine } from "../support/netns.ts";
import { firefoxOn, onNetworks, SERVER, twoMachines } from "../support/network_calls.ts";
import { startProvider } from "../support/provider.ts";
import { startServer, type TestServer, USER_KEY } from "../support/server.ts";
import { speechEnv, writeGrammar } from "../support/speech.ts";
import { createAgent, type Json, until } from "../support/story.ts";

const ANSWER = "your order is ready";

/** What the page keeps, as `kept`, from one thing that it is told to do to the next. */
interface Kept {
  /** The module's own. */
  call: Json;
  events: { seq: number; type: string; data: Json }[];
  /** The connections that the module made. */
  connections: Json[];
  recorder: Json;
  recorded: Blob[];
}

declare const kept: Kept;

/** A call that has begun. */
interface Begun {
  server: TestServer;
  /** The agent's words, to be understood. */
  grammar: string;
  page: Calling;
  id: string;
}

/** Lets Firefox on `caller` call a server that speaks. */
async function begin(stack: AsyncDisposableStack, caller: Machine): Promise<Begun> {
  const grammar = stack.use(await writeGrammar());
  const provider = stack.use(await startProvider({ script: { tokens: ["Your order", " is", " ready."] } }));
  const settings = {
    ...speechSettings(grammar.path),
    rtc: { host: SERVER },
    server: { cors: { origins: ["*"] } },
  };
  const server = stack.use(
    await startServer({ host: SERVER, provider: provider.url, settings, variables: speechEnv() }),
  );
  await createAgent(server, "speaker");
  const page = await firefoxOn(stack, caller);
  const id = await page.evaluate(async ({ url, key }) => {
    const connections: Json[] = [];
    const scope = globalThis as Json;
    scope.RTCPeerConnection = class extends scope.RTCPeerConnection {
      constructor(...given: unknown[]) {
        super(...given);
        connections.push(this);
      }
    };
    const { Call } = await import(`${url}/call/session_client.js`);
    // Firefox's own microphone hums, which would interrupt what the agent says.
    const call = await Call.start({ base_url: url, key, agent_id: "speaker", audio: false });
    const kept: Kept = { call, events: [], connections, recorder: null, recorded: [] };
    call.on("event", (event: Kept["events"][number]) => kept.events.push(event));
    scope.kept = kept;
    return call.id as string;
  }, { url: server.url, key: USER_KEY });
  return { server, grammar: grammar.path, page, id };
}

/** Asks in writing; resolves with what the agent says, when it has said it aloud. */
async function ask({ page }: Begun, text: string): Promise<string> {
  const from = await page.evaluate((text) => {
    kept.call.sendText(text);
    return kept.events.length;
  }, text);
  let events: Kept["events"] = [];
  return await until(() => `an answer, not ${JSON.stringify(events)}`, async () => {
    events = await page.evaluate((from) => kept.events.slice(from), from);
    const said = events.find(({ type }) => type === "agent.speaking");
    return events.some(({ type }) => type === "agent.done") && said?.data.text as string | undefined;
  }, { every_ms: 100 });
}

/** What the page's first connection is now. */
function look({ page }: Begun): Promise<{ name: string; ice: string; count: number }> {
  return page.evaluate(() => {
    const [pc] = kept.connections;
    const [, name] = /a=ice-ufrag:(\S+)/.exec(pc.currentLocalDescription.sdp)!;
    return { name: name!, ice: pc.iceConnectionState, count: kept.connections.length };
  });
}

/** Shares a microphone; resolves with its track's id, and how the track before it is now. */
function shareMicrophone({ page }: Begun): Promise<{ id: string; before: string | undefined }> {
  return page.evaluate(async () => {
    const [old] = kept.call.stream("microphone")?.getTracks() ?? [];
    await kept.call.share("microphone", { noiseSuppression: false });
    const sending = kept.connections[0].getSenders().find(({ track }: Json) => track?.kind === "audio");
    return { id: sending.track.id, before: old?.readyState };
  });
}

/** How many packets of the caller's sound were sent. */
function countSound({ page }: Begun): Promise<number> {
  return page.evaluate(async () => {
    const reports: Json[] = [...(await kept.connections[0].getStats()).values()];
    return reports.find(({ type, kind }) => type === "outbound-rtp" && kind === "audio")?.packetsSent ?? 0;
  });
}

onNetworks("in Firefox the module calls, is answered aloud, and hangs up", async (stack) => {
  const machines = await twoMachines(stack);
  using _ = machines.server.enter();
  const begun = await begin(stack, machines.caller);
  const { server, page, id, grammar } = begun;
  const story = stack.use(new CallStory(server, id));
  await page.evaluate(() => {
    kept.recorder = new (globalThis as Json).MediaRecorder(kept.call.sound);
    kept.recorder.ondataavailable = ({ data }: { data: Blob }) => kept.recorded.push(data);
    kept.recorder.start();
  });
  assert.equal(await ask(begun, "Is it ready?"), "Your order is ready.");
  const recorded = await page.evaluate(async () => {
    // What was sent last is heard a little later, and recorded later still by a machine that is busy.
    await new Promise((resolve) => setTimeout(resolve, 3000));
    const stopped = new Promise((resolve) => kept.recorder.onstop = resolve);
    kept.recorder.stop();
    await stopped;
    const bytes = new Uint8Array(await new Blob(kept.recorded).arrayBuffer());
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  });
  assert.deepEqual(await understood(recorded, grammar), [ANSWER]);
  const { path, packets_received, bytes_received, bytes_sent } = await page.evaluate(() => kept.call.statistics());
  assert.equal(path, "udp host");
  for (const figure of [packets_received, bytes_received, bytes_sent]) assert.ok(figure > 0, `${figure}`);
  assert.deepEqual(
    await page.evaluate(async () => {
      await kept.call.hangUp();
      return [kept.call.connection, kept.call.reason];
    }),
    ["ended", "hung_up"],
  );
  await story.state("ended");
  const session = await good(await server.request("GET", `/rtc/sessions/${id}`));
  assert.equal(session.state, "ended");
});

onNetworks("in Firefox the module changes what it sends and finds a new way while the call goes on", async (stack) => {
  const machines = await twoMachines(stack);
  using _ = machines.server.enter();
  const begun = await begin(stack, machines.caller);
  const { server, page, id } = begun;
  const story = stack.use(new CallStory(server, id));
  await page.evaluate(() => kept.call.share("camera"));
  // Nothing else sends media so far.
  await story.until(({ type, data }) => type === "stats" && data.packets_received > 0);
  const before = await look(begun);
  await page.evaluate(() => kept.call.reconnect());
  const after = await until("a new way", async () => {
    const now = await look(begun);
    return now.name !== before.name && ["connected", "completed"].includes(now.ice) && now;
  }, { every_ms: 100 });
  assert.equal(after.count, 1, "the connection itself stays");
  const counted = await page.evaluate(() => kept.call.statistics());
  assert.equal(await ask(begun, "Is it ready?"), "Your order is ready.");
  const later = await page.evaluate(() => kept.call.statistics());
  assert.equal(later.path, "udp host");
  assert.ok(later.bytes_received > counted.bytes_received, "the figures are those of the new way");
  const first = await shareMicrophone(begun);
  await until("its sound is sent", async () => await countSound(begun) > 0, { every_ms: 100 });
  const second = await shareMicrophone(begun);
  const sent = await countSound(begun);
  await until("the other's sound is sent", async () => await countSound(begun) > sent + 20, { every_ms: 100 });
  assert.notEqual(second.id, first.id);
  assert.deepEqual([first.before, second.before], [undefined, "ended"]);
  await page.evaluate(() => kept.call.hangUp());
  await story.state("ended");
});
