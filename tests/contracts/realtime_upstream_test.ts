/**
 * A voice at a Realtime server, against one that keeps its conversation as OpenAI does, over real WebSockets.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { createRealtimeUpstream, type RealtimeUpstreamOptions } from "../../src/adapters/speech/realtime_upstream.ts";
import { AppError } from "../../src/domain/error.ts";
import { systemClock } from "../../src/kit/clock.ts";
import type { ModelMessage, ModelOutput, ModelRequest, UnusedCall } from "../../src/ports/model.ts";
import type { UpstreamChoice, UpstreamVoice } from "../../src/ports/voice_upstream.ts";
import { MovingClock } from "../support/moving_clock.ts";
import {
  type RealtimeProvider,
  type RealtimeProviderOptions,
  startRealtimeProvider,
} from "../support/realtime_provider.ts";
import { until as untilFound } from "../support/story.ts";

const KEY = "sk-secret-of-the-test";
const never = () => new AbortController().signal;
const user = (content: string): ModelMessage => ({ role: "user", content, parts: [] });
const agent = (content: string): ModelMessage => ({ role: "assistant", content, tool_calls: [] });

interface Place extends AsyncDisposable {
  provider: RealtimeProvider;
  voice: UpstreamVoice;
  choice: UpstreamChoice;
  trouble: AppError[];
  unused: UnusedCall[];
}

async function open(
  provided: RealtimeProviderOptions = {},
  { early = false, ...options }: Partial<RealtimeUpstreamOptions> & { early?: boolean } = {},
): Promise<Place> {
  await using stack = new AsyncDisposableStack();
  const provider = stack.use(startRealtimeProvider({ api_key: KEY, ...provided }));
  const place = { provider, choice: {} as UpstreamChoice, trouble: [] as AppError[], unused: [] as UnusedCall[] };
  const upstream = createRealtimeUpstream({
    base_url: provider.url,
    api_key: KEY,
    model: "talker",
    transcriber: "listener",
    voice: "alloy",
    language: "",
    renew_ms: 3_300_000,
    connect_ms: 30_000,
    timeout_ms: 30_000,
    clock: systemClock,
    ...options,
  });
  const voice = stack.use(
    upstream.open({
      choice: () => place.choice,
      early: early ? { onUnused: (call) => Promise.resolve(void place.unused.push(call)) } : undefined,
      onTrouble: (error) => void place.trouble.push(error),
    }),
  );
  const closing = stack.move();
  return Object.assign(place, { voice, [Symbol.asyncDispose]: () => closing.disposeAsync() });
}

function request(messages: ModelMessage[], other: Partial<ModelRequest> = {}): ModelRequest {
  return { choice: {}, messages, tools: [], passages: [], response_format: null, ...other };
}

async function ask(place: Place, messages: ModelMessage[], other: Partial<ModelRequest> = {}): Promise<ModelOutput[]> {
  return await Array.fromAsync(place.voice.model.stream(request(messages, other), { signal: never() }));
}

function textOf(outputs: ModelOutput[]): string {
  return outputs.map((output) => output.type === "text" ? output.text : "").join("");
}

async function* speech(ms = 600): AsyncGenerator<Int16Array> {
  for (let at = 0; at < ms; at += 20) yield new Int16Array(480).fill(1000);
}

async function hear(place: Place, audio = speech()): Promise<string> {
  const all = await Array.fromAsync(place.voice.ears.transcribe(audio, { signal: never() }));
  assert.equal(all.at(-1)?.final, true);
  return all.at(-1)!.text;
}

async function lengthOf(sound: AsyncIterable<Int16Array>): Promise<number> {
  let samples = 0;
  for await (const part of sound) samples += part.length;
  return samples;
}

async function until(holds: () => boolean): Promise<void> {
  await untilFound(`${holds}`, holds);
}

/** What a server remembered when it was asked, in short. */
function remembered({ items }: { items: RealtimeProvider["asked"][number]["items"] }): string[] {
  return items.map((item) => {
    if (item.type === "function_call") return `call ${item.name} ${item.arguments}`;
    if (item.type === "function_call_output") return `result ${item.output}`;
    if (item.heard !== undefined) return `heard ${item.heard}`;
    const text = item.text ?? item.content.map(({ text = "picture" }: { text?: string }) => text).join("");
    return `${item.role} ${text}${item.truncated_ms === undefined ? "" : ` until ${item.truncated_ms}`}`;
  });
}

