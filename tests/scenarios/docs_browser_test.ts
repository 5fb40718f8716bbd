import { strict as assert } from "node:assert";
import { Buffer } from "node:buffer";
import { EVENT_DATA } from "../../src/domain/event.ts";
import { byHand, operations } from "../../src/operations/mod.ts";
import { SERVER } from "../../src/transports/docs/samples/sample.ts";
import { findBrowser, startBrowser } from "../support/browser.ts";
import { startProvider } from "../support/provider.ts";
import { startServer, USER_KEY } from "../support/server.ts";

const PAGES = ["/docs", "/docs/events", "/docs/errors", "/docs/openai", "/docs/call"];
const executablePath = findBrowser();

/** What there is to see of a page. */
interface Seen {
  /** Whether it is wider than the window. */
  wider: boolean;
  background: string;
  /** What can be used and has no name to call it by. */
  unnamed: string[];
  /** Of its headings, in order. */
  levels: number[];
}

const LOOK = `(() => ({
  wider: document.documentElement.scrollWidth > innerWidth,
  background: getComputedStyle(document.body).backgroundColor,
  unnamed: [...document.querySelectorAll("button, input:not([type=hidden]), select, textarea, svg")]
    .filter((one) => !one.labels?.length && !one.ariaLabel && !one.hasAttribute("aria-labelledby"))
    .filter((one) => !one.textContent.trim() || one.matches("svg"))
    .map((one) => one.outerHTML.slice(0, 80)),
  levels: [...document.querySelectorAll("main :is(h1, h2, h3, h4)")].map((one) => Number(one.tagName[1])),
}))()`;

