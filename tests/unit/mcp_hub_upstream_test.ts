/**
 * One tool server that is looked after, in time that the test moves.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { Upstream } from "../../src/core/mcp_servers/upstream.ts";
import type { UpstreamOptions } from "../../src/core/mcp_servers/upstream_deps.ts";
import { McpFailure, McpServer } from "../../src/domain/mcp_server.ts";
import { toolText } from "../../src/domain/tool.ts";
import { createLog } from "../../src/kit/log.ts";
import { failure, offered, scriptedConnector, ScriptedServer } from "../support/mcp_hub_connector.ts";
import { MovingClock, settle } from "../support/moving_clock.ts";

const OPTIONS: UpstreamOptions = {
  connect_timeout_ms: 10_000,
  timeout_ms: 60_000,
  max_timeout_ms: 600_000,
  health_ms: 30_000,
  retry_ms: 60_000,
  failures: 5,
  window_ms: 60_000,
  open_ms: 30_000,
};
const quiet = createLog({ level: "error", format: "json", write: () => {} });
let count = 0;

/** A server called "one", connected unless told otherwise. */
async function upstreamOf(script: ScriptedServer, definition: Record<string, unknown> = {}, { start = true } = {}) {
  const clock = new MovingClock();
  const changes: string[] = [];
  const upstream = new Upstream(McpServer.parse({ name: "one", url: "http://one.test", ...definition }), undefined, {
    connector: scriptedConnector({ one: script }),
    clock,
    log: quiet,
    options: () => OPTIONS,
    secrets: [],
    asking: { elicit: () => Promise.reject(new Error()), sample: () => Promise.reject(new Error()) },
    enter: () => Promise.resolve(),
    leave: () => {},
    onChanged: (kind) => changes.push(kind),
    onAgreed: () => {},
  });
  if (start) await upstream.start();
  const call = (tool = script.tools[0]!, signal = new AbortController().signal) => {
    return upstream.call(tool, { text: "hello" }, { signal, tool_call_id: `tool_${++count}` });
  };
  return {
    upstream,
    clock,
    changes,
    call,
    async [Symbol.asyncDispose]() {
      await upstream[Symbol.asyncDispose]();
      assert.equal(script.open, 0, "a connection is left");
      assert.equal(clock.timers, 0, "a timer is left");
    },
  };
}

Deno.test("a server is connected to, listed and called; when it goes, nothing is left", async () => {
  const script = new ScriptedServer();
  await using one = await upstreamOf(script);
  assert.deepEqual([one.upstream.state, one.upstream.reason], ["ready", null]);
  assert.deepEqual(one.upstream.offers.tools.map(({ name, server }) => [name, server]), [["one__echo", "one"]]);
  assert.deepEqual(one.changes, ["tools"]);
  assert.deepEqual(await one.call(), toolText('{"text":"hello"}'));
  assert.deepEqual([one.upstream.tally.calls, one.upstream.tally.failures], [1, 0]);
  assert.equal(one.upstream.tally.latency_ms, 0);
});

Deno.test("pauses between attempts grow, and after too many failures it is let alone for a while", async () => {
  const script = new ScriptedServer();
  script.connecting = () => Promise.reject(failure("unreachable"));
  await using one = await upstreamOf(script);
  assert.deepEqual([one.upstream.state, one.upstream.reason], ["backing_off", "It is unreachable"]);
  await one.clock.pass(499);
  assert.ok(script.connects <= 2);
  await one.clock.pass(8000);
  assert.equal(script.connects, 5);
  assert.equal(one.upstream.state, "open_circuit");
  await assert.rejects(one.call(), (error: McpFailure) => {
    assert.equal(error.kind, "unreachable");
    assert.equal(error.sent, false);
    assert.equal(error.retryAfter, 30);
    return /"one": it failed 5 times/.test(error.message);
  });
  assert.equal(script.connects, 5, "it is let alone");
  script.connecting = () => Promise.resolve();
  await one.clock.pass(30_000);
  assert.equal(one.upstream.state, "ready");
  assert.equal(script.connects, 6);
});

