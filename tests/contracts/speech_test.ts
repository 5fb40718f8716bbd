import { strict as assert } from "node:assert";
import { createOpusCodec } from "../../src/adapters/opus/codec.ts";
import { createCommandSpeaker } from "../../src/adapters/speech/command_speaker.ts";
import { createCommandTranscriber } from "../../src/adapters/speech/command_transcriber.ts";
import { createOpenAiSpeaker } from "../../src/adapters/speech/openai_speech.ts";
import { createOpenAiTranscriber } from "../../src/adapters/speech/openai_transcriptions.ts";
import { systemClock } from "../../src/kit/clock.ts";
import { joinSamples, levelOf } from "../../src/kit/pcm.ts";
import { Resampler } from "../../src/kit/resampler.ts";
import type { SpeechToText } from "../../src/ports/speech_to_text.ts";
import type { TextToSpeech } from "../../src/ports/text_to_speech.ts";
import { Random } from "../support/random.ts";
import {
  cutFrames,
  heardAs,
  pocketsphinx,
  SENTENCES,
  speakerOptions,
  transcriberOptions,
  writeGrammar,
} from "../support/speech.ts";
import { type SpeechServer, startSpeechServer } from "../support/speech_server.ts";
import { leftFolders } from "../support/speech_traces.ts";

const signal = new AbortController().signal;
const [WEATHER, DOOR] = SENTENCES;

/** What a test has at hand. */
interface Place {
  grammar: string;
  server: SpeechServer;
}

/** Runs `work` with a grammar and a server of its own. */
async function withPlace(work: (place: Place) => Promise<void>): Promise<void> {
  await using grammar = await writeGrammar();
  await using server = await startSpeechServer({ api_key: "sk-test" });
  await work({ grammar: grammar.path, server });
  await server.idle();
}

const toServer = ({ server }: Place) => ({
  base_url: server.url,
  api_key: "sk-test",
  model: "speech",
  timeout_ms: 30_000,
  retries: 0,
  clock: systemClock,
});

const SPEAKERS: Record<string, (place: Place) => TextToSpeech> = {
  "espeak-ng, as WAV": () => createCommandSpeaker(speakerOptions()),
  "a program that gives raw samples": () =>
    createCommandSpeaker(speakerOptions({
      command: ["sh", "-c", "espeak-ng --stdin --stdout -v en-us | tail -c +45"],
      output: "raw",
      rate: 22_050,
    })),
  "OpenAI's speech": (place) => createOpenAiSpeaker({ ...toServer(place), voice: "alloy", instructions: "" }),
};

const TRANSCRIBERS: Record<string, (place: Place) => SpeechToText> = {
  "pocketsphinx, samples as they come": ({ grammar }) =>
    createCommandTranscriber(transcriberOptions(pocketsphinx(grammar))),
  "pocketsphinx, a WAV file as its input": ({ grammar }) =>
    createCommandTranscriber(transcriberOptions(pocketsphinx(grammar), { input: "wav" })),
  "pocketsphinx, a WAV file by name": ({ grammar }) =>
    createCommandTranscriber(transcriberOptions(
      ["pocketsphinx_continuous", "-infile", "{wav}", "-jsgf", grammar, "-samprate", "{rate}", "-logfn", "/dev/null"],
      { input: "wav" },
    )),
  "OpenAI's transcriptions": (place) =>
    createOpenAiTranscriber({ ...toServer(place), language: "", prompt: "", stream: false }),
  "OpenAI's transcriptions, streamed": (place) =>
    createOpenAiTranscriber({ ...toServer(place), language: "", prompt: "", stream: true }),
};

/** `samples` as they come out of a call: through Opus, as packets of 20 ms. */
async function throughOpus(samples: Int16Array, from: 24_000 | 48_000, to: 16_000 | 24_000): Promise<Int16Array> {
  const codec = createOpusCodec();
  using encoder = await codec.createEncoder({ rate: from, bitrate: 32_000 });
  using decoder = await codec.createDecoder({ rate: to });
  return joinSamples([...cutFrames(samples, from)].map((frame) => decoder.decode(encoder.encode(frame))));
}

async function say(speaker: TextToSpeech, text: string): Promise<Int16Array> {
  return joinSamples(await Array.fromAsync(speaker.speak(text, { signal })));
}

async function hear(transcriber: SpeechToText, samples: Int16Array): Promise<string> {
  const transcripts = await Array.fromAsync(transcriber.transcribe(heardAs(samples), { signal }));
  assert.deepEqual(transcripts.map(({ final }) => final), transcripts.map((_, i) => i === transcripts.length - 1));
  return transcripts.at(-1)!.text;
}

for (const [name, open] of Object.entries(SPEAKERS)) {
  Deno.test(`${name}: what is said is understood, also through Opus, and comes at the rate of the port`, () =>
    withPlace(async (place) => {
      const speaker = open(place);
      const spoken = await say(speaker, WEATHER);
      assert.equal(speaker.rate, 24_000);
      const seconds = spoken.length / speaker.rate;
      assert.ok(seconds > 1 && seconds < 4, `${seconds} s for "${WEATHER}"`);
      const transcriber = createCommandTranscriber(transcriberOptions(pocketsphinx(place.grammar)));
      assert.equal(await hear(transcriber, await throughOpus(spoken, 24_000, 16_000)), WEATHER);
    }));

  Deno.test(`${name}: sound comes in pieces, and a caller that has heard enough ends it`, () =>
    withPlace(async (place) => {
      let pieces = 0;
      for await (const piece of open(place).speak(SENTENCES.join(". "), { signal })) {
        assert.ok(piece.length > 0);
        if (++pieces === 2) break;
      }
      assert.equal(pieces, 2);
      await place.server.idle();
    }));

  Deno.test(`${name}: nothing to say is no sound, and says nothing wrong`, () =>
    withPlace(async (place) => {
      assert.equal((await say(open(place), " \n ")).length, 0);
      assert.equal(place.server.requests.length, 0);
    }));

  Deno.test(`${name}: its check says that it can be used`, () =>
    withPlace(async (place) => {
      const { ok, detail } = await open(place).check(signal);
      assert.equal(ok, true, detail);
    }));

  Deno.test(`${name}: a signal that has come already keeps it from starting`, () =>
    withPlace(async (place) => {
      const gone = AbortSignal.abort();
      await assert.rejects(Array.fromAsync(open(place).speak(WEATHER, { signal: gone })), { name: "CancelledError" });
      assert.equal(place.server.requests.length, 0);
    }));
}

