/**
 * What a caller says is told as it is understood: partial transcripts on the data channel, before the final one.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { aloud } from "../support/calls.ts";
import { openCaller, speechPackets } from "../support/caller.ts";
import { startProvider } from "../support/provider.ts";
import { startServer } from "../support/server.ts";
import { startSpeechServer } from "../support/speech_server.ts";
import { until } from "../support/story.ts";
import { startSpeaking } from "../support/voice_story.ts";

const FIRST = "please open the garden door";
const REST = "good morning thank you";
/** Long enough for an engine to understand what was said before it. */
const END_MS = 8000;
/** Silence of a second, in packets. */
const SECOND = 50;

aloud("an engine that listens meanwhile is read along while the caller still speaks", async () => {
  await using stack = new AsyncDisposableStack();
  const voice = { end_ms: END_MS, max_end_ms: END_MS };
  const { server } = await startSpeaking(stack, { tokens: ["Your order is ready."] }, { rtc: { voice } });
  const [first, rest] = [await speechPackets(FIRST), await speechPackets(REST)];
  const caller = stack.use(await openCaller(server, { body: { agent_id: "speaker" } }));
  const isOver = (finals: number) => caller.of("transcript.final").length > finals;
  // On a busy machine a syllable may be missing.
  await until(() => `both parts are understood, not ${JSON.stringify(caller.of("transcript.final"))}`, async () => {
    const [partials, finals] = ["transcript.partial", "transcript.final"].map((type) => caller.of(type).length);
    await caller.say([...first.sound, ...new Array(SECOND).fill(first.silence)]);
    await caller.heard.until(() => isOver(finals!) || caller.of("transcript.partial").length > partials!);
    if (isOver(finals!)) return false;
    const partial = caller.of("transcript.partial").at(-1)!;
    const stopped = caller.of("speech.stopped").map(({ turn_id }) => turn_id);
    assert.ok(!stopped.includes(partial.turn_id), "the turn goes on");
    await caller.say([...rest.sound, ...new Array(SECOND).fill(rest.silence)]);
    await caller.heard.until(() => isOver(finals!));
    const final = caller.of("transcript.final").at(-1)!;
    assert.equal(final.turn_id, partial.turn_id);
    return partial.text === FIRST && final.text === `${FIRST} ${REST}`;
  });
});

aloud("a server that streams what it understands is read along, word by word", async () => {
  await using stack = new AsyncDisposableStack();
  const engines = stack.use(await startSpeechServer({ instant: { text: FIRST } }));
  const provider = stack.use(await startProvider());
  const engine = { engine: "openai", base_url: engines.url, api_key: "sk-x", model: "gpt-instant" };
  const server = stack.use(
    await startServer({ provider: provider.url, settings: { speech: { stt: engine, tts: engine } } }),
  );
  const { sound, silence } = await speechPackets(FIRST);
  const caller = stack.use(await openCaller(server));
  await caller.say([...sound, ...new Array(SECOND).fill(silence)]);
  const { data: final, at } = await caller.told("transcript.final");
  assert.equal(final.text, FIRST);
  const words = FIRST.split(" ");
  const partials = words.map((_, i) => ({ ...final, text: words.slice(0, i + 1).join(" ") }));
  assert.deepEqual(caller.of("transcript.partial"), partials);
  assert.ok((await caller.told("transcript.partial")).at < at);
});
