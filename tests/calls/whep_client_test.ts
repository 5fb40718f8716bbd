/**
 * npm's whip-whep in Chromium watches what it publishes itself from another page: sound that is understood, pictures that
 * move.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { aloud, CallStory, good, speech, speechSettings, understood } from "../support/calls.ts";
import { bundle, type Desk, openClient } from "../support/foreign_client.ts";
import { startProvider } from "../support/provider.ts";
import { startServer, type TestServer, USER_KEY } from "../support/server.ts";
import { speechEnv, writeGrammar } from "../support/speech.ts";
import { until } from "../support/story.ts";
import { TAPE } from "../support/tape.ts";

declare const desk: Desk;
declare const whip: { publish(url: string, token: string): Promise<string>; stop(): Promise<void> };
declare const whep: {
  view(url: string, options: { token: string; sounds?: number }): Promise<string>;
  /** Begins to record what is heard, a recording a track. */
  record(): void;
  /** Ends that a little later; resolves with the files' bytes in base64. */
  recorded(): Promise<string[]>;
  /** How many frames were decoded, and whether the picture is another than a moment before. */
  frames(): Promise<{ decoded: number; moves: boolean }>;
  state(): string;
  stop(): Promise<void>;
};

const CLIENT = `
import { WHIPClient } from "npm:whip-whep@1.2.0/whip.js";
import { WHEPClient } from "npm:whip-whep@1.2.0/whep.js";
${TAPE}
const connected = (pc) => new Promise((resolve, reject) => {
  const look = () => {
    if (pc.connectionState === "connected") resolve();
    if (pc.connectionState === "failed") reject(new Error("The connection has failed, ICE " + pc.iceConnectionState));
  };
  pc.addEventListener("connectionstatechange", look);
  look();
});
let publisher, viewer, sending, receiving, sounds = [], tapes, video;
globalThis.whip = {
  async publish(url, token) {
    const stream = await desk.open();
    for (const track of desk.picture().getTracks()) stream.addTrack(track);
    sending = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    for (const track of stream.getTracks()) sending.addTransceiver(track, { direction: "sendonly", streams: [stream] });
    publisher = new WHIPClient();
    await publisher.publish(sending, url, token);
    await connected(sending);
    return String(publisher.resourceURL);
  },
  stop: () => publisher.stop(),
};
globalThis.whep = {
  async view(url, { token, sounds: count = 1 }) {
    receiving = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    receiving.ontrack = ({ track }) => {
      const stream = new MediaStream([track]);
      const player = document.createElement(track.kind);
      Object.assign(player, { srcObject: stream, muted: true, autoplay: true });
      player.play();
      if (track.kind === "audio") sounds.push(stream);
      else video = player;
    };
    for (let i = 0; i < count; i++) receiving.addTransceiver("audio", { direction: "recvonly" });
    receiving.addTransceiver("video", { direction: "recvonly" });
    viewer = new WHEPClient();
    await viewer.view(receiving, url, token);
    await connected(receiving);
    return String(viewer.resourceURL);
  },
  record() {
    tapes = sounds.map(tape);
  },
  recorded: () => Promise.all(tapes.map((end) => end())),
  async frames() {
    const canvas = Object.assign(document.createElement("canvas"), { width: 4, height: 4 });
    const pen = canvas.getContext("2d");
    const look = () => {
      pen.drawImage(video, 0, 0, 4, 4);
      return pen.getImageData(1, 1, 1, 1).data.join();
    };
    const seen = new Set();
    for (let i = 0; i < 20; i++) {
      seen.add(look());
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const stats = [...(await receiving.getStats()).values()];
    const { framesDecoded = 0 } = stats.find(({ type, kind }) => type === "inbound-rtp" && kind === "video") ?? {};
    return { decoded: framesDecoded, moves: seen.size > 1 };
  },
  state: () => receiving.connectionState,
  stop: () => viewer.stop(),
};
`;

const ASKED = "what is the weather in london today";
const ANSWER = "your order is ready";

