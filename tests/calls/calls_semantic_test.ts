/**
 * A caller who pauses in the middle of a sentence, and a model that judges whether they have finished: espeak-ng asks in
 * Chromium with a pause, pocketsphinx understands each part, the provider is scripted.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { toWav, WavReader } from "../../src/adapters/speech/wav.ts";
import { joinSamples } from "../../src/kit/pcm.ts";
import { aloud, callFrom, CallStory, good, openPage, speech } from "../support/calls.ts";
import { startProvider } from "../support/provider.ts";
import type { RtcPage } from "../support/rtc_page.ts";
import { ADMIN_KEY, startServer } from "../support/server.ts";
import { ESPEAK, pocketsphinx, speechEnv, writeGrammar } from "../support/speech.ts";
import { judgedIn } from "../support/voice_story.ts";

declare const rtc: RtcPage;

const [FIRST, REST] = ["please open the", "garden door"];
/** Longer than silence alone would wait. */
const PAUSE_SECONDS = 4;
const END_MS = 2000;
const MAX_END_MS = 20_000;

/** Both parts, with a pause between them. */
async function withPause(): Promise<Uint8Array<ArrayBuffer>> {
  const parts = await Promise.all([FIRST, REST].map(async (text) => {
    const reader = new WavReader();
    const samples = reader.push(await speech(text));
    return { samples, rate: reader.rate! };
  }));
  const { rate } = parts[0]!;
  const pause = new Int16Array(Math.round(PAUSE_SECONDS * rate));
  return toWav(joinSamples([parts[0]!.samples, pause, parts[1]!.samples]), rate);
}

aloud(
  "an unfinished sentence waits for its end, longer than silence alone would, and a finished one doesn't",
  async () => {
    await using stack = new AsyncDisposableStack();
    const grammar = stack.use(await writeGrammar([FIRST, REST]));
    const judged: string[] = [];
    const provider = stack.use(
      await startProvider({
        script(request) {
          const words = judgedIn(request);
          if (words === undefined) return { tokens: ["It is open."] };
          judged.push(words);
          return { tokens: [words.endsWith("door") ? "DONE" : "WAIT"] };
        },
      }),
    );
    const server = stack.use(
      await startServer({
        provider: provider.url,
        settings: {
          rtc: { voice: { end_ms: END_MS, max_end_ms: MAX_END_MS } },
          speech: {
            stt: { engine: "command", command: pocketsphinx(grammar.path), input: "wav", language: "en" },
            tts: { engine: "command", command: ESPEAK, language: "en-us" },
          },
        },
        variables: speechEnv(),
      }),
    );
    const agent = { id: "doorman", name: "Doorman", voice: { turn_detection: "semantic" } };
    await good(await server.request("POST", "/agents", { key: ADMIN_KEY, body: agent }));
    const { page } = await openPage(stack, await withPause());
    const id = await callFrom(page, server, { body: { agent_id: "doorman" } });
    const story = stack.use(new CallStory(server, id));
    await page.evaluate(() => rtc.play());
    const { data: done } = await story.until(({ type }) => type === "agent.done");
    assert.deepEqual(story.of("transcript.final").map(({ text }) => text), [`${FIRST} ${REST}`]);
    assert.deepEqual([judged[0], judged.at(-1)], [FIRST, `${FIRST} ${REST}`]);
    assert.equal(story.of("speech.stopped").length, 1, "the pause ended no turn");
    assert.ok(done.latency.turn_ms < MAX_END_MS, `${done.latency.turn_ms}`);
    assert.deepEqual(story.of("error"), []);
    const answered = provider.requests.filter((request) => judgedIn(request) === undefined);
    assert.equal(answered.at(-1)!.body.messages.at(-1).content, `${FIRST} ${REST}`);
  },
);