Deno.test("it hears, answers what was heard by its sound, and gives the sound sentence by sentence", async () => {
  await using place = await open({
    hear: () => Promise.resolve("what time is it"),
    script: [{ text: "It is ten. Sleep well." }],
  });
  assert.equal(await hear(place), "what time is it");
  const outputs = await ask(place, [{ role: "system", content: "You are a clock." }, user("what time is it")]);
  assert.deepEqual(outputs[0], { type: "start", provider: "realtime", model: "talker" });
  assert.equal(textOf(outputs), "It is ten. Sleep well.");
  assert.deepEqual(outputs.at(-2), { type: "usage", tokens: { input_tokens: 1, output_tokens: 5 }, cost: null });
  assert.deepEqual(outputs.at(-1), { type: "finish", reason: "stop" });
  const { mouth } = place.voice;
  assert.equal(await lengthOf(mouth.speak("It is ten.", { signal: never() })), 7 * 480);
  assert.equal(await lengthOf(mouth.speak("Sleep well.", { signal: never() })), 9 * 480);
  const [asked] = place.provider.asked;
  assert.deepEqual(remembered(asked!), ["heard what time is it"]);
  assert.equal(asked!.items[0].samples, 600 * 24);
  assert.equal(asked!.session.instructions, "You are a clock.");
  assert.equal(asked!.session.audio.input.turn_detection, null);
  assert.deepEqual(asked!.session.audio.input.transcription, { model: "listener" });
  assert.deepEqual(place.provider.authorizations, [`Bearer ${KEY}`]);
});

Deno.test("what it remembers is what the record says: written, heard in parts, cut off, and forgotten", async () => {
  const heard = ["please open", "the door", "uh", "stop"];
  await using place = await open({
    hear: () => Promise.resolve(heard.shift()!),
    script: [{ text: "I open it now and then we go." }, { text: "Yes." }, { text: "Done." }],
  });
  const before = [user("hello"), agent("Hi there.")];
  await hear(place);
  await hear(place);
  const asked = [...before, user("please open the door")];
  await ask(place, asked);
  assert.deepEqual(remembered(place.provider.asked[0]!), [
    "user hello",
    "assistant Hi there.",
    "user please open the door",
  ]);
  // Heard in parts, now behind what is known.
  await hear(place);
  heard.unshift("and", "go on");
  await hear(place);
  await hear(place);
  const cut = [...asked, agent("I open it …"), user("and go on")];
  await ask(place, cut);
  assert.deepEqual(remembered(place.provider.asked[1]!), [
    "user hello",
    "assistant Hi there.",
    "user please open the door",
    "assistant I open it now and then we go. until 130",
    "user and go on",
  ]);
  await hear(place);
  await ask(place, [...cut, agent("Yes."), user("stop")]);
  assert.deepEqual(remembered(place.provider.asked[2]!).slice(-2), ["assistant Yes.", "heard stop"]);
  // A conversation that begins later than what is remembered.
  await ask(place, [user("stop"), agent("Done."), user("more")]);
  assert.deepEqual(remembered(place.provider.asked[3]!), ["heard stop", "assistant Done.", "user more"]);
});

