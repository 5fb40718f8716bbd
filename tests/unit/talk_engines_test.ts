/**
 * Who hears, thinks and speaks in a call.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import type { CallMedia, UpstreamOffer } from "../../src/core/calls/call_media.ts";
import { openEngines } from "../../src/core/calls/talk_engines.ts";
import { AppError } from "../../src/domain/error.ts";
import type { RtcSessionRow } from "../../src/domain/table.ts";
import type { Model } from "../../src/ports/model.ts";
import type { SpeechToText } from "../../src/ports/speech_to_text.ts";
import type { TextToSpeech } from "../../src/ports/text_to_speech.ts";
import type { UpstreamOptions, VoiceUpstream } from "../../src/ports/voice_upstream.ts";

const check = () => Promise.resolve({ ok: true, detail: "" });
const { signal } = new AbortController();

function hears(by: string, rate: 16_000 | 24_000): SpeechToText {
  return {
    rate,
    streaming: by === "own",
    check,
    async *transcribe(audio) {
      let samples = 0;
      for await (const frame of audio) samples += frame.length;
      yield { text: `${by} ${samples / rate * 1000}`, final: true };
    },
  };
}

function speaks(by: number, rate: number): TextToSpeech {
  return {
    rate,
    check,
    async *speak() {
      yield new Int16Array(rate).fill(by);
    },
  };
}

function thinks(by: string): Model {
  return {
    check,
    async *stream() {
      yield { type: "text", text: by };
    },
  };
}

/** A voice that may be down, and what became of it. */
function upstream() {
  const state = { down: false, closed: 0, options: undefined as UpstreamOptions | undefined };
  const engine: VoiceUpstream = {
    check,
    open(options) {
      state.options = options;
      return {
        ears: hears("upstream", 24_000),
        mouth: speaks(1000, 24_000),
        model: thinks("upstream"),
        get down() {
          return state.down;
        },
        [Symbol.asyncDispose]: () => Promise.resolve(void state.closed++),
      };
    },
  };
  return { engine, state };
}

function open({ offer, voice = {}, modalities = ["audio", "text"] }: {
  offer?: Partial<UpstreamOffer>;
  voice?: RtcSessionRow["voice"];
  modalities?: RtcSessionRow["modalities"];
}) {
  const stack = new AsyncDisposableStack();
  const told: AppError[] = [];
  const media = {
    stt: hears("own", 16_000),
    tts: speaks(2000, 16_000),
    missing: ["Something is missing"],
    ...offer && { upstream: { engine: undefined, usual: false, fallback: false, ...offer } },
  } as unknown as CallMedia;
  const engines = openEngines({
    row: { modalities, voice } as unknown as RtcSessionRow,
    media,
    model: thinks("own"),
    choice: () => ({ voice: "echo" }),
    complain: (error) => void told.push(error),
  }, stack);
  return { engines, stack, told };
}

/** Who does what. */
async function whoOf({ stt, tts, model }: ReturnType<typeof openEngines>): Promise<unknown[]> {
  async function* second() {
    yield new Int16Array(stt!.rate);
  }
  const heard = stt && (await Array.fromAsync(stt.transcribe(second(), { signal }))).at(-1)!.text;
  const parts = tts && await Array.fromAsync(tts.speak("x", { signal }));
  const sound = parts?.flatMap((part) => [...part]);
  const [said] = await Array.fromAsync(model.stream({} as never, { signal }));
  return [heard?.replace(/[\d.]+/, ""), sound && Math.round(sound[8000]! / 1000), said?.type === "text" && said.text];
}

Deno.test("agents have their engines and their model, unless they or the settings say otherwise", async () => {
  const { engine } = upstream();
  const own = ["own ", 2, "own"];
  const other = ["upstream ", 1, "upstream"];
  assert.deepEqual(await whoOf(open({}).engines), own);
  assert.deepEqual(await whoOf(open({ offer: { engine } }).engines), own);
  assert.deepEqual(open({ offer: { engine } }).engines.missing, ["Something is missing"]);
  assert.deepEqual(await whoOf(open({ offer: { engine }, voice: { upstream: true } }).engines), other);
  assert.deepEqual(await whoOf(open({ offer: { engine, usual: true } }).engines), other);
  assert.deepEqual(open({ offer: { engine, usual: true } }).engines.missing, []);
  assert.deepEqual(await whoOf(open({ offer: { engine, usual: true }, voice: { upstream: false } }).engines), own);
  const text = open({ offer: { engine, usual: true }, modalities: ["text"] }).engines;
  assert.deepEqual(await whoOf(text), [undefined, undefined, "own"]);
});

Deno.test("who wants a voice that is not set is told, and has engines only if the settings say so", async () => {
  const voice = { upstream: true };
  const without = open({ offer: { usual: false }, voice }).engines;
  assert.deepEqual(await whoOf(without), [undefined, undefined, "own"]);
  assert.match(without.missing[0]!, /speech\.realtime, which is not set/);
  const fallback = open({ offer: { fallback: true }, voice }).engines;
  assert.deepEqual(await whoOf(fallback), ["own ", 2, "own"]);
  assert.match(fallback.missing[0]!, /speech\.realtime, which is not set/);
});

Deno.test("while a voice is down its engines take over, if the settings say so, at its rates", async () => {
  const { engine, state } = upstream();
  const { engines, stack, told } = open({ offer: { engine, usual: true, fallback: true } });
  assert.deepEqual(await whoOf(engines), ["upstream ", 1, "upstream"]);
  assert.deepEqual(state.options!.choice(), { voice: "echo" });
  state.down = true;
  state.options!.onTrouble(new AppError("UpstreamError", "It broke"));
  assert.deepEqual(told.map(({ message }) => message), ["It broke"]);
  assert.deepEqual(await whoOf(engines), ["own ", 2, "own"]);
  const parts = await Array.fromAsync(engines.tts!.speak("x", { signal }));
  const samples = parts.reduce((sum, { length }) => sum + length, 0);
  assert.ok(Math.abs(samples - 24_000) < 50, `${samples}`);
  state.down = false;
  assert.deepEqual(await whoOf(engines), ["upstream ", 1, "upstream"]);
  await stack.disposeAsync();
  assert.equal(state.closed, 1);
});
