/**
 * A caller whose answer is begun while it is judged whether they have finished, with real runs and a real store.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { ConversationLink } from "../../src/core/calls/conversation_link.ts";
import type { Looks } from "../../src/core/calls/looks.ts";
import { Terms } from "../../src/core/calls/terms.ts";
import { toLooseCallRow } from "../../src/core/orchestrator/model_call.ts";
import { EarlyModel } from "../../src/core/voice/early_model.ts";
import { ownerOf } from "../../src/domain/access.ts";
import { sleep } from "../../src/kit/clock.ts";
import type { ModelRequest } from "../../src/ports/model.ts";
import type { SpeechToText } from "../../src/ports/speech_to_text.ts";
import { CALLER, openRunParts } from "../support/run_parts.ts";
import { openTalk, type Talk } from "../support/talk.ts";

/** How long the model takes to begin, on the talk's clock. */
const SLOW_MS = 400;

/** Hears the words of a stretch of speech as they are said, one each 100 ms; the last ones are known before it ends. */
function hearing(stretches: string[]): SpeechToText {
  let used = 0;
  return {
    rate: 16_000,
    streaming: true,
    check: () => Promise.resolve({ ok: true, detail: "" }),
    async *transcribe(audio) {
      const words = stretches[Math.min(used++, stretches.length - 1)]!.split(" ");
      let heard = 0;
      for await (const frame of audio) {
        if (frame[0] === 0 || (heard += 20) % 100 !== 0) continue;
        yield { text: words.slice(0, heard / 100).join(" "), final: false };
      }
      yield { text: words.join(" "), final: true };
    },
  };
}

interface Scene extends AsyncDisposable {
  talk: Talk;
  requests: ModelRequest[];
  brain: ConversationLink;
  active(): number;
  calls(): Promise<{ outcome: string; run_id: string | null; input_tokens: number }[]>;
  said(): Promise<string[]>;
}