Deno.test("tools are offered as functions, and their results are sent back under the server's own names", async () => {
  await using place = await open({
    script: [{ text: "Let me look.", tool_calls: [{ name: "look", arguments: { where: "London" } }] }, {
      text: "Sunny.",
    }],
  });
  const tools = [{ name: "look", description: "Looks", parameters: { type: "object" } }];
  const first = await ask(place, [user("how is it")], { tools });
  const call = first.find(({ type }) => type === "tool_call");
  assert.deepEqual(call?.type === "tool_call" && [call.call.tool, call.call.arguments], ["look", { where: "London" }]);
  assert.deepEqual(first.at(-1), { type: "finish", reason: "tool_calls" });
  assert.deepEqual(place.provider.asked[0]!.session.tools, [{ type: "function", ...tools[0] }]);
  const tool_calls = [{ tool_call_id: "tool_1", tool: "look", arguments: { where: "London" } }];
  const outputs = await ask(place, [
    user("how is it"),
    { role: "assistant", content: "Let me look.", tool_calls },
    { role: "tool", tool_call_id: "tool_1", tool: "look", content: "sunny", parts: [] },
  ], { tools });
  assert.equal(textOf(outputs), "Sunny.");
  const { items } = place.provider.asked[1]!;
  assert.deepEqual(remembered({ items }), [
    "user how is it",
    "assistant Let me look.",
    'call look {"where":"London"}',
    "result sunny",
  ]);
  assert.equal(items[3].call_id, items[2].call_id);
  assert.equal(place.provider.said.filter(({ type }) => type === "conversation.item.create").length, 2);
});

Deno.test("a picture in a format that it can't read is said to be there, not sent", async () => {
  await using place = await open({ script: [{ text: "Yes." }] });
  assert.deepEqual(place.voice.model.pictures, ["image/png", "image/jpeg"]);
  const parts = ["image/png", "image/webp"].map((media_type) => {
    return { type: "image" as const, media_type, bytes: new Uint8Array([1, 2, 3]) };
  });
  await ask(place, [{ role: "user", content: "See?", parts }]);
  assert.deepEqual(place.provider.asked[0]!.items[0].content.slice(1), [
    { type: "input_image", image_url: "data:image/png;base64,AQID" },
    { type: "input_text", text: "(A picture that you can't see: it is image/webp, wanted PNG or JPEG)" },
  ]);
});

Deno.test("who wants to hear no more stops it, and the next answer comes", async () => {
  await using place = await open({ script: [{ text: "one two three four five six", word_ms: 20 }, { text: "Yes." }] });
  const stop = new AbortController();
  const seen: ModelOutput[] = [];
  await assert.rejects(async () => {
    for await (const output of place.voice.model.stream(request([user("count")]), { signal: stop.signal })) {
      seen.push(output);
      if (textOf(seen) === "one two ") stop.abort(new AppError("CancelledError", "Enough"));
    }
  }, { name: "CancelledError" });
  assert.ok(place.provider.said.some(({ type }) => type === "response.cancel"));
  assert.equal(textOf(await ask(place, [user("count"), agent("one …"), user("well")])), "Yes.");
  const cut = place.provider.asked[1]!.items[1];
  assert.ok(cut.truncated_ms > 0 && cut.truncated_ms <= 60, `${cut.truncated_ms}`);
});

Deno.test("what the model didn't say is read aloud beside the conversation", async () => {
  await using place = await open();
  const sound = place.voice.mouth.speak("One moment please.", { signal: never() });
  assert.equal(await lengthOf(sound), 15 * 480);
  const [{ response, items } = assert.fail()] = place.provider.asked;
  assert.equal(response.conversation, "none");
  assert.deepEqual(items, []);
  await ask(place, [user("hi")]);
  assert.deepEqual(remembered(place.provider.asked[1]!), ["user hi"]);
});

Deno.test("a connection is replaced before its time is up, with all it knew, and what is being said goes on", async () => {
  const clock = new MovingClock({ settle: () => new Promise((resolve) => setTimeout(resolve, 30)) });
  await using place = await open({ hear: () => Promise.resolve("again"), script: [{ text: "Yes." }] }, {
    clock,
    renew_ms: 60_000,
  });
  await ask(place, [user("hello")]);
  await clock.pass(59_000);
  assert.equal(place.provider.talks.length, 1);
  // Somebody speaks while the time comes.
  const gate = Promise.withResolvers<void>();
  async function* slow() {
    yield* speech(200);
    await gate.promise;
    yield* speech(200);
  }
  const hearing = hear(place, slow());
  await clock.pass(2000);
  assert.equal(place.provider.talks.length, 1, "not while somebody speaks");
  gate.resolve();
  assert.equal(await hearing, "again");
  await until(() => place.provider.talks.length === 2 && place.provider.open === 1);
  await ask(place, [user("hello"), agent("Yes."), user("again")]);
  const asked = place.provider.asked.at(-1)!;
  assert.equal(asked.line, 1);
  assert.deepEqual(remembered(asked), ["user hello", "assistant Yes.", "user again"]);
  assert.equal(asked.items.length, 3);
  assert.deepEqual(place.trouble, []);
});

