/**
 * Our own Realtime door as somebody's voice: espeak-ng asks, the server hears by pocketsphinx, answers and speaks.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { createCommandSpeaker } from "../../src/adapters/speech/command_speaker.ts";
import { createRealtimeUpstream } from "../../src/adapters/speech/realtime_upstream.ts";
import { systemClock } from "../../src/kit/clock.ts";
import { joinSamples } from "../../src/kit/pcm.ts";
import { Resampler } from "../../src/kit/resampler.ts";
import { aloud, speechSettings } from "../support/calls.ts";
import { startProvider } from "../support/provider.ts";
import { startServer, USER_KEY } from "../support/server.ts";
import { cutFrames, speakerOptions, speechEnv, writeGrammar } from "../support/speech.ts";

const ASKED = "please open the garden door";
const ANSWER = "Your order is ready.";
const signal = new AbortController().signal;

aloud("one server's agent can be the voice of another's", async () => {
  await using stack = new AsyncDisposableStack();
  const grammar = stack.use(await writeGrammar());
  const provider = stack.use(await startProvider({ script: { tokens: ["Your order", " is ready."] } }));
  const settings = speechSettings(grammar.path);
  const server = stack.use(await startServer({ provider: provider.url, settings, variables: speechEnv() }));
  const upstream = createRealtimeUpstream({
    base_url: `${server.url}/v1`,
    api_key: USER_KEY,
    model: "assistant",
    transcriber: "any",
    voice: "en-us",
    language: "en",
    renew_ms: 3_000_000,
    connect_ms: 5000,
    timeout_ms: 10_000,
    clock: systemClock,
  });
  assert.deepEqual((await upstream.check(signal)).ok, true);
  const onTrouble = (error: Error) => {
    throw error;
  };
  const voice = stack.use(upstream.open({ choice: () => ({}), onTrouble }));
  const tts = createCommandSpeaker(speakerOptions());
  const up = new Resampler({ from: tts.rate, to: voice.ears.rate });
  const said = joinSamples([up.push(joinSamples(await Array.fromAsync(tts.speak(ASKED, { signal })))), up.end()]);
  async function* audio() {
    yield* cutFrames(said, voice.ears.rate);
  }
  const heard = await Array.fromAsync(voice.ears.transcribe(audio(), { signal }));
  assert.deepEqual(heard.at(-1), { text: ASKED, final: true });
  const messages = [{ role: "user" as const, content: ASKED, parts: [] }];
  const request = { choice: {}, messages, tools: [], passages: [], response_format: null };
  const outputs = await Array.fromAsync(voice.model.stream(request, { signal }));
  assert.equal(outputs.map((output) => output.type === "text" ? output.text : "").join(""), ANSWER);
  const sound = joinSamples(await Array.fromAsync(voice.mouth.speak(ANSWER, { signal })));
  assert.ok(sound.length > 12_000, `${sound.length}`);
});
