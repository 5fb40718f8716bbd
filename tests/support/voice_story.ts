/**
 * What is told of every browser: somebody asks aloud and hears the answer, somebody interrupts, somebody's way changes.
 * espeak-ng speaks in the browser, pocketsphinx hears it in the server, and understands what comes back to the browser.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { callFrom, type Calling, CallStory, good, speech, speechSettings, understood } from "./calls.ts";
import { type ProviderRequest, type Script, startProvider } from "./provider.ts";
import type { RtcPage } from "./rtc_page.ts";
import { ADMIN_KEY, startServer, type TestServer } from "./server.ts";
import { speechEnv, writeGrammar } from "./speech.ts";
import { until } from "./story.ts";
import { scriptedToolbox } from "./toolbox.ts";

declare const rtc: RtcPage;

/** What is asked, and what is answered. */
export const ASKED = "what is the weather in london today";
const ANSWER = "your order is ready";

interface Shown {
  role: string;
  content: string;
  run_id: string;
  metadata: Record<string, unknown>;
}

/** Where a story happens. */
export interface VoicePlace {
  /** Settings of the server. */
  settings?: Record<string, unknown>;
  /** Opens a page that plays `sound`. */
  open(stack: AsyncDisposableStack, sound: Uint8Array<ArrayBuffer>): Promise<Calling>;
}

/** A server that speaks and hears, with an agent that may use a tool. */
export async function startSpeaking(
  stack: AsyncDisposableStack,
  script: Script,
  settings: Record<string, unknown> = {},
) {
  const grammar = stack.use(await writeGrammar());
  const provider = stack.use(await startProvider({ script }));
  const toolbox = scriptedToolbox({ look: { act: () => ({ result: "sunny", is_error: false }) } });
  const server = stack.use(
    await startServer({
      provider: provider.url,
      settings: { ...speechSettings(grammar.path), ...settings },
      variables: speechEnv(),
      ports: { toolbox },
    }),
  );
  const agent = { id: "speaker", name: "Speaker", allowed_tools: ["*"] };
  await good(await server.request("POST", "/agents", { key: ADMIN_KEY, body: agent }));
  return { server, provider, toolbox, grammar: grammar.path };
}

