/**
 * An MCP server as one file of plain JavaScript, without imports.
 *
 * @module
 */

/**
 * Its source. The tool `greet` greets, `read` reads the file `path`, `write` writes `text` there, `keep` gives back
 * what it was told the time before, and `run` runs the program `command`.
 */
export const PROGRAM = `
import { readFileSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";

let kept = "nothing";
const text = (type = "string") => ({ type });
const TOOLS = {
  greet: [{}, () => "Hello from the program"],
  read: [{ path: text() }, ({ path }) => readFileSync(path, "utf8")],
  write: [{ path: text(), text: text() }, ({ path, text }) => writeFileSync(path, text) ?? "Written"],
  keep: [{ text: text() }, ({ text }) => { const before = kept; kept = text; return before; }],
  run: [{ command: text() }, ({ command }) => execFileSync(command, { encoding: "utf8" })],
};

function call({ name, arguments: args = {} }) {
  try {
    return { content: [{ type: "text", text: String(TOOLS[name][1](args)) }] };
  } catch (error) {
    return { isError: true, content: [{ type: "text", text: "It failed: " + error.message }] };
  }
}

const METHODS = {
  initialize: () => ({
    protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo: { name: "program", version: "1.0.0" },
  }),
  ping: () => ({}),
  "tools/list": () => ({
    tools: Object.entries(TOOLS).map(([name, [properties]]) => ({
      name, description: "The tool " + name,
      inputSchema: { type: "object", properties, required: Object.keys(properties) },
    })),
  }),
  "tools/call": call,
};

let rest = "";
process.stdin.setEncoding("utf8");
process.stdin.on("data", (text) => {
  const lines = (rest + text).split("\\n");
  rest = lines.pop();
  for (const line of lines) {
    const { id, method, params } = JSON.parse(line);
    if (id === undefined) continue;
    const body = METHODS[method]
      ? { result: METHODS[method](params) }
      : { error: { code: -32601, message: "No such method" } };
    process.stdout.write(JSON.stringify({ jsonrpc: "2.0", id, ...body }) + "\\n");
  }
});
`;