async function start(stack: AsyncDisposableStack) {
  const grammar = stack.use(await writeGrammar());
  const provider = stack.use(await startProvider({ script: { tokens: ["Your order is ready."] } }));
  const { page, origin } = await openClient(stack, { script: await bundle(CLIENT), sound: await speech(ASKED) });
  const server = stack.use(
    await startServer({
      provider: provider.url,
      variables: speechEnv(),
      settings: {
        rtc: { host: "127.0.0.1", port: 0 },
        server: { cors: { origins: [origin] } },
        ...speechSettings(grammar.path),
      },
    }),
  );
  return { server, page, grammar: grammar.path };
}

const show = (server: TestServer, id: string) =>
  server.request("GET", `/rtc/sessions/${id}`).then((response) =>
    good<{ state: string; stats: Record<string, number> }>(response)
  );

aloud("a viewer hears the caller and the agent in one track, sees the picture move, and leaves", async () => {
  await using stack = new AsyncDisposableStack();
  const { server, page, grammar } = await start(stack);
  const published = await page.evaluate(([url, key]) => whip.publish(url!, key!), [
    `${server.url}/api/v1/rtc/whip/assistant`,
    USER_KEY,
  ]);
  const call = published.split("/").at(-1)!;
  const story = stack.use(new CallStory(server, call));
  const viewed = await page.evaluate(([url, token]) => whep.view(url!, { token: token! }), [
    `${server.url}/api/v1/rtc/whep/${call}`,
    USER_KEY,
  ]);
  const viewer = viewed.split("/").at(-1)!;
  await story.until(({ type, data }) => type === "session.viewer" && data.viewer_id === viewer);
  await page.evaluate(() => whep.record());
  await page.evaluate(() => desk.play());
  const { data: final } = await story.until(({ type }) => type === "transcript.final");
  assert.equal(final.text, ASKED);
  await story.until(({ type }) => type === "agent.done");
  const [both] = await page.evaluate(() => whep.recorded());
  assert.deepEqual(await understood(both!, grammar), [ASKED, ANSWER]);
  const { decoded, moves } = await page.evaluate(() => whep.frames());
  assert.ok(decoded > 10 && moves, `${decoded} frames, ${moves ? "which move" : "all the same"}`);
  await page.evaluate(() => whep.stop());
  await story.until(({ type, data }) => type === "session.viewer" && !data.present);
  const { state, stats } = await show(server, viewer);
  assert.equal(state, "ended");
  assert.ok(stats.packets_sent! > 100, JSON.stringify(stats));
  assert.equal((await show(server, call)).state, "active");
});

aloud("with two tracks the caller is in the first, the agent in the second, and both end with the call", async () => {
  await using stack = new AsyncDisposableStack();
  const { server, page, grammar } = await start(stack);
  const published = await page.evaluate(([url, key]) => whip.publish(url!, key!), [
    `${server.url}/api/v1/rtc/whip/assistant`,
    USER_KEY,
  ]);
  const call = published.split("/").at(-1)!;
  const story = stack.use(new CallStory(server, call));
  const { secret } = await good<{ secret: string }>(
    await server.request("POST", "/rtc/secrets", { body: { watch: call } }),
  );
  const viewed = await page.evaluate(([url, token]) => whep.view(url!, { token: token!, sounds: 2 }), [
    `${server.url}/api/v1/rtc/whep/${call}`,
    secret,
  ]);
  await page.evaluate(() => whep.record());
  await page.evaluate(() => desk.play());
  const { data: final } = await story.until(({ type }) => type === "transcript.final");
  assert.equal(final.text, ASKED);
  await story.until(({ type }) => type === "agent.done");
  const [caller, agent] = await page.evaluate(() => whep.recorded());
  assert.deepEqual(await understood(caller!, grammar), [ASKED]);
  assert.deepEqual(await understood(agent!, grammar), [ANSWER]);
  await page.evaluate(() => whip.stop());
  await story.over;
  const viewer = viewed.split("/").at(-1)!;
  await until("the viewer is gone", async () => (await show(server, viewer)).state === "ended");
});
