import { strict as assert } from "node:assert";
import { toolText } from "../../src/domain/tool.ts";
import { connectorForTests, toConnectOptions } from "../support/mcp_client_connector.ts";
import { callOptions, connectOdd, failureOf, oddServer } from "../support/mcp_client_odd.ts";

const call = (connection: Awaited<ReturnType<typeof connectOdd>>, tool: string) =>
  connection.callTool(tool, {}, callOptions());

Deno.test("what can't be used in a list is left out and logged, and the rest keeps its schemas", async () => {
  const lines: string[] = [];
  await using odd = await connectOdd("", { lines });
  const tools = await odd.listTools(new AbortController().signal);
  assert.deepEqual(tools.map(({ name }) => name), ["echo", "tree"]);
  const { $defs } = tools[1]!.input_schema as { $defs: { node: { properties: unknown } } };
  assert.deepEqual($defs.node.properties, { next: { $ref: "#/$defs/node" } });
  assert.deepEqual(lines.map((line) => JSON.parse(line).reason), [
    "Its tool's inputSchema is no object",
    "Its tool's name is no text",
    "Its tool is no object",
  ]);
});

Deno.test("what a tool says nothing about is expected to be the worst", async () => {
  await using odd = await connectOdd();
  const [{ read_only, destructive, idempotent, open_world } = assert.fail("no tool")] = await odd.listTools(
    new AbortController().signal,
  );
  assert.deepEqual({ read_only, destructive, idempotent, open_world }, {
    read_only: false,
    destructive: true,
    idempotent: false,
    open_world: true,
  });
});

Deno.test("a list that goes round in circles ends, and one without end is refused", async () => {
  const { signal } = new AbortController();
  {
    await using odd = await connectOdd("circle");
    assert.equal((await odd.listTools(signal)).length, 3);
  }
  await using odd = await connectOdd("endless");
  const failure = await failureOf(odd.listTools(signal));
  assert.equal(failure.kind, "protocol");
  assert.match(failure.message, /more than 200 pages/);
  assert.deepEqual(await odd.callTool("echo", { a: 1 }, callOptions()), toolText('{"a":1}'));
});

Deno.test("answers that are none fail their call alone", async () => {
  await using odd = await connectOdd();
  const reasons = new Map<string, string>();
  for (const tool of ["no_content", "no_object", "neither", "wrong_part"]) {
    const failure = await failureOf(call(odd, tool));
    assert.deepEqual([failure.kind, failure.sent], ["protocol", true]);
    reasons.set(tool, failure.message.replace(/^.*"upstream": /, ""));
  }
  assert.deepEqual(Object.fromEntries(reasons), {
    no_content: "Its content is no list",
    no_object: "Its answer is no object",
    neither: "It gave no answer",
    wrong_part: "Its text is no text",
  });
  assert.deepEqual(await call(odd, "new_part"), toolText('{"type":"hologram","depth":3}'));
  assert.deepEqual(await call(odd, "unicode"), toolText("Grüße 🌍"));
  assert.deepEqual(await call(odd, "twice"), toolText("1"));
  assert.deepEqual(await call(odd, "echo"), toolText("{}"));
});

Deno.test("what stands between the messages is skipped", async () => {
  await using odd = await connectOdd("noisy");
  assert.deepEqual(await call(odd, "echo"), toolText("{}"));
});

Deno.test("a server's refusal is told with its code, and without the secrets it was given", async () => {
  await using odd = await connectOdd("", { server: { env: { TOKEN: "hunter2-of-the-server" } } });
  const failure = await failureOf(call(odd, "refuse"));
  assert.deepEqual([failure.kind, failure.sent], ["refused", true]);
  assert.equal(failure.details?.code, -32601);
  assert.equal(
    failure.message,
    'Cannot call the tool "refuse" of tool server "upstream": it refused: the token [masked] is wrong',
  );
});