async function open(stretches: string[], { preemptive = true, fails = false } = {}): Promise<Scene> {
  await using stack = new AsyncDisposableStack();
  const requests: ModelRequest[] = [];
  let active = 0;
  // deno-lint-ignore prefer-const -- made with the model below
  let talk: Talk;
  const parts = stack.use(
    await openRunParts({
      async *model(request, { signal }) {
        requests.push(request);
        active++;
        try {
          yield { type: "start", provider: "scripted", model: "one" };
          yield { type: "usage", tokens: { input_tokens: 5, output_tokens: 0 }, cost: null };
          if (fails && requests.length === 1) throw new Error("It broke");
          await sleep(talk.clock, SLOW_MS, signal);
          yield { type: "text", text: "It is ten." };
          yield { type: "usage", tokens: { input_tokens: 5, output_tokens: 3 }, cost: null };
        } finally {
          active--;
        }
      },
    }),
  );
  const early = stack.use(
    new EarlyModel({
      model: parts.model,
      clock: { now: () => talk.clock.now(), after: () => ({ [Symbol.dispose]() {} }), every: () => undefined as never },
      async onUnused({ error, ...facts }) {
        const outcome = error ? "failed" : "cancelled";
        const row = toLooseCallRow(ownerOf(CALLER), "assistant", { ...facts, outcome, error: null });
        await parts.store.commit({ writes: [{ insert: "model_calls", rows: [row] }] });
      },
    }),
  );
  let conversation_id = "";
  const brain = new ConversationLink({
    runs: parts.runs,
    principal: CALLER,
    session_id: "rtc_1",
    agent_id: "assistant",
    conversation_id: null,
    terms: new Terms(),
    looks: { possible: false } as Looks,
    early: { model: early, preview: parts.preview },
    onConversation: (id) => conversation_id = id,
    onRunEvent() {},
  });
  talk = stack.use(
    await openTalk({
      limits: { preemptive },
      deps: { brain, model: early, stt: hearing(stretches) },
      // The store is at work, too.
      settle: () => new Promise((resolve) => setTimeout(resolve, 4)),
    }),
  );
  const closing = stack.move();
  return {
    talk,
    requests,
    brain,
    active: () => active,
    calls: () => parts.store.read({ from: "model_calls", where: {}, order: [["id", "asc"]], limit: 20 }),
    said: async () => (await parts.said(conversation_id)).map(({ content }) => content),
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

Deno.test("an answer that is begun in the pause comes sooner, is asked once and paid once", async () => {
  const figures: number[] = [];
  for (const preemptive of [true, false]) {
    await using scene = await open(["what time is it"], { preemptive });
    const { talk, requests } = scene;
    await talk.speak(500);
    await talk.silence(320);
    assert.equal(talk.loop.state, "hearing");
    assert.equal(requests.length, preemptive ? 1 : 0, "before the turn is over");
    await talk.silence(2500);
    assert.equal(requests.length, 1);
    assert.deepEqual(requests[0]!.messages.at(-1), { role: "user", content: "what time is it", parts: [] });
    assert.deepEqual(await scene.said(), ["It is ten."]);
    assert.equal(talk.played(), "It is ten.");
    const calls = await scene.calls();
    assert.deepEqual(calls.map(({ outcome, input_tokens }) => ({ outcome, input_tokens })), [
      { outcome: "completed", input_tokens: 5 },
    ]);
    assert.notEqual(calls[0]!.run_id, null);
    figures.push(talk.of("agent.done")[0]!.latency.first_token_ms!);
  }
  const [early = 0, late = 0] = figures;
  assert.ok(late >= 500 + SLOW_MS, `${late}`);
  assert.ok(early <= late - 200, `${early} against ${late}`);
});

Deno.test("a caller who goes on makes the answer void: it is stopped, on the books, and never said", async () => {
  await using scene = await open(["what time is it in Paris"]);
  const { talk, requests } = scene;
  await talk.speak(400);
  await talk.silence(300);
  assert.deepEqual(requests.map(({ messages }) => messages.at(-1)!.content), ["what time is it"]);
  await talk.speak(200);
  assert.equal(scene.active(), 0);
  await talk.silence(2500);
  assert.deepEqual(
    requests.map(({ messages }) => messages.at(-1)!.content),
    ["what time is it", "what time is it in Paris"],
  );
  assert.equal(talk.played(), "It is ten.");
  const calls = await scene.calls();
  assert.deepEqual(calls.map(({ outcome }) => outcome).sort(), ["cancelled", "completed"]);
  assert.equal(calls.find(({ outcome }) => outcome === "cancelled")!.run_id, null);
});

Deno.test("no more than three answers are prepared for one turn", async () => {
  await using scene = await open(["a b c d e f g h i j k l m n o p q r"]);
  const { talk, requests } = scene;
  for (let i = 0; i < 6; i++) {
    await talk.speak(300);
    await talk.silence(300);
  }
  assert.equal(requests.length, 3);
  await talk.silence(2500);
  assert.equal(requests.length, 4, "what is asked in the end is asked all the same");
  assert.equal((await scene.calls()).filter(({ outcome }) => outcome === "cancelled").length, 3);
});

Deno.test("a call that ends while an answer is prepared leaves nothing at work", async () => {
  const scene = await open(["what time is it"]);
  await scene.talk.speak(400);
  await scene.talk.silence(300);
  assert.equal(scene.active(), 1);
  scene.talk[Symbol.dispose]();
  await scene.talk.clock.pass(20);
  assert.equal(scene.active(), 0);
  assert.deepEqual((await scene.calls()).map(({ outcome }) => outcome), ["cancelled"]);
  await scene[Symbol.asyncDispose]();
});

Deno.test("an answer whose preparation failed is asked again", async () => {
  await using scene = await open(["what time is it"], { fails: true });
  const { talk, requests } = scene;
  await talk.speak(400);
  await talk.silence(3000);
  assert.equal(requests.length, 2);
  assert.equal(talk.played(), "It is ten.");
  assert.deepEqual(talk.of("error"), []);
  assert.deepEqual((await scene.calls()).map(({ outcome }) => outcome).sort(), ["completed", "failed"]);
});

Deno.test("nothing is prepared while an answer is under way: it is not in the conversation yet", async () => {
  await using scene = await open(["tell me a story now"]);
  const { talk, requests, brain } = scene;
  await talk.speak(500);
  await talk.silence(1000);
  assert.equal(talk.loop.state, "speaking");
  const prepare = () => brain.prepare("and then", { signal: new AbortController().signal });
  prepare();
  await talk.silence(100);
  assert.equal(requests.length, 1);
  await talk.silence(2000);
  assert.equal(talk.loop.state, "listening");
  prepare();
  await talk.silence(100);
  assert.equal(requests.length, 2);
  assert.deepEqual(requests[1]!.messages.map(({ content }) => content), [
    "tell me a story now",
    "It is ten.",
    "and then",
  ]);
});
