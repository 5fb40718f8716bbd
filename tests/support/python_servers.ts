/**
 * Tool servers of PyPI, in the versions the tests use.
 *
 * @module
 */
import { strict as assert } from "node:assert";

/** What pip installs. */
export const PACKAGES = ["mcp-server-time==2026.10.19", "mcp-server-fetch==2026.10.24", "mcp-server-git==2026.10.19"];

/** Runs a program to its end, which must be a good one. */
export async function run(command: string, args: string[], cwd?: string): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, {
    args,
    ...cwd !== undefined && { cwd },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  assert.ok(success, `${command} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}
