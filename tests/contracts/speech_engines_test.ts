import { strict as assert } from "node:assert";
import {
  openSpeech,
  type SpeakerSettings,
  type Speech,
  type TranscriberSettings,
  type UpstreamSettings,
} from "../../src/adapters/speech/engines.ts";
import { systemClock } from "../../src/kit/clock.ts";
import { joinSamples } from "../../src/kit/pcm.ts";
import { heardAs, SENTENCES, speechEnv } from "../support/speech.ts";
import { startRealtimeProvider } from "../support/realtime_provider.ts";
import { startSpeechServer } from "../support/speech_server.ts";

const { signal } = new AbortController();

const common = {
  engine: "auto" as const,
  base_url: "",
  api_key: "",
  model: "",
  command: [],
  language: "",
  timeout_seconds: 30,
  retries: 0,
};

function open(
  { stt = {}, tts = {}, realtime = {}, env = speechEnv() }: {
    realtime?: Partial<UpstreamSettings>;
    stt?: Partial<TranscriberSettings>;
    tts?: Partial<SpeakerSettings>;
    env?: Record<string, string>;
  },
): Promise<Speech> {
  return openSpeech({
    stt: { ...common, input: "wav", prompt: "", stream: "auto", ...stt },
    tts: { ...common, output: "wav", rate: 22_050, voice: "", instructions: "", ...tts },
    realtime: {
      base_url: "",
      api_key: "",
      model: "",
      transcription_model: "",
      voice: "",
      language: "",
      renew_seconds: 3300,
      timeout_seconds: 30,
      ...realtime,
    },
  }, { env, clock: systemClock });
}

