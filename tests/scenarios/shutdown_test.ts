/**
 * Going down gracefully, and coming back.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { type Frame, streamFrames, textsOf } from "../support/events.ts";
import { startProvider } from "../support/provider.ts";
import { startServer } from "../support/server.ts";
import { ask, askAdmin, eventsOf, framesOf, type Json, until } from "../support/story.ts";
import { scriptedToolbox } from "../support/toolbox.ts";

async function withFolder(test: (data_dir: string) => Promise<void>): Promise<void> {
  const data_dir = await Deno.makeTempDir({ prefix: "muxi-shutdown-" });
  try {
    await test(data_dir);
  } finally {
    await Deno.remove(data_dir, { recursive: true });
  }
}

Deno.test("a stream ends with the server, and goes on where it was after the next start", () =>
  withFolder(async (data_dir) => {
    const tokens = Array.from({ length: 400 }, (_, i) => `w${i} `);
    await using provider = await startProvider({ script: [{ tokens, delay: 5 }, { tokens, chunks: 4 }] });
    const seen: Frame[] = [];
    let run_id = "";
    {
      await using server = await startServer({ provider: provider.url, data_dir });
      const response = await server.request("POST", "/chat/stream", { body: { message: "Count" } });
      const reading = (async () => {
        for await (const frame of streamFrames(response)) seen.push(frame);
      })();
      await until("some text has come", () => seen.filter(({ type }) => type === "model.delta").length > 3);
      run_id = seen[0]!.data.run_id;
      await server.app.drain(0);
      await reading;
      const refused = await server.request("POST", "/chat", { body: { message: "Too late" } });
      assert.equal(refused.status, 503);
      assert.equal(refused.headers.get("retry-after"), "5");
      await refused.body?.cancel();
      await provider.requests[0]!.settled;
      assert.ok(provider.requests[0]!.closed_at !== null, "the provider is not left writing");
    }
    assert.ok(!seen.some(({ type }) => type.startsWith("run.") && type !== "run.started"), "the run has not ended");
    await using server = await startServer({ provider: provider.url, data_dir });
    const last = seen.at(-1)!.id!;
    const rest = await framesOf(server, `GET /runs/${run_id}/events`, { headers: { "last-event-id": `${last}` } });
    const all = [...seen, ...rest];
    assert.deepEqual(all.map(({ id }) => id), all.map((_, i) => i + 1));
    assert.deepEqual(all, await eventsOf(server, run_id));
    assert.equal(rest.find(({ type }) => type === "step.restarted")!.data.attempt, 2);
    assert.deepEqual([...textsOf(all).values()], [tokens.join("")]);
    assert.equal(all.at(-1)!.type, "run.completed");
    // The attempt that was cut short was used, too.
    const { data: [row] } = await askAdmin(server, "GET /system/usage");
    assert.equal(row.calls, 2);
    const { usage } = await ask(server, `GET /runs/${run_id}`);
    assert.deepEqual([usage.input_tokens, usage.output_tokens], [row.input_tokens, row.output_tokens]);
  }));

Deno.test("what can end within the grace is ended", () =>
  withFolder(async (data_dir) => {
    await using provider = await startProvider({ script: { tokens: 20, delay: 5 } });
    await using server = await startServer({ provider: provider.url, data_dir });
    const answer = ask(server, "POST /chat", { body: { message: "Be quick" } });
    await provider.received();
    const begun = performance.now();
    await server.app.drain(60_000);
    assert.ok(performance.now() - begun < 30_000, "it does not wait longer than the runs need");
    assert.equal((await answer).status, "completed");
  }));

Deno.test("a caller that can't stream is told that the run goes on elsewhere", () =>
  withFolder(async (data_dir) => {
    await using provider = await startProvider({ script: { tokens: 1, hang: true } });
    await using server = await startServer({ provider: provider.url, data_dir });
    const answer = ask(server, "POST /chat", { body: { message: "Never" }, status: 503 });
    await provider.received();
    await server.app.drain(0);
    const error = await answer;
    assert.equal(error.error, "UnavailableError");
    assert.match(error.details.run_id, /^run_/);
  }));

Deno.test("queued runs begin after the next start, in their order", () =>
  withFolder(async (data_dir) => {
    await using provider = await startProvider({ script: { tokens: 1, hang: true } });
    const ids: string[] = [];
    {
      await using server = await startServer({ provider: provider.url, data_dir });
      const { id } = await ask(server, "POST /conversations", { body: {} });
      for (const content of ["One", "Two", "Three"]) {
        await ask(server, `POST /conversations/${id}/messages`, { body: { content } });
        ids.push((await ask(server, `POST /conversations/${id}/runs`, { body: {} })).id);
      }
      await provider.received();
    }
    provider.script({ tokens: ["Yes"] });
    await using server = await startServer({ provider: provider.url, data_dir });
    const runs: Json[] = [];
    for (const id of ids) {
      runs.push(
        await until("it has ended", async () => {
          const run = await ask(server, `GET /runs/${id}`);
          return run.status === "completed" && run;
        }),
      );
    }
    const asked = provider.requests.slice(1).map(({ body }) => body.messages.at(-1).content);
    assert.deepEqual(asked, ["One", "Two", "Three"]);
    assert.ok(runs[0].ended_at <= runs[1].started_at && runs[1].ended_at <= runs[2].started_at);
  }));

Deno.test("a tool that was being called is not called again: a person is asked", () =>
  withFolder(async (data_dir) => {
    const act = (_: Json, signal: AbortSignal) =>
      new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    const toolbox = scriptedToolbox({ pay: { act }, read: { act, idempotent: true } });
    await using provider = await startProvider({
      script: [{ tool_calls: ["pay", "read"].map((name) => ({ name, arguments: {} })) }, { tokens: ["Done"] }],
    });
    const options = { provider: provider.url, data_dir, ports: { toolbox } };
    {
      await using server = await startServer(options);
      await askAdmin(server, "POST /agents", { body: { id: "clerk", name: "Clerk", allowed_tools: ["*"] } });
      ask(server, "POST /agents/clerk/chat", { body: { message: "Pay" }, status: 503 }).catch(() => {});
      await until("both are called", () => toolbox.calls.length === 2);
    }
    const after = scriptedToolbox({
      pay: { act: () => ({ result: "paid", is_error: false }) },
      read: { act: () => ({ result: "read", is_error: false }), idempotent: true },
    });
    await using server = await startServer({ ...options, ports: { toolbox: after } });
    const run = await until("it waits", async () => {
      const { data: [run] } = await ask(server, "GET /runs");
      return run.status === "waiting" && run;
    });
    assert.equal(run.waiting_for, "tool_outcome_unknown");
    assert.deepEqual(after.calls.map(({ tool }) => tool), ["read"], "what is harmless is done again");
    const { data: [, step] } = await ask(server, `GET /runs/${run.id}/steps`);
    const call = step.tool_calls.find(({ tool }: Json) => tool === "pay");
    assert.equal(call.status, "unknown");
    await ask(server, `POST /runs/${run.id}/tool_calls/${call.id}/decision`, { body: { decision: "deny" } });
    await until("it has ended", async () => (await ask(server, `GET /runs/${run.id}`)).status === "completed");
    assert.deepEqual(after.calls.map(({ tool }) => tool), ["read"]);
    assert.match(JSON.stringify(provider.requests[1]!.body.messages), /outcome is unknown/);
  }));
