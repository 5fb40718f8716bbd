import { strict as assert } from "node:assert";
import { createOpenAiSpeaker, type OpenAiSpeakerOptions } from "../../src/adapters/speech/openai_speech.ts";
import {
  createOpenAiTranscriber,
  type OpenAiTranscriberOptions,
} from "../../src/adapters/speech/openai_transcriptions.ts";
import { toWav } from "../../src/adapters/speech/wav.ts";
import { AppError } from "../../src/domain/error.ts";
import { systemClock } from "../../src/kit/clock.ts";
import { joinSamples } from "../../src/kit/pcm.ts";
import { heardAs } from "../support/speech.ts";
import { type SpeechFault, type SpeechServer, startSpeechServer } from "../support/speech_server.ts";

const signal = new AbortController().signal;
const TEXT = "please open the garden door";
const KEY = "sk-speech-test-key";

type Options = Partial<OpenAiSpeakerOptions & OpenAiTranscriberOptions>;

const base = (server: SpeechServer, options: Options) => ({
  base_url: server.url,
  api_key: KEY,
  model: "speech",
  timeout_ms: 30_000,
  retries: 0,
  clock: systemClock,
  ...options,
});

async function speak(server: SpeechServer, options: Options = {}, stop = signal): Promise<Int16Array> {
  const speaker = createOpenAiSpeaker({ voice: "alloy", instructions: "", ...base(server, options) });
  return joinSamples(await Array.fromAsync(speaker.speak("hello", { signal: stop })));
}

async function transcribe(server: SpeechServer, options: Options = {}, stop = signal): Promise<string> {
  const transcriber = createOpenAiTranscriber({ language: "", prompt: "", stream: true, ...base(server, options) });
  const audio = heardAs(new Int16Array(16_000));
  return (await Array.fromAsync(transcriber.transcribe(audio, { signal: stop }))).at(-1)!.text;
}

const ENGINES = { speak, transcribe };

async function withServer(work: (server: SpeechServer) => Promise<void>): Promise<void> {
  await using server = await startSpeechServer({ instant: { text: TEXT }, api_key: KEY });
  await work(server);
  // What was given up is not answered any more.
  await server.idle();
}

for (const [name, ask] of Object.entries(ENGINES)) {
  const test = (what: string, work: (server: SpeechServer) => Promise<void>) =>
    Deno.test(`${name}: ${what}`, () => withServer(work));
  const fails = async (
    server: SpeechServer,
    fault: SpeechFault,
    expected: { message?: string | RegExp; retryAfter?: number },
    options: Options = {},
  ) => {
    server.fault(fault);
    await assert.rejects(ask(server, options), { name: "UpstreamError", ...expected });
  };

  test("a refused key is said without the key, and not tried again", async (server) => {
    await assert.rejects(ask(server, { api_key: "sk-another-key", retries: 3 }), (error: AppError) => {
      assert.match(error.message, /^Speech server "127\.0\.0\.1:\d+" refused the API key: check its setting/);
      assert.ok(!JSON.stringify([error.message, error.details]).includes("another"));
      return true;
    });
    await assert.rejects(ask(server, { api_key: "" }), { message: /wants an API key: none is set/ });
  });

  test("what a server says of its refusal is passed on, without secrets", async (server) => {
    await fails(server, { status: 400, error: `No such voice for ${KEY}` }, {
      message: `Speech server "${new URL(server.url).host}" refused the request: No such voice for [masked]`,
    });
    assert.equal(server.requests.length, 1);
  });

  test("a failure that may pass is tried again, as often as the settings say", async (server) => {
    server.fault({ status: 503, times: 2 });
    await ask(server, { retries: 2 });
    assert.equal(server.requests.length, 3);
    await fails(server, { status: 503 }, {}, { retries: 1 });
    assert.equal(server.requests.length, 5);
  });

  test("a pause that is asked for is kept, and one that is too long is not waited for", async (server) => {
    server.fault({ status: 429, headers: { "retry-after-ms": "30" }, times: 1 });
    await ask(server, { retries: 1 });
    await fails(server, { status: 429, headers: { "retry-after": "3600" } }, { retryAfter: 3600 }, { retries: 5 });
    assert.equal(server.requests.length, 3);
  });

  test("a server that hangs is given up, before its headers and in the middle", async (server) => {
    for (const fault of [{ hang_headers: true }, { hang: true }] as const) {
      server.fault(fault);
      await assert.rejects(ask(server, { timeout_ms: 300 }), { name: "TimeoutError", message: /within 300 ms/ });
    }
  });

  test("a signal ends the request, before its headers and in the middle", async (server) => {
    for (const fault of [{ hang_headers: true }, { endless: true }] as const) {
      server.fault(fault);
      const stop = new AbortController();
      const count = server.requests.length;
      const asked = ask(server, {}, stop.signal);
      asked.catch(() => {});
      while (server.requests.length === count) await new Promise((resolve) => setTimeout(resolve, 5));
      stop.abort();
      await assert.rejects(asked, { name: "CancelledError" });
    }
    await server.idle();
    assert.equal(server.requests.at(-1)!.closed, true);
  });

  test("an answer without end is ended at its limit", async (server) => {
    await fails(server, { endless: true }, { message: /said more than \d+ bytes$/ });
    await server.idle();
    assert.equal(server.requests.at(-1)!.closed, true);
  });

  test("a connection that breaks is said", async (server) => {
    await fails(server, { die: true }, { message: /^The connection to speech server ".+" broke$/ });
  });

  test("a server that nobody runs can't be reached", async (server) => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    listener.close();
    const base_url = `http://127.0.0.1:${port}/v1`;
    await assert.rejects(ask(server, { base_url }), { message: `Cannot reach speech server "127.0.0.1:${port}"` });
  });

  test("pages, other sounds and nothing at all are no answer", async (server) => {
    for (
      const raw of [
        { type: "text/html", body: "<h1>Hello</h1>" },
        { type: "application/json", body: '{"ok": true}' },
        { type: "application/json", body: "" },
        { type: "text/event-stream", body: "data: {broken\n\n" },
        { type: "text/event-stream", body: "" },
      ]
    ) await fails(server, { raw }, { message: /sent|ended/ });
  });

  test("a redirect is not followed: it could carry the key away", async (server) => {
    await using other = await startSpeechServer({ instant: { text: TEXT } });
    await fails(server, { status: 307, headers: { location: `${other.url}/audio/speech` } }, {
      message: /Cannot reach/,
    });
    assert.equal(other.requests.length, 0);
  });
}

