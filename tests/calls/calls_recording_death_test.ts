/**
 * The server dies in the middle of a call that is recorded, and is started again.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { callFrom, CallStory, good, inBrowser, openPage } from "../support/calls.ts";
import { hasProgram } from "../support/parts.ts";
import { openPlayer } from "../support/player.ts";
import { probe } from "../support/probe.ts";
import { type Program, startProgram } from "../support/program.ts";
import type { RtcPage } from "../support/rtc_page.ts";
import { type TestServer, USER_KEY } from "../support/server.ts";
import { until } from "../support/story.ts";

declare const rtc: RtcPage;

const WORD = "strawberry";
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** What the tests of servers in this process ask of one. */
function serverOf({ url }: Program): TestServer {
  return {
    request(method, path, { body, headers = {}, signal } = {}) {
      const json = body === undefined ? {} : { "content-type": "application/json" };
      return fetch(`${url}/api/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${USER_KEY}`, ...json, ...headers },
        ...body !== undefined && { body: JSON.stringify(body) },
        ...signal && { signal },
      });
    },
  } as TestServer;
}

for (const encrypt of [false, true]) {
  const kind = encrypt ? "an encrypted recording" : "a recording";
  inBrowser(`${kind} that a killed server left is finished by the next, and plays`, async () => {
    if (!hasProgram("ffprobe")) return;
    await using stack = new AsyncDisposableStack();
    const data_dir = await Deno.makeTempDir({ prefix: "muxi-killed-" });
    stack.defer(() => Deno.remove(data_dir, { recursive: true }));
    const settings = { data_dir, rtc: { port: 0, max_lag_ms: 60_000, recording: { encrypt } } };
    const { id, recording_id } = await recordUntilKilled(settings);
    const raw = join(data_dir, "recordings", "raw", `${recording_id}.rec`);
    const left = await Deno.readFile(raw);
    assert.ok(left.length > 20_000, `${left.length}`);
    assert.equal(new TextDecoder("latin1").decode(left).includes(WORD), !encrypt);
    const program = stack.use(await startProgram({ settings }));
    const server = serverOf(program);
    // deno-lint-ignore no-explicit-any -- what a client sees
    let shown: any = {};
    await until(() => `the file of ${JSON.stringify(shown)}`, async () => {
      shown = await good(await server.request("GET", `/rtc/sessions/${id}/recording`));
      return ["ready", "failed"].includes(shown.state);
    }, { every_ms: 50 });
    assert.deepEqual([shown.state, shown.reason, shown.sealed], ["ready", "process_ended", encrypt]);
    // What it was made from goes once nothing can be lost any more.
    await until("nothing raw is left", () => [...Deno.readDirSync(join(data_dir, "recordings", "raw"))].length === 0);
    const [{ name } = { name: "" }] = (await Array.fromAsync(Deno.readDir(join(data_dir, "recordings"))))
      .filter(({ isFile }) => isFile);
    const stored = new TextDecoder("latin1").decode(await Deno.readFile(join(data_dir, "recordings", name)));
    assert.equal(stored.includes("V_VP8"), !encrypt);
    const content = `/rtc/recordings/${recording_id}/content`;
    const path = join(data_dir, "downloaded.webm");
    await Deno.writeFile(path, (await server.request("GET", content)).body!);
    const { duration, streams } = await probe(path);
    assert.ok(duration > 2, `${duration} seconds`);
    assert.deepEqual(streams.map(({ codec, title }) => `${codec} ${title}`).toSorted(), [
      "opus agent",
      "opus caller",
      "vp8 camera",
    ]);
    const said = await server.request("GET", `/rtc/recordings/${recording_id}/transcript`);
    assert.match(await said.text(), new RegExp(`<v caller>One ${WORD}, please`));
    const player = stack.use(
      await openPlayer((_, headers) => {
        const range = headers.get("range");
        return server.request("GET", content, { headers: range === null ? {} : { range } });
      }),
    );
    const played = await player.play("file");
    assert.ok(played.end > 1 && played.end > played.duration - 0.1 && played.width > 0, JSON.stringify(played));
    // The call itself has ended, and says so.
    const session = await good(await server.request("GET", `/rtc/sessions/${id}`));
    assert.deepEqual([session.state, session.reason, session.recording_id], ["ended", "process_ended", null]);
  });
}

/** A call with a camera, recorded from its beginning, of a server that is killed some seconds later. */
async function recordUntilKilled(settings: Record<string, unknown>): Promise<{ id: string; recording_id: string }> {
  await using stack = new AsyncDisposableStack();
  const program = stack.use(await startProgram({ settings }));
  const server = serverOf(program);
  const { page } = await openPage(stack);
  const body = { record: true, modalities: ["audio", "text", "camera"] };
  const id = await callFrom(page, server, { video: true, body });
  await page.evaluate((text) => rtc.ask(text), JSON.stringify({ type: "text", text: `One ${WORD}, please` }));
  const story = new CallStory(server, id);
  const { data: { recording_id } } = await story.until(({ type }) => type === "recording.started");
  await pause(5000);
  await story[Symbol.asyncDispose]();
  program.signal("SIGKILL");
  return { id, recording_id };
}
