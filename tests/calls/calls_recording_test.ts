/**
 * A call of a browser is recorded: the caller's sound, their picture, and what the agent says.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { callFrom, CallStory, good, inBrowser, openPage } from "../support/calls.ts";
import { readError } from "../support/errors.ts";
import { hasProgram } from "../support/parts.ts";
import { openPlayer } from "../support/player.ts";
import { probe } from "../support/probe.ts";
import type { RtcPage } from "../support/rtc_page.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { until } from "../support/story.ts";
import { OTHER_KEY } from "../support/world.ts";

declare const rtc: RtcPage;

interface Shown {
  id: string;
  state: string;
  reason: string;
  duration_ms: number;
  size: number;
  tracks: { kind: string; name: string }[];
}

const SEEN = { modalities: ["audio", "text", "camera"] };
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** The newest recording of a call, once its file is made. */
async function finished(server: TestServer, session_id: string): Promise<Shown> {
  let shown: Shown | undefined;
  return await until(() => `the file of ${JSON.stringify(shown)}`, async () => {
    shown = await good<Shown>(await server.request("GET", `/rtc/sessions/${session_id}/recording`));
    return ["ready", "failed"].includes(shown.state) && shown;
  }, { every_ms: 50 });
}

async function start(stack: AsyncDisposableStack, recording: Record<string, unknown> = {}): Promise<TestServer> {
  const settings = { rtc: { port: 0, recording }, auth: { api_keys: [`other:user:${OTHER_KEY}`] } };
  return stack.use(await startServer({ settings }));
}

for (const encrypt of [false, true]) {
  inBrowser(`a call of a browser is recorded${encrypt ? ", encrypted" : ""}, and the recording plays`, async () => {
    if (!hasProgram("ffprobe")) return;
    await using stack = new AsyncDisposableStack();
    const server = await start(stack, { encrypt });
    const { page } = await openPage(stack);
    const id = await callFrom(page, server, { video: true, body: SEEN });
    const story = stack.use(new CallStory(server, id));
    const path = `/rtc/sessions/${id}/recording`;
    const begun = await good<Shown>(await server.request("POST", path));
    assert.equal(begun.state, "recording");
    await story.until(({ type }) => type === "recording.started");
    const session = () => server.request("GET", `/rtc/sessions/${id}`).then((response) => good(response));
    assert.equal((await session()).recording_id, begun.id);
    assert.equal((await server.request("POST", path)).status, 409);
    await pause(3000);
    await good(await server.request("DELETE", path));
    const stopped = await story.until(({ type }) => type === "recording.stopped");
    assert.deepEqual(stopped.data, { recording_id: begun.id, reason: "stopped" });
    assert.equal((await session()).recording_id, null);
    const shown = await finished(server, id);
    assert.deepEqual([shown.state, shown.reason], ["ready", "stopped"]);
    assert.deepEqual(
      shown.tracks.map(({ kind, name }) => `${kind} ${name}`).toSorted(),
      ["audio agent", "audio caller", "video camera"],
    );
    assert.ok(shown.duration_ms > 2500 && shown.duration_ms < 5000, `${shown.duration_ms}`);
    const content = `/rtc/recordings/${shown.id}/content`;
    const file = await server.request("GET", content);
    assert.deepEqual([file.status, file.headers.get("content-type")], [200, "video/webm"]);
    const bytes = await file.bytes();
    assert.equal(bytes.length, shown.size);
    const at = await Deno.makeTempFile({ suffix: ".webm" });
    stack.defer(() => Deno.remove(at));
    await Deno.writeFile(at, bytes);
    const { duration, streams } = await probe(at);
    assert.ok(Math.abs(duration * 1000 - shown.duration_ms) < 100);
    assert.deepEqual(streams.map(({ codec }) => codec).toSorted(), ["opus", "opus", "vp8"]);
    let parts = 0;
    // As a page does, which can't send a key.
    const { ticket } = await good(await server.request("POST", "/tickets", { body: { path: content } }));
    const player = stack.use(
      await openPlayer(async (_, headers) => {
        const range = headers.get("range");
        const answer = await server.request("GET", `${content}?ticket=${ticket}`, {
          key: null,
          headers: range === null ? {} : { range },
        });
        if (answer.status === 206) parts++;
        return answer;
      }),
    );
    const played = await player.play("file");
    assert.ok(played.end > 1 && played.end > played.duration - 0.1, JSON.stringify(played));
    assert.ok(played.width > 0 && played.sound > 500 && parts > 0, JSON.stringify({ ...played, parts }));
    for (const [method, place] of [["DELETE", `/rtc/recordings/${shown.id}`], ["GET", path]] as const) {
      const other = await server.request(method, `${place}?ticket=${ticket}`, { key: null });
      assert.equal(readError(other.status, await other.text()).error, "UnauthorizedError");
    }
    for (const method of ["GET", "DELETE"]) {
      for (const place of [content, `/rtc/recordings/${shown.id}/transcript`, `/rtc/recordings/${shown.id}`, path]) {
        const other = await server.request(method, place, { key: OTHER_KEY });
        assert.ok([404, 405].includes(other.status), `${method} ${place}: ${other.status}`);
        await other.body?.cancel();
      }
    }
    assert.equal((await server.request("DELETE", `/rtc/recordings/${shown.id}`)).status, 204);
    assert.equal((await server.request("GET", content)).status, 404);
  });
}