Deno.test("what is asked for is what the settings and the caller say", () =>
  withServer(async (server) => {
    const speaker = createOpenAiSpeaker({ voice: "alloy", instructions: "Whisper", ...base(server, {}) });
    await Array.fromAsync(speaker.speak("hello", { voice: "ash", speed: 1.5, signal }));
    assert.deepEqual(server.requests[0]!.fields, {
      model: "speech",
      input: "hello",
      voice: "ash",
      response_format: "pcm",
      speed: 1.5,
      instructions: "Whisper",
    });
    const transcriber = createOpenAiTranscriber({ language: "de", prompt: "MUXI", stream: false, ...base(server, {}) });
    await Array.fromAsync(transcriber.transcribe(heardAs(new Int16Array(3200)), { language: "pt-BR", signal }));
    await Array.fromAsync(transcriber.transcribe(heardAs(new Int16Array(3200)), { prompt: "Iris", signal }));
    const { fields, file } = server.requests[1]!;
    assert.deepEqual(fields, { model: "speech", response_format: "json", language: "pt", prompt: "MUXI" });
    assert.deepEqual(file, toWav(new Int16Array(3200), 16_000));
    assert.deepEqual(server.requests[2]!.fields, { ...fields, language: "de", prompt: "Iris" });
  }));

Deno.test("connections are used again for the next sentences", () =>
  withServer(async (server) => {
    for (let i = 0; i < 3; i++) {
      await speak(server);
      for (const stream of [true, false]) await transcribe(server, { stream });
      await server.idle();
    }
    // One that is still closing when the next request comes isn't waited for.
    assert.ok(new Set(server.requests.map(({ port }) => port)).size <= 2);
    assert.ok(server.requests.every(({ closed }) => !closed));
  }));

Deno.test("a transcript is final when the server says so, however long it stays", () =>
  withServer(async (server) => {
    const body = 'data: {"type":"transcript.text.done","text":"Yes."}\n\n';
    const endless = new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode(body)) });
    server.fault({ raw: { type: "text/event-stream", body: endless } });
    assert.equal(await transcribe(server), "Yes.");
  }));

Deno.test("a WAV file instead of samples is played at its own rate", () =>
  withServer(async (server) => {
    const body = toWav(new Int16Array(11_025), 22_050);
    for (const type of ["audio/wav", "application/octet-stream"]) {
      server.fault({ raw: { type, body } });
      assert.equal((await speak(server)).length, 12_000);
    }
  }));

Deno.test("ten megabytes of sound come whole", () =>
  withServer(async (server) => {
    server.fault({ raw: { type: "audio/pcm", body: new Uint8Array(10_000_000) } });
    assert.equal((await speak(server)).length, 5_000_000);
  }));

Deno.test("transcripts of servers with other habits are understood", () =>
  withServer(async (server) => {
    const events = (...lines: unknown[]) => lines.map((line) => `data: ${JSON.stringify(line)}\n\n`).join("");
    const delta = (text: string) => ({ type: "transcript.text.delta", delta: text });
    for (
      const [body, text] of [
        [events({ text: "please open" }, { text: "the door" }), "please open the door"],
        [events(delta("yes"), delta(" please")) + "data: [DONE]\n\n", "yes please"],
        [events(delta("yes please")).trimEnd(), "yes please"],
        [events(delta("yes"), { type: "transcript.text.done", text: "Yes." }, delta("no")), "Yes."],
        [events({ type: "transcript.text.done", text: "" }), ""],
        [events({ type: "transcript.text.done", text: "[BLANK_AUDIO]" }), ""],
      ] as const
    ) {
      server.fault({ raw: { type: "text/event-stream", body } });
      assert.equal(await transcribe(server), text);
    }
    server.fault({ raw: { type: "application/json", body: '{"text": " Hello\\n there "}' } });
    assert.equal(await transcribe(server), "Hello there");
    const failed = events(delta("yes"), { error: { message: "Out of memory" } });
    server.fault({ raw: { type: "text/event-stream", body: failed } });
    await assert.rejects(transcribe(server), { message: /failed in the middle of a transcript: Out of memory/ });
  }));

Deno.test("its check asks for nothing that costs, and tells a refusal from an absence", () =>
  withServer(async (server) => {
    const check = (options: Options) =>
      createOpenAiSpeaker({ voice: "alloy", instructions: "", ...base(server, options) }).check(signal);
    const host = new URL(server.url).host;
    assert.deepEqual(await check({}), { ok: true, detail: `Speech server "${host}" (speech) answers` });
    const refused = `Speech server "${host}" (speech) refuses: status 401`;
    assert.deepEqual(await check({ api_key: "sk-other" }), { ok: false, detail: refused });
    assert.equal((await check({ base_url: "http://127.0.0.1:1/v1" })).ok, false);
    assert.equal(server.requests.length, 0);
  }));
