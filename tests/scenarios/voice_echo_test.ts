/**
 * A caller whose loudspeaker feeds the microphone: the agent hears its own voice, through Opus, and isn't stopped by it.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { createVoiceActivity } from "../../src/adapters/fvad/voice_activity.ts";
import { createOpusCodec } from "../../src/adapters/opus/codec.ts";
import { createCommandSpeaker } from "../../src/adapters/speech/command_speaker.ts";
import { SilenceTurns } from "../../src/core/voice/silence_turns.ts";
import { VOICE_LIMITS } from "../../src/core/voice/voice_limits.ts";
import { VoiceLoop } from "../../src/core/voice/voice_loop.ts";
import type { NewRtcEvent } from "../../src/domain/rtc_event.ts";
import { amplify } from "../../src/kit/pcm.ts";
import { Resampler } from "../../src/kit/resampler.ts";
import type { SpeechToText } from "../../src/ports/speech_to_text.ts";
import { MovingClock, settlePromises } from "../support/moving_clock.ts";
import { hasProgram } from "../support/parts.ts";
import { cutFrames, speakerOptions } from "../support/speech.ts";

const STORY =
  "Once upon a time there was a small town by the sea. Nobody there had ever seen a ship as large as this one.";
/** How late, and how much softer, the echo comes. */
const DELAY = 6;
const SOFTER = 0.4;
const signal = new AbortController().signal;

const deaf: SpeechToText = {
  rate: 16_000,
  streaming: false,
  check: () => Promise.resolve({ ok: true, detail: "" }),
  async *transcribe(audio) {
    for await (const _ of audio);
    yield { text: "stop this at once", final: true };
  },
};

/** The types of what happens while the agent tells its story into a room with an echo, and a person says `speech`. */
async function tell({ echo_guard, speech = [] }: { echo_guard: boolean; speech?: Int16Array[] }): Promise<string[]> {
  const clock = new MovingClock({ settle: settlePromises });
  const codec = createOpusCodec();
  await codec.load();
  const tts = createCommandSpeaker(speakerOptions());
  const sound = await Array.fromAsync(tts.speak(STORY, { signal }));
  const events: NewRtcEvent[] = [];
  const sent: Uint8Array[] = [];
  using loop = await VoiceLoop.open({
    clock,
    codec,
    activity: createVoiceActivity(),
    stt: deaf,
    tts: {
      rate: tts.rate,
      check: tts.check.bind(tts),
      async *speak() {
        yield* sound;
      },
    },
    turns: ({ end_ms = 500 }) => new SilenceTurns({ end_ms }),
    brain: {
      async *answer(text, { delivery, signal }) {
        yield { type: "text", text };
        await delivery.heard(text, { signal });
      },
    },
    voice: {},
    limits: { ...VOICE_LIMITS, echo_guard },
    phrases: { waiting: "", failed: "" },
    emit: (event) => void events.push(event),
    sendAudio: ({ payload }) => void sent.push(payload),
  });
  using decoder = await codec.createDecoder({ rate: 48_000 });
  using encoder = await codec.createEncoder({ rate: 48_000, bitrate: 32_000 });
  loop.start();
  loop.announce(STORY);
  const nothing = new Int16Array(960);
  for (let i = 0; i < 250; i++) {
    await clock.pass(20);
    const back = sent[i - DELAY];
    const heard = amplify(back ? decoder.decode(back) : nothing, SOFTER);
    const said = speech[i - 100];
    if (said) { for (let at = 0; at < heard.length; at++) heard[at] = heard[at]! + said[at]!; }
    const payload = encoder.encode(heard);
    loop.onMedia({ mid: "0", kind: "audio", payload, sequence: i, timestamp: i * 960, marker: i === 0 });
  }
  return events.map(({ type }) => type);
}

const ignore = !hasProgram("espeak-ng");

Deno.test({
  name: "an agent that hears itself goes on, and would stop without the guard",
  ignore,
  async fn() {
    const guarded = await tell({ echo_guard: true });
    assert.ok(guarded.includes("agent.speaking"));
    assert.ok(!guarded.includes("agent.interrupted"), `${guarded}`);
    const open = await tell({ echo_guard: false });
    assert.ok(open.includes("agent.interrupted"), `${open}`);
  },
});

Deno.test({
  name: "who speaks louder than the echo is heard through it",
  ignore,
  async fn() {
    const tts = createCommandSpeaker(speakerOptions());
    const up = new Resampler({ from: tts.rate, to: 48_000 });
    const parts = await Array.fromAsync(tts.speak("Wait, please stop this story now, I have a question.", { signal }));
    const speech = [...cutFrames(Int16Array.from(parts.flatMap((part) => [...up.push(part)])), 48_000)];
    const events = await tell({ echo_guard: true, speech: speech.map((frame) => amplify(frame, 1.2)) });
    assert.ok(events.includes("agent.interrupted"), `${events}`);
  },
});