/** A folder with programs of these names, each a script that writes what it was called with. */
async function fakePrograms(...names: string[]): Promise<AsyncDisposable & { path: string }> {
  const path = await Deno.makeTempDir({ prefix: "muxi-programs-" });
  for (const name of names) {
    await Deno.writeTextFile(`${path}/${name}`, `#!/bin/sh\necho "${name} $*"\n`, { mode: 0o755 });
  }
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

Deno.test("by itself it finds what the machine has, and that works", async () => {
  const { stt, tts } = await open({});
  assert.match(tts.detail, /espeak-ng$/);
  // pocketsphinx is here, but understands nothing without the sentences that may be said.
  assert.equal(stt.engine, null);
  assert.match(stt.detail, /^pocketsphinx understands only the sentences of a grammar: name one with its -jsgf/);
  const spoken = await Array.fromAsync(tts.engine!.speak(SENTENCES[0], { signal, language: "en-US" }));
  assert.ok(joinSamples(spoken).length > 24_000);
});

Deno.test("where there is nothing it says what to install, and neither starts nor asks anything", async () => {
  await using empty = await fakePrograms();
  const { stt, tts } = await open({ env: { PATH: empty.path } });
  assert.deepEqual([stt.engine, tts.engine], [null, null]);
  assert.match(stt.detail, /^Nothing here can listen: set speech\.stt\.base_url and api_key, or install whisper\.cpp/);
  assert.match(tts.detail, /^Nothing here can speak: set speech\.tts\.base_url and api_key, or install piper/);
});

Deno.test("better programs come first, but not without their model", async () => {
  await using all = await fakePrograms("whisper-cli", "pocketsphinx_continuous", "piper", "espeak-ng");
  await using few = await fakePrograms("whisper-cli", "piper");
  const model = `${all.path}/base.bin`;
  const voice = `${all.path}/en_US-lessac-medium.onnx`;
  for (const file of [model, voice]) await Deno.writeTextFile(file, "");
  const env = { PATH: `${all.path}:/usr/bin:/bin` };
  const plain = await open({ env });
  assert.match(plain.stt.detail, /whisper-cli needs a model/);
  assert.match(plain.tts.detail, /espeak-ng/);
  const with_models = await open({ env, stt: { model }, tts: { model: voice } });
  assert.equal(with_models.stt.detail, `${all.path}/whisper-cli with ${model}`);
  assert.equal(with_models.tts.detail, `${all.path}/piper with ${voice}`);
  const heard = async (language?: string) =>
    (await Array.fromAsync(
      with_models.stt.engine!.transcribe(heardAs(new Int16Array(1600)), { signal, ...language && { language } }),
    )).at(-1)!.text;
  const [found] = await Array.fromAsync(with_models.stt.engine!.transcribe(heardAs(new Int16Array(1600)), { signal }));
  assert.equal(found!.language, undefined);
  assert.equal(await heard(), `whisper-cli -m ${model} -l auto -nt -np -f -`);
  assert.equal(await heard("pt-BR"), `whisper-cli -m ${model} -l pt -nt -np -f -`);
  assert.match((await open({ env, stt: { model: "/no.bin" } })).stt.detail, /^Cannot find the model file "\/no\.bin"/);
  const modelless = await open({ env: { PATH: few.path } });
  assert.deepEqual([modelless.stt.engine, modelless.tts.engine], [null, null]);
  assert.match(modelless.stt.detail, /whisper-cli needs a model/);
  assert.match(modelless.tts.detail, /piper needs a voice/);
});

Deno.test("a server is used where one is named, unless a command is", async () => {
  await using server = await startSpeechServer({ instant: { text: "hello there" }, api_key: "sk-test" });
  const there = { base_url: `${server.url}/`, api_key: "sk-test" };
  const { stt, tts } = await open({ stt: there, tts: { ...there, model: "tts-1", voice: "ash" } });
  assert.equal(stt.detail, `gpt-4o-mini-transcribe at ${server.url}`);
  assert.equal(tts.detail, `tts-1 at ${server.url}`);
  const texts = await Array.fromAsync(stt.engine!.transcribe(heardAs(new Int16Array(16_000)), { signal }));
  assert.equal(texts.at(-1)!.text, "hello there");
  await Array.fromAsync(tts.engine!.speak("hello", { signal }));
  assert.deepEqual(server.requests.map(({ fields: { model, stream, voice } }) => [model, stream, voice]), [
    ["gpt-4o-mini-transcribe", "true", undefined],
    ["tts-1", undefined, "ash"],
  ]);
  const command = ["espeak-ng", "--stdin", "--stdout"];
  assert.equal((await open({ tts: { ...there, command } })).tts.detail, "espeak-ng");
  assert.equal(
    (await open({ tts: { ...there, command, engine: "openai" } })).tts.detail,
    tts.detail.replace("tts-1", "gpt-4o-mini-tts"),
  );
  assert.match((await open({ stt: { api_key: "sk-test" } })).stt.detail, /at https:\/\/api\.openai\.com\/v1$/);
});

Deno.test("what is switched off, empty or not there is said", async () => {
  const off = await open({ stt: { engine: "none" }, tts: { engine: "command" } });
  assert.deepEqual([off.stt, off.tts], [
    { engine: null, detail: "Switched off by speech.stt.engine" },
    { engine: null, detail: "speech.tts.engine is command, but speech.tts.command is empty" },
  ]);
  const missing = await open({ stt: { command: ["muxi-no-such-program"] } });
  assert.deepEqual(missing.stt, {
    engine: null,
    detail: 'Cannot find "muxi-no-such-program": install it, or change the command',
  });
});

Deno.test("programs don't see our secrets", async () => {
  const env = { ...speechEnv(), OPENAI_API_KEY: "sk-secret", MUXI_ADMIN_API_KEY: "secret", LC_ALL: "C" };
  const { stt } = await open({ stt: { command: ["env"] }, env });
  const [said] = await Array.fromAsync(stt.engine!.transcribe(heardAs(new Int16Array(1600)), { signal }));
  assert.ok(said!.text.includes("LC_ALL=C"));
  assert.ok(!said!.text.includes("secret"));
});

Deno.test("a voice of somebody else's is there once its server or its key is set", async () => {
  assert.match((await open({})).upstream.detail, /^Set speech\.realtime\.base_url or api_key/);
  assert.equal(
    (await open({ realtime: { api_key: "sk-test" } })).upstream.detail,
    "gpt-realtime at https://api.openai.com/v1",
  );
  await using provider = startRealtimeProvider({ api_key: "sk-test" });
  const { upstream } = await open({ realtime: { base_url: provider.url, api_key: "sk-test", model: "talker" } });
  const { host } = new URL(provider.url);
  assert.deepEqual(await upstream.engine!.check(signal), {
    ok: true,
    detail: `Speech server "${host}" (talker) takes calls`,
  });
});