/** The words that a judge is asked about; undefined for other requests. */
export function judgedIn({ body }: ProviderRequest): string | undefined {
  return /Now: (.*)/.exec(JSON.stringify(body.messages.at(-1).content))?.[1]?.replace(/"$/, "");
}

async function messagesOf(server: TestServer, session_id: string): Promise<Shown[]> {
  const { conversation_id } = await good(await server.request("GET", `/rtc/sessions/${session_id}`));
  const path = `/conversations/${conversation_id}/messages`;
  return (await good<{ data: Shown[] }>(await server.request("GET", path))).data;
}

/** What is left of a story. */
export interface VoiceTold {
  server: TestServer;
  /** The call's. */
  id: string;
}

/** A question is asked aloud, a tool is called, and the answer is heard. */
export async function askAloud(stack: AsyncDisposableStack, place: VoicePlace): Promise<VoiceTold> {
  const { server, toolbox, grammar } = await startSpeaking(stack, [
    { tool_calls: [{ name: "look", arguments: { where: "London" } }] },
    { tokens: ["Your order", " is", " ready."] },
  ], place.settings);
  const page = await place.open(stack, await speech(ASKED));
  const id = await callFrom(page, server, { body: { agent_id: "speaker" } });
  const story = stack.use(new CallStory(server, id));
  await page.evaluate(() => rtc.record());
  await page.evaluate(() => rtc.play());
  const { data: final } = await story.until(({ type }) => type === "transcript.final");
  assert.equal(final.text, ASKED);
  await story.until(({ type, data }) => type === "agent.done" && data.turn_id === final.turn_id);
  assert.deepEqual(toolbox.calls.map(({ tool }) => tool), ["look"]);
  assert.deepEqual(await understood(await page.evaluate(() => rtc.recorded()), grammar), [ANSWER]);
  const messages = await messagesOf(server, id);
  assert.deepEqual(messages.map(({ role }) => role), ["user", "assistant", "tool", "assistant"]);
  assert.equal(messages[0]!.content, ASKED);
  assert.equal(messages.at(-1)!.content, "Your order is ready.");
  assert.equal(messages[0]!.metadata.rtc_session_id, id);
  const run = await good(await server.request("GET", `/runs/${messages[0]!.run_id}`));
  assert.equal(run.status, "completed");
  assert.deepEqual(story.of("agent.speaking").map(({ text }) => text), ["Your order is ready."]);
  assert.deepEqual(story.of("error"), []);
  const events = story.of("run.event").map(({ seq }) => seq);
  assert.deepEqual(events, events.map((_, at) => at + 1), "the run's log comes whole");
  return { server, id };
}

/** Who speaks into an answer interrupts it, and history keeps what was heard. */
export async function interruptAloud(stack: AsyncDisposableStack, place: VoicePlace): Promise<VoiceTold> {
  const long = Array.from({ length: 12 }, (_, i) => `This is sentence number ${i + 1} of a long story.`);
  const { server } = await startSpeaking(stack, [
    { tokens: long.map((sentence) => `${sentence} `) },
    { tokens: ["Your order is ready."] },
  ], place.settings);
  const page = await place.open(stack, await speech(ASKED));
  const id = await callFrom(page, server, { body: { agent_id: "speaker" } });
  const story = stack.use(new CallStory(server, id));
  await page.evaluate(() => rtc.play());
  await story.until(({ type, data }) => type === "agent.speaking" && data.text.includes("number 2"));
  await page.evaluate(() => rtc.play());
  const { data: interrupted } = await story.until(({ type }) => type === "agent.interrupted");
  const whole = long.join(" ");
  const heard = interrupted.heard.replace(/…$/, "").trimEnd();
  assert.ok(heard.length > 0 && heard.length < whole.length / 2, interrupted.heard);
  assert.ok(whole.startsWith(heard), interrupted.heard);
  await story.until(({ type, data }) => type === "agent.speaking" && data.text === "Your order is ready.");
  await story.until(({ type, data }) => type === "agent.done" && data.run_id !== interrupted.run_id);
  const messages = await messagesOf(server, id);
  assert.deepEqual(messages.map(({ role }) => role), ["user", "assistant", "user", "assistant"]);
  assert.equal(messages[1]!.content, interrupted.heard);
  assert.equal(messages[3]!.content, "Your order is ready.");
  const session = await good<{ stats: { interruptions: number } }>(
    await server.request("DELETE", `/rtc/sessions/${id}`).then(() => server.request("GET", `/rtc/sessions/${id}`)),
  );
  assert.equal(session.stats.interruptions, 1);
  return { server, id };
}

/** The way changes in the middle of a call, and the agent is understood over the new one as over the old. */
export async function restartAloud(stack: AsyncDisposableStack, place: VoicePlace): Promise<VoiceTold> {
  const script = { tokens: ["Your order", " is", " ready."] };
  const { server, grammar } = await startSpeaking(stack, script, place.settings);
  const page = await place.open(stack, await speech(ASKED));
  const id = await callFrom(page, server, { body: { agent_id: "speaker" } });
  const story = stack.use(new CallStory(server, id));
  const hear = async () => {
    const from = story.events.at(-1)?.seq ?? 0;
    await page.evaluate(() => rtc.record());
    await page.evaluate(() => rtc.ask('{"type":"text","text":"Is it ready?"}'));
    await story.until(({ seq, type }) => type === "agent.done" && seq > from);
    return await understood(await page.evaluate(() => rtc.recorded()), grammar);
  };
  assert.deepEqual(await hear(), [ANSWER]);
  const before = await page.evaluate(() => rtc.path());
  const sdp = await page.evaluate(() => rtc.restart());
  const answer = await good<{ sdp: string }>(
    await server.request("POST", "/rtc/offer", { body: { session_id: id, sdp } }),
  );
  await page.evaluate((sdp) => rtc.accept(sdp), answer.sdp);
  await until("another path is used", async () => {
    const path = await page.evaluate(() => rtc.path());
    return path !== null && path.id !== before!.id;
  }, { every_ms: 50 });
  assert.deepEqual(await hear(), [ANSWER]);
  assert.deepEqual(story.of("session.state").map(({ state }) => state), ["connecting", "active"]);
  return { server, id };
}
