/**
 * The real Open WebUI in a real browser in front of the real server; only the model is scripted. Too big for every
 * run of the tests (Open WebUI brings 7 GB), so it is a program that a person runs:
 *
 *     python3.11 -m venv ~/open-webui && ~/open-webui/bin/pip install open-webui==0.12.4
 *     apt-get install chromium
 *     OPEN_WEBUI=~/open-webui/bin/open-webui deno run -A tests/examples/open_webui_browser.ts
 *
 * It says what it saw, leaves pictures in `PICTURES` (a folder; default: none), and ends with an error at what is wrong.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- a person reads it
import { strict as assert } from "node:assert";
import { chromium, type Page } from "playwright-core";
import type { ProviderRequest, Step } from "../support/provider.ts";
import { startProvider } from "../support/provider.ts";
import { toFrame } from "../support/provider_reply.ts";
import { ADMIN_KEY, startServer, USER_KEY } from "../support/server.ts";

const ADA = { email: "ada@example.org", password: "correct-horse-1" };
const SECRET = "a secret of Open WebUI and the server";
const SOURCE = { type: "url_citation", url_citation: { url: "https://example.org/muxi", title: "About MUXI" } };
const { OPEN_WEBUI = "open-webui", CHROMIUM = "/usr/bin/chromium", PICTURES } = Deno.env.toObject();

function toStep({ body }: ProviderRequest): Step {
  const last = JSON.stringify(body.messages.at(-1));
  if (last.includes("### Task")) {
    if (last.includes("follow_ups")) return { tokens: ['{"follow_ups":["And then?"]}'] };
    return { tokens: ['{"title":"A scripted title","tags":["Scripted"]}'] };
  }
  if (last.includes('"tool"')) return { tokens: ["The tool says: ", last] };
  if (last.includes("what time")) return { tool_calls: [{ name: "get_current_timestamp", arguments: {} }] };
  if (last.includes("long story")) return { tokens: 3000, delay: 20 };
  if (last.includes("cite")) {
    const frames = [{ content: "MUXI is an agent server [1]." }, { annotations: [SOURCE] }];
    return {
      raw: [...frames.map((delta) => toFrame("scripted", delta)), toFrame("scripted", {}, "stop"), "data: [DONE]\n\n"],
    };
  }
  return { reasoning: ["They ", "greet me."], tokens: ["Hello, ", "I am ", "scripted."], delay: 50 };
}

async function isUp(url: string): Promise<boolean> {
  try {
    await (await fetch(url)).body?.cancel();
    return true;
  } catch {
    return false;
  }
}

/** Starts Open WebUI as the example does, with an admin, and waits until it answers. */
async function openWebUi(muxi: string) {
  const folder = await Deno.makeTempDir({ prefix: "open-webui-" });
  const port = 20_000 + Math.floor(Math.random() * 20_000);
  const child = new Deno.Command("bash", {
    args: ["examples/open_webui.sh"],
    cwd: new URL("../../", import.meta.url),
    env: {
      OPEN_WEBUI,
      MUXI_URL: muxi,
      MUXI_USER_API_KEY: USER_KEY,
      MUXI_AUTH_OPEN_WEBUI_SECRET: SECRET,
      DATA_DIR: folder,
      PORT: String(port),
      WEBUI_SECRET_KEY: crypto.randomUUID(),
      WEBUI_ADMIN_EMAIL: ADA.email,
      WEBUI_ADMIN_PASSWORD: ADA.password,
    },
    stdout: "null",
    stderr: "null",
  }).spawn();
  const url = `http://127.0.0.1:${port}`;
  let ended = false;
  child.status.then(() => ended = true);
  while (!await isUp(`${url}/health`)) {
    if (ended) throw new Error("Open WebUI ended before it answered");
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return {
    url,
    async [Symbol.asyncDispose]() {
      if (!ended) child.kill("SIGTERM");
      await child.status;
      await Deno.remove(folder, { recursive: true });
    },
  };
}

await using provider = await startProvider({ script: toStep });
await using server = await startServer({
  provider: provider.url,
  settings: { auth: { open_webui_secret: SECRET } },
});
await using webUi = await openWebUi(server.url);
await using browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
const page: Page = await browser.newPage({ viewport: { width: 1280, height: 860 } });

async function saw(what: string, text: string | RegExp) {
  await page.getByText(text).first().waitFor();
  if (PICTURES) await page.screenshot({ path: `${PICTURES}/${what.replaceAll(/\W+/g, "_")}.png` });
  console.log("saw", what);
}

async function say(text: string) {
  await page.locator("#chat-input").click();
  await page.keyboard.type(text);
  await page.keyboard.press("Enter");
}

async function runs(): Promise<{ status: string; user_id: string; conversation_id: string }[]> {
  return (await (await server.request("GET", "/runs", { key: ADMIN_KEY })).json()).data;
}

await page.goto(`${webUi.url}/auth`);
await page.fill("input[type=email]", ADA.email);
await page.fill("input[type=password]", ADA.password);
await page.click("button[type=submit]");
await page.getByText("Okay, Let's Go!").click();
await saw("the agent among the models", "Assistant");

await say("Hello, who are you?");
await saw("an answer", "I am scripted.");
await saw("a title", "A scripted title");
await saw("a follow-up question", "And then?");

await say("Please cite your source.");
await saw("a source", "1 Source");

await say("Tell me a long story.");
await saw("the story's beginning", /lazy dog again, The quick/);
await page.locator('button[aria-label*="top" i]').last().click();
const story = provider.requests.find(({ body }) => JSON.stringify(body.messages.at(-1)).includes("long story"))!;
await story.settled;
assert.ok(story.closed_at !== null && story.tokens_unsent > 0, "Stopping must close the connection to the provider");
console.log("stopped, tokens unsent:", story.tokens_unsent);

await say("Hello again, what time is it?");
await saw("the result of Open WebUI's own tool", "The tool says");
// Titles, tags and follow-up questions were none.
const made = await runs();
assert.deepEqual(made.map(({ status }) => status), ["completed", "completed", "cancelled", "completed", "completed"]);
assert.equal(new Set(made.map(({ conversation_id }) => conversation_id)).size, 1);
assert.match(made[0]!.user_id, /^[0-9a-f-]{36}$/);
console.log("one conversation of", made[0]!.user_id);
