/**
 * The program: `muxi --help` tells what it does.
 *
 * @module
 */
import { verbs } from "./src/app/verbs.ts";
import { machineInput } from "./src/settings.ts";
import { runCli } from "./src/transports/cli/cli.ts";
import { VERSION } from "./src/version.ts";

const encoder = new TextEncoder();

if (import.meta.main) {
  const code = await runCli({
    args: Deno.args,
    version: VERSION,
    env: machineInput().env,
    verbs,
    out: (text) => void Deno.stdout.writeSync(encoder.encode(text)),
    err: (text) => void Deno.stderr.writeSync(encoder.encode(text)),
    isTerminal: { out: Deno.stdout.isTerminal(), err: Deno.stderr.isTerminal() },
  });
  Deno.exit(code);
}
