/**
 * MUXI's tools for any model of Open WebUI, in both of the ways that `config/deploy/open-webui` names, each entered as
 * variables and by hand: the real Open WebUI, a real browser, a real tool server in the sandbox; only the model is
 * scripted. How to run it is said in `open_webui_browser.ts` beside it:
 *
 *     OPEN_WEBUI=~/open-webui/bin/open-webui deno run -A tests/examples/open_webui_tools_browser.ts
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { filled } from "../support/mcp_entries.ts";
import { untilLong } from "../support/mcp_servers_office.ts";
import { openWebUi, SECRET } from "../support/open_webui.ts";
import { type ProviderRequest, startProvider, type Step } from "../support/provider.ts";
import { startServer, USER_KEY } from "../support/server.ts";
import { ask as askMuxi, askAdmin, type Json } from "../support/story.ts";

/** A tool server of Open WebUI, with the beginning that it gives our tools' names. */
interface Way {
  name: string;
  prefix: string;
  /** What is entered by hand; absent: it stands in the variables. */
  entered?: { type: "MCP" | "OpenAPI"; path: string };
}

const WAYS: Way[] = [
  { name: "MUXI", prefix: "muxi_" },
  { name: "Files", prefix: "" },
  { name: "MUXI by hand", prefix: "muxi-by-hand_", entered: { type: "MCP", path: "/mcp" } },
  { name: "Files by hand", prefix: "", entered: { type: "OpenAPI", path: "/tools/files" } },
];

/** Calls the tool that the question names, as it is offered, and tells what it says. */
function toStep({ body }: ProviderRequest): Step {
  const last = body.messages.at(-1);
  if (JSON.stringify(last).includes("### Task")) return { tokens: ['{"title":"A scripted title","tags":[]}'] };
  if (last.role === "tool") return { tokens: ["The tool says: ", last.content.replaceAll(/\s+/g, " ")] };
  const text = JSON.stringify(last.content);
  const name = /Call ([\w-]+)/.exec(text)![1]!;
  const offered = (body.tools ?? []).map((tool: Json) => tool.function.name);
  if (!offered.includes(name)) return { tokens: [`I have no ${name}, but ${offered.join(", ")}`] };
  const words = [...text.matchAll(/(\w+)=([\w.]+)/g)];
  return { tool_calls: [{ name, arguments: Object.fromEntries(words.map(([, key, value]) => [key, value])) }] };
}

await using stack = new AsyncDisposableStack();
// The box of a tool server has a /tmp of its own.
const notes = await Deno.realPath(await Deno.makeTempDir({ dir: "/var/tmp", prefix: "muxi-open-webui-" }));
stack.defer(() => Deno.remove(notes, { recursive: true }));
await Deno.mkdir(`${notes}/files`);
for (const [at, { name }] of WAYS.entries()) await Deno.writeTextFile(`${notes}/files/${at}.txt`, `Read by ${name}.`);
const policies_file = `${notes}/policies.json`;
await Deno.writeTextFile(
  policies_file,
  JSON.stringify({ policies: { files: { servers: ["files"], sandbox: { read: ["."] } } } }),
);

const provider = stack.use(await startProvider({ models: ["any-model"], script: toStep }));
const files = {
  command: "npx",
  args: ["-y", "@modelcontextprotocol/server-filesystem@2026.8.31", "."],
  cwd: `${notes}/files`,
};
const server = stack.use(
  await startServer({
    variables: Deno.env.toObject(),
    settings: {
      auth: { open_webui_secret: SECRET, user_scopes: ["tools"] },
      tools: { policies_file },
      mcp_servers: JSON.stringify({ mcpServers: { files } }),
    },
  }),
);
await untilLong("its tools are there", async () => (await askMuxi(server, "GET /tools")).data.length > 0);
const readme = await Deno.readTextFile(new URL("../../config/deploy/open-webui/README.md", import.meta.url));
const [, connections] = /^TOOL_SERVER_CONNECTIONS='(\[[^]*?\])'$/m.exec(readme)!;
const webUi = stack.use(
  await openWebUi({
    muxi: server.url,
    provider: provider.url,
    env: { TOOL_SERVER_CONNECTIONS: filled(connections!, server) },
  }),
);
const { page, saw, say } = webUi;
const button = (name: string) => page.getByRole("button", { name, exact: true });

/** Enters a tool server as the how-to has it. */
async function enter(name: string, { type, path }: NonNullable<Way["entered"]>): Promise<void> {
  await page.goto(new URL("/admin/settings/integrations", page.url()).href);
  await button("Add Connection").first().click();
  if (type === "MCP") await button("OpenAPI").click();
  await page.fill("#enter-name", name);
  await page.fill("#api-base-url", `${server.url}${path}`);
  await page.getByPlaceholder("API Key").fill(USER_KEY);
  await button("Verify Connection").click();
  await saw(`that ${name} is reached`, "Connection successful");
  await button("Save").last().click();
  await saw(`that ${name} is saved`, "Connections saved successfully");
}

/** Asks in a new chat, in which the model has only the tools of `server`. */
async function ask(server: string, text: string): Promise<void> {
  await page.goto(new URL("/", page.url()).href);
  await page.getByRole("button", { name: "Selected model" }).click();
  await page.getByRole("option", { name: "any-model" }).click();
  await button("Integrations").click();
  await page.getByRole("menuitem", { name: "Tools" }).click();
  await page.getByRole("menuitemcheckbox", { name: server, exact: true }).click();
  await page.keyboard.press("Escape");
  await say(text);
}

for (const { name, entered } of WAYS) {
  if (entered !== undefined) await enter(name, entered);
}
for (const [at, { name, prefix }] of WAYS.entries()) {
  await ask(name, `Call ${prefix}files__read_text_file with path=${at}.txt`);
  await saw(`what a tool of ${name} read`, new RegExp(`The tool says: .*Read by ${name}\\.`));
}
await ask("MUXI", "Call muxi_agent__assistant with message=Hello");
await saw("the answer of an agent that is a tool", /The tool says: .*I am MUXI's offline model/);
const { data: runs } = await askAdmin(server, "GET /runs");
assert.deepEqual(runs.map(({ user_id }: Json) => typeof user_id), ["string"], "The run belongs to who is signed in");
for (const [name, prefix] of [["MUXI", "muxi_"], ["Files", ""]] as const) {
  await ask(name, `Call ${prefix}files__write_file with path=todo.txt content=Milk`);
  await saw(`that ${name} may not write`, /The tool says: .*The policy .{0,2}files.{0,2} does not allow writing/);
}
assert.equal((await Array.fromAsync(Deno.readDir(files.cwd))).length, WAYS.length, "Nothing was written");