Deno.test("a connection that breaks while somebody speaks loses no word", async () => {
  await using place = await open({ hear: (sound) => Promise.resolve(`${sound.length / 24} ms`) });
  await ask(place, [user("hello")]);
  const gate = Promise.withResolvers<void>();
  async function* slow() {
    yield* speech(400);
    await gate.promise;
    yield* speech(400);
  }
  const hearing = hear(place, slow());
  await until(() => place.provider.said.filter(({ type }) => type === "input_audio_buffer.append").length >= 20);
  place.provider.kill();
  await until(() => place.provider.talks.length === 2);
  gate.resolve();
  assert.equal(await hearing, "800 ms");
  assert.deepEqual(place.trouble.map(({ name }) => name), ["UpstreamError"]);
});

Deno.test("an answer that breaks before its first word is asked for again; one in its middle has failed", async () => {
  await using place = await open({ script: [{ text: "one two", die_after: 0 }, { text: "Here I am." }] });
  assert.equal(textOf(await ask(place, [user("hello")])), "Here I am.");
  assert.deepEqual(remembered(place.provider.asked[1]!), ["user hello"]);
  place.provider.script({ text: "one two three", die_after: 2 }, { text: "Back." });
  await assert.rejects(ask(place, [user("hello"), agent("Here I am."), user("and")]), { name: "UpstreamError" });
  assert.equal(textOf(await ask(place, [user("hello"), agent("Here I am."), user("and")])), "Back.");
  assert.equal(place.trouble.length, 2, "once for each time it broke");
});

Deno.test("a server that goes on about nothing, or says nothing, is left", async () => {
  await using place = await open({
    script: [{ text: "one two", garbage_after: 1 }, { text: "one two", hang_after: 1 }, { text: "Here." }],
  }, { timeout_ms: 1000 });
  await assert.rejects(ask(place, [user("a")]), { message: /sent what is no event/ });
  await assert.rejects(ask(place, [user("a")]), { name: "TimeoutError" });
  assert.equal(textOf(await ask(place, [user("a")])), "Here.");
});

Deno.test("an answer that the server gives up is an error in its words, without the key", async () => {
  await using place = await open({ script: [{ text: "Well", fail: `No quota for ${KEY}` }] });
  await assert.rejects(ask(place, [user("a")]), (error: AppError) => {
    assert.match(error.message, /could not answer: No quota for \[masked\]/);
    return error.name === "UpstreamError";
  });
});

Deno.test("what can't be heard is an error, and what is too short is nothing", async () => {
  const heard = ["FAIL", "now"];
  await using place = await open({ hear: () => Promise.resolve(heard.shift()!) });
  await assert.rejects(hear(place), { message: /Cannot hear that/ });
  assert.equal(await hear(place, speech(60)), "");
  assert.equal(await hear(place), "now");
});

Deno.test("speech that nobody wants to know is forgotten by the server, too", async () => {
  await using place = await open({ hear: (sound) => Promise.resolve(`${sound.length / 24} ms`) });
  await ask(place, [user("a")]);
  const stop = new AbortController();
  async function* unwanted() {
    yield* speech(400);
    stop.abort();
  }
  await assert.rejects(Array.fromAsync(place.voice.ears.transcribe(unwanted(), { signal: stop.signal })));
  assert.equal(await hear(place, speech(300)), "300 ms");
});

