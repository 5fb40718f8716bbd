/**
 * What calls need to be allowed: to list the machine's addresses, and only where every one of them is meant.
 *
 * @module
 */
import assert from "node:assert/strict";
import { within } from "../support/waiting.ts";

const CONFIG = new URL("../../deno.json", import.meta.url).pathname;
const SUPPORT = new URL("../support/webrtc_peers.ts", import.meta.url).href;

/** Opens the ports and makes a call with itself, in a process that may not list its addresses; what it said of it. */
async function callAt(host: string): Promise<string> {
  const script = `
    import { openPeers } from ${JSON.stringify(SUPPORT)};
    try {
      await using peers = await openPeers({ host: ${JSON.stringify(host)} });
      await peers.warmUp();
      console.log("called");
    } catch ({ name, message }) {
      console.log(name + ": " + message);
    }`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-check", "--no-prompt", "--config", CONFIG, "-RNE", "--ext=ts", "-"],
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  try {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(script));
    await writer.close();
    const { stdout, stderr } = await within("the process to end", child.output(), { patience_ms: 60_000 });
    return new TextDecoder().decode(stdout) || new TextDecoder().decode(stderr);
  } catch (error) {
    child.kill("SIGKILL");
    await child.status;
    throw error;
  }
}

Deno.test("who may not list the machine's addresses is told so, and doesn't wait", async () => {
  const said = await callAt("0.0.0.0");
  assert.match(said, /^ConfigurationError: Cannot open the ports of calls on "0\.0\.0\.0": /);
  assert.match(said, /"networkInterfaces".*--allow-sys/);
});

Deno.test("calls at one address need no leave to list them all", async () => {
  assert.equal(await callAt("127.0.0.1"), "called\n");
});