Deno.test("a program that ends takes its calls with it, and its last words are told", async () => {
  await using odd = await connectOdd();
  const waiting = failureOf(call(odd, "silent"));
  const failure = await failureOf(call(odd, "die"));
  assert.deepEqual([failure.kind, failure.sent], ["closed", true]);
  assert.match(failure.message, /Its output ended \(exit code 7\); it said: I can't go on$/);
  assert.equal((await waiting).kind, "closed");
  assert.match((await odd.closed)!.message, /exit code 7/);
  const late = await failureOf(call(odd, "echo"));
  assert.deepEqual([late.kind, late.sent], ["closed", false]);
});

Deno.test("a program that can't start says why", async () => {
  const failure = await failureOf(connectorForTests().connect(oddServer("broken"), toConnectOptions()));
  assert.deepEqual([failure.kind, failure.sent], ["closed", false]);
  assert.match(failure.message, /exit code 1.*Cannot find the database/);
});

Deno.test("a program that doesn't survive the question about its era is started again without it", async () => {
  await using odd = await connectOdd("fragile");
  assert.equal(odd.era, "2025-11-25");
  assert.deepEqual(await call(odd, "echo"), toolText("{}"));
});

Deno.test("a program whose era is remembered isn't asked about it", async () => {
  // Asked, it would say nothing until the call's time is up.
  await using odd = await connectOdd("mute", { remembered: { era: "2025-11-25", type: "command_line" } });
  assert.deepEqual(await call(odd, "echo"), toolText("{}"));
});

Deno.test("a program that is silent about its era is taken for one of the older", async () => {
  await using odd = await connectOdd("mute", { timeout_ms: 3000 });
  assert.equal(odd.era, "2025-11-25");
});

Deno.test("a message that doesn't end, and messages without number, end the connection with the reason", async () => {
  for (
    const [tool, reason] of [["huge", /longer than \d+ characters/], [
      "flood",
      /more messages than anybody can read/,
    ]] as const
  ) {
    await using odd = await connectOdd();
    const failure = await failureOf(call(odd, tool));
    assert.equal(failure.kind, "closed");
    assert.match(failure.message, reason);
    assert.match((await odd.closed)!.message, reason);
  }
});

Deno.test("a call that is silent for too long ends, the server is told, and others go on", async () => {
  await using odd = await connectOdd("", { timeout_ms: 3000 });
  const failure = await failureOf(call(odd, "silent"));
  assert.deepEqual([failure.kind, failure.sent], ["timeout", true]);
  assert.match(failure.message, /it was silent for 3 s$/);
  const { content: [told] } = await call(odd, "cancelled");
  assert.match(told?.type === "text" ? told.text : "", /^\["muxi-\d+"\]$/);
});

Deno.test("progress keeps a call alive up to its end, but not for ever", async () => {
  {
    await using odd = await connectOdd("", { timeout_ms: 3000 });
    const seen: unknown[] = [];
    const options = { ...callOptions(), onProgress: (progress: unknown) => void seen.push(progress) };
    assert.deepEqual(await odd.callTool("steps", {}, options), toolText("done"));
    assert.deepEqual(seen, [1, 2, 3, 4].map((progress) => ({ progress, total: 4, message: `step ${progress}` })));
  }
  await using odd = await connectOdd("", { max_timeout_ms: 1000 });
  const failure = await failureOf(call(odd, "steps"));
  assert.match(failure.message, /it took longer than 1 s$/);
});

Deno.test("who stops waiting gets their own reason, and the server is told", async () => {
  await using odd = await connectOdd();
  const stop = new AbortController();
  const waiting = odd.callTool("silent", {}, callOptions(stop.signal));
  const reason = new Error("Enough");
  setTimeout(() => stop.abort(reason), 50);
  await assert.rejects(waiting, reason);
  const { content: [told] } = await call(odd, "cancelled");
  assert.match(told?.type === "text" ? told.text : "", /^\["muxi-\d+"\]$/);
});

Deno.test("the time a person takes doesn't count as the server's", async () => {
  const asked: unknown[] = [];
  await using odd = await connectOdd("", {
    timeout_ms: 3000,
    max_timeout_ms: 3500,
    handlers: {
      elicit: async (question, { tool_call_id }) => {
        asked.push({ ...question, tool_call_id });
        await new Promise((resolve) => setTimeout(resolve, 5000));
        return { action: "accept", content: { name: "Ada" } };
      },
    },
  });
  const options = callOptions();
  const { content: [part] } = await odd.callTool("ask", {}, options);
  assert.match(part?.type === "text" ? part.text : "", /"content":\{"name":"Ada"\}/);
  assert.deepEqual(asked, [{
    message: "Who are you?",
    schema: { type: "object", properties: { name: { type: "string" } } },
    tool_call_id: options.tool_call_id,
  }]);
});

Deno.test("programs that don't read, or won't go, leave nothing behind", async () => {
  await using stubborn = await connectOdd("stubborn");
  await stubborn.close();
  assert.equal(await stubborn.closed, undefined);
  const stop = new AbortController();
  setTimeout(() => stop.abort(new Error("Enough")), 300);
  await assert.rejects(
    connectorForTests().connect(oddServer("deaf"), toConnectOptions({ signal: stop.signal })),
    /Enough/,
  );
});
