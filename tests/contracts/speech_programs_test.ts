import { strict as assert } from "node:assert";
import { createCommandSpeaker } from "../../src/adapters/speech/command_speaker.ts";
import { createCommandTranscriber } from "../../src/adapters/speech/command_transcriber.ts";
import { joinSamples } from "../../src/kit/pcm.ts";
import { heardAs, speakerOptions, transcriberOptions } from "../support/speech.ts";
import { goneWith, leftFolders, processesWith, thereIs } from "../support/speech_traces.ts";

const signal = new AbortController().signal;

/** Seconds of sleep that no other test asks for, to know a process again. */
function mark(): string {
  return `9${crypto.getRandomValues(new Uint32Array(1))[0]}`;
}

/** Everything a speaker that runs `script` says. */
async function speak(
  script: string,
  { timeout_ms = 30_000, output = "wav" as "wav" | "raw", text = "hello", stop = signal } = {},
): Promise<Int16Array> {
  const speaker = createCommandSpeaker(
    speakerOptions({ command: ["sh", "-c", script], output, rate: 24_000, timeout_ms }),
  );
  return joinSamples(await Array.fromAsync(speaker.speak(text, { signal: stop })));
}

/** The last transcript of a transcriber that runs `script`. */
async function transcribe(
  script: string,
  { timeout_ms = 30_000, input = "wav" as "wav" | "raw", audio = heardAs(new Int16Array(1600)), stop = signal } = {},
): Promise<string> {
  const transcriber = createCommandTranscriber(transcriberOptions(["sh", "-c", script], { input, timeout_ms }));
  return (await Array.fromAsync(transcriber.transcribe(audio, { signal: stop }))).at(-1)!.text;
}

Deno.test("a program that isn't there is a matter of configuration", async () => {
  const speaker = createCommandSpeaker(speakerOptions({ command: ["muxi-no-such-program"] }));
  await assert.rejects(Array.fromAsync(speaker.speak("hello", { signal })), {
    name: "ConfigurationError",
    message: 'Cannot start program "muxi-no-such-program": it is not installed',
  });
  assert.deepEqual(await speaker.check(signal), {
    ok: false,
    detail: 'Cannot start program "muxi-no-such-program": it is not installed',
  });
});

Deno.test("a program that fails says why, without secrets, and never more than a few lines", async () => {
  await assert.rejects(speak("echo 'No voice. Key sk-abcdefghijkl' >&2; exit 3"), {
    name: "UpstreamError",
    message: 'Program "sh" failed: exit code 3: No voice. Key [masked]',
  });
  await assert.rejects(transcribe("kill -SEGV $$"), { name: "UpstreamError", message: /SIGSEGV/ });
  await assert.rejects(speak("yes complaint | head -c 5000000 >&2; exit 1"), ({ message }) => message.length < 500);
});

Deno.test("what is no sound is not played", async () => {
  await assert.rejects(speak("echo Sorry, I can not speak now"), {
    name: "UpstreamError",
    message: /gave no sound: .*RIFF/,
  });
  await assert.rejects(speak("true"), { name: "UpstreamError", message: /gave no sound/ });
});

Deno.test("a program that takes too long is ended with all it started, before and after its first sound", async () => {
  for (const script of ["sleep M & wait", "espeak-ng --stdout hello; sleep M", "exec 1>&2; sleep M"]) {
    const sign = mark();
    await assert.rejects(speak(script.replace("M", sign), { timeout_ms: 300 }), {
      name: "TimeoutError",
      message: 'Program "sh" did not go on within 300 ms',
    });
    await goneWith(sign);
  }
});

Deno.test("a program that doesn't read is ended when the sound has waited for it too long", async () => {
  const sign = mark();
  const audio = (async function* () {
    for (;;) yield new Int16Array(16_000);
  })();
  const script = `sleep ${sign}`;
  await assert.rejects(transcribe(script, { timeout_ms: 300, input: "raw", audio }), { name: "TimeoutError" });
  await goneWith(sign);
});

Deno.test("while somebody still speaks a program may be silent as long as it likes", async () => {
  const audio = (async function* () {
    for (let i = 0; i < 6; i++) {
      yield new Int16Array(320);
      await new Promise((resolve) => setTimeout(resolve, 800));
    }
  })();
  assert.equal(
    await transcribe("cat > /dev/null; echo all heard", { timeout_ms: 4000, input: "raw", audio }),
    "all heard",
  );
});

Deno.test("time in which nobody waits for the program doesn't count", async () => {
  const speaker = createCommandSpeaker(
    speakerOptions({ command: ["cat", "/dev/zero"], output: "raw", timeout_ms: 4000 }),
  );
  let pieces = 0;
  for await (const _ of speaker.speak("hello", { signal })) {
    if (++pieces === 8) break;
    await new Promise((resolve) => setTimeout(resolve, 700));
  }
  assert.equal(pieces, 8);
});

Deno.test("a program without end is ended at its limit", async () => {
  await assert.rejects(speak("exec cat /dev/zero", { output: "raw" }), {
    name: "UpstreamError",
    message: 'Program "sh" said more than 33554432 bytes',
  });
  await assert.rejects(transcribe("exec yes"), { name: "UpstreamError", message: /said more than 1048576 bytes/ });
});

