/**
 * OpenAI's own client for browsers, unmodified: its person is asked before an agent looks, and told of recordings.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { good, inBrowser } from "../support/calls.ts";
import { bundle, openClient } from "../support/foreign_client.ts";
import { startProvider } from "../support/provider.ts";
import { RealtimeSocket } from "../support/realtime_socket.ts";
import { seer } from "../support/seer.ts";
import { startServer } from "../support/server.ts";
import { createAgent, type Json } from "../support/story.ts";

/** What the page's script offers. */
declare const talk: {
  /** Every event of the transport. */
  log: Json[];
  /** What its listeners of errors were told. */
  errors: string[];
  /** How the next question is answered: by nobody where it is absent. */
  answer: "approve" | "reject" | undefined;
  /** What was asked. */
  asked: Json[];
  connect(options: { url: string; key: string }): Promise<void>;
  /** Allows the last look. */
  decide(): Promise<void>;
  session: { sendMessage(text: string): void; transport: { callId: string; sendMcpResponse: unknown } };
  until(type: string, count?: number): Promise<Json>;
  /** What the agent said, the `count`th time. */
  answered(count: number): Promise<string>;
};

const CLIENT = `
import { OpenAIRealtimeWebRTC, RealtimeAgent, RealtimeSession } from "npm:@openai/agents-realtime@0.20.0";
const talk = globalThis.talk = {
  log: [], errors: [], asked: [], answer: undefined,
  async connect({ url, key }) {
    const mediaStream = await desk.open();
    const transport = new OpenAIRealtimeWebRTC({
      baseUrl: url,
      mediaStream,
      audioElement: new Audio(),
      changePeerConnection(pc) {
        const picture = desk.picture();
        pc.addTransceiver(picture.getVideoTracks()[0], { direction: "sendonly", streams: [picture] });
        return pc;
      },
    });
    talk.session = new RealtimeSession(new RealtimeAgent({ name: "helper" }), { transport });
    talk.session.on("transport_event", (event) => talk.log.push(event));
    talk.session.on("error", (event) => talk.errors.push(JSON.stringify(event)));
    talk.session.on("tool_approval_requested", (context, agent, { approvalItem }) => {
      talk.asked.push(approvalItem.rawItem);
      talk.last = approvalItem;
      if (talk.answer) talk.session[talk.answer](approvalItem);
    });
    await talk.session.connect({ apiKey: key });
  },
  decide: () => talk.session.approve(talk.last),
  async answered(count) {
    const isSaid = ({ item }) => item.type === "message" && item.role === "assistant";
    const { item } = await talk.until("response.output_item.done", count, isSaid);
    return item.content[0].transcript;
  },
  async until(type, count = 1, fits = () => true) {
    for (;;) {
      const found = talk.log.filter((event) => event.type === type && fits(event))[count - 1];
      if (found) return found;
      await new Promise((done) => setTimeout(done, 10));
    }
  },
};
`;

inBrowser("its person allows a look, refuses one and leaves one unanswered, and is told of a recording", async () => {
  await using stack = new AsyncDisposableStack();
  const look = { source: "camera", reason: "To see your desk" };
  const provider = stack.use(await startProvider({ script: seer([look, look, look]) }));
  const { page, origin } = await openClient(stack, { script: await bundle(CLIENT) });
  const server = stack.use(
    await startServer({
      provider: provider.url,
      settings: {
        rtc: { look: { ask_seconds: 10, timeout_seconds: 60 } },
        server: { cors: { origins: [origin] } },
        speech: { stt: { engine: "none" }, tts: { engine: "none" } },
      },
    }),
  );
  await createAgent(server, "seer", { look: true });
  const { value: key } = await good<{ value: string }>(
    await server.request("POST", "^/v1/realtime/client_secrets", {
      body: { session: { type: "realtime", model: "seer" } },
    }),
  );
  await page.evaluate((options) => talk.connect(options), { url: `${server.url}/v1/realtime/calls`, key });
  const id = await page.evaluate(() => talk.session.transport.callId);
  using beside = await RealtimeSocket.open(server, id);
  let answers = 0;
  const ask = async (answer?: "approve" | "reject") => {
    await page.evaluate((answer) => {
      talk.answer = answer;
      talk.session.sendMessage("What do you see?");
    }, answer);
    return await page.evaluate((count) => talk.answered(count), ++answers);
  };

  assert.match(await ask("approve"), /^It is (red|green|blue)$/);
  const asked = await page.evaluate(() => talk.asked.map(({ name, arguments: given }) => [name, given]));
  assert.deepEqual(asked, [["look", JSON.stringify(look)]]);
  const { data } = await good<{ data: Json[] }>(await server.request("GET", `/rtc/sessions/${id}/looks`));
  assert.deepEqual(data.map(({ source, consent }) => [source, consent]), [["camera", "once"]]);
  assert.equal(await ask("reject"), "Not seen: Cannot look at the camera: the person said no");
  assert.deepEqual(await page.evaluate(() => talk.errors), []);
  assert.equal(provider.requests.length, 4, "each question is answered once");

  const unanswered = ask();
  await beside.next("response.output_item.done", 7);
  const request = beside.events.findLast(({ item }) => item?.type === "mcp_approval_request")!;
  const item = { type: "mcp_approval_response", approval_request_id: request.item.id, approve: true };
  beside.send({ type: "conversation.item.create", event_id: "not_mine", item });
  const { error } = await beside.next("error");
  assert.deepEqual([error.event_id, error.message], [
    "not_mine",
    "Cannot decide: only who is in the call lets an agent look",
  ]);
  assert.equal(await unanswered, "Not seen: Cannot look at the camera: the person didn't answer in 10 s");
  await page.evaluate(() => talk.decide());
  const late = await page.evaluate(() => talk.until("error"));
  assert.equal(late.error.message, "Cannot decide: nothing waits by that id");

  const recording = await good<Json>(await server.request("POST", `/rtc/sessions/${id}/recording`));
  const started = await page.evaluate(() => talk.until("recording.started"));
  assert.equal(started.recording_id, recording.id);
  using later = await RealtimeSocket.open(server, id);
  assert.equal((await later.next("recording.started")).recording_id, recording.id);
  await good(await server.request("DELETE", `/rtc/sessions/${id}/recording`));
  const stopped = await page.evaluate(() => talk.until("recording.stopped"));
  assert.deepEqual([stopped.recording_id, stopped.reason], [recording.id, "stopped"]);
  assert.equal((await page.evaluate(() => talk.errors)).length, 1, "what it doesn't know is no error of its own");
});
