/**
 * An agent wants to look in a call of WHIP, whose client can't be asked: npm's whip-whep in Chromium.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { CallStory, good, inBrowser } from "../support/calls.ts";
import { bundle, openClient } from "../support/foreign_client.ts";
import { startProvider } from "../support/provider.ts";
import { seer } from "../support/seer.ts";
import { ADMIN_KEY, startServer, USER_KEY } from "../support/server.ts";
import { createAgent, type Json } from "../support/story.ts";

declare const whip: { publish(url: string, token: string): Promise<string> };

const CLIENT = `
import { WHIPClient } from "npm:whip-whep@1.2.0/whip.js";
globalThis.whip = {
  async publish(url, token) {
    const stream = await desk.open();
    for (const track of desk.picture().getTracks()) stream.addTrack(track);
    const pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    for (const track of stream.getTracks()) pc.addTransceiver(track, { direction: "sendonly", streams: [stream] });
    const client = new WHIPClient();
    await client.publish(pc, url, token);
    return String(client.resourceURL);
  },
};
`;

inBrowser("the agent is told at once that nobody can be asked; who is in the call may be there beside it", async () => {
  await using stack = new AsyncDisposableStack();
  const look = { source: "camera", reason: "To see" };
  const provider = stack.use(await startProvider({ script: seer([look, look]) }));
  const { page, origin } = await openClient(stack, { script: await bundle(CLIENT) });
  const server = stack.use(
    await startServer({
      provider: provider.url,
      settings: {
        // Whoever waited for an answer would wait too long for the test.
        rtc: { look: { ask_seconds: 600, timeout_seconds: 60 } },
        server: { cors: { origins: [origin] } },
        speech: { stt: { engine: "none" }, tts: { engine: "none" } },
      },
    }),
  );
  await createAgent(server, "seer", { look: true });
  const endpoint = `${server.url}/api/v1/rtc/whip/seer`;
  const url = await page.evaluate(([url, key]) => whip.publish(url!, key!), [endpoint, USER_KEY]);
  const id = url.split("/").at(-1)!;
  const story = stack.use(new CallStory(server, id));
  await story.state("active");
  const attach = async (key: string) => {
    const address = `${server.url.replace("http", "ws")}/api/v1/rtc/sessions/${id}/attach`;
    const socket = new WebSocket(address, { headers: { authorization: `Bearer ${key}` } });
    stack.defer(() => socket.close());
    await new Promise((resolve) => socket.onopen = resolve);
    return (message: Json) => socket.send(JSON.stringify(message));
  };
  const answered = async (count: number) => {
    const isOver = ({ type, data }: Json) => type === "run.event" && data.event === "run.completed";
    await story.until((event) => isOver(event) && story.events.filter(isOver).length >= count);
    return story.events.filter(isOver).at(-1)!.data.data.message.content;
  };

  const operator = await attach(ADMIN_KEY);
  operator({ type: "text", text: "What do you see?" });
  const why = "the person has to be asked, and this call's client (WHIP) can't be";
  assert.equal(await answered(1), `Not seen: Cannot look at the camera: ${why}`);
  assert.deepEqual(story.of("look.asked"), []);

  const caller = await attach(USER_KEY);
  operator({ type: "text", text: "And now?" });
  const { data: asked } = await story.until(({ type }) => type === "look.asked");
  const session = await good<Json>(await server.request("GET", `/rtc/sessions/${id}`));
  assert.deepEqual([asked.source, asked.agent_id, asked.reason], ["camera", session.agent_id, "To see"]);
  caller({ type: "consent", source: "camera", allow: true, look_id: asked.look_id });
  assert.match(await answered(2), /^It is (red|green|blue)$/);
});
