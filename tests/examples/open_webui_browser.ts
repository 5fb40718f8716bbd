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
import { openWebUi, SECRET } from "../support/open_webui.ts";
import type { ProviderRequest, Step } from "../support/provider.ts";
import { startProvider } from "../support/provider.ts";
import { toFrame } from "../support/provider_reply.ts";
import { ADMIN_KEY, startServer } from "../support/server.ts";

const SOURCE = { type: "url_citation", url_citation: { url: "https://example.org/muxi", title: "About MUXI" } };

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

await using provider = await startProvider({ script: toStep });
await using server = await startServer({
  provider: provider.url,
  settings: { auth: { open_webui_secret: SECRET } },
});
await using webUi = await openWebUi({ muxi: server.url });
const { page, saw, say } = webUi;

async function runs(): Promise<{ status: string; user_id: string; conversation_id: string }[]> {
  return (await (await server.request("GET", "/runs", { key: ADMIN_KEY })).json()).data;
}

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