inBrowser("a call is recorded from its beginning, told first, until it ends; what was typed is in it", async () => {
  await using stack = new AsyncDisposableStack();
  const server = await start(stack);
  const { page } = await openPage(stack);
  const id = await callFrom(page, server, { body: { record: true } });
  await page.evaluate(() => rtc.ask(JSON.stringify({ type: "text", text: "Strawberry, please" })));
  const story = stack.use(new CallStory(server, id));
  await story.until(({ type }) => type === "agent.done");
  await pause(1000);
  const started = story.events.findIndex(({ type }) => type === "recording.started");
  const connected = story.events.findIndex(({ type, data }) => type === "session.state" && data.state === "active");
  assert.ok(started >= 0 && started < connected, `${started} ${connected}`);
  await good(await server.request("DELETE", `/rtc/sessions/${id}`));
  await story.over;
  const types = story.events.map(({ type }) => type);
  assert.ok(types.indexOf("recording.stopped") < types.lastIndexOf("session.state"));
  const shown = await finished(server, id);
  assert.deepEqual([shown.state, shown.reason], ["ready", "call_ended"]);
  const said = await server.request("GET", `/rtc/recordings/${shown.id}/transcript`);
  assert.equal(said.headers.get("content-type"), "text/vtt");
  assert.match(await said.text(), /^WEBVTT\n[^]*<v caller>Strawberry, please\n[^]*<v agent>\S/);
});

inBrowser("who is muted, or holds the call, is not in the recording either", async () => {
  await using stack = new AsyncDisposableStack();
  const server = await start(stack);
  const { page } = await openPage(stack);
  const tracksOf = async (first: unknown) => {
    const id = await callFrom(page, server, { video: true, body: SEEN });
    await good(await server.request("PATCH", `/rtc/sessions/${id}`, { body: first }));
    await good(await server.request("POST", `/rtc/sessions/${id}/recording`));
    // A picture that was asked for in vain is asked for again after a second.
    await pause(3000);
    await good(await server.request("DELETE", `/rtc/sessions/${id}/recording`));
    const { tracks } = await finished(server, id);
    await good(await server.request("DELETE", `/rtc/sessions/${id}`));
    return tracks.map(({ name }) => name).toSorted();
  };
  assert.deepEqual(await tracksOf({ muted: { caller: true } }), ["agent", "camera"]);
  assert.deepEqual(await tracksOf({ held: true }), ["agent"]);
});

Deno.test("a call that can't be recorded as it was asked for is none, and says why", async () => {
  await using stack = new AsyncDisposableStack();
  const none = await start(stack, { allowed: false });
  const refused = await none.request("POST", "/rtc/sessions", { body: { record: true } });
  const { message } = readError(403, await refused.text());
  assert.equal(message, "Cannot record calls: the settings don't allow it");
  const few = await start(stack, { max_live: 1 });
  const one = await good<{ id: string; recording_id: string }>(
    await few.request("POST", "/rtc/sessions", { body: { record: true } }),
  );
  assert.match(one.recording_id, /^rec_/);
  for (const [path, body] of [["/rtc/sessions", { record: true }], ["/rtc/offer", { request: true, record: true }]]) {
    const busy = await few.request("POST", path as string, { body });
    readError(503, await busy.text());
    assert.equal(busy.headers.get("retry-after"), "60");
  }
  // The disk can't be written.
  const torn = await start(stack);
  const dir = join(torn.data_dir, "recordings", "raw");
  await Deno.writeTextFile(dir, "no folder");
  const failed = await torn.request("POST", "/rtc/sessions", { body: { record: true } });
  readError(503, await failed.text());
  for (const [server, count] of [[none, 0], [few, 1], [torn, 0]] as const) {
    const { data } = await good<{ data: { state: string }[] }>(await server.request("GET", "/rtc/sessions"));
    assert.equal(data.length, count);
  }
  const later = await few.request("POST", "/rtc/offer", {
    body: { session_id: one.id, request: true, record: true },
  });
  assert.match(readError(400, await later.text()).message, /"record": it is for new calls$/);
});
