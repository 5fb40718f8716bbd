/**
 * Programs in JavaScript: Deno runs them, asks the broker for everything they
 * want, and where the machine has it, a box is around both.
 *
 * @module
 */
import { dirname, isAbsolute } from "node:path";
import type { Clock } from "../../kit/clock.ts";
import { McpFailure } from "../../domain/mcp_server.ts";
import type { NamedPolicy, SandboxProfile } from "../../domain/policy.ts";
import type { Process, Program, SandboxReport, StartOptions } from "../../ports/sandbox.ts";
import { isShared } from "./advice.ts";
import { Asker } from "./asker.ts";
import type { Broker, BrokerListener } from "./broker.ts";
import { ceilingKeepers, limitArgs } from "./ceilings_limits.ts";
import type { Script } from "./command_line.ts";
import { confine, type Confined } from "./confine.ts";
import { measureAll, type Measured } from "./disk_watch.ts";
import type { Grants } from "./grants.ts";
import { RELAY } from "./launcher.ts";
import { toLearningBox } from "./learning_box.ts";
import { runConfined } from "./native_process.ts";
import type { OsAbilities } from "./os_abilities.ts";
import { makeOwnFolder } from "./own_folder.ts";
import type { Packages } from "./packages.ts";
import { bindsOf, fillRunFolder, type Places, placesOf, prepare, type Prepared, socketIn } from "./prepare.ts";
import { realPathOf } from "./real_path.ts";
import { readRegistry, type Registry } from "./registry.ts";
import type { Rules } from "./rules.ts";

/** What programs in JavaScript need of the world. */
export interface JavascriptDeps {
  deno: string;
  /** Folders and files that no program ever sees. */
  hidden: readonly string[];
  /** Those of them that were there before and are not now. */
  gone: readonly string[];
  /** The server's own environment: what a policy hands on. */
  env: Readonly<Record<string, string>>;
  abilities: OsAbilities;
  broker: Broker;
  packages: Packages;
  grants: Grants;
  clock: Clock;
}

/** Options for {@linkcode startJavascript}. */
export interface JavascriptOptions extends StartOptions {
  /** Whether all is allowed that isn't MUXI's own or another's, to see what it needs. */
  learning?: boolean;
}

const FLAGS = ["--quiet", "--no-prompt", "--no-config", "--no-lock", "--no-remote", "--cached-only", "--deny-import"];
/** What Deno says by itself when it has a broker. */
const NOISE = /^.*Permission broker is an experimental feature.*\n?/m;
/** The longest path of a socket that every system takes. */
const MAX_SOCKET_PATH = 100;

/** Starts `script`, which is what `program` runs. Rejects with `McpFailure`. */
export async function startJavascript(
  { program, script }: { program: Program; script: Script },
  options: JavascriptOptions,
  deps: JavascriptDeps,
): Promise<Process> {
  const { policy, signal, learning = false } = options;
  const boxed = deps.abilities.bubblewrap !== undefined;
  const profile = deps.grants.addTo(policy, program.name);
  await using stack = new AsyncDisposableStack();
  const run = await Deno.realPath(await makeOwnFolder("js"));
  stack.defer(() => Deno.remove(run, { recursive: true }));
  const places = placesOf(run, { deno: deps.deno, boxed });
  const cwd = await folderOf(program, places);
  const rules = toRules({ program, profile, cwd, places }, { policy, boxed, learning, hidden: deps.hidden });
  // The Worker starts while packages are looked for.
  using _ready = deps.broker.hold();
  const readable = [...rules.read, ...rules.write];
  const registry = await readRegistry(deps.env);
  const { hidden } = rules;
  const prepared = await prepare({ program, script }, {
    ...deps,
    policy: policy.id,
    readable,
    hidden,
    cwd,
    registry,
    signal,
  });
  stack.defer(() => deps.packages.touch(prepared.packages));
  await fillRunFolder(run, { places, prepared, registry, boxed });

  const wide = learning && boxed
    ? await toLearningBox(program, { profile, run, cwd, writable: rules.write, hidden: rules.hidden })
    : { profile, copies: [] };

  const asker = new Asker({ ask: options.ask, clock: deps.clock });
  const { promise: running, resolve: setRunning } = Promise.withResolvers<Process>();
  const end = () => void running.then((process) => process.kill());
  const socket = socketIn(run);
  if (socket.length > MAX_SOCKET_PATH) throw refuse(program, `the path "${socket}" is too long for a socket`);
  const watched = stack.use(
    await deps.broker.watch(
      { socket, rules: { ...rules, ...ownOf(rules, prepared), named: wide.copies.map(({ path, at = path }) => at) } },
      listen({ program, boxed, asker, end }, options, deps),
    ),
  );
  const inner = {
    command: places.deno,
    args: ["run", ...FLAGS, "--preload", places.lockdown, ...prepared.flags, prepared.entry, ...script.args],
    env: environmentOf(program, { places, profile, registry, env: deps.env }),
    cwd,
  };
  const own = await bindsOf(run, { places, prepared, registry, deno: deps.deno });
  const confined = boxed
    ? await confine({
      ...inner,
      name: program.name,
      policy: policy.id,
      shared: isShared(policy, program.name),
      watchable: true,
      profile: wide.profile,
      net: profile.net,
      open: learning,
      scratch: [places.packages],
      copies: wide.copies,
      binds: own,
      ask: (question, until) => asker.ask(question, until),
      ...options.onDenied && { onDenied: options.onDenied },
    }, deps)
    : withLimits(inner, {
      profile,
      abilities: deps.abilities,
      disk: [{ path: run, bytes: 0, largest: 0, entries: 0 }, ...await measureAll(rules.write)],
    });
  stack.defer(() => confined.dispose());
  signal.throwIfAborted();
  const report: SandboxReport = {
    tier: boxed ? "full" : "broker",
    policy: policy.id,
    ceilings: ceilingKeepers(deps.abilities),
    decisions: () => watched.decisions(),
    watchable: true,
  };
  const process = await runConfined(confined, {
    name: program.name,
    report,
    profile,
    boxed,
    signal,
    clock: deps.clock,
  });
  setRunning(process);
  watched.started(process.pid);
  return owning(process, stack.move());
}

