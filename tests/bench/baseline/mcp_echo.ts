/**
 * A tool server on its standard streams that answers at once: what others are measured on. Frozen.
 *
 * @module
 */
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const writer = Deno.stdout.writable.getWriter();

function answer({ id, method, params }: { id: unknown; method: string; params: Record<string, unknown> }): string {
  const capabilities = { tools: {} };
  const complete = { resultType: "complete", ttlMs: 0, cacheScope: "private" };
  const args = params?.arguments as { message: string };
  const result = method === "server/discover"
    ? { ...complete, supportedVersions: ["2026-07-28"], capabilities }
    : method === "initialize"
    ? { protocolVersion: params.protocolVersion, capabilities, serverInfo: { name: "echo", version: "1" } }
    : method === "tools/list"
    ? { ...complete, tools: [{ name: "echo", inputSchema: { type: "object" } }] }
    : { ...complete, content: [{ type: "text", text: args.message }] };
  return `${JSON.stringify({ jsonrpc: "2.0", id, result })}\n`;
}

let rest = "";
for await (const chunk of Deno.stdin.readable) {
  const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
  rest = lines.pop()!;
  const messages = lines.filter((line) => line !== "").map((line) => JSON.parse(line));
  const text = messages.filter(({ id }) => id !== undefined).map(answer).join("");
  if (text !== "") await writer.write(encoder.encode(text));
}
