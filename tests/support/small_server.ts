/**
 * A tool server that is small enough to be written where it is needed: it echoes, and needs nothing of the machine.
 *
 * @module
 */

/** Its program, for Node's way of starting programs: `node FILE`. */
export const SMALL_SERVER = `
import readline from "node:readline";
const tools = ["echo", "add", "write_file"].map((name) => ({ name, inputSchema: { type: "object" } }));
readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  const say = (answer) => console.log(JSON.stringify({ jsonrpc: "2.0", id, ...answer }));
  const serverInfo = { name: "small", version: "1" };
  if (method === "initialize") {
    say({ result: { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo } });
  } else if (method === "tools/list") say({ result: { tools } });
  else if (method === "tools/call") say({ result: { content: [{ type: "text", text: JSON.stringify(params.arguments) }] } });
  else if (method === "ping") say({ result: {} });
  else say({ error: { code: -32601, message: "Method not found" } });
});
`;

/** A program that prints what is no message, and then waits. */
export const RUBBISH = `console.log("Welcome to the shell"); process.stdin.resume();`;
