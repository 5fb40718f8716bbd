/**
 * The program: `muxi --help` tells what it does.
 *
 * @module
 */
import { verbs } from "./src/app/verbs.ts";
import { machineInput } from "./src/settings.ts";
import { runCli } from "./src/transports/cli/cli.ts";
import { createTerminal } from "./src/transports/cli/machine_terminal.ts";
import { VERSION } from "./src/version.ts";

if (import.meta.main) {
  const { env } = machineInput();
  Deno.exit(await runCli({ args: Deno.args, version: VERSION, env, verbs, terminal: createTerminal() }));
}
