import { strict as assert } from "node:assert";
import type { Page } from "playwright-core";
import type { EventType } from "../../src/domain/event.ts";
import { bundleScript, SCRIPTS, WRITTEN } from "../../tools/call_page.ts";
import { DEVICES, findBrowser, startBrowser } from "../support/browser.ts";
import { CALL_ID, type CallDesk, openCallDesk } from "../support/call_desk.ts";
import { startServer, USER_KEY } from "../support/server.ts";

const executablePath = findBrowser();
const ignore = !executablePath;
const PERMISSIONS = ["microphone", "camera"];
/** Who wants to look. */
const LOOKING = { agent_id: "default", run_id: "run_1" };
const RUN = { run_id: "run_1", time: "2026-01-01T00:00:00.000Z" };

const LOOK = `(() => ({
  wider: document.documentElement.scrollWidth > innerWidth,
  background: getComputedStyle(document.body).backgroundColor,
  unnamed: [...document.querySelectorAll("button, input, select, textarea, video")]
    .filter((one) => !one.labels?.length && !one.ariaLabel && !one.textContent.trim())
    .map((one) => one.outerHTML.slice(0, 80)),
  headings: [...document.querySelectorAll("h1")].filter((one) => one.checkVisibility()).length,
}))()`;

/** What there is to see of a page. */
interface Seen {
  wider: boolean;
  background: string;
  unnamed: string[];
  headings: number;
}

/** Opens the page and fills in the key. */
async function enter(page: Page, desk: { url: string }): Promise<void> {
  await page.goto(`${desk.url}/call`);
  await page.getByLabel("Key").fill(USER_KEY);
  await page.locator("#start:enabled").waitFor();
}

/** Starts a call. */
async function begin(page: Page, desk: { url: string }): Promise<void> {
  await enter(page, desk);
  await page.getByRole("button", { name: "Start the call" }).click();
  await page.locator('#state[data-state="connected"]').waitFor();
}

function tellRun(desk: CallDesk, event: EventType, data: Record<string, unknown>): void {
  desk.tell({ type: "run.event", data: { run_id: "run_1", seq: 1, event, data: { ...RUN, ...data } } });
}

const last = (desk: CallDesk) => desk.said.at(-1);

Deno.test("the scripts of the page are what their sources make", async () => {
  for (const name of SCRIPTS) {
    const written = await Deno.readTextFile(new URL(`${name}.js`, WRITTEN));
    assert.ok(written === await bundleScript(name), `"${name}.js" is old: run "deno task call"`);
  }
});

Deno.test("the page and its parts are served once, with a policy that lets nothing else in", async () => {
  await using server = await startServer({ settings: { server: { base_path: "/muxi" } } });
  const page = await fetch(`${server.url}/muxi/call`);
  assert.equal(page.status, 200);
  const policy = page.headers.get("content-security-policy") ?? "";
  assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self';.*require-trusted-types-for 'script'/);
  assert.doesNotMatch(policy, /unsafe|\*/);
  assert.match(page.headers.get("permissions-policy") ?? "", /microphone=\(self\), camera=\(self\)/);
  const html = await page.text();
  assert.doesNotMatch(html, /@[A-Z]+@|<script>|\sstyle=|\son\w+=/);
  const parts = [...html.matchAll(/(?:href|src)="(\/muxi\/call\/[^"]+)"/g)].map(([, path]) => path!);
  assert.deepEqual(
    [...new Set(parts)].sort(),
    ["call.js", "icon.svg", "style.css"].map((name) => `/muxi/call/${name}`),
  );
  for (const path of [...parts, "/muxi/call/session_client.js"]) {
    const first = await fetch(server.url + path);
    assert.equal(first.status, 200, path);
    await first.body?.cancel();
    const again = await fetch(server.url + path, { headers: { "if-none-match": first.headers.get("etag")! } });
    assert.equal(again.status, 304, path);
  }
});

