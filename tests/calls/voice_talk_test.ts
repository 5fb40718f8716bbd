/**
 * A call without a network: espeak-ng asks, pocketsphinx hears it, a run answers, espeak-ng says the answer, and
 * pocketsphinx hears that, through Opus both ways and in real time.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { createVoiceActivity } from "../../src/adapters/fvad/voice_activity.ts";
import { createOpusCodec } from "../../src/adapters/opus/codec.ts";
import { createCommandSpeaker } from "../../src/adapters/speech/command_speaker.ts";
import { createCommandTranscriber } from "../../src/adapters/speech/command_transcriber.ts";
import { SilenceTurns } from "../../src/core/voice/silence_turns.ts";
import { VOICE_LIMITS } from "../../src/core/voice/voice_limits.ts";
import { VoiceLoop } from "../../src/core/voice/voice_loop.ts";
import type { NewRtcEvent } from "../../src/domain/rtc_event.ts";
import { systemClock } from "../../src/kit/clock.ts";
import { joinSamples } from "../../src/kit/pcm.ts";
import { Resampler } from "../../src/kit/resampler.ts";
import type { OutgoingPacket } from "../../src/ports/peers.ts";
import { hasProgram } from "../support/parts.ts";
import { realTime } from "../support/real_time.ts";
import { runBrain } from "../support/run_brain.ts";
import { CALLER, openRunParts } from "../support/run_parts.ts";
import {
  cutFrames,
  heardAs,
  pocketsphinx,
  speakerOptions,
  transcriberOptions,
  writeGrammar,
} from "../support/speech.ts";
import { until } from "../support/story.ts";

const ASKED = "what is the weather in london today";
const ANSWER = "Your order is ready.";
const signal = new AbortController().signal;
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

realTime({
  name: "a spoken question is understood, answered by a run, and the answer is understood",
  ignore: !hasProgram("espeak-ng") || !hasProgram("pocketsphinx_continuous"),
  async fn() {
    await using parts = await openRunParts({
      async *model() {
        yield { type: "start", provider: "scripted", model: "one" };
        yield { type: "text", text: ANSWER };
      },
    });
    await using grammar = await writeGrammar();
    const tts = createCommandSpeaker(speakerOptions());
    const stt = createCommandTranscriber(transcriberOptions(pocketsphinx(grammar.path)));
    const codec = createOpusCodec();
    const events: NewRtcEvent[] = [];
    const sent: OutgoingPacket[] = [];
    const brain = runBrain(parts.runs, CALLER);
    using loop = await VoiceLoop.open({
      clock: systemClock,
      codec,
      activity: createVoiceActivity(),
      stt,
      tts,
      turns: ({ end_ms = 500 }) => new SilenceTurns({ end_ms }),
      brain,
      voice: {},
      limits: VOICE_LIMITS,
      phrases: { waiting: "", failed: "" },
      emit: (event) => void events.push(event),
      sendAudio: (packet) => void sent.push(packet),
    });
    loop.start();
    const question = joinSamples(await Array.fromAsync(tts.speak(ASKED, { signal })));
    const at48 = new Resampler({ from: tts.rate, to: 48_000 });
    const pause = new Int16Array(48_000);
    const frames = [...cutFrames(joinSamples([pause, at48.push(question), at48.end(), pause, pause]), 48_000)];
    using encoder = await codec.createEncoder({ rate: 48_000, bitrate: 32_000 });
    const begun = performance.now();
    for (const [i, frame] of frames.entries()) {
      await sleep(Math.max(0, begun + i * 20 - performance.now()));
      const payload = encoder.encode(frame);
      loop.onMedia({ mid: "0", kind: "audio", payload, sequence: i, timestamp: i * 960, marker: i === 0 });
    }
    await until(
      () => `the end of the answer after ${events.map(({ type }) => type)}`,
      () => events.some(({ type }) => type === "agent.done" || type === "error"),
    );
    assert.deepEqual(events.filter(({ type }) => type === "error"), []);
    const heard = events.find(({ type }) => type === "transcript.final") as NewRtcEvent & { type: "transcript.final" };
    assert.equal(heard.data.text, ASKED);
    using decoder = await codec.createDecoder({ rate: 16_000 });
    const answer = joinSamples(sent.map(({ payload }) => decoder.decode(payload)));
    assert.equal(
      (await Array.fromAsync(stt.transcribe(heardAs(answer), { signal }))).at(-1)!.text,
      "your order is ready",
    );
    const run = await parts.ended(brain.run_ids[0]!);
    assert.equal(run.status, "completed");
    assert.deepEqual((await parts.said(run.conversation_id)).map(({ content }) => content), [ANSWER]);
    // Real time: a packet each 20 ms, and none ahead of it.
    const steps = sent.slice(1).map(({ timestamp }, i) => timestamp - sent[i]!.timestamp);
    assert.ok(steps.every((step) => step > 0 && step % 960 === 0));
  },
});
