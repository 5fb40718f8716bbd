/**
 * Standard clients publish to an agent: npm's whip-whep in Chromium, and Debian's whip-client.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { aloud, CallStory, good, speech, speechSettings } from "../support/calls.ts";
import { bundle, type Desk, openClient } from "../support/foreign_client.ts";
import { startProvider } from "../support/provider.ts";
import { startServer, type TestServer, USER_KEY } from "../support/server.ts";
import { speechEnv, writeGrammar } from "../support/speech.ts";
import { findWhipClient } from "../support/whip_client.ts";

declare const desk: Desk;
declare const whip: {
  publish(url: string, token: string): Promise<string>;
  restart(): Promise<string>;
  stop(): Promise<void>;
};

const CLIENT = `
import { WHIPClient } from "npm:whip-whep@1.2.0/whip.js";
let client, pc;
const connected = () => new Promise((resolve, reject) => {
  const look = () => {
    if (pc.connectionState === "connected") resolve();
    if (pc.connectionState === "failed") reject(new Error("The connection has failed, ICE " + pc.iceConnectionState));
  };
  pc.addEventListener("connectionstatechange", look);
  look();
});
const pair = async () => {
  const stats = [...(await pc.getStats()).values()];
  return stats.find(({ type }) => type === "transport").selectedCandidatePairId;
};
globalThis.whip = {
  async publish(url, token) {
    const stream = await desk.open();
    for (const track of desk.picture().getTracks()) stream.addTrack(track);
    pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    for (const track of stream.getTracks()) pc.addTransceiver(track, { direction: "sendonly", streams: [stream] });
    client = new WHIPClient();
    await client.publish(pc, url, token);
    await connected();
    return String(client.resourceURL);
  },
  async restart() {
    const before = await pair();
    await client.restart();
    while (await pair() === before) await new Promise((done) => setTimeout(done, 20));
    return pc.connectionState;
  },
  stop: () => client.stop(),
};
`;

const ASKED = "what is the weather in london today";

async function start(stack: AsyncDisposableStack, { origins = [] as string[], tcp = true } = {}) {
  const grammar = stack.use(await writeGrammar());
  const provider = stack.use(await startProvider({ script: { tokens: ["Sunny."] } }));
  const server = stack.use(
    await startServer({
      provider: provider.url,
      variables: speechEnv(),
      settings: {
        rtc: { host: "127.0.0.1", port: 0, tcp },
        server: { cors: { origins } },
        ...speechSettings(grammar.path),
      },
    }),
  );
  return { server, provider };
}

const show = (server: TestServer, id: string) =>
  server.request("GET", `/rtc/sessions/${id}`).then((response) =>
    good<{ state: string; reason: string; stats: Record<string, number> }>(response)
  );

aloud("whip-whep publishes a voice that is heard, finds a new path, and hangs up", async () => {
  await using stack = new AsyncDisposableStack();
  const { page, origin } = await openClient(stack, { script: await bundle(CLIENT), sound: await speech(ASKED) });
  // With more than one candidate, this client makes a description of a new path that no browser can read.
  const { server, provider } = await start(stack, { origins: [origin], tcp: false });
  const url = await page.evaluate(([url, key]) => whip.publish(url!, key!), [
    `${server.url}/api/v1/rtc/whip/assistant`,
    USER_KEY,
  ]);
  const id = url.split("/").at(-1)!;
  const story = stack.use(new CallStory(server, id));
  await page.evaluate(() => desk.play());
  const { data } = await story.until(({ type }) => type === "transcript.final");
  assert.equal(data.text, ASKED);
  await story.until(({ type }) => type === "agent.done");
  assert.equal(provider.requests.length, 1);
  assert.equal(await page.evaluate(() => whip.restart()), "connected");
  await page.evaluate(() => desk.play());
  await story.until(({ type, data: { turn_id } }) => type === "transcript.final" && turn_id !== data.turn_id);
  await page.evaluate(() => whip.stop());
  await story.over;
  const { state, reason } = await show(server, id);
  assert.equal(state, "ended");
  // It closes the connection before it says so.
  assert.ok(["deleted", "hung_up"].includes(reason), reason);
});

const found = findWhipClient();

Deno.test({
  name: "Debian's whip-client publishes a tone and a picture, and hangs up",
  ignore: found === undefined,
  async fn() {
    await using stack = new AsyncDisposableStack();
    // It has no address on the loopback interface, from where it could reach ours over UDP.
    const { server } = await start(stack);
    const client = stack.use(await found!({ url: `${server.url}/api/v1/rtc/whip/assistant`, token: USER_KEY }));
    const id = await client.session(server);
    const story = stack.use(new CallStory(server, id));
    await story.state("active");
    await story.until(({ type, data }) => type === "stats" && data.packets_received > 50);
    await client.hangUp();
    await story.over;
    const { state, stats } = await show(server, id);
    assert.equal(state, "ended");
    assert.ok(stats.packets_received! > 50, JSON.stringify(stats));
  },
});
