/**
 * A page of somebody's own, made with the module, shows a screen and a camera.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { DEVICES, findBrowser, startBrowser } from "../support/browser.ts";
import { good } from "../support/calls.ts";
import { hasProgram } from "../support/parts.ts";
import { startProvider } from "../support/provider.ts";
import { picturesIn, seer } from "../support/seer.ts";
import { startServer, USER_KEY } from "../support/server.ts";
import { createAgent, type Json } from "../support/story.ts";

const PAGE =
  `<!doctype html><meta charset="utf-8"><title>Look</title><link rel="icon" href="data:,"><script type="module">
const report = (body) => fetch("/result", { method: "POST", body: JSON.stringify(body) });
try {
  const { Call } = await import("/call/session_client.js");
  const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 360 });
  const pen = canvas.getContext("2d");
  const draw = () => {
    pen.fillStyle = "#c02010";
    pen.fillRect(0, 0, canvas.width, canvas.height);
  };
  draw();
  setInterval(draw, 100);
  const [screen] = canvas.captureStream(10).getVideoTracks();
  const call = await Call.start({ key: "${USER_KEY}", agent_id: "seer", audio: false, screen, play: false });
  const asked = [];
  const stop = call.onLookAsked((look) => {
    asked.push([look.source, look.reason]);
    call.answerLook(look, look.source === "screen" ? "call" : "once");
  });
  const answer = async (text) => {
    const { promise, resolve } = Promise.withResolvers();
    const off = call.on("run.event", ({ event, data }) => event === "run.completed" && resolve(data.message.content));
    call.sendText(text);
    const said = await promise;
    off();
    return said;
  };
  const said = [await answer("What is on my screen?"), await answer("And now?")];
  // In the middle of the call, over another description.
  await call.share("camera");
  said.push(await answer("What does my camera show?"));
  stop();
  await call.stop("camera");
  call.consent("camera", { allow: true, until: "call" });
  said.push(await answer("And now?"));
  await call.hangUp();
  await report({ asked, said });
} catch (error) {
  await report({ error: String(error) });
}
</script>`;

/** What the page reports, opened by `open`. */
async function story(stack: AsyncDisposableStack, open: (url: string) => Promise<unknown>) {
  const looks = ["screen", "screen", "camera", "camera"].map((source) => ({ source, reason: `To see the ${source}` }));
  const provider = stack.use(await startProvider({ script: seer(looks) }));
  const server = stack.use(
    await startServer({ provider: provider.url, settings: { rtc: { look: { timeout_seconds: 60 } } } }),
  );
  await createAgent(server, "seer", { look: true });
  const reported = Promise.withResolvers<{ asked: string[][]; said: string[]; error?: string }>();
  const front = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { pathname, search } = new URL(request.url);
    if (pathname === "/") return new Response(PAGE, { headers: { "content-type": "text/html" } });
    if (pathname === "/result") {
      reported.resolve(await request.json());
      return new Response(null, { status: 204 });
    }
    const { method, headers, body, signal } = request;
    return await fetch(`${server.url}${pathname}${search}`, { method, headers, body, signal, redirect: "manual" });
  });
  stack.defer(() => front.shutdown());
  await open(`http://127.0.0.1:${front.addr.port}/`);
  const { asked, said, error } = await reported.promise;
  assert.equal(error, undefined);
  const [session] = (await good<{ data: Json[] }>(await server.request("GET", "/rtc/sessions"))).data;
  const rows =
    (await good<{ data: Json[] }>(await server.request("GET", `/rtc/sessions/${session!.id}/looks?order=asc`))).data;
  assert.deepEqual(rows.map(({ source, consent }) => [source, consent]), [
    ["screen", "call"],
    ["screen", "call"],
    ["camera", "once"],
  ]);
  assert.deepEqual(asked, [["screen", "To see the screen"], ["camera", "To see the camera"]]);
  assert.deepEqual(said.slice(0, 2), ["It is red", "It is red"]);
  assert.match(said[2]!, /^It is (red|green|blue)$/);
  assert.equal(said[3], "Not seen: Cannot look at the camera: it is off");
  const [{ width, height }] = await picturesIn(provider.requests[1]!) as [Json];
  assert.deepEqual([width, height], [rows[0]!.width, rows[0]!.height]);
  assert.ok(Math.abs(width / height - 16 / 9) < 0.02, `${width}x${height}`);
}

const decodes = hasProgram("ffmpeg");
const chromium = findBrowser();

Deno.test({
  name: "a page of one's own lets an agent look",
  ignore: chromium === undefined || !decodes,
  async fn() {
    await using stack = new AsyncDisposableStack();
    await story(stack, async (url) => {
      const browser = stack.use(await startBrowser(chromium!, { flags: DEVICES }));
      const { page } = await browser.newPage({ permissions: ["microphone", "camera"] });
      await page.goto(url);
    });
  },
});