Deno.test("another voice during the call takes another connection, which knows all", async () => {
  await using place = await open({ script: [{ text: "Yes." }] });
  await ask(place, [user("a")]);
  place.choice.voice = "echo";
  place.choice.language = "de-DE";
  await ask(place, [user("a"), agent("Yes."), user("b")]);
  const [first, second] = place.provider.asked;
  assert.deepEqual([first!.line, second!.line], [0, 1]);
  assert.deepEqual(remembered(second!), ["user a", "assistant Yes.", "user b"]);
  assert.equal(second!.session.audio.output.voice, "echo");
  assert.equal(second!.session.audio.input.transcription.language, "de");
  await until(() => place.provider.open === 1);
});

Deno.test("an answer begins when the caller falls silent, and is the one that is asked for", async () => {
  const heard = Promise.withResolvers<string>();
  await using place = await open({ hear: () => heard.promise, script: [{ text: "Hm." }, { text: "It is ten." }] }, {
    early: true,
  });
  await ask(place, [user("hello")]);
  await new Promise((resolve) => setTimeout(resolve, 60));
  const hearing = hear(place);
  await until(() => place.provider.asked.length === 2);
  heard.resolve("what time is it");
  assert.equal(await hearing, "what time is it");
  const messages = [user("hello"), agent("Hm."), user("what time is it")];
  const outputs = await ask(place, messages);
  assert.equal(textOf(outputs), "It is ten.");
  assert.equal(outputs.filter(({ type }) => type === "usage").length, 1);
  assert.equal(await lengthOf(place.voice.mouth.speak("It is ten.", { signal: never() })), 7 * 480);
  place.provider.script({ text: "Yes." });
  await ask(place, [...messages, agent("It is ten."), user("sure")]);
  assert.equal(place.provider.asked.length, 3, "no answer was asked for twice");
  assert.deepEqual(remembered(place.provider.asked[2]!), [
    "user hello",
    "assistant Hm.",
    "heard what time is it",
    "assistant It is ten.",
    "user sure",
  ]);
  assert.deepEqual(place.unused, []);
});

Deno.test("an answer that began and is not the one that is asked for is stopped, forgotten, and on the books", async () => {
  const heard = ["what time", "is it now", "", "and"];
  await using place = await open({
    hear: () => Promise.resolve(heard.shift()!),
    script: [{ text: "Hm." }, { text: "one two three four", word_ms: 50 }, { text: "It is ten." }, { text: "Bye." }],
  }, { early: true });
  await ask(place, [user("hello")]);
  await new Promise((resolve) => setTimeout(resolve, 60));
  await hear(place);
  await until(() => place.provider.asked.length === 2);
  await hear(place);
  const messages = [user("hello"), agent("Hm."), user("what time is it now")];
  assert.equal(textOf(await ask(place, messages)), "It is ten.");
  assert.equal(place.provider.asked.length, 3);
  assert.deepEqual(remembered(place.provider.asked[2]!), [
    "user hello",
    "assistant Hm.",
    "heard what time",
    "heard is it now",
  ]);
  assert.equal(place.unused.length, 1);
  assert.equal(place.unused[0]!.error, null);
  assert.ok(place.unused[0]!.tokens.input_tokens > 0);
  // Noise is answered by nobody.
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal(await hear(place), "");
  await until(() => place.unused.length === 2);
  await place.voice[Symbol.asyncDispose]();
  await until(() => place.provider.open === 0);
});

Deno.test("nothing begins by itself over the agent's own voice, or where that is not wanted", async () => {
  const story = [{ text: "A long story that is still being told." }];
  const speak = () => Promise.resolve(new Int16Array(24_000));
  const place = await open({ script: story, speak }, { early: true });
  await ask(place, [user("hello")]);
  await hear(place);
  assert.equal(place.provider.asked.length, 1);
  await place[Symbol.asyncDispose]();
  await using plain = await open({ script: [{ text: "Hm." }] });
  await ask(plain, [user("hello")]);
  await new Promise((resolve) => setTimeout(resolve, 60));
  await hear(plain);
  assert.equal(plain.provider.asked.length, 1);
});

