/**
 * What models cost, and who made them work.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { startProvider, type Step } from "../support/provider.ts";
import { startServer } from "../support/server.ts";
import { ask, askAdmin, createAgent, type Json, until } from "../support/story.ts";
import { scriptedToolbox } from "../support/toolbox.ts";

const KEYS = ["shop:user:sk_muxi_user_of_the_shop_1", "desk:user:sk_muxi_user_of_the_desk_1"];

Deno.test("a run's usage is the sum of its calls, and the books agree in every grouping", async () => {
  const counts = (prompt_tokens: number, completion_tokens: number, rest: Json = {}) => ({
    usage: { prompt_tokens, completion_tokens, ...rest },
  });
  const look: Step = { tool_calls: [{ name: "look", arguments: {} }] };
  const script = (request: { body: Json }): Step => {
    const last = request.body.messages.at(-1);
    if (last.content === "Look") return { ...look, ...counts(100, 10) };
    if (last.role !== "tool") return { tokens: 1, ...counts(30, 3) };
    const details = {
      prompt_tokens_details: { cached_tokens: 40 },
      completion_tokens_details: { reasoning_tokens: 5 },
    };
    return { tokens: 1, ...counts(200, 20, details) };
  };
  await using provider = await startProvider({ script });
  const toolbox = scriptedToolbox({ look: { act: () => ({ result: 1, is_error: false }) } });
  const prices = { "openai/small": { input: 10, output: 100, cached_input: 1 }, large: { input: 1000, output: 1000 } };
  await using server = await startServer({
    provider: provider.url,
    ports: { toolbox },
    settings: { auth: { api_keys: KEYS }, model: { default_model: "small", prices } },
  });
  await createAgent(server, "looker", { allowed_tools: ["*"] });
  await createAgent(server, "big", { model: { model: "large" } });
  const keyOf = (entry: string) => entry.split(":")[2]!;
  const say = (agent: string, message: string, user_id: string, key: string) =>
    ask(server, `POST /agents/${agent}/chat`, { body: { message, user_id }, key: keyOf(key) });
  const [shop, desk] = KEYS as [string, string];
  const first = await say("looker", "Look", "ada", shop);
  await say("assistant", "Hello", "ada", desk);
  await say("big", "Hello", "grace", desk);
  assert.deepEqual(first.usage, {
    input_tokens: 300,
    output_tokens: 30,
    total_tokens: 330,
    reasoning_tokens: 5,
    cached_input_tokens: 40,
    // 100 + 160 fresh at $10, 40 cached at $1, 30 out at $100 a million
    cost: first.usage.cost,
  });
  assert.ok(Math.abs(first.usage.cost - (260 * 10 + 40 * 1 + 30 * 100) / 1e6) < 1e-12, `${first.usage.cost}`);
  const run = await askAdmin(server, `GET /runs/${first.run_id}`);
  assert.deepEqual(run.usage, first.usage);
  const sums = async (by: string) => {
    const { data } = await askAdmin(server, `GET /system/usage?by=${by}`);
    return Object.fromEntries(data.map((row: Json) => [row.group, [row.calls, row.input_tokens, row.output_tokens]]));
  };
  assert.deepEqual(await sums("model"), { "openai/small": [3, 330, 33], "openai/large": [1, 30, 3] });
  assert.deepEqual(await sums("agent"), { looker: [2, 300, 30], assistant: [1, 30, 3], big: [1, 30, 3] });
  assert.deepEqual(await sums("user"), { ada: [3, 330, 33], grace: [1, 30, 3] });
  assert.deepEqual(await sums("key"), { shop: [2, 300, 30], desk: [2, 60, 6] });
  const { data } = await askAdmin(server, "GET /system/usage?by=model");
  const large = data.find(({ group }: Json) => group === "openai/large");
  assert.equal(large.cost, 0.033);
  const past = await askAdmin(server, "GET /system/usage?to=2020-01-01T00:00:00Z");
  assert.deepEqual(past.data, []);
  const { data: runs } = await askAdmin(server, "GET /runs");
  const all = runs.reduce((sum: number, { usage }: Json) => sum + usage.total_tokens, 0);
  assert.equal(all, 330 + 66, "runs and books tell the same");
});

Deno.test("a cancelled call and an unknown price are on the books, too", async () => {
  await using provider = await startProvider({ script: { tokens: 1000, delay: 5 } });
  await using server = await startServer({
    provider: provider.url,
    settings: { model: { default_model: "nameless" } },
  });
  const { id } = await ask(server, "POST /conversations", { body: {} });
  await ask(server, `POST /conversations/${id}/messages`, { body: { content: "Count" } });
  const { id: run_id } = await ask(server, `POST /conversations/${id}/runs`, { body: {} });
  await until("it has begun", () => (provider.requests[0]?.tokens_sent ?? 0) > 5);
  await ask(server, `POST /runs/${run_id}/cancel`, { body: {} });
  const run = await until("it has ended", async () => {
    const run = await ask(server, `GET /runs/${run_id}`);
    return run.status === "cancelled" && run;
  });
  assert.ok(run.usage.output_tokens > 0);
  assert.equal(run.usage.cost, null);
  const { data: [row] } = await askAdmin(server, "GET /system/usage");
  assert.deepEqual([row.group, row.calls, row.output_tokens], ["openai/nameless", 1, run.usage.output_tokens]);
  assert.equal(row.cost, null);
});

Deno.test("the books are the administrators' alone", async () => {
  await using server = await startServer();
  await ask(server, "GET /system/usage", { status: 403 });
});
