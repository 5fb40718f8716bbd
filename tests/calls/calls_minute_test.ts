/**
 * A call of a minute, in which caller and agent take turns: nothing drifts, nothing is lost, nothing grows.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { speechPackets } from "../support/caller.ts";
import { type Held, startCallServer } from "../support/call_server.ts";
import { SPEAKS } from "../support/calls.ts";
import { holdCall } from "../support/long_call.ts";
import { startProvider } from "../support/provider.ts";
import { realTime } from "../support/real_time.ts";
import { startSpeechServer } from "../support/speech_server.ts";

realTime({
  name: "a call of a minute neither drifts nor grows nor loses anything",
  ignore: !SPEAKS,
  async fn() {
    await using stack = new AsyncDisposableStack();
    const engines = stack.use(await startSpeechServer({ instant: { text: "what is the weather" } }));
    const provider = stack.use(await startProvider({ keep: 1, script: { tokens: ["It", " is", " sunny", "."] } }));
    const engine = { engine: "openai", base_url: engines.url, api_key: "sk-x", model: "instant" };
    const server = stack.use(
      await startCallServer({ provider: provider.url, settings: { speech: { stt: engine, tts: engine } } }),
    );
    const question = await speechPackets("what is the weather in london today");
    let early: Held | undefined;
    const onThird = async () => void (early = await server.held());
    const report = await holdCall(server, { seconds: 60, question, onThird });
    const { asked, answered, lost, lost_there, drift_ms, packets, skipped_ms } = report;
    const told = JSON.stringify(report);
    assert.ok(asked >= 14, told);
    assert.ok(answered >= asked - 1, told);
    assert.deepEqual([lost, lost_there], [0, 0], told);
    assert.ok(packets * 20 + skipped_ms > 58_000, told);
    assert.ok(Math.abs(drift_ms) < 20, told);
    const late = await server.held();
    const grown = JSON.stringify({ early, late });
    // A call that is over holds less; what went on meanwhile must not have grown.
    assert.ok(late.heap + late.external - early!.heap - early!.external < 2_000_000, grown);
    assert.ok(late.native - early!.native < 30_000_000, grown);
    // Timers of half a second and more share those of the system, which stay until they are due.
    assert.ok(late.descriptors <= early!.descriptors + 2 && late.timers <= early!.timers + 30, grown);
    assert.equal(await server.stop(), 0, server.log());
    assert.equal(server.log(), "");
  },
});
