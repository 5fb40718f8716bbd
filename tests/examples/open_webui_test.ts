/**
 * What is said about Open WebUI's connection, in three places, is one thing; and the door understands it.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { parse } from "yaml";
import { openStage } from "../support/examples.ts";
import { USER_KEY } from "../support/server.ts";

const root = new URL("../../", import.meta.url);
const read = (path: string) => Deno.readTextFile(new URL(path, root));

/** The headers that the how-to tells people to enter. */
async function headersOfReadme(): Promise<Record<string, string>> {
  const [, json] = /^```json\n([\s\S]*?)^```$/m.exec(await read("config/deploy/open-webui/README.md"))!;
  return JSON.parse(json!);
}

/** The variables with which `examples/open_webui.sh` starts Open WebUI. */
async function variablesOfScript(env: Record<string, string>): Promise<Record<string, string>> {
  const folder = await Deno.makeTempDir({ prefix: "muxi-open-webui-" });
  try {
    const program = `${folder}/open-webui`;
    await Deno.writeTextFile(program, "#!/bin/sh\nenv -0\n", { mode: 0o755 });
    const { success, stdout, stderr } = await new Deno.Command("bash", {
      args: ["examples/open_webui.sh"],
      cwd: root,
      env: { OPEN_WEBUI: program, DATA_DIR: `${folder}/data`, ...env },
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    const pairs = new TextDecoder().decode(stdout).split("\0").filter(Boolean);
    return Object.fromEntries(
      pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("the how-to, the compose file and the script enter the same headers", async () => {
  const headers = await headersOfReadme();
  const compose = parse(await read("config/deploy/open-webui/docker-compose.yml"));
  const { environment } = compose.services["open-webui"];
  assert.deepEqual(JSON.parse(environment.OPENAI_API_CONFIGS)["0"].headers, headers);
  const variables = await variablesOfScript({ MUXI_USER_API_KEY: "k", MUXI_URL: "http://127.0.0.1:9" });
  assert.deepEqual(JSON.parse(variables.OPENAI_API_CONFIGS!)["0"].headers, headers);
  assert.deepEqual([variables.OPENAI_API_BASE_URLS, variables.OPENAI_API_KEYS], ["http://127.0.0.1:9/v1", "k"]);
  assert.equal(variables.FORWARD_USER_INFO_HEADER_JWT_SECRET, undefined);
  const signed = await variablesOfScript({ MUXI_USER_API_KEY: "k", MUXI_AUTH_OPEN_WEBUI_SECRET: "s" });
  assert.equal(signed.FORWARD_USER_INFO_HEADER_JWT_SECRET, "s");
});

Deno.test("with these headers a chat is a conversation, and its title is none", async () => {
  await using stage = await openStage();
  const templates = await headersOfReadme();
  const ask = async (body: unknown, values: Record<string, string>) => {
    const rendered = Object.entries(templates).map(([name, value]) => {
      // What Open WebUI has no value for becomes empty.
      return [name, value.replaceAll(/\{\{(\w+)\}\}/g, (_, template) => values[template] ?? "")];
    });
    const response = await fetch(`${stage.server.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${USER_KEY}`, ...Object.fromEntries(rendered) },
      body: JSON.stringify({ model: "assistant", ...body as object }),
    });
    assert.equal(response.status, 200);
    return await response.text();
  };
  const chat = { CHAT_ID: "5f1c", USER_ID: "ada" };
  const said = await ask({ messages: [{ role: "user", content: "Hello" }], stream: true }, chat);
  assert.ok(said.endsWith("data: [DONE]\n\n"), said);
  const title = { messages: [{ role: "user", content: "### Task:\nGenerate a title" }], stream: false };
  JSON.parse(await ask(title, { ...chat, TASK: "title_generation" }));
  const { data } = await (await stage.server.request("GET", "/runs?user_id=ada")).json();
  assert.equal(data.length, 1, "Only the message is a run");
  const told = stage.provider!.requests.map(({ body }) => body.messages.at(-1).content);
  assert.deepEqual(told, ["Hello", "### Task:\nGenerate a title"]);
});