function refuse({ name }: Program, why: string): McpFailure {
  return new McpFailure("sandbox", `Cannot start "${name}" in the sandbox: ${why}`, { sent: false });
}

/** Where it starts. Without a folder of its own that is the one for temporary files. */
async function folderOf(program: Program, { temp }: Places): Promise<string> {
  if (program.cwd === undefined) return temp;
  return await Deno.realPath(program.cwd).catch(() => {
    throw refuse(program, `its folder "${program.cwd}" does not exist`);
  });
}

function toRules(
  { program, profile, cwd, places }: { program: Program; profile: SandboxProfile; cwd: string; places: Places },
  { policy, boxed, learning, hidden }: {
    policy: NamedPolicy;
    boxed: boolean;
    learning: boolean;
    hidden: readonly string[];
  },
): Rules {
  const real = (paths: readonly string[]) => paths.flatMap((path) => realPathOf(path, { cwd, root: "" }) ?? []);
  const relative = [...profile.read, ...profile.write].find((path) => !isAbsolute(path));
  if (program.cwd === undefined && relative !== undefined) {
    throw refuse(program, `the policy "${policy.id}" names "${relative}", and the server has no folder: set its cwd`);
  }
  return {
    server: program.name,
    policy: policy.id,
    shared: isShared(policy, program.name),
    boxed,
    read: real(profile.read),
    write: real(profile.write),
    own_read: [places.packages, places.lockdown],
    own_write: [places.temp],
    packages: [places.packages],
    own_folders: [],
    named: [],
    hidden: real(hidden),
    net: profile.net,
    relays: boxed ? [RELAY] : [],
    sys: profile.sys,
    run: profile.run.length > 0,
    ffi: profile.ffi,
    ask: profile.ask,
    learning,
    cwd,
    fold_case: Deno.build.os === "darwin",
  };
}

/** What belongs to it once it is known what it is made of. */
function ownOf(
  { own_read, packages: seen }: Rules,
  { packages, files }: Prepared,
): Pick<Rules, "own_read" | "packages" | "own_folders"> {
  return {
    own_read: [...own_read, packages, ...files],
    packages: [...seen, packages],
    own_folders: [...new Set(files.map((file) => dirname(file)))],
  };
}

function environmentOf(
  program: Program,
  { places, profile, registry, env }: Pick<JavascriptDeps, "env"> & {
    places: Places;
    profile: SandboxProfile;
    registry: Registry;
  },
): Record<string, string> {
  const given = profile.env.flatMap((name) => env[name] === undefined ? [] : [[name, env[name]]]);
  return {
    PATH: "/usr/bin:/bin",
    ...registry.program,
    ...Object.fromEntries(given),
    ...program.env,
    HOME: places.temp,
    TMPDIR: places.temp,
    DENO_DIR: places.packages,
    DENO_NO_UPDATE_CHECK: "1",
    DENO_PERMISSION_BROKER_PATH: places.socket,
    NO_COLOR: "1",
  };
}

function withLimits(
  inner: Pick<Confined, "command" | "args" | "env" | "cwd">,
  { profile, abilities, disk }: { profile: SandboxProfile; abilities: OsAbilities; disk: readonly Measured[] },
): Confined {
  const [command, ...args] = [...limitArgs(abilities, { profile, disk }), inner.command, ...inner.args];
  return {
    ...inner,
    command: command!,
    args,
    disk,
    scratch: [],
    overhead: { processes: 0, memory_mb: 0 },
    dispose: async () => {},
  };
}

interface Listening {
  program: Program;
  boxed: boolean;
  asker: Asker;
  /** Ends the program. */
  end(): void;
}

function listen(
  { program, boxed, asker, end }: Listening,
  { onDenied, onGranted }: StartOptions,
  { grants }: JavascriptDeps,
): BrokerListener {
  return {
    denied: (words) => onDenied?.(words),
    lost(words) {
      onDenied?.(words);
      end();
    },
    async ask(question, until) {
      if (!await asker.ask(question, until)) {
        return { allow: false, words: `Nobody allowed the server "${program.name}" to ${question.words}` };
      }
      if (!boxed || question.permission === "net") return { allow: true };
      // The walls of a box stay where they are while somebody is inside.
      grants.add(program.name, question);
      onGranted?.();
      return {
        allow: false,
        words: `The server "${program.name}" may ${question.words} from its next start on, which follows: try again`,
      };
    },
  };
}

/** `process`, which is gone only when everything that was made for it is gone, too. */
function owning(process: Process, stack: AsyncDisposableStack): Process {
  const exited = process.exited.finally(() => stack.disposeAsync());
  return {
    pid: process.pid,
    stdin: process.stdin,
    stdout: process.stdout,
    report: process.report,
    errors: () => process.errors().replace(NOISE, ""),
    exited,
    kill: () => process.kill().then(() => exited),
  };
}