Deno.test(
  "the page complains of nothing, names everything and fits a phone, in light and dark",
  { ignore },
  async () => {
    await using desk = await openCallDesk();
    await using browser = await startBrowser(executablePath!, { flags: DEVICES });
    for (
      const options of [
        { colorScheme: "light" },
        { colorScheme: "dark", viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
      ] as const
    ) {
      const { page, notes } = await browser.newPage({ ...options, permissions: PERMISSIONS });
      await enter(page, desk);
      await page.getByRole("button", { name: "Check" }).click();
      await page.locator("#microphone option:nth-child(2)").waitFor({ state: "attached" });
      for (const step of ["setup", "call", "over"]) {
        if (step === "call") await begin(page, desk);
        if (step === "over") await page.getByRole("button", { name: "Hang up" }).click();
        const seen = await page.evaluate<Seen>(LOOK);
        assert.ok(!seen.wider, `${step} is wider than the window`);
        assert.deepEqual(seen.unnamed, [], step);
        assert.equal(seen.headings, 1, step);
        const [red = 0] = seen.background.match(/\d+/g)!.map(Number);
        assert.ok("isMobile" in options ? red < 60 : red > 200, seen.background);
      }
      assert.deepEqual(notes.complaints, []);
      assert.deepEqual(notes.requests.filter((url) => new URL(url).origin !== desk.url), []);
      assert.equal(await page.evaluate('localStorage.getItem("muxi.key")'), null, "the key stays in the tab");
      await page.close();
    }
  },
);

Deno.test("a key that is refused is said, and starts nothing", { ignore }, async () => {
  await using desk = await openCallDesk();
  await using browser = await startBrowser(executablePath!, { flags: DEVICES });
  const { page } = await browser.newPage();
  await page.goto(`${desk.url}/call`);
  assert.ok(await page.locator("#start").isDisabled());
  await page.getByLabel("Key").fill("sk_muxi_user_that_is_not_there_0123");
  await page.getByRole("alert").filter({ hasText: /key/i }).waitFor();
  assert.ok(await page.locator("#start").isDisabled());
  assert.equal(await page.evaluate('sessionStorage.getItem("muxi.key")'), null);
  assert.deepEqual(desk.asked, []);
});

Deno.test("a whole call can be made without a mouse", { ignore }, async () => {
  await using desk = await openCallDesk();
  await using browser = await startBrowser(executablePath!, { flags: DEVICES });
  const { page, notes } = await browser.newPage({ permissions: PERMISSIONS });
  await page.goto(`${desk.url}/call`);
  const { keyboard } = page;
  const tabTo = async (id: string) => {
    for (let presses = 0; presses < 30; presses++) {
      if (await page.evaluate("document.activeElement.id") === id) return;
      await keyboard.press("Tab");
    }
    assert.fail(`"#${id}" can't be reached`);
  };
  await tabTo("key");
  await keyboard.type(USER_KEY);
  await page.locator("#start:enabled").waitFor();
  await keyboard.press("Enter");
  await page.locator('#state[data-state="connected"]').waitFor();
  assert.equal(await page.evaluate("document.activeElement.id"), "call-title", "the focus follows");
  await tabTo("text");
  await keyboard.type("What time is it?");
  await keyboard.press("Enter");
  await desk.until(() => last(desk)?.type === "text");
  assert.deepEqual(last(desk), { type: "text", text: "What time is it?", way: "channel" });
  await keyboard.press("Alt+m");
  await desk.until(() => last(desk)?.type === "mute");
  assert.equal(await page.locator("#mute").getAttribute("aria-pressed"), "true");
  await keyboard.press("Escape");
  await desk.until(() => last(desk)?.type === "interrupt");
  tellRun(desk, "tool.call.approval_required", {
    tool_call_id: "call_1",
    step_id: "step_1",
    tool: "mail__send",
    arguments: { to: "somebody" },
    reason: "A policy asks",
    expires_at: RUN.time,
  });
  await page.getByRole("group", { name: "May the agent use mail__send?" }).waitFor();
  for (let back = 0; back < 10; back++) {
    if (await page.evaluate("document.activeElement.textContent") === "Approve") break;
    await keyboard.press("Shift+Tab");
  }
  await keyboard.press("Enter");
  await desk.until(() => last(desk)?.type === "approval");
  assert.deepEqual(last(desk), {
    type: "approval",
    run_id: "run_1",
    tool_call_id: "call_1",
    decision: "approve",
    way: "channel",
  });
  assert.equal(await page.evaluate("document.activeElement.id"), "text", "the focus isn't lost with the question");
  await tabTo("hang-up");
  await keyboard.press("Enter");
  await desk.until(() => desk.asked.includes(`DELETE /rtc/sessions/${CALL_ID}`));
  assert.equal(await page.evaluate("document.activeElement.id"), "again");
  assert.deepEqual(notes.complaints, []);
});

Deno.test("what is said, called and interrupted is shown as it happens, as text", { ignore }, async () => {
  await using desk = await openCallDesk();
  await using browser = await startBrowser(executablePath!, { flags: DEVICES });
  const { page, notes } = await browser.newPage({ permissions: PERMISSIONS });
  await begin(page, desk);
  const items = page.locator("#transcript > li");
  desk.tell({ type: "transcript.partial", data: { turn_id: "1", text: "what is the wea", language: null } });
  await page.locator("#partial").getByText("what is the wea", { exact: true }).waitFor();
  desk.tell({ type: "transcript.final", data: { turn_id: "1", text: "What is <b>the</b> weather?", language: null } });
  tellRun(desk, "tool.call.started", {
    tool_call_id: "call_1",
    step_id: "s",
    tool: "weather",
    arguments: { at: "here" },
  });
  tellRun(desk, "tool.call.result", { tool_call_id: "call_1", step_id: "s", result: "sunny", duration_ms: 12 });
  tellRun(desk, "model.delta", { text: "It is sunny. " });
  await page.getByRole("button", { name: "Captions" }).click();
  desk.tell({ type: "agent.speaking", data: { turn_id: "1", run_id: "run_1", text: "It is sunny.", aloud: true } });
  tellRun(desk, "model.delta", { text: "It stays so." });
  await page.locator("#captions", { hasText: "It is sunny." }).waitFor();
  await items.filter({ hasText: "It stays so." }).waitFor();
  assert.deepEqual(await items.locator(":scope > p").allTextContents(), [
    "What is <b>the</b> weather?",
    "It is sunny. It stays so.",
  ]);
  assert.match(await items.nth(1).innerText(), /weather done in 12 ms/);
  assert.equal(await page.locator("#partial").textContent(), "");
  desk.tell({ type: "agent.interrupted", data: { turn_id: "1", run_id: "run_1", heard: "It is" } });
  await items.and(page.locator(".cut")).waitFor();
  assert.equal(await items.last().locator("p").textContent(), "It is");
  const latency = { turn_ms: 480, transcript_ms: 500, first_token_ms: 700, first_sound_ms: 812, heard_ms: null };
  desk.tell({ type: "agent.done", data: { turn_id: "1", run_id: "run_1", latency } });
  await page.locator("summary", { hasText: "Connection and timing" }).click();
  await page.locator("#figures").getByText("812 ms").waitFor();
  await page.locator("#figures").getByText("udp host").waitFor();
  desk.tell({ type: "session.state", data: { state: "ended", held: false, reason: "idle" } });
  await page.locator("#over-text", { hasText: "Nobody said anything for a long time." }).waitFor();
  assert.deepEqual(notes.complaints, []);
});

Deno.test("nobody looks without consent, and the page always says what can be seen", { ignore }, async () => {
  await using desk = await openCallDesk();
  await using browser = await startBrowser(executablePath!, { flags: DEVICES });
  const { page } = await browser.newPage({ permissions: PERMISSIONS });
  await begin(page, desk);
  await desk.until(() => last(desk)?.type === "tracks");
  assert.deepEqual(last(desk), { type: "tracks", tracks: { "0": "microphone" }, way: "channel" });
  await desk.until(() => desk.media.has("0"));
  const looking = page.locator("#looking");
  assert.ok(await looking.isHidden());
  desk.tell({
    type: "look.asked",
    data: { look_id: "look_1", source: "camera", reason: "To read a label", ...LOOKING },
  });
  await page.getByRole("button", { name: "No" }).click();
  await desk.until(() => last(desk)?.type === "consent");
  assert.deepEqual(last(desk), { type: "consent", source: "camera", allow: false, until: "once", way: "channel" });
  assert.equal(desk.media.size, 1, "the camera stays off");
  desk.tell({
    type: "look.asked",
    data: { look_id: "look_2", source: "camera", reason: "To read a label", ...LOOKING },
  });
  await page.getByRole("button", { name: "Share the camera, allow once" }).click();
  const allows = (allow: boolean) => {
    const said = last(desk);
    return said?.type === "consent" && said.allow === allow;
  };
  await desk.until(() => allows(true));
  assert.partialDeepStrictEqual(last(desk), { until: "once", look_id: "look_2" }, "a yes is to one question");
  const tracks = desk.said.findLast(({ type }) => type === "tracks");
  assert.ok(tracks?.type === "tracks");
  const [mid] = Object.entries(tracks.tracks).find(([, source]) => source === "camera")!;
  await desk.until(() => desk.media.get(mid)?.kind === "video");
  await looking.filter({ hasText: "Your camera is on. The agent asks before it looks" }).waitFor();
  desk.tell({ type: "look.done", data: { look_id: "look_2", source: "camera", file_id: null } });
  await looking.filter({ hasText: "The agent is looking at your camera" }).waitFor();
  desk.tell({ type: "look.asked", data: { look_id: "look_3", source: "camera", reason: "", ...LOOKING } });
  await page.getByRole("button", { name: "Until the call ends" }).click();
  await desk.until(() => allows(true));
  desk.tell({ type: "look.consent", data: { source: "camera", state: "call" } });
  await looking.filter({ hasText: "The agent may look at your camera until the call ends" }).waitFor();
  await page.getByRole("button", { name: "Take back" }).click();
  await desk.until(() => allows(false));
  desk.tell({ type: "look.consent", data: { source: "camera", state: "ask" } });
  await looking.filter({ hasText: "The agent asks before it looks" }).waitFor();
  desk.tell({ type: "look.asked", data: { look_id: "look_4", source: "camera", reason: "", ...LOOKING } });
  await page.getByRole("group", { name: "May the agent look at your camera?" }).waitFor();
  const message = "Cannot look at the camera: the person didn't answer in 30 s";
  desk.tell({ type: "look.refused", data: { look_id: "look_4", source: "camera", message } });
  await page.locator("#transcript", { hasText: "The agent didn't see your camera." }).waitFor();
  assert.equal(await page.locator("#asks > *").count(), 0, "a question that is over is gone");
  await page.getByRole("button", { name: "Camera" }).click();
  await looking.waitFor({ state: "hidden" });
  assert.ok(await page.locator("#camera-view").isHidden());
});

Deno.test("a call whose connection is gone is taken up again, and words go on meanwhile", { ignore }, async () => {
  await using desk = await openCallDesk();
  await using browser = await startBrowser(executablePath!, { flags: DEVICES });
  const { page } = await browser.newPage({ permissions: PERMISSIONS });
  await begin(page, desk);
  await desk.until(() => desk.media.has("0"));
  const offers = () => desk.asked.filter((one) => one === "POST /rtc/offer").length;
  const before = offers();
  await desk.cut();
  await desk.until(() => desk.asked.some((one) => one.endsWith("/attach")));
  await page.getByLabel("Write instead of speaking").fill("Are you there?");
  await page.getByRole("button", { name: "Send" }).click();
  await desk.until(() => desk.said.some(({ type }) => type === "text"));
  desk.tell({ type: "transcript.final", data: { turn_id: "1", text: "Are you there?", language: null } });
  await page.locator("#transcript").getByText("Are you there?").waitFor();
  await desk.until(() => offers() > before);
  desk.media.clear();
  await desk.until(() => desk.media.has("0"));
  await page.locator('#state[data-state="connected"]').waitFor();
  desk.tell({ type: "transcript.final", data: { turn_id: "2", text: "Good.", language: null } });
  await page.locator("#transcript").getByText("Good.").waitFor();
  assert.deepEqual(await page.locator("#transcript p").allTextContents(), ["Are you there?", "Good."]);
});

Deno.test("other pages use the module: words, sound and figures", { ignore }, async () => {
  await using desk = await openCallDesk();
  await using browser = await startBrowser(executablePath!, { flags: DEVICES });
  const { page, notes } = await browser.newPage({ permissions: PERMISSIONS });
  await page.goto(`${desk.url}/call`);
  await page.evaluate(`(async () => {
    const { Call } = await import("/call/session_client.js");
    globalThis.seen = [];
    globalThis.call = await Call.start({ key: ${JSON.stringify(USER_KEY)}, agent_id: "default", audio: false });
    call.on("event", ({ seq, type }) => seen.push(seq + " " + type));
    call.sendText("Hello");
  })()`);
  await desk.until(() => desk.said.some(({ type }) => type === "text"));
  desk.tell({ type: "speech.started", data: { turn_id: "1", at_ms: 1 } });
  desk.tell({ type: "speech.stopped", data: { turn_id: "1", at_ms: 2 } });
  await page.waitForFunction("seen.length === 4");
  const seen = ["1 session.started", "2 message.acknowledged", "3 speech.started", "4 speech.stopped"];
  assert.deepEqual(await page.evaluate("seen"), seen, "also what was told before anybody could listen");
  const figures = await page.evaluate("call.statistics()") as { path: string };
  assert.equal(figures.path, "udp host");
  assert.equal(await page.evaluate("call.sound.getAudioTracks().length"), 1);
  const refused = await page.evaluate(`(async () => {
    const { Call } = await import("/call/session_client.js");
    return await Call.start({ ticket: () => Promise.reject(new Error("No ticket")), audio: false })
      .catch((error) => error.message);
  })()`);
  assert.match(String(refused), /reach|ticket/);
  await page.evaluate("call.hangUp()");
  assert.equal(await page.evaluate("call.connection + ' ' + call.reason"), "ended hung_up");
  assert.deepEqual(notes.complaints, []);
});

Deno.test("the sample of the documentation runs as it stands", { ignore }, async () => {
  await using desk = await openCallDesk();
  await using browser = await startBrowser(executablePath!, { flags: DEVICES });
  const { page, notes } = await browser.newPage({ permissions: PERMISSIONS });
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`${desk.url}/docs/call`);
  assert.ok(!(await page.evaluate<Seen>(LOOK)).wider, "it fits a phone");
  const sample = await page.locator(".sample code").first().textContent() ?? "";
  assert.ok(sample.includes(`"${desk.url}/call/session_client.js"`), "it has this server's address");
  await page.route("**/sample.js", (route) => route.fulfill({ body: sample, contentType: "text/javascript" }));
  let tickets = 0;
  await page.route("**/my-own-ticket", async (route) => {
    const response = await desk.server.request("POST", "/tickets", { body: {} });
    tickets++;
    await route.fulfill({ body: (await response.json()).ticket });
  });
  page.on("dialog", (dialog) => void dialog.accept());
  await page.evaluate('void import("/sample.js")');
  await desk.until(() => last(desk)?.type === "text");
  assert.ok(tickets >= 4, "each request has a ticket of its own");
  desk.tell({ type: "look.asked", data: { look_id: "look_1", source: "camera", reason: "", ...LOOKING } });
  await desk.until(() => last(desk)?.type === "consent");
  desk.tell({ type: "agent.speaking", data: { turn_id: "1", run_id: null, text: "A label.", aloud: true } });
  await page.getByText("Agent: A label.").waitFor();
  assert.deepEqual(notes.complaints, []);
});

