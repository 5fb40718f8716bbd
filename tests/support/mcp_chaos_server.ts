/**
 * A tool server, as a program of its own, that does at any moment what the file
 * `NAME.mode` says: work, hang, die before or after its work, answer nonsense,
 * forget its sessions. What it does is noted in `NAME.ledger`, a line each.
 *
 * `mcp_chaos_server.ts stdio DIR NAME`, or `http DIR NAME PORT`.
 *
 * @module
 */

/** What such a server can be told to do. */
export const CHAOS_MODES = ["ok", "hang", "die_before", "die_after", "nonsense", "no_result", "forget"] as const;
/** One of {@linkcode CHAOS_MODES}. */
export type ChaosMode = typeof CHAOS_MODES[number];

interface Message {
  id?: string | number;
  method: string;
  params?: { protocolVersion?: string; name?: string; arguments?: { id?: string } };
}

/** An answer; `nonsense` is sent as it is; nothing where nobody gets one. */
type Reply = { result: unknown } | { error: { code: number; message: string } } | { nonsense: string } | undefined;

if (import.meta.main) {
  const [kind, dir = "", name = "", port = "0"] = Deno.args;
  const mode = (): ChaosMode => Deno.readTextFileSync(`${dir}/${name}.mode`).trim() as ChaosMode;
  const done = (line: string) => Deno.writeTextFileSync(`${dir}/${name}.ledger`, `${line}\n`, { append: true });
  const tools = () => {
    const more = mode() === "ok" ? [] : [{ name: "now_and_then", inputSchema: { type: "object" } }];
    return [
      { name: "write", inputSchema: { type: "object" } },
      { name: "read", inputSchema: { type: "object" }, annotations: { readOnlyHint: true } },
      ...more,
    ];
  };
  Deno.writeTextFileSync(`${dir}/pids`, `${Deno.pid}\n`, { append: true });
  // Whoever reads the number must never find half of it: signals to 0 go to everybody.
  Deno.writeTextFileSync(`${dir}/${Deno.pid}.new`, String(Deno.pid));
  Deno.renameSync(`${dir}/${Deno.pid}.new`, `${dir}/${name}.pid`);

  const reply = ({ method, params = {} }: Message): Reply => {
    const now = mode();
    if (now === "hang") return undefined;
    if (method === "initialize") {
      const { protocolVersion } = params;
      const capabilities = { tools: { listChanged: true } };
      return { result: { protocolVersion, capabilities, serverInfo: { name, version: "1" } } };
    }
    if (method === "ping") return { result: {} };
    if (method === "tools/list") return { result: { tools: tools() } };
    if (method !== "tools/call") return { error: { code: -32601, message: `${method} isn't known here` } };
    if (now === "die_before") Deno.exit(3);
    done(`${params.name} ${params.arguments?.id}`);
    if (now === "die_after") Deno.exit(4);
    if (now === "nonsense") return { nonsense: '{"jsonrpc":"2.0","id":' };
    if (now === "no_result") return { result: "done" };
    return { result: { content: [{ type: "text", text: `${params.name} ${params.arguments?.id}` }] } };
  };

  if (kind === "http") serve({ port: Number(port), mode, reply });
  else await talk(reply);
}

async function talk(reply: (message: Message) => Reply): Promise<void> {
  const say = (text: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
  // The signal stands for something that happened in the server: its list is another now.
  Deno.addSignalListener("SIGUSR1", () => {
    say(JSON.stringify({ jsonrpc: "2.0", method: "notifications/tools/list_changed" }));
  });
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of Deno.stdin.readable) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      const message = JSON.parse(line) as Message;
      if (message.id === undefined) continue;
      const answer = reply(message);
      if (answer === undefined) continue;
      say("nonsense" in answer ? answer.nonsense : JSON.stringify({ jsonrpc: "2.0", id: message.id, ...answer }));
    }
  }
  Deno.exit(0);
}

function serve(
  { port, mode, reply }: { port: number; mode: () => ChaosMode; reply: (message: Message) => Reply },
): void {
  const sessions = new Set<string>();
  Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, async (request) => {
    if (request.method === "DELETE") return new Response(null, { status: 200 });
    if (request.method !== "POST") return new Response(null, { status: 405 });
    const message = await request.json() as Message;
    if (mode() === "forget") sessions.clear();
    const session = request.headers.get("mcp-session-id");
    if (message.method !== "initialize" && (session === null || !sessions.has(session))) {
      return new Response(null, { status: session === null ? 400 : 404 });
    }
    if (message.id === undefined) return new Response(null, { status: 202 });
    const answer = reply(message);
    if (answer === undefined) return await new Promise<Response>(() => {});
    const id = session ?? crypto.randomUUID();
    sessions.add(id);
    const body = "nonsense" in answer ? answer.nonsense : JSON.stringify({ jsonrpc: "2.0", id: message.id, ...answer });
    return new Response(body, { headers: { "content-type": "application/json", "mcp-session-id": id } });
  });
}
