/**
 * A tool server asks a person in the middle of a call, and `muxi chat` shows it as a form.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { toolText } from "../../src/domain/tool.ts";
import type { Elicitation, McpConnector } from "../../src/ports/mcp_client.ts";
import type { McpSignIns } from "../../src/ports/mcp_tokens.ts";
import { ATTACKS } from "../support/chat_attacks.ts";
import { connectorForTests } from "../support/mcp_client_connector.ts";
import { EVERYTHING } from "../support/mcp_client_real.ts";
import { scriptedConnector, ScriptedServer } from "../support/mcp_hub_connector.ts";
import { muxi } from "../support/muxi.ts";
import { startProvider } from "../support/provider.ts";
import { startServer, USER_KEY } from "../support/server.ts";
import { ask, askAdmin, createAgent, type Json, saidTo, until, untilStatus } from "../support/story.ts";
import { hasTerminals, openTerminal, type TerminalProgram } from "../support/terminal_program.ts";

const ignore = !await hasTerminals();
const CTRL_C = "\x03";
const CTRL_D = "\x04";

const TRIP: Elicitation = {
  message: "Which trip?\nSay it.",
  schema: {
    type: "object",
    properties: {
      city: { type: "string", title: "City", description: "Where to", pattern: "^[A-Z]" },
      nights: { type: "integer", title: "Nights", minimum: 1, maximum: 9, default: 2 },
      class: { type: "string", title: "Class", enum: ["eco", "first"] },
      extras: { type: "array", title: "Extras", items: { enum: ["bike", "dog"] } },
    },
    required: ["city", "nights"],
  },
};

/** An agent that calls one tool and then says "Thanks"; what the tool's servers are is told by `connector`. */
async function agency(tool: string, connector: McpConnector & McpSignIns, definition: Json) {
  await using stack = new AsyncDisposableStack();
  const script = [{ tool_calls: [{ name: tool, arguments: {} }] }, { tokens: ["Thanks"] }];
  const provider = stack.use(await startProvider({ script }));
  const server = stack.use(
    await startServer({
      provider: provider.url,
      settings: { auth: { user_scopes: ["tools"] }, mcp_servers: [definition] },
      ports: { connector },
    }),
  );
  await createAgent(server, "clerk", { allowed_tools: ["*"], mcp_servers: [{ name: definition.name }] });
  await until("the tool is there", async () => (await ask(server, "GET /tools")).data.length > 0);
  const env = { MUXI_KEY: USER_KEY };
  const args = ["chat", "--url", server.url, "--agent", "clerk"];
  const open = (...more: string[]): TerminalProgram => {
    return openTerminal({ args: [...args, ...more], env, cwd: server.data_dir });
  };
  const chat = (...more: string[]) => muxi([...args, ...more], { env, cwd: server.data_dir });
  const told = () => saidTo(provider.requests[1]!).at(-1)!.replaceAll("\\", "");
  const owned = stack.move();
  return { server, open, chat, told, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** One whose tool asks `questions` in turn and gives what it was told. */
async function desk(...questions: Elicitation[]) {
  const script = new ScriptedServer();
  script.calling = async (_, { signal, tool_call_id }) => {
    const answers = [];
    for (const question of questions) {
      answers.push(await script.options!.handlers.elicit(question, { signal, tool_call_id }));
    }
    return toolText(JSON.stringify(answers));
  };
  const connector = scriptedConnector({ desk: script });
  return await agency("desk__echo", connector, { name: "desk", url: "https://desk.test/mcp" });
}

/** Types `line` once the screen asks for it. */
async function fill(terminal: TerminalProgram, prompt: string, line: string): Promise<void> {
  await terminal.shows(prompt);
  await terminal.type(`${line}\r`);
}

Deno.test({
  name: "a form is filled in field by field, mended where the server doesn't take it, looked at again, and sent",
  ignore,
  async fn() {
    await using home = await desk(TRIP);
    await using terminal = home.open("go");
    await terminal.shows("desk__echo asks");
    await fill(terminal, "text:", "");
    await fill(terminal, "This one is needed", "rome");
    await fill(terminal, "a whole number, 1 to 9 [2]:", "12");
    await fill(terminal, '"12" doesn\'t fit', "/back");
    await fill(terminal, "text [rome]:", "");
    const from = terminal.lines().findIndex((line) => line.includes("text [rome]:"));
    await terminal.shows("1 to 9 [2]:", from);
    await terminal.type("\r");
    await fill(terminal, "one of them [nothing]:", "2");
    await fill(terminal, "separated by commas [nothing]:", "dog");
    await fill(terminal, "[s/c/d]", "s");
    await terminal.shows("Cannot answer the question");
    // What was typed before stands there again.
    const again = terminal.lines().findIndex((line) => line.includes("Cannot answer the question"));
    await terminal.shows("text [rome]:", again);
    await terminal.type("Rome\r");
    for (const prompt of ["1 to 9 [2]:", "one of them [first]:", "[dog]:"]) {
      await terminal.shows(prompt, again);
      await terminal.type("\r");
    }
    await terminal.shows("[s/c/d]", again);
    const lines = terminal.lines();
    for (
      const line of ["  Which trip?", "  Say it.", "  City", "  Where to", "   1  eco", "   2  first", "  City: Rome"]
    ) {
      assert.ok(lines.includes(line), `${line}\n${lines.join("\n")}`);
    }
    await terminal.type("s\r");
    assert.equal(await terminal.ended, 0);
    assert.match(
      home.told(),
      /\[\{"action":"accept","content":\{"city":"Rome","nights":2,"class":"first","extras":\["dog"\]\}\}\]/,
    );
    assert.ok(terminal.lines().includes("Thanks"));
  },
});

Deno.test({
  name:
    "a question is declined at any field, a second one of the same call comes after it, and a plain one is a yes or no",
  ignore,
  async fn() {
    await using home = await desk(TRIP, { message: "May I look?", schema: { type: "object", properties: {} } }, TRIP);
    await using terminal = home.open();
    await fill(terminal, "›", "go");
    await fill(terminal, "text:", "/decline");
    await fill(terminal, "Accept or decline? [a/d]", "maybe");
    await terminal.type("a\r");
    const second = terminal.lines().findIndex((line) => line.includes("Accept or decline?"));
    await terminal.shows("text:", second);
    await terminal.type("Oslo\r");
    await terminal.shows("1 to 9 [2]:", second);
    await terminal.type("/decline\r");
    await terminal.shows("Thanks");
    assert.match(home.told(), /\[\{"action":"decline"\},\{"action":"accept","content":\{\}\},\{"action":"decline"\}\]/);
    await terminal.shows("tokens in");
    await terminal.type(CTRL_D);
    assert.equal(await terminal.ended, 0);
  },
});

Deno.test({
  name: "an address to visit is shown whole, and opened by nobody but the person",
  ignore,
  async fn() {
    const url = `https://sign-in.example.com/authorize?state=${"x".repeat(100)}&end=1`;
    await using home = await desk({ message: "Sign in there", url });
    await using terminal = home.open("go");
    await terminal.shows("Its host is sign-in.example.com");
    assert.ok(terminal.lines().join("").replaceAll(" ", "").includes(url), terminal.lines().join("\n"));
    await fill(terminal, "[done/d]", "done");
    assert.equal(await terminal.ended, 0);
    assert.match(home.told(), /\[\{"action":"accept"/);
  },
});

Deno.test({
  name: "Ctrl-C at a question stops the answer; one that somebody else answers is taken away",
  ignore,
  async fn() {
    await using home = await desk(TRIP);
    await using first = home.open("go");
    await first.shows("text:");
    await first.type(CTRL_C);
    assert.equal(await first.ended, 130);
    assert.equal((await ask(home.server, "GET /approvals")).data.length, 0);
    await using other = await desk(TRIP);
    await using terminal = other.open("go");
    await terminal.shows("text:");
    const { run_id, tool_call_id } = (await ask(other.server, "GET /approvals")).data[0];
    const body = { decision: "approve", arguments: { city: "Paris", nights: 1 } };
    await ask(other.server, `POST /runs/${run_id}/tool_calls/${tool_call_id}/decision`, { body });
    assert.equal(await terminal.ended, 0);
    assert.match(other.told(), /Paris/);
  },
});

Deno.test({
  name: "a question that is an admin's to answer stays open, and the chat goes on with the admin's answer",
  ignore,
  async fn() {
    await using home = await desk(TRIP);
    await askAdmin(home.server, "PATCH /agents/clerk", { body: { policies: { decide: "admin" } } });
    await using terminal = home.open("go");
    await fill(terminal, "text:", "Rome");
    await fill(terminal, "1 to 9 [2]:", "");
    await fill(terminal, "one of them [nothing]:", "");
    await fill(terminal, "separated by commas [nothing]:", "");
    await fill(terminal, "[s/c/d]", "s");
    await terminal.shows("Cannot decide about tool call");
    const { run_id, tool_call_id } = (await askAdmin(home.server, "GET /approvals")).data[0];
    const body = { decision: "approve", arguments: { city: "Lima", nights: 3 } };
    await askAdmin(home.server, `POST /runs/${run_id}/tool_calls/${tool_call_id}/decision`, { body });
    assert.equal(await terminal.ended, 0);
    assert.match(home.told(), /Lima/);
  },
});

Deno.test({
  name: "nothing that a server asks is obeyed by the terminal",
  ignore,
  async fn() {
    const evil = Object.values(ATTACKS).join(" ");
    const property = { type: "string", title: evil, description: evil, enum: [evil, "fine"], default: evil };
    await using home = await desk({ message: evil, schema: { type: "object", properties: { it: property } } });
    await using terminal = home.open("go");
    await fill(terminal, "one of them", "");
    await fill(terminal, "[s/c/d]", "c");
    const from = terminal.lines().findIndex((line) => line.includes("[s/c/d]"));
    await terminal.shows("one of them", from);
    await terminal.type("2\r");
    await terminal.shows("[s/c/d]", from + 1);
    await terminal.type("s\r");
    assert.equal(await terminal.ended, 0);
    assert.match(home.told(), /\{"it":"fine"\}/);
  },
});

Deno.test({
  name: "the form of a real server is answered",
  ignore,
  async fn() {
    const args = ["run", "-A", "--no-config", "--no-lock", EVERYTHING];
    // Which programs may do what is told elsewhere: here they run as they are.
    const connector = { ...connectorForTests(), finishSignIn: () => Promise.reject(new Error("not used here")) };
    await using home = await agency("everything__trigger-elicitation-request", connector, {
      name: "everything",
      command: Deno.execPath(),
      args,
    });
    await using terminal = home.open("go");
    await fill(terminal, "text:", "Zanzibar Jones");
    await fill(terminal, "yes or no [nothing]:", "y");
    await fill(terminal, "[It was a dark", "");
    await fill(terminal, "an e-mail address [nothing]:", "zan@example.com");
    await fill(terminal, "an address such as", "");
    await fill(terminal, "a date such as", "");
    await fill(terminal, "1 to 100 [42]:", "7");
    await fill(terminal, "0 to 1000 [3.14]:", "");
    await fill(terminal, "[Monica]:", "Joey");
    await fill(terminal, "[Guitar]:", "2,3");
    await fill(terminal, "[Superman]:", "Wonder Woman");
    await fill(terminal, "[Tuna]:", "");
    await fill(terminal, "[Cats]:", "");
    await fill(terminal, "[s/c/d]", "s");
    assert.equal(await terminal.ended, 0, terminal.lines().join("\n"));
    for (const said of ["Zanzibar Jones", "zan@example.com", '"integer": 7', '"Joey"', '"Violin"', '"hero-3"']) {
      assert.ok(home.told().includes(said), `${said}\n${home.told()}`);
    }
  },
});

Deno.test("where nobody is there to answer, the run says how it can be; a script declines", async () => {
  await using home = await desk(TRIP);
  const { code, err } = await home.chat("go");
  assert.equal(code, 79, err);
  assert.match(err, /desk__echo asks: Which trip\?/);
  const [, words] = /Answer with "muxi (.+) --arguments JSON"/.exec(err)!;
  const decide = [...words!.split(" "), "--arguments", '{"city": "Rome", "nights": 1}', "--url", home.server.url];
  const decided = await muxi(decide, { env: { MUXI_KEY: USER_KEY }, cwd: home.server.data_dir });
  assert.equal(decided.code, 0, decided.err);
  const { data: [run] } = await ask(home.server, "GET /runs");
  await untilStatus(home.server, run.id, "completed");
  assert.match(home.told(), /"city":"Rome"/);
  await using other = await desk(TRIP);
  const { code: done, out } = await other.chat("--approve", "go");
  assert.deepEqual([done, out], [0, "Thanks\n"]);
  assert.match(other.told(), /"action":"decline"/);
});