Deno.test("a server that can't be reached is told of once, tried again, and used when it is back", async () => {
  const clock = new MovingClock({ settle: () => new Promise((resolve) => setTimeout(resolve, 30)) });
  await using place = await open({}, { clock, connect_ms: 1000 });
  await until(() => place.provider.open === 1);
  place.provider.fault = { status: 503 };
  place.provider.kill();
  await until(() => place.voice.down);
  const before = place.provider.authorizations.length;
  await clock.pass(10_000);
  assert.ok(place.provider.authorizations.length - before >= 3, "it is tried again");
  assert.ok(place.provider.authorizations.length - before <= 6, "but not all the time");
  await assert.rejects(ask(place, [user("a")]), { name: "UpstreamError", message: /refused the connection/ });
  assert.equal(place.trouble.length, 1);
  place.provider.fault = undefined;
  await clock.pass(31_000);
  assert.equal(place.voice.down, false);
  assert.equal(textOf(await ask(place, [user("a")])), "Hello.");
});

Deno.test("a server that takes every call and ends it at once is not called all the time", async () => {
  const clock = new MovingClock({ settle: () => new Promise((resolve) => setTimeout(resolve, 30)) });
  await using place = await open({}, { clock });
  await until(() => place.provider.open === 1);
  place.provider.fault = "brief";
  place.provider.kill();
  await until(() => place.provider.talks.length >= 2);
  await clock.pass(8000);
  const { length } = place.provider.talks;
  assert.ok(length >= 4 && length <= 8, `it was called ${length} times`);
  place.provider.fault = undefined;
  await clock.pass(31_000);
  assert.equal(place.provider.open, 1);
});

Deno.test("who speaks for long, and whose connection breaks then, is heard from the beginning", async () => {
  await using place = await open({ hear: (sound) => Promise.resolve(`${sound.length / 24} ms`) });
  await ask(place, [user("hello")]);
  async function* long() {
    for (let second = 0; second < 40; second += 5) {
      yield* speech(5000);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    place.provider.kill();
    await until(() => place.provider.open === 1);
    yield* speech(200);
  }
  assert.equal(await hear(place, long()), "40200 ms");
  assert.equal(place.provider.talks.length, 2);
});

Deno.test("an answer that is given up while it waits for another voice leaves no connection to come", async () => {
  await using place = await open({ script: [{ text: "Yes." }] }, { connect_ms: 600_000 });
  await ask(place, [user("a")]);
  place.choice.voice = "echo";
  place.provider.fault = "silent";
  const stop = new AbortController();
  const given = { ...request([user("a"), agent("Yes."), user("b")]) };
  const asking = Array.fromAsync(place.voice.model.stream(given, { signal: stop.signal }));
  await until(() => place.provider.talks.length === 2);
  stop.abort(new AppError("CancelledError", "Enough"));
  await assert.rejects(asking, { name: "CancelledError" });
  await until(() => place.provider.talks[1]!.over);
  assert.equal(place.provider.open, 1);
});

for (
  const [fault, message] of [
    [{ status: 401 }, /refused the API key/],
    ["silent", /did not take the call within/],
    ["garbage", /sent what is no event/],
    ["die", /broke/],
  ] as const
) {
  Deno.test(`a server whose answer to a call is ${JSON.stringify(fault)} is found out by a check, without the key`, async () => {
    await using provider = startRealtimeProvider({ api_key: KEY });
    provider.fault = fault;
    const upstream = (ms: number) =>
      createRealtimeUpstream({
        base_url: provider.url,
        api_key: KEY,
        model: "talker",
        transcriber: "listener",
        voice: "alloy",
        language: "",
        renew_ms: 1000,
        connect_ms: ms,
        timeout_ms: ms,
        clock: systemClock,
      });
    const { ok, detail } = await upstream(fault === "silent" ? 1000 : 30_000).check(never());
    assert.equal(ok, false);
    assert.match(detail, message);
    assert.ok(!detail.includes(KEY));
    provider.fault = undefined;
    assert.deepEqual(await upstream(30_000).check(never()).then(({ ok }) => ok), true);
  });
}

Deno.test("a call that ends leaves no connection", async () => {
  const { provider, voice } = await open();
  await until(() => provider.open === 1);
  await voice[Symbol.asyncDispose]();
  await until(() => provider.open === 0);
  await provider[Symbol.asyncDispose]();
});