Deno.test("a call doesn't wait for the pause: it tries at once", async () => {
  const script = new ScriptedServer();
  script.connecting = () => Promise.reject(failure("unreachable"));
  await using one = await upstreamOf(script);
  script.connecting = () => Promise.resolve();
  await one.call();
  assert.equal(script.connects, 2);
});

Deno.test("a lost session is renewed once for all who wait, and what was not done is done once", async () => {
  const script = new ScriptedServer();
  await using one = await upstreamOf(script);
  let lost = true;
  script.connecting = () => {
    lost = false;
    return settle();
  };
  const done: string[] = [];
  script.calling = (_, { tool_call_id }) => {
    if (lost) throw failure("session_lost");
    done.push(tool_call_id);
    return toolText("done");
  };
  const results = await Promise.all(Array.from({ length: 50 }, () => one.call()));
  assert.equal(results.length, 50);
  assert.equal(script.connects, 2, "one for all");
  assert.equal(new Set(done).size, 50);
  assert.equal(done.length, 50, "nothing is done twice");
});

Deno.test("what may have been done is repeated only where that is harmless", async () => {
  const script = new ScriptedServer();
  script.tools = [offered("write"), offered("read", { read_only: true }), offered("put", { idempotent: true })];
  await using one = await upstreamOf(script);
  const [write, read, put] = script.tools as [typeof script.tools[0], typeof script.tools[0], typeof script.tools[0]];
  let deaths = 0;
  script.calling = () => {
    if (deaths-- > 0) {
      const error = failure("closed", { sent: true });
      script.die(error);
      throw error;
    }
    return toolText("done");
  };
  deaths = 1;
  await assert.rejects(one.call(write!), /It is closed/);
  deaths = 1;
  await one.call(read!);
  deaths = 1;
  await one.call(put!);
  assert.equal(script.calls.length, 5);
  deaths = 10;
  await assert.rejects(one.call(read!), /It is closed/, "not for ever");
  assert.equal(script.calls.length, 8);
});

Deno.test("a server that dies comes back by itself, its tools stay in the list meanwhile", async () => {
  const script = new ScriptedServer();
  await using one = await upstreamOf(script);
  script.die(new Error("exit code 1"));
  await settle();
  assert.deepEqual([one.upstream.state, one.upstream.reason], ["backing_off", "exit code 1"]);
  assert.equal(one.upstream.offers.tools.length, 1);
  await one.clock.pass(500);
  assert.deepEqual([one.upstream.state, one.upstream.tally.restarts], ["ready", 1]);
});

Deno.test("a server that is quiet is asked whether it lives, and replaced when it doesn't answer twice", async () => {
  const script = new ScriptedServer();
  await using one = await upstreamOf(script);
  let pings = 0;
  script.pinging = () => {
    pings++;
    return Promise.resolve();
  };
  await one.clock.pass(65_000);
  assert.equal(pings, 2);
  script.pinging = () => new Promise(() => {});
  // It is asked after thirty seconds of silence, and has five to answer.
  await one.clock.pass(31_000);
  assert.deepEqual([one.upstream.state, one.upstream.reason], ["degraded", "it does not answer any more"]);
  script.pinging = () => Promise.resolve();
  await one.clock.pass(5000);
  assert.deepEqual([one.upstream.state, script.connects], ["ready", 2]);
});

Deno.test("a call that ends late has the server asked at once, and a hung one is replaced", async () => {
  const script = new ScriptedServer();
  await using one = await upstreamOf(script);
  script.pinging = () => new Promise(() => {});
  script.calling = () => Promise.reject(failure("timeout", { sent: true }));
  await assert.rejects(one.call(), /It is timeout/);
  await one.clock.pass(5001);
  assert.equal(one.upstream.state, "degraded");
  await one.clock.pass(5501);
  assert.equal(script.connects, 2);
});

Deno.test("who isn't let in says so, gives the address to sign in at, and isn't asked again by itself", async () => {
  const script = new ScriptedServer();
  script.connecting = () => Promise.reject(failure("unauthorized", { sign_in_url: "https://sign.test/in" }));
  await using one = await upstreamOf(script);
  assert.deepEqual([one.upstream.state, one.upstream.reason], ["stopped", "It is unauthorized"]);
  assert.equal(one.upstream.sign_in_url, "https://sign.test/in");
  await one.clock.pass(600_000);
  assert.equal(script.connects, 1);
  await assert.rejects(one.call(), (error: McpFailure) => error.kind === "unauthorized");
  script.connecting = () => Promise.resolve();
  await one.upstream.restart();
  assert.deepEqual([one.upstream.state, one.upstream.sign_in_url], ["ready", null]);
});

