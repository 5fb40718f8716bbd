/**
 * Programs without a sandbox, for trying the MCP client alone.
 *
 * @module
 */
import type { McpServer } from "../../src/domain/mcp_server.ts";
import type { Process } from "../../src/ports/sandbox.ts";

/** How long a program may take to go when asked, in ms. */
const GRACE_MS = 2_000;

/** Starts the program of `server`, as it stands. */
export async function spawnPlainly(server: McpServer): Promise<Process> {
  const [command = "", ...words] = server.command!.split(" ");
  const child = new Deno.Command(command === "deno" ? Deno.execPath() : command, {
    args: [...words, ...server.args],
    // Unlike a sandbox's it has this environment, in which packages can be fetched.
    env: { NO_COLOR: "1", ...server.env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let said = "";
  const heard = child.stderr.pipeThrough(new TextDecoderStream()).pipeTo(
    new WritableStream({
      write: (text) => {
        said = (said + text).slice(-4_000);
      },
    }),
  );
  const exited = child.status.then(async ({ code, signal }) => {
    await heard.catch(() => {});
    return signal === null ? `exit code ${code}` : `killed: ${signal}`;
  });
  const signal = (name: Deno.Signal) => {
    try {
      child.kill(name);
    } catch {
      // It is gone already.
    }
  };
  return {
    pid: child.pid,
    stdin: child.stdin,
    stdout: child.stdout,
    errors: () => said,
    report: { tier: "none", policy: "none", ceilings: [], watchable: false, decisions: () => [] },
    exited,
    async kill() {
      signal("SIGTERM");
      const force = setTimeout(() => signal("SIGKILL"), GRACE_MS);
      const words = await exited;
      clearTimeout(force);
      return words;
    },
  };
}