Deno.test("in a browser pages ask nobody but this server, complain of nothing and fit a phone", {
  ignore: !executablePath,
}, async () => {
  await using server = await startServer();
  await using browser = await startBrowser(executablePath!);
  for (
    const options of [
      { colorScheme: "light" },
      { colorScheme: "dark", viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
      { javaScriptEnabled: false },
    ] as const
  ) {
    const { page, notes } = await browser.newPage(options);
    for (const path of PAGES) {
      await page.goto(server.url + path, { waitUntil: "load" });
      const scripts = !("javaScriptEnabled" in options);
      assert.equal(await page.locator("main h1").count(), 1);
      if (!scripts) {
        assert.equal(
          await page.locator(".scripted").filter({ visible: true }).count(),
          0,
          "what needs a script is hidden",
        );
        continue;
      }
      const seen = await page.evaluate<Seen>(LOOK);
      assert.ok(!seen.wider, `${path} is wider than the window`);
      assert.deepEqual(seen.unnamed, [], "everything that can be used has a name");
      assert.ok(seen.levels.every((level, i) => level <= (seen.levels[i - 1] ?? 0) + 1), "headings skip no level");
      const [red = 0] = seen.background.match(/\d+/g)!.map(Number);
      assert.ok("isMobile" in options ? red < 60 : red > 200, seen.background);
    }
    assert.deepEqual(notes.complaints, []);
    assert.deepEqual(notes.requests.filter((url) => new URL(url).origin !== server.url), []);
    assert.ok(notes.requests.length >= PAGES.length);
    await page.close();
  }
  const { page, notes } = await browser.newPage();
  await page.goto(`${server.url}/docs`);
  await page.evaluate('fetch("https://example.org/").catch(() => {})');
  await page.waitForTimeout(100);
  assert.match(notes.complaints.join(), /Content Security Policy/, "the notes hold what is wrong");
});

/** Duplex operations are WebSockets, which the document can't describe. */
const SHOWN = [...operations.values()].filter(({ kind }) => kind !== "duplex").length + byHand.length;

Deno.test("operations are found by typing, languages chosen once, and addresses are this server's", {
  ignore: !executablePath,
}, async () => {
  await using server = await startServer();
  await using browser = await startBrowser(executablePath!);
  const { page, notes } = await browser.newPage();
  await page.goto(`${server.url}/docs`);
  const shown = page.locator(".op:not([hidden])");
  assert.equal(await shown.count(), SHOWN);
  await page.keyboard.press("/");
  await page.keyboard.type("run_cancel stop");
  assert.deepEqual(await shown.evaluateAll((all) => all.map((one) => one.id)), ["run_cancel"]);
  assert.deepEqual(await page.locator("#aside li:not([hidden])").allInnerTexts(), ["POST\nrun_cancel"]);
  await page.locator("#filter").fill("xylophone");
  assert.ok(await page.getByRole("status").filter({ hasText: "No operation matches" }).isVisible());
  await page.keyboard.press("Escape");
  assert.equal(await shown.count(), SHOWN);
  await page.locator("#run_get").getByRole("button", { name: "Python" }).click();
  await page.reload();
  const code = page.locator("#chat_stream .sample pre").filter({ visible: true });
  const text = await code.textContent() ?? "";
  assert.match(text, /^import json, os/);
  assert.ok(text.includes(`"${server.url}/api/v1/chat/stream"`));
  await page.goto(`${server.url}/docs/openai`);
  assert.ok((await page.locator("main").innerText()).includes(`${server.url}/v1\n`));
  assert.deepEqual(notes.complaints, []);
});

const TOKENS = Array.from({ length: 40 }, (_, i) => `word${i} `);

Deno.test("“Try it” sends, streams, stops, and resumes after the last event, and keeps the key to itself", {
  ignore: !executablePath,
}, async () => {
  await using provider = await startProvider({ script: { tokens: TOKENS, delay: 150 } });
  await using server = await startServer({ provider: provider.url });
  await using browser = await startBrowser(executablePath!);
  const { page, notes } = await browser.newPage();
  await page.goto(`${server.url}/docs`);
  const open = async (id: string) => {
    const form = page.locator(`#${id} .try`);
    await form.locator("summary").first().click();
    return { form, send: form.getByRole("button", { name: "Send" }), result: form.locator(".result") };
  };
  const list = await open("agent_list");
  await list.send.click();
  await list.result.getByText("Enter your key").waitFor();
  await page.getByLabel("Your key").fill(USER_KEY);
  await list.form.getByLabel("limit").fill("1");
  await list.send.click();
  await list.result.getByText('"next_cursor"').waitFor();
  assert.match(await list.result.innerText(), /GET \/api\/v1\/agents\?limit=1[\s\S]*200/);
  await list.form.getByLabel("limit").fill("0");
  await list.send.click();
  await list.result.getByText("ValidationError").waitFor();

  const chat = await open("chat_stream");
  await chat.form.getByLabel("Body").fill('{"message": "Hello", "user_id": "alice"}');
  await chat.send.click();
  await chat.result.getByText("model.delta").first().waitFor();
  await chat.form.getByRole("button", { name: "Stop" }).click();
  await chat.result.getByText("Stopped").waitFor();
  const before = await chat.result.locator(".frames b").allInnerTexts();
  await chat.form.getByRole("button", { name: "Resume" }).click();
  await chat.result.getByText("The run is over").waitFor();
  const ids = (await chat.result.locator(".frames b").allInnerTexts()).map(Number);
  assert.ok(before.length < ids.length);
  assert.deepEqual(ids, ids.map((_, i) => i + 1), "nothing is missing, and nothing twice");
  assert.equal((await chat.result.locator(".text").innerText()).trim(), TOKENS.join("").trim());
  assert.match(await chat.result.innerText(), /last-event-id: \d+/);
  assert.ok(await chat.form.getByRole("button", { name: "Resume" }).isDisabled());

  const file = await open("file_create");
  await file.form.getByLabel("Body").setInputFiles({
    name: "a.txt",
    mimeType: "text/plain",
    buffer: Buffer.from("<b>"),
  });
  await file.send.click();
  await file.result.getByText('"a.txt"').waitFor();
  const wrong = await open("message_create");
  await wrong.form.getByLabel("Body").fill("{");
  await wrong.send.click();
  await wrong.result.getByText("SyntaxError").waitFor();

  const stored = () =>
    page.evaluate<string>("JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie])");
  assert.ok(!(await stored()).includes(USER_KEY));
  assert.ok(!(await page.locator("main").innerText()).includes(USER_KEY), "shown only in part");
  await page.getByLabel("Keep it").check();
  assert.ok((await stored()).includes(USER_KEY));
  await page.reload();
  assert.equal(await page.getByLabel("Your key").inputValue(), USER_KEY);
  await page.getByLabel("Keep it").uncheck();
  assert.ok(!(await stored()).includes(USER_KEY));
  for (const url of notes.requests) assert.ok(!url.includes(USER_KEY) && url.startsWith(server.url), url);
  // A refused request is one the browser tells of by itself.
  assert.deepEqual(notes.complaints.filter((text) => !/status of 400/.test(text)), []);
});

Deno.test("the code for browsers follows a run through EventSource and tickets", {
  ignore: !executablePath,
}, async () => {
  await using provider = await startProvider({ script: { tokens: TOKENS, delay: 10 } });
  await using server = await startServer({ provider: provider.url });
  await using browser = await startBrowser(executablePath!);
  const { page } = await browser.newPage();
  await page.goto(`${server.url}/docs/events`);
  const started = await server.request("POST", "/conversations", { body: {} });
  const { id } = await started.json();
  await (await server.request("POST", `/conversations/${id}/messages`, { body: { content: "Hello" } })).json();
  const run = await (await server.request("POST", `/conversations/${id}/runs`, { body: {} })).json();
  let tickets = 0;
  await page.exposeFunction("newTicket", async () => {
    // The first one is no good: the code comes back for another.
    if (tickets++ === 0) return { ticket: "tk_none" };
    return await (await server.request("POST", "/tickets", { body: {} })).json();
  });
  const file = new URL("../../src/transports/docs/assets/follow_browser.js", import.meta.url);
  const code = (await Deno.readTextFile(file)).replace(SERVER, server.url);
  const text = await page.evaluate(`new Promise((resolve) => {
    ${code}
    let text = "";
    const onEvent = (type, data) => {
      if (type === "model.delta") text += data.text;
      if (type === "run.completed") resolve(text);
    };
    follow(${JSON.stringify(run.id)}, { newTicket: window.newTicket, onEvent });
  })`);
  assert.equal(text, TOKENS.join(""));
  assert.equal(tickets, 2);
  const types = [...code.matchAll(/"([a-z]+\.[a-z.]+)"/g)].map(([, type]) => type!);
  for (const type of types) assert.ok(type in EVENT_DATA, type);
});
