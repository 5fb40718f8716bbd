/**
 * An agent whose voice is somebody else's, called from Chromium: the server at the other end of the Realtime protocol
 * hears by pocketsphinx and speaks by espeak-ng, and the runs, the tools and the record are ours.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { createCommandSpeaker } from "../../src/adapters/speech/command_speaker.ts";
import { createCommandTranscriber } from "../../src/adapters/speech/command_transcriber.ts";
import { joinSamples } from "../../src/kit/pcm.ts";
import { Resampler } from "../../src/kit/resampler.ts";
import { aloud, callFrom, CallStory, good, openPage, speech, understood } from "../support/calls.ts";
import { startProvider } from "../support/provider.ts";
import { type RealtimeProvider, type RealtimeStep, startRealtimeProvider } from "../support/realtime_provider.ts";
import type { RtcPage } from "../support/rtc_page.ts";
import { ADMIN_KEY, startServer, type TestServer } from "../support/server.ts";
import {
  heardAs,
  pocketsphinx,
  speakerOptions,
  speechEnv,
  transcriberOptions,
  writeGrammar,
} from "../support/speech.ts";
import { scriptedToolbox } from "../support/toolbox.ts";

declare const rtc: RtcPage;

const ASKED = "what is the weather in london today";
const ANSWER = "your order is ready";
const signal = new AbortController().signal;

interface Shown {
  role: string;
  content: string;
  run_id: string;
}

/** A server whose agent speaks by a Realtime server. */
async function startUpstream(stack: AsyncDisposableStack, script: RealtimeStep[]) {
  const grammar = stack.use(await writeGrammar());
  const stt = createCommandTranscriber(transcriberOptions(pocketsphinx(grammar.path)));
  const tts = createCommandSpeaker(speakerOptions());
  const provider = stack.use(startRealtimeProvider({
    api_key: "sk-upstream",
    script,
    async hear(sound) {
      const down = new Resampler({ from: 24_000, to: stt.rate });
      const audio = joinSamples([down.push(sound), down.end()]);
      return (await Array.fromAsync(stt.transcribe(heardAs(audio), { signal }))).at(-1)!.text;
    },
    async speak(text) {
      const up = new Resampler({ from: tts.rate, to: 24_000 });
      return joinSamples([up.push(joinSamples(await Array.fromAsync(tts.speak(text, { signal })))), up.end()]);
    },
  }));
  const own = stack.use(await startProvider());
  const toolbox = scriptedToolbox({ look: { act: () => ({ result: "sunny", is_error: false }) } });
  const server = stack.use(
    await startServer({
      provider: own.url,
      settings: { speech: { realtime: { base_url: provider.url, api_key: "sk-upstream", model: "talker" } } },
      variables: speechEnv(),
      ports: { toolbox },
    }),
  );
  const agent = {
    id: "speaker",
    name: "Speaker",
    system_prompt: "You take orders.",
    allowed_tools: ["*"],
    voice: { upstream: true },
  };
  await good(await server.request("POST", "/agents", { key: ADMIN_KEY, body: agent }));
  return { server, provider, own, toolbox, grammar: grammar.path };
}

async function messagesOf(server: TestServer, session_id: string): Promise<Shown[]> {
  const { conversation_id } = await good(await server.request("GET", `/rtc/sessions/${session_id}`));
  const path = `/conversations/${conversation_id}/messages`;
  return (await good<{ data: Shown[] }>(await server.request("GET", path))).data;
}

function lastAsked({ asked }: RealtimeProvider) {
  return asked.at(-1)!;
}

aloud(
  "a question is heard, a tool is called and the answer is said by a Realtime server; the record is ours",
  async () => {
    await using stack = new AsyncDisposableStack();
    const { server, provider, own, toolbox, grammar } = await startUpstream(stack, [
      { tool_calls: [{ name: "look", arguments: { where: "London" } }] },
      { text: "Your order is ready." },
    ]);
    const { page } = await openPage(stack, await speech(ASKED));
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
    assert.deepEqual([messages[0]!.content, messages[3]!.content], [ASKED, "Your order is ready."]);
    const run = await good<{ status: string; usage: { input_tokens: number } }>(
      await server.request("GET", `/runs/${messages[0]!.run_id}`),
    );
    assert.equal(run.status, "completed");
    assert.ok(run.usage.input_tokens > 0);
    const events = story.of("run.event").map(({ event }) => event);
    for (const event of ["run.started", "tool.call.result", "message.completed", "run.completed"]) {
      assert.ok(events.includes(event), `${event} of ${events}`);
    }
    assert.deepEqual(story.of("error"), []);
    assert.equal(lastAsked(provider).session.instructions, "You take orders.");
    const types = lastAsked(provider).items.map(({ type, heard }) => heard === undefined ? type : "heard");
    assert.deepEqual(types, ["heard", "function_call", "function_call_output"], "it answers the sound itself");
    assert.equal(own.count, 0, "the agent's own model prepares nothing");
    await server.request("DELETE", `/rtc/sessions/${id}`);
    assert.equal(provider.open, 0);
  },
);

aloud(
  "who speaks into it stops it, and it remembers no more than was heard; its connection may break meanwhile",
  async () => {
    await using stack = new AsyncDisposableStack();
    const long = Array.from({ length: 12 }, (_, i) => `This is sentence number ${i + 1} of a long story.`).join(" ");
    const { server, provider } = await startUpstream(stack, [{ text: long }, { text: "Your order is ready." }]);
    const { page } = await openPage(stack, await speech(ASKED));
    const id = await callFrom(page, server, { body: { agent_id: "speaker" } });
    const story = stack.use(new CallStory(server, id));
    await page.evaluate(() => rtc.play());
    await story.until(({ type, data }) => type === "agent.speaking" && data.text.includes("number 2"));
    await page.evaluate(() => rtc.play());
    const { data: interrupted } = await story.until(({ type }) => type === "agent.interrupted");
    assert.ok(long.startsWith(interrupted.heard.replace(/\s*…$/, "")), interrupted.heard);
    await story.until(({ type, data }) => type === "agent.done" && data.run_id !== interrupted.run_id);
    const [question, cut] = lastAsked(provider).items;
    assert.equal(question.heard, ASKED);
    assert.ok(cut.truncated_ms > 0, "it was told what was heard");
    provider.kill();
    await story.until(({ type }) => type === "error");
    await page.evaluate(() => rtc.play());
    await story.until(({ type, data }) =>
      type === "agent.done" && story.of("transcript.final")[2]?.turn_id === data.turn_id
    );
    assert.equal(lastAsked(provider).line, 1);
    const messages = await messagesOf(server, id);
    assert.deepEqual(messages.map(({ role }) => role), ["user", "assistant", "user", "assistant", "user", "assistant"]);
    assert.equal(messages[1]!.content, interrupted.heard);
    assert.equal(story.of("error").length, 1);
  },
);
