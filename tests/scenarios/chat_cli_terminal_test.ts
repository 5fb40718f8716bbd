/**
 * A person talks with an agent on a real terminal.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { startProvider } from "../support/provider.ts";
import { startServer, USER_KEY } from "../support/server.ts";
import { createAgent, eventsOf } from "../support/story.ts";
import { hasTerminals, openTerminal, type TerminalProgram } from "../support/terminal_program.ts";
import { scriptedToolbox } from "../support/toolbox.ts";
import { ATTACKS } from "../support/chat_attacks.ts";
import type { Step } from "../support/provider.ts";

const ignore = !await hasTerminals();
const CTRL_C = "\x03";
const CTRL_D = "\x04";

async function startStory(reply: (said: string, role: string) => Step) {
  await using stack = new AsyncDisposableStack();
  const provider = stack.use(
    await startProvider({
      script: ({ body }) => {
        const { content, role } = body.messages.at(-1);
        return reply(typeof content === "string" ? content : JSON.stringify(content), role);
      },
    }),
  );
  const toolbox = scriptedToolbox({ look: { act: (args) => ({ result: args, is_error: false }) } });
  const server = stack.use(await startServer({ provider: provider.url, ports: { toolbox } }));
  await createAgent(server, "asker", { allowed_tools: ["*"], policies: { ask: ["*"] } });
  const owned = stack.move();
  const open = (...args: string[]): TerminalProgram =>
    openTerminal({ args: ["chat", "--url", server.url, ...args], env: { MUXI_KEY: USER_KEY }, cwd: server.data_dir });
  return { server, provider, toolbox, open, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

Deno.test({
  name: "an answer is drawn while it comes, and nothing in it is obeyed",
  ignore,
  async fn() {
    const evil = Object.values(ATTACKS).join(" ");
    const text = `# Title\n\nSome **bold** text.\n\n- item\n\n\`\`\`js\nx();\n\`\`\`\n\n${evil}\n\nThe end.`;
    await using story = await startStory(() => ({ reasoning: ["Let me think."], tokens: [...text], delay: 1 }));
    await using terminal = story.open();
    await terminal.shows("›");
    await terminal.type("hello\r");
    await terminal.shows("The end.");
    await terminal.shows("tokens in");
    const lines = terminal.lines();
    for (const line of ["┊ Let me think.", "Title", "Some bold text.", "• item", "╭─ js", "│ x();", "╰─", "The end."]) {
      assert.ok(lines.includes(line), `${line}\n${lines.join("\n")}`);
    }
    await terminal.type(CTRL_D);
    assert.equal(await terminal.ended, 0);
  },
});

Deno.test({
  name: "Ctrl-C stops an answer and keeps what was said; on an empty line it leaves",
  ignore,
  async fn() {
    await using story = await startStory(() => ({ tokens: 10_000, delay: 20 }));
    await using terminal = story.open();
    await terminal.shows("›");
    await terminal.type("talk\r");
    await terminal.shows("The quick brown");
    await terminal.type(CTRL_C);
    await terminal.shows("Cancelled");
    await terminal.shows("›", terminal.lines().findIndex((line) => line === "Cancelled"));
    await story.provider.requests[0]!.settled;
    assert.notEqual(story.provider.requests[0]!.closed_at, null);
    await terminal.type(CTRL_C);
    assert.equal(await terminal.ended, 0);
  },
});

Deno.test({
  name: "a call that waits is shown whole, edited, and approved",
  ignore,
  async fn() {
    await using story = await startStory((said, role) =>
      role === "tool"
        ? { tokens: [`It found ${said}`] }
        : { tool_calls: [{ name: "look", arguments: { word: "first" } }] }
    );
    await using terminal = story.open("--agent", "asker");
    await terminal.shows("›");
    await terminal.type("look\r");
    await terminal.shows("[a/d/e]");
    assert.ok(terminal.lines().some((line) => line.includes('"word": "first"')));
    assert.equal(story.toolbox.calls.length, 0);
    await terminal.type("e\r");
    await terminal.shows('Arguments: {"word":"first"}');
    await terminal.type("\x15" + '{"word":"second"}\r');
    await terminal.shows("It found");
    assert.deepEqual(story.toolbox.calls.map((call) => call.arguments), [{ word: "second" }]);
    await terminal.shows("tokens in");
    await terminal.type(CTRL_D);
    assert.equal(await terminal.ended, 0);
  },
});

Deno.test({
  name: "a call that is denied is not made, and the agent learns why",
  ignore,
  async fn() {
    await using story = await startStory((said, role) =>
      role === "tool" ? { tokens: [`I see: ${said}`] } : { tool_calls: [{ name: "look", arguments: {} }] }
    );
    await using terminal = story.open("--agent", "asker", "look");
    await terminal.shows("[a/d/e]");
    await terminal.type("d too dangerous\r");
    assert.equal(await terminal.ended, 0);
    assert.equal(story.toolbox.calls.length, 0);
    assert.ok(
      terminal.lines().some((line) => line.startsWith("✗ Denied by user: too dangerous")),
      terminal.lines().join("\n"),
    );
  },
});

Deno.test({
  name: "lines, pastes and what is typed ahead arrive as they were meant",
  ignore,
  async fn() {
    await using story = await startStory((said) => ({ tokens: [`<${said.replaceAll("\n", "/")}>`], delay: 300 }));
    await using terminal = story.open();
    await terminal.shows("›");
    await terminal.type("one\\\rtwo\r");
    await terminal.type("\x1b[200~three\r\nfour\x1b[201~ five\r");
    await terminal.shows("<one/two>");
    await terminal.shows("<three/four five>");
    // The arrow brings back what was said before.
    await terminal.type("\x1b[A!\r");
    await terminal.shows("<three/four five!>");
    await terminal.type("/run\r");
    await terminal.shows("  run_");
    const run_id = /run_\w+/.exec(terminal.lines().findLast((line) => line.startsWith("  run_"))!)![0];
    assert.equal((await eventsOf(story.server, run_id)).at(-1)!.type, "run.completed");
    await terminal.type("/quit\r");
    assert.equal(await terminal.ended, 0);
  },
});
