/**
 * Programs that are not JavaScript: only bubblewrap can hold them.
 *
 * @module
 */
import { dirname, isAbsolute } from "node:path";
import { McpFailure } from "../../domain/mcp_server.ts";
import { isTrusted } from "../../domain/policy.ts";
import type { Process, Program, SandboxReport, StartOptions } from "../../ports/sandbox.ts";
import { isShared } from "./advice.ts";
import { ceilingKeepers } from "./ceilings_limits.ts";
import { confine, type Confined, type ConfineDeps } from "./confine.ts";
import { runConfined } from "./native_process.ts";
import { findProgram, missingWhere } from "./native_program.ts";
import { Tally } from "./tally.ts";

/** What {@linkcode startNative} needs of the world. */
export interface NativeDeps extends ConfineDeps {
  /** The server's own environment: the search path, and what a policy hands on. */
  env: Readonly<Record<string, string>>;
}

/** In the box nothing else is there by itself. */
const SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin";
const MAX_DECISIONS = 500;

/** Starts `program` in a box; without one where its policy trusts it like MUXI itself. */
export async function startNative(program: Program, options: StartOptions, deps: NativeDeps): Promise<Process> {
  const { name, command, args } = program;
  const { policy, signal, ask, onDenied } = options;
  const { sandbox: profile } = policy;
  const relative = [...profile.write, ...profile.read].find((path) => !isAbsolute(path));
  if (relative !== undefined && program.cwd === undefined) {
    const words = `Cannot start "${name}": the policy "${policy.id}" names "${relative}", which is relative, ` +
      "and the server has no folder of its own: set its cwd, or write the whole path";
    throw new McpFailure("sandbox", words, { sent: false });
  }
  const cwd = program.cwd ?? "/tmp";
  const given = Object.fromEntries(
    profile.env.flatMap((key) => deps.env[key] === undefined ? [] : [[key, deps.env[key]]]),
  );
  const path = program.env.PATH ?? deps.env.PATH ?? SYSTEM_PATH;
  const found = await findProgram(command, { cwd, path });
  if (found === undefined) {
    const words = `Cannot start "${name}": there is no program "${command}" ${missingWhere(command, program.cwd)}`;
    throw new McpFailure("sandbox", words, { sent: false });
  }
  const env = { LANG: "C.UTF-8", PATH: `${dirname(found.path)}:${SYSTEM_PATH}`, ...given, ...program.env };
  const tally = new Tally(MAX_DECISIONS);
  const boxed = !isTrusted(policy, name);
  const line = { command: found.path, args, env, cwd };
  const confined = boxed
    ? await confine({
      ...line,
      name,
      policy: policy.id,
      shared: isShared(policy, name),
      watchable: false,
      profile,
      net: profile.net,
      binds: found.binds,
      onDecision: (decision) => tally.count({ permission: "net", ...decision }),
      ...ask && { ask },
      ...onDenied && { onDenied },
    }, deps)
    : unconfined(line);
  const report: SandboxReport = {
    tier: boxed ? "full" : "none",
    policy: policy.id,
    ceilings: boxed ? ceilingKeepers(deps.abilities) : ["watching"],
    decisions: () => tally.list(),
    watchable: false,
  };
  return await runConfined(confined, { name, report, profile, boxed, signal, clock: deps.clock });
}

/** A command line as it is. Of our own environment it gets no more than any other: our keys are in there. */
function unconfined(line: Pick<Confined, "command" | "env" | "cwd"> & { args: readonly string[] }): Confined {
  return {
    ...line,
    args: [...line.args],
    disk: [],
    scratch: [],
    overhead: { processes: 0, memory_mb: 0 },
    dispose: () => Promise.resolve(),
  };
}
