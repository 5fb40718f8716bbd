/**
 * What a call has to stand in either browser: a minute of it, and, as Chromium does elsewhere, another network.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { callFrom, type Calling, CallStory, good, speech } from "../support/calls.ts";
import {
  CALLER,
  chromiumOn,
  countMoved,
  firefoxOn,
  machineBehind,
  MOVED,
  onNetworks,
  SERVER,
  twoMachines,
} from "../support/network_calls.ts";
import { startProvider } from "../support/provider.ts";
import type { RtcPage } from "../support/rtc_page.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { startSpeechServer } from "../support/speech_server.ts";
import { until } from "../support/story.ts";

declare const rtc: RtcPage;

/** How long a call lasts at least, and what is looked at together in it. */
const CALL_MS = 60_000;
const THIRD_MS = CALL_MS / 3;
/** How much later sound may come at its end than at its beginning. */
const DRIFT_MS = 40;
/** Packets a second at least: of 50, what a busy machine is too late for is left out, and the clock goes on. */
const RATE = 45;
/** A model that says a word each quarter of a second. */
const SLOW = { tokens: Array.from({ length: 40 }, (_, i) => `word${i} `), delay: 250 };

const BROWSERS = { Chromium: chromiumOn, Firefox: firefoxOn };

/** Asks aloud again and again, each time when the answer is over. */
async function talkForAMinute(page: Calling, server: TestServer, name: string): Promise<void> {
  const id = await callFrom(page, server);
  await using story = new CallStory(server, id);
  const first = await page.evaluate(() => rtc.received());
  const seen = [first];
  const lasted = () => seen.at(-1)!.at - first.at;
  for (let asked = 1; lasted() < CALL_MS; asked++) {
    await page.evaluate(() => rtc.play());
    await story.until(() => story.of("agent.done").length === asked);
    seen.push(await page.evaluate(() => rtc.received()));
  }
  await page.evaluate(() => rtc.close());
  const { stats } = await good<{ stats: { packets_lost: number } }>(await server.request("GET", `/rtc/sessions/${id}`));
  const told = `${name}: ${JSON.stringify({ seen, stats })}`;
  const last = seen.at(-1)!;
  assert.deepEqual([last.lost, stats.packets_lost], [0, 0], told);
  assert.ok(last.packets - first.packets >= RATE * lasted() / 1000, told);
  const quickest = (isMeant: (at: number) => boolean) =>
    Math.min(...seen.flatMap(({ at, lateness }) => lateness && isMeant(at - first.at) ? [lateness.late_ms] : []));
  const drift_ms = quickest((at) => at > lasted() - THIRD_MS) - quickest((at) => at < THIRD_MS);
  assert.ok(Math.abs(drift_ms) < DRIFT_MS, `${drift_ms} ms, ${told}`);
}

onNetworks("Chromium and Firefox call for a minute each: nothing drifts and nothing is lost", async (stack) => {
  const machines = await twoMachines(stack);
  using _ = machines.server.enter();
  const engines = stack.use(await startSpeechServer({ instant: { text: "what is the weather" } }));
  const provider = stack.use(await startProvider({ script: { tokens: ["It", " is", " sunny", "."] } }));
  const engine = { engine: "openai", base_url: engines.url, api_key: "sk-x", model: "instant" };
  const settings = { rtc: { host: SERVER }, speech: { stt: engine, tts: engine } };
  const server = stack.use(await startServer({ provider: provider.url, settings }));
  const sound = await speech("what is the weather in london today");
  await Promise.all(
    Object.entries(BROWSERS).map(async ([name, openOn]) => {
      await talkForAMinute(await openOn(stack, machines.caller, { sound }), server, name);
    }),
  );
});

onNetworks(
  "Firefox's router gets another address in the middle of an answer, and its page hears the rest",
  async (stack) => {
    const { server: machine, caller: router } = await twoMachines(stack);
    const house = await machineBehind(stack, router);
    /** What the house is seen as from outside, `address`. */
    const showAs = (address: string) =>
      router.rules(`
      chain postrouting { type nat hook postrouting priority 100; oifname eth0 snat to ${address}; }
    `);
    await showAs(CALLER);
    using _ = machine.enter();
    const provider = stack.use(await startProvider({ script: SLOW }));
    const settings = { rtc: { host: SERVER, lost_seconds: 2 } };
    const server = stack.use(await startServer({ provider: provider.url, settings }));
    const page = await firefoxOn(stack, house);
    const id = await callFrom(page, server);
    const story = stack.use(new CallStory(server, id));
    void page.evaluate(() => rtc.ask('{"type":"text","text":"Tell me"}'));
    await story.until(({ type, data }) => type === "run.event" && data.event === "model.delta");
    const before = await page.evaluate(() => rtc.path());
    const moved = await countMoved(machine);
    await router.ip(`addr del ${CALLER}/24 dev eth0`);
    await router.ip(`addr add ${MOVED}/24 dev eth0`);
    await showAs(MOVED);
    await story.state("lost");
    const sdp = await page.evaluate(() => rtc.restart());
    const answer = await good<{ sdp: string }>(
      await server.request("POST", "/rtc/offer", { body: { session_id: id, sdp } }),
    );
    await page.evaluate((sdp) => rtc.accept(sdp), answer.sdp);
    await moved();
    const isNew = async () => {
      const path = await page.evaluate(() => rtc.path());
      return path !== null && path.id !== before!.id;
    };
    await until("another path is used", isNew, { every_ms: 50 });
    // What came meanwhile comes first.
    await page.evaluate(async () => {
      for (;;) {
        const { type, data } = JSON.parse(await rtc.ask('{"type":"ping"}'));
        if (type === "run.event" && data.event === "run.completed") return;
      }
    });
    const { data: runs } = await good<{ data: { status: string }[] }>(await server.request("GET", "/runs"));
    assert.deepEqual(runs.map(({ status }) => status), ["completed"]);
  },
);
