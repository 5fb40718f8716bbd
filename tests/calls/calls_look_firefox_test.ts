/**
 * An agent looks at what somebody shows in Firefox, from another machine, since it calls no loopback address.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { callFrom, CallStory, good } from "../support/calls.ts";
import { firefoxOn, onNetworks, SERVER, twoMachines } from "../support/network_calls.ts";
import { startProvider } from "../support/provider.ts";
import type { RtcPage } from "../support/rtc_page.ts";
import { picturesIn, seer } from "../support/seer.ts";
import { startServer } from "../support/server.ts";
import { createAgent, type Json } from "../support/story.ts";

declare const rtc: RtcPage;

onNetworks("in Firefox camera and screen are looked at, each with its own consent", async (stack) => {
  const machines = await twoMachines(stack);
  using _ = machines.server.enter();
  const looks = ["camera", "screen"].map((source) => ({ source, reason: `To see the ${source}` }));
  const provider = stack.use(await startProvider({ script: seer(looks) }));
  const server = stack.use(
    await startServer({ provider: provider.url, settings: { rtc: { host: SERVER, look: { timeout_seconds: 60 } } } }),
  );
  await createAgent(server, "seer", { look: true });
  const page = await firefoxOn(stack, machines.caller);
  const modalities = ["audio", "text", "camera", "screen"];
  const id = await callFrom(page, server, { microphone: true, video: true, body: { agent_id: "seer", modalities } });
  const story = stack.use(new CallStory(server, id));
  const say = (message: Json) => page.evaluate((text) => rtc.ask(text), JSON.stringify(message));
  for (const [n, source] of ["camera", "screen"].entries()) {
    // Nothing was said of the video so far, so it is the camera.
    if (source === "screen") await say({ type: "tracks", tracks: { "1": "screen" } });
    void say({ type: "text", text: `What does my ${source} show?` });
    const { data: asked } = await story.until(({ type, data }) => type === "look.asked" && data.source === source);
    assert.equal(asked.reason, `To see the ${source}`);
    void say({ type: "consent", source, allow: true, until: "once" });
    await story.until(({ type, data }) => type === "look.done" && data.look_id === asked.look_id);
    await story.until(() => story.of("run.event").filter(({ event }) => event === "run.completed").length > n);
    const [{ width, height }] = await picturesIn(provider.requests.at(-1)!) as [Json];
    assert.deepEqual([width, height], [640, 480]);
  }
  const said = story.of("run.event").filter(({ event }) => event === "run.completed")
    .map(({ data }) => data.message.content);
  for (const text of said) assert.match(text, /^It is (red|green|blue)$/);
  const { data } = await good<{ data: Json[] }>(await server.request("GET", `/rtc/sessions/${id}/looks?order=asc`));
  assert.deepEqual(data.map(({ source, consent }) => [source, consent]), [["camera", "once"], ["screen", "once"]]);
});
