/**
 * Calls of tools, the server's and the client's own, as clients of OpenAI's Realtime API know them, without a server.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { NO_USAGE } from "../../src/domain/usage.ts";
import { startDialect } from "../support/realtime_dialect.ts";

Deno.test("a call of the client's own tool comes whole, and its output begins the next answer", () => {
  const talk = startDialect();
  talk.run("run.started", {});
  talk.types();
  const tool_calls = [{ tool_call_id: "call_1", tool: "lamp", arguments: { on: true } }];
  const message = { id: "msg_1", role: "assistant", content: "", tool_calls };
  talk.run("message.completed", { step_id: "step_1", message });
  talk.run("run.completed", { message, usage: NO_USAGE, finish_reason: "tool_calls" });
  assert.deepEqual(talk.types(), [
    "response.output_item.added",
    "conversation.item.added",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.output_item.done",
    "conversation.item.done",
    "response.done",
  ]);
  const { item } = talk.told.findLast(({ type }) => type === "response.output_item.done")!;
  assert.deepEqual([item.type, item.status, item.call_id, item.name, item.arguments], [
    "function_call",
    "completed",
    "call_1",
    "lamp",
    '{"on":true}',
  ]);
  talk.send({
    type: "conversation.item.create",
    item: { type: "function_call_output", call_id: "call_1", output: "It is on" },
  });
  talk.send({ type: "response.create" });
  const [brought = assert.fail()] = talk.said.flatMap((one) => one.type === "messages" ? one.messages : []);
  assert.deepEqual(talk.said, [
    {
      type: "messages",
      messages: [{ role: "tool", content: "It is on", attachments: [], tool_call_id: "call_1", id: brought.id }],
    },
    { type: "respond" },
  ]);
});

Deno.test("the output of a call that nobody made is refused by the event's id", () => {
  const { send, told, said } = startDialect();
  send({
    type: "conversation.item.create",
    event_id: "e9",
    item: { type: "function_call_output", call_id: "call_9", output: "x" },
  });
  const { type, error } = told.at(-1)!;
  assert.equal(type, "error");
  assert.deepEqual([error.type, error.param, error.event_id], ["invalid_request_error", "item.call_id", "e9"]);
  assert.deepEqual(said, []);
});

Deno.test("tools of ours are calls of a server, and what waits for a person can be approved", () => {
  const talk = startDialect();
  talk.run("run.started", {});
  talk.types();
  const call = { tool_call_id: "tc_1", step_id: "step_2", tool: "office__mail", arguments: { to: "Ann" } };
  talk.run("tool.call.approval_required", { ...call, reason: "It sends", expires_at: "2026-01-01T00:00:00Z" });
  const request = talk.told.at(-1)!.item;
  assert.deepEqual([request.type, request.server_label, request.name, request.arguments], [
    "mcp_approval_request",
    "office",
    "mail",
    '{"to":"Ann"}',
  ]);
  talk.send({
    type: "conversation.item.create",
    previous_item_id: request.id,
    item: { type: "mcp_approval_response", approval_request_id: request.id, approve: true },
  });
  assert.deepEqual(talk.said, [{ type: "approval", run_id: "run_1", tool_call_id: "tc_1", decision: "approve" }]);
  talk.run("tool.call.started", call);
  talk.run("tool.call.result", { tool_call_id: "tc_1", step_id: "step_2", result: { sent: true }, duration_ms: 3 });
  const { item } = talk.told.at(-1)!;
  assert.deepEqual([item.type, item.status, item.output], ["mcp_call", "completed", '{"sent":true}']);
});

Deno.test("the output of a call is answered, even where tools of ours were called before it", () => {
  const talk = startDialect();
  talk.run("run.started");
  const call = { tool_call_id: "tool_1", step_id: "step_1", tool: "office__clock", arguments: {} };
  talk.run("tool.call.started", call);
  talk.run("tool.call.result", { ...call, result: "noon", duration_ms: 3 });
  const tool_calls = [{ tool_call_id: "tool_2", tool: "lamp", arguments: {} }];
  const message = { id: "msg_1", role: "assistant", content: "", tool_calls };
  talk.run("message.completed", { step_id: "step_2", message });
  talk.run("run.completed", { message, usage: NO_USAGE, finish_reason: "tool_calls" });
  const item = { type: "function_call_output", call_id: "tool_2", output: "on" };
  talk.send({ type: "conversation.item.create", item });
  talk.send({ type: "response.create" });
  assert.deepEqual(talk.said.at(-1), { type: "respond" });
});

Deno.test("a call of a tool of ours is told of step by step, and ends in a result or a failure", () => {
  const talk = startDialect();
  talk.run("run.started");
  talk.types();
  for (
    const [tool_call_id, ending, last] of [
      ["tool_1", { result: { sent: true } }, "completed"],
      ["tool_2", { result: null, error: { error: "UpstreamError", message: "It broke" } }, "failed"],
    ] as const
  ) {
    const call = { tool_call_id, step_id: "step_2", tool: "office__mail", arguments: { to: "Ann" } };
    talk.run("tool.call.started", call);
    talk.run("tool.call.result", { ...call, ...ending, duration_ms: 3 });
    assert.deepEqual(talk.types(), [
      "response.output_item.added",
      "conversation.item.added",
      "response.mcp_call_arguments.done",
      "response.mcp_call.in_progress",
      `response.mcp_call.${last}`,
      "response.output_item.done",
      "conversation.item.done",
    ]);
  }
  const of = (type: string) => talk.told.filter((event) => event.type === type);
  const [written] = of("response.mcp_call_arguments.done");
  assert.deepEqual([written!.response_id, written!.item_id, written!.output_index, written!.arguments], [
    "resp_1",
    "mcp_tool_1",
    0,
    '{"to":"Ann"}',
  ]);
  assert.deepEqual(of("response.mcp_call.in_progress").map(({ item_id, output_index }) => [item_id, output_index]), [
    ["mcp_tool_1", 0],
    ["mcp_tool_2", 1],
  ]);
  const [sent, broken] = of("response.output_item.done").map(({ item }) => item);
  assert.deepEqual([sent.server_label, sent.name, sent.output, sent.error], ["office", "mail", '{"sent":true}', null]);
  assert.deepEqual([broken.output, broken.error], [null, { type: "tool_execution_error", message: "It broke" }]);
});

Deno.test("a call that is never answered fails with its response, and one that was approved names the question", () => {
  const talk = startDialect();
  talk.run("run.started");
  const call = { tool_call_id: "tool_1", step_id: "step_2", tool: "office__mail", arguments: {} };
  talk.run("tool.call.approval_required", { ...call, reason: "It sends", expires_at: "2026-01-01T00:00:00Z" });
  talk.run("tool.call.started", call);
  assert.equal(talk.told.findLast(({ item }) => item)!.item.approval_request_id, "mcpr_tool_1");
  talk.types();
  talk.run("run.cancelled", { reason: "enough", usage: NO_USAGE });
  assert.deepEqual(talk.types(), ["response.mcp_call.failed", "response.output_item.done", "response.done"]);
});

Deno.test("who retrieves a call that is over is told that it is", () => {
  const talk = startDialect();
  talk.run("run.started");
  const call = { tool_call_id: "tool_1", step_id: "step_2", tool: "office__mail", arguments: {} };
  talk.run("tool.call.started", call);
  const retrieve = () => talk.send({ type: "conversation.item.retrieve", item_id: "mcp_tool_1" });
  talk.types();
  retrieve();
  assert.deepEqual(talk.types(), ["conversation.item.retrieved"]);
  talk.run("tool.call.result", { ...call, result: "sent", duration_ms: 3 });
  talk.types();
  retrieve();
  assert.deepEqual(talk.types(), ["conversation.item.retrieved", "response.output_item.done"]);
});

Deno.test("a call of the server's tools is no client's to bring or to answer", () => {
  const talk = startDialect();
  talk.run("run.started");
  const call = { tool_call_id: "tool_1", step_id: "step_1", tool: "office__clock", arguments: {} };
  talk.run("tool.call.started", call);
  talk.run("tool.call.result", { ...call, result: "noon", duration_ms: 3 });
  talk.types();
  for (
    const item of [
      { type: "function_call", call_id: "tool_1", name: "clock", arguments: "{}" },
      { type: "function_call_output", call_id: "tool_1", output: "midnight" },
    ]
  ) {
    talk.send({ type: "conversation.item.create", item, event_id: "e1" });
    assert.deepEqual(talk.types(), ["error"]);
    const { param, event_id } = talk.told.at(-1)!.error;
    assert.deepEqual([param, event_id], ["item.call_id", "e1"]);
  }
  assert.deepEqual(talk.said, []);
});