Deno.test("a server that nobody uses is stopped, and woken by a call", async () => {
  const script = new ScriptedServer();
  await using one = await upstreamOf(script, { idle_seconds: 10 });
  await one.clock.pass(9000);
  await one.call();
  await one.clock.pass(9000);
  assert.equal(one.upstream.state, "ready");
  await one.clock.pass(1500);
  assert.deepEqual([one.upstream.state, script.open], ["stopped", 0]);
  assert.match(one.upstream.reason!, /not used for long/);
  assert.equal(one.upstream.offers.tools.length, 1);
  await one.call();
  await settle();
  assert.deepEqual([one.upstream.state, script.open], ["ready", 1]);
});

Deno.test("a list that changed is read again, once for many notices; one that can't be read stays as it was", async () => {
  const script = new ScriptedServer();
  await using one = await upstreamOf(script);
  let lists = 0;
  script.listing = () => {
    lists++;
    return Promise.resolve();
  };
  script.tools = [offered("other")];
  for (let i = 0; i < 20; i++) script.changed();
  await one.clock.pass(300);
  assert.equal(lists, 1);
  assert.deepEqual(one.upstream.offers.tools.map(({ name }) => name), ["one__other"]);
  script.listing = () => Promise.reject(failure("protocol", { sent: true }));
  script.changed();
  await one.clock.pass(300);
  assert.equal(one.upstream.state, "degraded");
  assert.equal(one.upstream.offers.tools.length, 1);
  script.listing = () => Promise.resolve();
  script.tools = [offered("third")];
  await one.clock.pass(31_000);
  assert.deepEqual([one.upstream.state, one.upstream.offers.tools[0]!.name], ["ready", "one__third"]);
});

Deno.test("a server that never answers holds nobody: attempts and lists end, callers may leave", async () => {
  const script = new ScriptedServer();
  script.connecting = () => new Promise(() => {});
  const one = await upstreamOf(script, {}, { start: false });
  void one.upstream.start();
  const leaving = new AbortController();
  const call = one.call(script.tools[0]!, leaving.signal);
  leaving.abort(new Error("I leave"));
  await assert.rejects(call, /I leave/);
  const other = assert.rejects(one.call(), /did not answer within 10 s/);
  await one.clock.pass(20_001);
  await other;
  assert.equal(one.upstream.state, "backing_off");
  const gone = one.upstream[Symbol.asyncDispose]();
  await one.clock.pass(20_000);
  await gone;
  assert.equal(one.clock.timers, 0);
});

Deno.test("what comes after all is closed when nobody waits for it any more", async () => {
  const script = new ScriptedServer();
  const late = Promise.withResolvers<void>();
  script.connecting = () => late.promise;
  const one = await upstreamOf(script, {}, { start: false });
  void one.upstream.start();
  await settle();
  const gone = one.upstream[Symbol.asyncDispose]();
  late.resolve();
  await gone;
  assert.deepEqual([script.connects, script.open, one.clock.timers], [1, 0, 0]);
});

Deno.test("a server whose program may do more is begun anew when nothing is under way, which is no failure", async () => {
  const script = new ScriptedServer();
  await using one = await upstreamOf(script);
  const answer = Promise.withResolvers<void>();
  script.calling = async () => {
    await answer.promise;
    return toolText("done");
  };
  const call = one.call();
  await settle();
  one.upstream.renew();
  await settle();
  assert.equal(script.connects, 1, "the call under way is left alone");
  answer.resolve();
  assert.deepEqual(await call, toolText("done"));
  assert.deepEqual(await one.call(), toolText("done"), "the next one waits for the new program");
  assert.equal(script.connects, 2);
  await settle();
  const { state, tally } = one.upstream;
  assert.deepEqual([state, tally.failures, tally.last_error, tally.restarts], ["ready", 0, null, 1]);
});