Deno.test("ten megabytes of sound come whole", async () => {
  const samples = await speak("head -c 10000000 /dev/zero", { output: "raw" });
  assert.equal(samples.length, 5_000_000);
});

Deno.test("a signal ends the program with all it started, and so does leaving", async () => {
  const stop = new AbortController();
  const first = mark();
  const speaking = speak(`sleep ${first} & wait`, { stop: stop.signal });
  await thereIs(first);
  stop.abort();
  await assert.rejects(speaking, { name: "CancelledError" });
  await goneWith(first);
  const second = mark();
  const command = ["sh", "-c", `sleep ${second} & cat /dev/zero`];
  const speaker = createCommandSpeaker(speakerOptions({ command, output: "raw" }));
  for await (const _ of speaker.speak("hello", { signal })) break;
  await goneWith(second);
});

Deno.test("what a program started and left behind is gone with it", async () => {
  const sign = mark();
  assert.equal(await transcribe(`sleep ${sign} > /dev/null 2>&1 & echo done`), "done");
  await goneWith(sign);
  assert.deepEqual(await processesWith(sign), []);
});

Deno.test("a program that closes its input early has heard enough", async () => {
  const long = heardAs(new Int16Array(16_000 * 60));
  assert.equal(await transcribe("exec 0<&-; sleep 0.1; echo enough", { input: "raw", audio: long }), "enough");
});

Deno.test("text is data: no shell, no option, no second line", async () => {
  const speaker = createCommandSpeaker(speakerOptions({ command: ["sh", "-c", "cat >&2; exit 1"] }));
  await assert.rejects(Array.fromAsync(speaker.speak("$(touch x); `id`\n--version\0 ü", { signal })), {
    message: 'Program "sh" failed: exit code 1: $(touch x); `id` --version ü',
  });
  for (const voice of ["--path=/etc", "../../etc/passwd", "/etc/passwd", "a/b", ""]) {
    await assert.rejects(Array.fromAsync(speaker.speak("hello", { voice, signal })), { name: "ValidationError" });
    await assert.rejects(Array.fromAsync(speaker.speak("hello", { language: voice, signal })), {
      name: "ValidationError",
    });
  }
});

Deno.test("a program sees the environment it was given, and nothing else", async () => {
  Deno.env.set("MUXI_SPEECH_TEST_SECRET", "hidden");
  try {
    const options = transcriberOptions(["env"], { env: { PATH: Deno.env.get("PATH")!, LANG: "C" } });
    const transcriber = createCommandTranscriber({ ...options, input: "wav" });
    const [said] = await Array.fromAsync(transcriber.transcribe(heardAs(new Int16Array(1600)), { signal }));
    assert.equal(said!.text, `LANG=C PATH=${Deno.env.get("PATH")}`);
  } finally {
    Deno.env.delete("MUXI_SPEECH_TEST_SECRET");
  }
});

Deno.test("the file of an utterance is ours alone, and gone after success, failure and cancellation", async () => {
  const file = (script: string) => ["sh", "-c", script, "{wav}"];
  const open = (script: string) =>
    createCommandTranscriber(transcriberOptions(file(script), { input: "wav", timeout_ms: 10_000 }));
  const run = async (script: string, stop = signal) =>
    (await Array.fromAsync(open(script).transcribe(heardAs(new Int16Array(1600)), { signal: stop }))).at(-1)!.text;
  assert.equal(await run('stat -c "%a %s" "$0"'), "600 3244");
  assert.deepEqual(await leftFolders(), []);
  await assert.rejects(run("exit 1"), { name: "UpstreamError" });
  assert.deepEqual(await leftFolders(), []);
  const stop = new AbortController();
  const sign = mark();
  const cancelled = run(`sleep ${sign}`, stop.signal);
  await thereIs(sign);
  assert.equal((await leftFolders()).length, 1);
  stop.abort();
  await assert.rejects(cancelled, { name: "CancelledError" });
  assert.deepEqual(await leftFolders(), []);
});

Deno.test("an utterance without end is refused", async () => {
  const audio = (async function* () {
    for (;;) yield new Int16Array(160_000);
  })();
  await assert.rejects(transcribe("cat", { audio }), { name: "PayloadTooLargeError" });
});

Deno.test("what engines write for noise is no words, and a placeholder nobody knows is said", async () => {
  for (const noise of ["[BLANK_AUDIO]", " (wind blowing) ", "[Music] ...", "*cough*", "♪♪", " . "]) {
    assert.equal(await transcribe(`echo '${noise}'`), "");
  }
  assert.equal(await transcribe("echo ' open  (the)\n door'"), "open (the) door");
  const transcriber = createCommandTranscriber(transcriberOptions(["cat", "{file}"]));
  await assert.rejects(Array.fromAsync(transcriber.transcribe(heardAs(new Int16Array(10)), { signal })), {
    name: "ConfigurationError",
    message: 'Cannot fill {file} in "{file}": known are {language}, {language_code}, {rate}, {prompt}',
  });
});