Deno.test("a question that is typed during a call is answered, and stays in the conversation", { ignore }, async () => {
  await using server = await startServer({ settings: { rtc: { host: "127.0.0.1", port: 0 } } });
  await using browser = await startBrowser(executablePath!, { flags: DEVICES });
  const { page, notes } = await browser.newPage({ permissions: PERMISSIONS });
  await begin(page, server);
  await page.getByLabel("Write instead of speaking").fill("How are you?");
  await page.getByRole("button", { name: "Send" }).click();
  await page.locator("#transcript > .caller", { hasText: "How are you?" }).waitFor();
  await page.locator("#transcript > .agent p").filter({ hasText: /\w/ }).waitFor();
  const [session] = (await (await server.request("GET", "/rtc/sessions")).json()).data;
  assert.equal(session.state, "active");
  await page.locator("summary", { hasText: "Connection and timing" }).click();
  await page.locator("#figures").getByText("udp host").waitFor();
  await page.getByRole("button", { name: "Hold" }).click();
  await page.locator("#doing", { hasText: "On hold" }).waitFor();
  await page.getByRole("button", { name: "Hang up" }).click();
  await page.locator("#over-text", { hasText: "You hung up." }).waitFor();
  await page.waitForFunction(
    "performance.getEntriesByType('resource').some(({ name }) => /sessions\\/rtc_/.test(name))",
  );
  const { data } = await (await server.request("GET", `/conversations/${session.conversation_id}/messages`)).json();
  const said = data.map(({ role, content }: { role: string; content: string }) => [role, content !== ""]);
  assert.deepEqual(said.sort(), [["assistant", true], ["user", true]]);
  assert.deepEqual(notes.complaints, []);
});
