import { strict as assert } from "node:assert";
import { AppError } from "../../src/domain/error.ts";
import { ChatChunks } from "../../src/transports/openai/chat_chunks.ts";
import { TextFlow } from "../../src/transports/openai/text_flow.ts";
import { parseData, textOf } from "../support/openai_chat.ts";

const isDiverged = (thrown: unknown) => thrown instanceof AppError && thrown.details?.code === "answer_restarted";

Deno.test("text is passed on, and steps are told apart by a blank line", () => {
  const flow = new TextFlow({ hold: false });
  assert.equal(flow.delta("a", "Let me "), "Let me ");
  assert.equal(flow.delta("a", "see"), "see");
  assert.equal(flow.delta("b", "Four"), "\n\nFour");
  assert.equal(flow.base, "Let me see\n\n".length);
  assert.equal(flow.complete("b", "Four"), "");
});

Deno.test("a step that begins anew and says the same goes on where it was", () => {
  const flow = new TextFlow({ hold: false });
  flow.delta("a", "It is noon");
  flow.restart("a");
  assert.equal(flow.delta("a", "It "), "");
  assert.equal(flow.delta("a", "is "), "");
  assert.equal(flow.delta("a", "noon, dear"), ", dear");
  assert.equal(flow.delta("a", "."), ".");
  assert.equal(flow.complete("a", "It is noon, dear."), "");
});

Deno.test("a step that begins anew and says something else can't be told", () => {
  const cases: ((flow: TextFlow) => void)[] = [
    (flow) => flow.delta("a", "Is it"),
    (flow) => {
      flow.delta("a", "It is");
      flow.complete("a", "It is");
    },
    (flow) => {
      flow.delta("a", "It is");
      flow.delta("b", "Next");
    },
    (flow) => flow.delta("a", "It is night now, and late"),
  ];
  for (const tell of cases) {
    const flow = new TextFlow({ hold: false });
    flow.delta("a", "It is noon");
    flow.restart("a");
    assert.throws(() => tell(flow), isDiverged);
  }
  const shortened = new TextFlow({ hold: false });
  shortened.delta("a", "A secret");
  assert.throws(() => shortened.complete("a", "A"), isDiverged);
});

Deno.test("what the deltas left out comes with the message", () => {
  const flow = new TextFlow({ hold: false });
  flow.delta("a", "It is");
  assert.equal(flow.complete("a", "It is noon"), " noon");
  assert.equal(new TextFlow({ hold: false }).complete("a", "All"), "All");
});

Deno.test("held text waits for its message", () => {
  const flow = new TextFlow({ hold: true });
  assert.equal(flow.delta("a", '{"a":'), "");
  flow.restart("a");
  assert.equal(flow.delta("a", '{"b":1}'), "");
  assert.equal(flow.complete("a", '{"b":1}'), '{"b":1}');
});

Deno.test("any restart of a text either adds up to the last one, or fails", () => {
  // Two attempts that share a beginning of any length, cut into pieces anywhere.
  const first = "abcdefgh";
  for (let same = 0; same <= first.length; same++) {
    for (let cut = 1; cut < 10; cut++) {
      const second = first.slice(0, same) + "XYZ";
      const flow = new TextFlow({ hold: false });
      let sent = flow.delta("a", first);
      flow.restart("a");
      try {
        for (let at = 0; at < second.length; at += cut) sent += flow.delta("a", second.slice(at, at + cut));
        sent += flow.complete("a", second);
        assert.equal(sent, second);
        assert.equal(same, first.length);
      } catch (thrown) {
        assert.ok(isDiverged(thrown), String(thrown));
        assert.ok(same < first.length);
      }
    }
  }
});

const options = { model: "m", created: 1, id: "chatcmpl-x", include_usage: false, whole: false };
const item = (type: string, data: unknown) => ({ type, data: JSON.stringify(data) });
const usage = { input_tokens: 1, output_tokens: 1, total_tokens: 2, cost: null };

Deno.test("citations point into all of the text that was sent", () => {
  const chunks = new ChatChunks(options);
  const citations = [{ title: "Book", url: "https://example.org/", start_index: 1, end_index: 3 }, { title: "Shelf" }];
  const message = { id: "msg_1", role: "assistant", content: "Here", citations };
  const frames = parseData(
    [
      item("run.started", { run_id: "run_1" }),
      item("model.delta", { step_id: "a", text: "Wait" }),
      item("model.delta", { step_id: "b", text: "Here" }),
      item("message.completed", { step_id: "b", message }),
      item("run.completed", { message, usage, finish_reason: "stop" }),
    ].map((one) => chunks.framesOf(one)).join(""),
  );
  assert.equal(textOf(frames), "Wait\n\nHere");
  const annotations = frames.flatMap((frame) => frame.choices?.[0].delta.annotations ?? []);
  assert.deepEqual(annotations, [{
    type: "url_citation",
    url_citation: { url: "https://example.org/", title: "Book", start_index: 7, end_index: 9 },
  }]);
  assert.equal(chunks.endFrame(), "");
});

Deno.test("a stream that ends without its end says so", () => {
  const chunks = new ChatChunks(options);
  chunks.framesOf(item("run.started", { run_id: "run_1" }));
  const [{ error }] = parseData(chunks.endFrame());
  assert.deepEqual([error.type, error.code], ["server_error", "service_unavailable"]);
  assert.equal(chunks.endFrame(), "");
});
