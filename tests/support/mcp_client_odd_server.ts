/**
 * A tool server on its standard streams, written by hand so that it can do what
 * none should. Its first argument says how odd it is; its tools are oddities, too.
 *
 * @module
 */
const [mode = ""] = Deno.args;
const encoder = new TextEncoder();

interface Message {
  id?: string | number;
  method?: string;
  params?: Record<string, unknown> & { _meta?: { progressToken?: string } };
}

function write(text: string): void {
  let bytes = encoder.encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
}

const say = (message: unknown) => write(`${JSON.stringify(message)}\n`);
const answer = (id: unknown, result: unknown) => say({ jsonrpc: "2.0", id, result });
const refuse = (id: unknown, message: string) => say({ jsonrpc: "2.0", id, error: { code: -32601, message } });
const text = (words: string) => ({ content: [{ type: "text", text: words }] });

/** What it was told about calls that nobody waits for any more. */
const cancelled: unknown[] = [];

const node = { type: "object", properties: { next: { $ref: "#/$defs/node" } } };
const TOOLS = [
  { name: "echo", inputSchema: { type: "object" } },
  { name: "tree", inputSchema: { type: "object", properties: { root: { $ref: "#/$defs/node" } }, $defs: { node } } },
  { name: "no schema" },
  { inputSchema: { type: "object" } },
  "nonsense",
];

const lists: Record<string, (cursor: unknown) => unknown> = {
  "": () => ({ tools: TOOLS }),
  circle: (cursor) => ({ tools: [TOOLS[0]], nextCursor: cursor === "a" ? "b" : "a" }),
  endless: (cursor) => ({ tools: [TOOLS[0]], nextCursor: String(Number(cursor ?? 0) + 1) }),
};

const tools: Record<string, (id: unknown, params: NonNullable<Message["params"]>) => unknown> = {
  echo: (id, { arguments: args }) => answer(id, text(JSON.stringify(args))),
  silent: () => {},
  cancelled: (id) => answer(id, text(JSON.stringify(cancelled))),
  die: () => {
    Deno.stderr.writeSync(encoder.encode("I can't go on\n"));
    Deno.exit(7);
  },
  no_content: (id) => answer(id, { hello: "world" }),
  no_object: (id) => answer(id, "done"),
  neither: (id) => say({ jsonrpc: "2.0", id }),
  wrong_part: (id) => answer(id, { content: [{ type: "text" }] }),
  new_part: (id) => answer(id, { content: [{ type: "hologram", depth: 3 }] }),
  refuse: (id) => refuse(id, "the token hunter2-of-the-server is wrong"),
  twice: (id) => [1, 2].forEach((n) => answer(id, text(String(n)))),
  unicode: (id) => {
    const bytes = encoder.encode(`${JSON.stringify({ jsonrpc: "2.0", id, result: text("Grüße 🌍") })}\n`);
    // One byte a write, so that no character comes in one piece.
    for (const byte of bytes) Deno.stdout.writeSync(Uint8Array.of(byte));
  },
  huge: (id) => {
    write(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":"`);
    for (let i = 0; i < 40; i++) write("x".repeat(1024 * 1024));
  },
  flood: () => {
    const line = `${JSON.stringify({ jsonrpc: "2.0", method: "notifications/tools/list_changed" })}\n`.repeat(1_000);
    for (let i = 0; i < 1_000; i++) write(line);
  },
  babble: () => {
    for (let i = 0; i < 1_000; i++) write("no message\n".repeat(1_000));
  },
  steps: async (id, { _meta }) => {
    for (let progress = 1; progress <= 4; progress++) {
      await new Promise((resolve) => setTimeout(resolve, 900));
      const params = { progressToken: _meta?.progressToken, progress, total: 4, message: `step ${progress}` };
      say({ jsonrpc: "2.0", method: "notifications/progress", params });
    }
    answer(id, text("done"));
  },
  ask: (id) => {
    const question = `question-${asked.size}`;
    asked.set(question, id);
    const params = {
      message: "Who are you?",
      requestedSchema: { type: "object", properties: { name: { type: "string" } } },
    };
    say({ jsonrpc: "2.0", id: question, method: "elicitation/create", params });
  },
};
/** Calls by the questions asked in them. */
const asked = new Map<unknown, unknown>();

function take({ id, method, params = {}, ...rest }: Message): void {
  if (asked.has(id)) return answer(asked.get(id), text(JSON.stringify(rest)));
  if (method === "notifications/cancelled") return void cancelled.push(params.requestId);
  if (id === undefined) return;
  if (method === "initialize") {
    const { protocolVersion } = params;
    const capabilities = { tools: { listChanged: true } };
    return answer(id, { protocolVersion, capabilities, serverInfo: { name: "odd", version: "1" } });
  }
  if (method === "ping") return answer(id, {});
  if (method === "tools/list") return answer(id, (lists[mode] ?? lists[""]!)(params.cursor));
  if (method === "tools/call") return void tools[String(params.name)]?.(id, params);
  if (method === "server/discover" && mode === "fragile") Deno.exit(3);
  if (method === "server/discover" && mode === "mute") return;
  refuse(id, `${method} isn't known here`);
}

if (mode === "noisy") write('Starting…\n{"not": "a message"\n\n[1, 2]\n"text"\n');
if (mode === "broken") {
  Deno.stderr.writeSync(encoder.encode("Cannot find the database\n"));
  Deno.exit(1);
}
if (mode === "deaf") await new Promise(() => setInterval(() => {}, 1_000));
const decoder = new TextDecoder();
let rest = "";
for await (const chunk of Deno.stdin.readable) {
  const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
  rest = lines.pop()!;
  for (const line of lines) if (line !== "") take(JSON.parse(line));
}
if (mode === "stubborn") await new Promise(() => setInterval(() => {}, 1_000));
