/**
 * Other settings, without a restart.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { AppError } from "../../src/domain/error.ts";
import { Settings } from "../../src/settings/schema.ts";
import { startProgram } from "../support/program.ts";
import { startProvider } from "../support/provider.ts";
import { ADMIN_KEY, startServer, testSettings, USER_KEY } from "../support/server.ts";
import { ask, askAdmin, createAgent, type Json } from "../support/story.ts";
import { scriptedToolbox } from "../support/toolbox.ts";

/** A server whose settings can be changed. */
async function changeable(settings: Json, options: Json = {}) {
  let next: () => Settings = () => Settings.parse({});
  const server = await startServer({ ...options, settings, reread: () => Promise.resolve().then(() => next()) });
  const write = (changed: Json) => next = () => testSettings(server.data_dir, { ...options, settings: changed });
  write(settings);
  return {
    server,
    write,
    fail: (error: Error) =>
      next = () => {
        throw error;
      },
  };
}

const hang = (_: Json, signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

Deno.test("what changed is told, and is in force: keys, limits, models, times of runs", async () => {
  await using first = await startProvider({ script: { tokens: ["First"] } });
  await using second = await startProvider({ script: { tokens: ["Second"] } });
  const toolbox = scriptedToolbox({ wait: { act: hang } });
  const story = await changeable({}, { provider: first.url, ports: { toolbox } });
  await using server = story.server;
  await createAgent(server, "worker", { allowed_tools: ["*"] });
  const { data_dir: _, ...none } = await askAdmin(server, "POST /system/config/reload");
  assert.deepEqual(none, { changed: [], restart_required: [] });
  const key = "sk_muxi_user_another_9876543210";
  story.write({
    auth: { user_api_key: key },
    providers: { openai: { base_url: second.url } },
    runs: { tool_timeout_seconds: 1, approval_timeout_seconds: 7, collect_timeout_seconds: 6 },
    limits: { enabled: true, operations: { health_live: { per_second: 0.001, burst: 1 } } },
    server: { max_streams: 5 },
  });
  const report = await askAdmin(server, "POST /system/config/reload");
  assert.deepEqual(report.restart_required, ["server.max_streams"]);
  assert.ok(report.changed.includes("runs.tool_timeout_seconds"));
  await ask(server, "GET /agents", { status: 401 });
  assert.equal((await ask(server, "POST /chat", { body: { message: "Hi" }, key })).message.content, "Second");
  const health = () => server.request("GET", "^/health/live", { key: null });
  const statuses = [];
  for (let i = 0; i < 3; i++) {
    const response = await health();
    await response.body?.cancel();
    statuses.push(response.status);
  }
  assert.deepEqual(statuses, [200, 429, 429]);
  // A tool may take one second now, a caller wait for six.
  second.script([{ tool_calls: [{ name: "wait", arguments: {} }] }, { tokens: ["Gave up"] }, { hang: true }]);
  const answer = await ask(server, "POST /agents/worker/chat", { body: { message: "Wait" }, key });
  assert.equal(answer.message.content, "Gave up");
  await ask(server, "POST /chat", { body: { message: "Hang" }, key, status: 408 });
  await askAdmin(server, "PATCH /agents/worker", { body: { policies: { ask: ["*"] } } });
  second.script({ tool_calls: [{ name: "wait", arguments: {} }] });
  const { run_id } = await ask(server, "POST /agents/worker/chat", { body: { message: "Ask" }, key });
  const response = await server.request("GET", `/runs/${run_id}/events?types=tool.call.approval_required`, {
    key,
    headers: { accept: "text/event-stream" },
  });
  const reader = response.body!.getReader();
  const text = new TextDecoder().decode((await reader.read()).value);
  await reader.cancel();
  const { time, expires_at } = JSON.parse(/data: (.*)/.exec(text)![1]!);
  const seconds = (Date.parse(expires_at) - Date.parse(time)) / 1000;
  assert.ok(Math.abs(seconds - 7) < 1, `${seconds}`);
});

Deno.test("settings that are wrong are refused whole", async () => {
  await using provider = await startProvider({ script: { tokens: ["Still here"] } });
  const story = await changeable({}, { provider: provider.url });
  await using server = story.server;
  const before = await askAdmin(server, "GET /system/config");
  story.fail(new AppError("ConfigurationError", 'Cannot use server.port = "high": expected a number'));
  const error = await askAdmin(server, "POST /system/config/reload", { status: 500 });
  assert.deepEqual([error.error, error.message], [
    "ConfigurationError",
    'Cannot use server.port = "high": expected a number',
  ]);
  story.write({ server: { env: "production" }, auth: { user_api_key: "short" } });
  const refused = await askAdmin(server, "POST /system/config/reload", { status: 500 });
  assert.match(refused.message, /Cannot start in production/);
  assert.ok(!refused.message.includes("short:"));
  assert.deepEqual(await askAdmin(server, "GET /system/config"), before);
  assert.equal((await ask(server, "POST /chat", { body: { message: "Hi" } })).message.content, "Still here");
  await ask(server, "POST /system/config/reload", { status: 403 });
});

Deno.test("the settings are shown without their secrets", async () => {
  await using server = await startServer({
    settings: { auth: { api_keys: ["shop:user:sk_muxi_user_of_the_shop_1"] } },
  });
  const config = await askAdmin(server, "GET /system/config");
  assert.equal(config.auth.user_api_key, "[masked]");
  assert.deepEqual(config.auth.api_keys, ["shop:user:[masked]"]);
  assert.equal(config.limits.enabled, false);
  for (const secret of [USER_KEY, ADMIN_KEY, "of_the_shop"]) assert.ok(!JSON.stringify(config).includes(secret));
});

Deno.test("the program reads its file again when told by a signal, or keeps what it has", async () => {
  await using program = await startProgram();
  const list = async (key: string) => {
    const response = await fetch(`${program.url}/api/v1/agents`, { headers: { authorization: `Bearer ${key}` } });
    await response.body?.cancel();
    return response.status;
  };
  await program.write({ auth: { user_api_key: "sk_muxi_user_another_9876543210" } });
  program.signal("SIGHUP");
  await program.said("Read the settings anew");
  assert.deepEqual([await list(USER_KEY), await list("sk_muxi_user_another_9876543210")], [401, 200]);
  const from = program.output().length;
  await program.write({ server: { port: "high" }, auth: { user_api_key: USER_KEY } });
  program.signal("SIGHUP");
  await program.said("Cannot reload the settings", from);
  assert.match(program.output().slice(from), /server\.port.*high/);
  assert.deepEqual([await list(USER_KEY), await list("sk_muxi_user_another_9876543210")], [401, 200]);
});