for (const [name, open] of Object.entries(TRANSCRIBERS)) {
  Deno.test(`${name}: sentences are understood, also through Opus both ways`, () =>
    withPlace(async (place) => {
      const transcriber = open(place);
      assert.equal(transcriber.rate, 16_000);
      for (const sentence of [WEATHER, DOOR]) {
        const spoken = await say(createCommandSpeaker(speakerOptions()), sentence);
        const resampler = new Resampler({ from: 24_000, to: 16_000 });
        const plain = joinSamples([resampler.push(spoken), resampler.end()]);
        assert.equal(await hear(transcriber, plain), sentence);
        // To the caller and back, as an echo would be.
        const there = await throughOpus(spoken, 24_000, 24_000);
        assert.equal(await hear(transcriber, await throughOpus(there, 24_000, 16_000)), sentence);
      }
      assert.deepEqual(await leftFolders(), []);
    }));

  Deno.test(`${name}: silence, and no sound at all, are an empty final transcript`, () =>
    withPlace(async (place) => {
      assert.equal(await hear(open(place), new Int16Array(16_000)), "");
      assert.equal(await hear(open(place), new Int16Array(0)), "");
    }));

  Deno.test(`${name}: a signal ends it while the sound still comes, and nothing is left`, () =>
    withPlace(async (place) => {
      const stop = new AbortController();
      const audio = (async function* () {
        yield new Int16Array(1600);
        stop.abort();
        await new Promise(() => {});
      })();
      await assert.rejects(Array.fromAsync(open(place).transcribe(audio, { signal: stop.signal })), {
        name: "CancelledError",
      });
      assert.deepEqual(await leftFolders(), []);
    }));

  Deno.test(`${name}: sound that fails fails the transcript with its own error`, () =>
    withPlace(async (place) => {
      const audio = (async function* () {
        yield new Int16Array(1600);
        throw new Error("The microphone fell");
      })();
      await assert.rejects(Array.fromAsync(open(place).transcribe(audio, { signal })), /microphone fell/);
      assert.deepEqual(await leftFolders(), []);
    }));

  Deno.test(`${name}: its check says that it can be used`, () =>
    withPlace(async (place) => {
      const { ok, detail } = await open(place).check(signal);
      assert.equal(ok, true, detail);
    }));
}

Deno.test("voices, languages and speeds reach espeak-ng", async () => {
  const speaker = createCommandSpeaker(speakerOptions());
  const plain = await say(speaker, WEATHER);
  const said = (options: { voice?: string; language?: string; speed?: number }) =>
    Array.fromAsync(speaker.speak(WEATHER, { ...options, signal })).then(joinSamples);
  assert.ok((await said({ speed: 2 })).length < plain.length * 0.7);
  assert.notDeepEqual(await said({ voice: "en+f3" }), plain);
  assert.notDeepEqual(await said({ language: "de-DE" }), plain);
  assert.ok(levelOf(plain) > -40);
  await assert.rejects(said({ voice: "xx-yy" }), { name: "UpstreamError", message: /voice does not exist/ });
});

Deno.test("pieces of a streamed transcript grow into the final one", () =>
  withPlace(async (place) => {
    const transcriber = TRANSCRIBERS["OpenAI's transcriptions, streamed"]!(place);
    const spoken = await throughOpus(await say(createCommandSpeaker(speakerOptions()), DOOR), 24_000, 16_000);
    const texts = (await Array.fromAsync(transcriber.transcribe(heardAs(spoken), { signal }))).map(({ text }) => text);
    assert.deepEqual(texts.slice(0, 3), ["please", "please open", "please open the"]);
    assert.equal(texts.at(-1), DOOR);
  }));

for (const percent of [5, 10]) {
  Deno.test(`with ${percent} % of the packets lost sentences are still understood`, () =>
    withPlace(async (place) => {
      const random = new Random(percent);
      const codec = createOpusCodec();
      const speaker = createCommandSpeaker(speakerOptions());
      const transcriber = createCommandTranscriber(transcriberOptions(pocketsphinx(place.grammar)));
      let lost = 0;
      for (const sentence of SENTENCES) {
        using encoder = await codec.createEncoder({ rate: 24_000, bitrate: 32_000 });
        using decoder = await codec.createDecoder({ rate: 16_000 });
        encoder.expectLoss(percent);
        const packets = [...cutFrames(await say(speaker, sentence), 24_000)].map((frame) => encoder.encode(frame));
        const arrived = packets.map((packet) => random.chance(percent / 100) ? undefined : packet);
        lost += arrived.filter((packet) => packet === undefined).length;
        const frames = arrived.map((packet, i) => packet ? decoder.decode(packet) : decoder.conceal(arrived[i + 1]));
        assert.equal(await hear(transcriber, joinSamples(frames)), sentence);
      }
      assert.ok(lost > 10, `${lost} packets were lost`);
    }));
}
