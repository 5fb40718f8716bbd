/**
 * Scripts talk with an agent through pipes.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { ATTACKS, OBEYED } from "../support/chat_attacks.ts";
import { Cutter } from "../support/cutter.ts";
import { startProvider, type Step } from "../support/provider.ts";
import { startServer, USER_KEY } from "../support/server.ts";
import { createAgent, untilStatus } from "../support/story.ts";
import { scriptedToolbox } from "../support/toolbox.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

interface Ran {
  code: number;
  out: string;
  err: string;
}

interface Started {
  child: Deno.ChildProcess;
  result: Promise<Ran>;
}

/** Starts the program with `args`; `input` is what it finds on its standard input. */
function muxi(
  args: string[],
  { input = "", env = {}, cwd }: { input?: string; env?: Record<string, string>; cwd: string },
): Started {
  const { PATH = "", HOME = "", DENO_DIR } = Deno.env.toObject();
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", "--unstable-no-legacy-abort", "--config", CONFIG, MAIN, ...args],
    cwd,
    clearEnv: true,
    env: { PATH, HOME, ...DENO_DIR !== undefined && { DENO_DIR }, ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const write = async () => {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
  };
  const text = (stream: ReadableStream<Uint8Array>) => new Response(stream).text();
  const result = Promise.all([child.status, text(child.stdout), text(child.stderr), write()])
    .then(([{ code }, out, err]) => ({ code, out, err }));
  return { child, result };
}

/** The same as `muxi chat`. */
function start(args: string[], options: Parameters<typeof muxi>[1]): Started {
  return muxi(["chat", ...args], options);
}

async function startStory(reply: (said: string, role: string) => Step) {
  await using stack = new AsyncDisposableStack();
  const provider = stack.use(
    await startProvider({ script: ({ body }) => reply(body.messages.at(-1).content, body.messages.at(-1).role) }),
  );
  const toolbox = scriptedToolbox({ look: { act: (args) => ({ result: args, is_error: false }) } });
  const server = stack.use(await startServer({ provider: provider.url, ports: { toolbox } }));
  await createAgent(server, "asker", { allowed_tools: ["*"], policies: { ask: ["*"] } });
  const owned = stack.move();
  const begin = (args: string[], input = "") =>
    start(["--url", server.url, ...args], { input, env: { MUXI_KEY: USER_KEY }, cwd: server.data_dir });
  return {
    server,
    provider,
    toolbox,
    begin,
    chat: (args: string[], input = "") => begin(args, input).result,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const echo = (said: string): Step => ({ tokens: [`You said <${said}>`] });
const callThenTell = (said: string, role: string): Step =>
  role === "tool" ? { tokens: [`It found ${said}`] } : { tool_calls: [{ name: "look", arguments: { word: "x" } }] };

Deno.test("the answer alone goes to the standard output, what it took to the standard error", async () => {
  await using story = await startStory(echo);
  const { code, out, err } = await story.chat([], "hi\n");
  assert.deepEqual({ code, out }, { code: 0, out: "You said <hi>\n" });
  assert.match(err, /^assistant · 10 tokens in, 1 out · [\d.]+ m?s\n$/);
});

Deno.test("what comes from the standard input stands behind the message", async () => {
  await using story = await startStory(echo);
  const { out } = await story.chat(["What", "is", "this?"], "line one\nline two\n");
  assert.equal(out, "You said <What is this?\n\nline one\nline two>\n");
});

Deno.test("a machine gets one line of JSON an event, and the collected answer as the last", async () => {
  await using story = await startStory(() => ({ tokens: ["a\u009b2J", "b"] }));
  const { code, out } = await story.chat(["--json", "hi"]);
  assert.equal(code, 0);
  const lines = out.trimEnd().split("\n").map((line) => JSON.parse(line));
  const answer = lines.pop();
  assert.deepEqual(lines.map(({ seq }) => seq), lines.map((_, i) => i + 1));
  assert.equal(lines.at(-1).type, "run.completed");
  assert.deepEqual([answer.status, answer.message.content], ["completed", "a\u009b2Jb"]);
  assert.doesNotMatch(out, OBEYED);
  const alone = await story.chat(["--json", "--no-stream", "hi"]);
  assert.deepEqual(Object.keys(JSON.parse(alone.out)).sort(), Object.keys(answer).sort());
});

Deno.test("nothing that a terminal obeys gets into a pipe either", async () => {
  const evil = Object.values(ATTACKS).join(" ");
  await using story = await startStory(() => ({ tokens: [...evil] }));
  for (const args of [["hi"], ["--no-stream", "hi"]]) {
    const { out, err } = await story.chat(args);
    assert.doesNotMatch(out + err, OBEYED);
    assert.ok(out.includes("␛[2J"), out);
  }
});

Deno.test("a call that nobody is there to decide about ends with its own code, and can be decided later", async () => {
  await using story = await startStory(callThenTell);
  const { code, out, err } = await story.chat(["--agent", "asker", "--json", "--no-stream", "look"]);
  assert.equal(code, 79, err);
  const { run_id, status } = JSON.parse(out);
  assert.equal(status, "waiting");
  assert.match(err, /waits for a decision about look \{"word":"x"\}/);
  const [, words] = /Decide with "muxi (.+)"/.exec(err)!;
  const decided = await muxi([...words!.split(" "), "--url", story.server.url], {
    env: { MUXI_KEY: USER_KEY },
    cwd: story.server.data_dir,
  }).result;
  assert.equal(decided.code, 0, decided.err);
  await untilStatus(story.server, run_id, "completed");
});

Deno.test("scripts say beforehand what to decide", async () => {
  await using story = await startStory(callThenTell);
  const approved = await story.chat(["--agent", "asker", "--approve", "look"]);
  assert.deepEqual([approved.code, approved.out], [0, 'It found {"word":"x"}\n'], approved.err);
  assert.equal(story.toolbox.calls.length, 1);
  const denied = await story.chat(["--agent", "asker", "--deny", "look"]);
  assert.equal(denied.code, 0);
  assert.equal(story.toolbox.calls.length, 1);
  assert.equal((await story.chat(["--approve", "--deny", "look"])).code, 64);
});

Deno.test("SIGINT stops the answer and says what was said until then", async () => {
  await using story = await startStory(() => ({ tokens: 10_000, delay: 20 }));
  const { child, result } = story.begin(["--json", "talk"]);
  const request = await story.provider.received();
  while (request.tokens_sent < 5) await new Promise((resolve) => setTimeout(resolve, 5));
  child.kill("SIGINT");
  const { code, out } = await result;
  assert.equal(code, 130);
  assert.equal(JSON.parse(out.trimEnd().split("\n").at(-1)!).status, "cancelled");
  await request.settled;
  assert.notEqual(request.closed_at, null);
});

Deno.test("a run that fails is a failure of the command, said once and without its escapes", async () => {
  await using story = await startStory(() => ({ status: 400, error: "no \x1b[31mway" }));
  const { code, out, err } = await story.chat(["hi"]);
  assert.deepEqual([code, out], [69, ""]);
  assert.equal(err.match(/no ␛\[31mway/g)?.length, 1, err);
  assert.doesNotMatch(err, OBEYED);
});

Deno.test("who waits in vain for a lost connection learns how to go on later", async () => {
  await using story = await startStory(() => ({ tokens: 400, delay: 20 }));
  await using relay = new Cutter({
    url: story.server.url,
    plan: () => ({ at: "between", frames: 4 }),
    onCut: () => relay.target = undefined,
  });
  const { code, err } = await start(["--url", relay.url, "--patience", "1", "talk"], {
    env: { MUXI_KEY: USER_KEY },
    cwd: story.server.data_dir,
  }).result;
  assert.equal(code, 69, err);
  assert.match(err, /The connection is lost; trying for 1\.0 s to get it back/);
  assert.match(err, /Lost the connection, and tried for 1 s to get it back/);
  assert.match(err, /muxi runs events run_\w+ --starting-after 4/);
});

Deno.test("a server that was never there is said at once, and a message is needed", async () => {
  const cwd = await Deno.makeTempDir({ prefix: "muxi-chat-" });
  try {
    const { code, err } = await start(["--url", "http://127.0.0.1:9", "hi"], { env: { MUXI_KEY: USER_KEY }, cwd })
      .result;
    assert.equal(code, 69);
    assert.match(err, /Cannot reach the server at "http:\/\/127\.0\.0\.1:9"/);
    assert.equal((await start([], { cwd }).result).code, 64);
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
});

Deno.test("it works in this process, too, without a server", async () => {
  const cwd = await Deno.makeTempDir({ prefix: "muxi-chat-" });
  try {
    const env = { MODEL_PROVIDER: "offline" };
    const { code, out, err } = await start(["--json", "--no-stream", "hi"], { cwd, env }).result;
    assert.equal(code, 0, err);
    const { status, conversation_id } = JSON.parse(out);
    assert.equal(status, "completed");
    const again = await start(["--json", "--no-stream", "--conversation", conversation_id, "again"], { cwd, env })
      .result;
    assert.equal(JSON.parse(again.out).conversation_id, conversation_id);
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
});
