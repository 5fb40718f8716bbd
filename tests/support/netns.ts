/**
 * Network namespaces: other machines on this one, with cables between them and rules of who may speak to whom. A thread
 * of ours can stand in one, so that a whole server does; programs are started in one by a script. They are gone with the
 * process that made them, however it ends.
 *
 * @module
 */
import { DEVICES, startBrowser, type TestBrowser } from "./browser.ts";

const CLONE_NEWNET = 0x40000000;
const O_RDONLY = 0;

/** The functions of the system that are needed. */
function openLibc() {
  const library = Deno.dlopen("libc.so.6", {
    open: { parameters: ["buffer", "i32"], result: "i32" },
    close: { parameters: ["i32"], result: "i32" },
    setns: { parameters: ["i32", "i32"], result: "i32" },
  });
  return Object.assign(library, { [Symbol.dispose]: () => library.close() });
}

/** Puts this thread, and what it opens and starts from now on, into the namespace behind `path`, until disposed. */
function stand(path: string): Disposable {
  using stack = new DisposableStack();
  const { symbols: { open, close, setns } } = stack.use(openLibc());
  const openFile = (name: string) => {
    const file = open(new TextEncoder().encode(`${name}\0`), O_RDONLY);
    if (file < 0) throw new Error(`Cannot open "${name}"`);
    stack.defer(() => void close(file));
    return file;
  };
  const before = openFile("/proc/thread-self/ns/net");
  const enter = (file: number, name: string) => {
    if (setns(file, CLONE_NEWNET) !== 0) throw new Error(`Cannot enter the network namespace "${name}"`);
  };
  enter(openFile(path), path);
  stack.defer(() => enter(before, "before"));
  return stack.move();
}

/** Runs a program to its end; its input is `input`. */
async function run([program = "", ...args]: readonly string[], input = ""): Promise<string> {
  const child = new Deno.Command(program, { args, stdin: "piped", stdout: "piped", stderr: "piped" }).spawn();
  const writer = child.stdin.getWriter();
  const written = writer.write(new TextEncoder().encode(input)).then(() => writer.close()).catch(() => {});
  const { success, stdout, stderr } = await child.output();
  await written;
  const decoder = new TextDecoder();
  if (!success) throw new Error(`Cannot run "${[program, ...args].join(" ")}": ${decoder.decode(stderr).trim()}`);
  return decoder.decode(stdout);
}

/** What keeps tests of networks from running here, if anything. Where every part must be installed, it is an error. */
function hindrance(): string | undefined {
  if (Deno.build.os !== "linux") return "network namespaces are Linux's";
  if (Deno.uid() !== 0) return "network namespaces are root's";
  for (const program of ["ip", "nft", "nsenter", "unshare"]) {
    const { success } = new Deno.Command("which", { args: [program], stdout: "null", stderr: "null" }).outputSync();
    if (!success) return `"${program}" is not installed`;
  }
  const { success, stderr } = new Deno.Command("unshare", { args: ["--net", "true"], stderr: "piped" }).outputSync();
  return success ? undefined : new TextDecoder().decode(stderr).trim();
}

const HINDRANCE = hindrance();
if (HINDRANCE !== undefined) {
  if (Deno.env.get("CI") === "true") throw new Error(`Networks must be made here: ${HINDRANCE}`);
  Deno.stderr.writeSync(new TextEncoder().encode(`Skipped: ${HINDRANCE}\n`));
}

/** Whether networks can be made here. */
export const HAS_NETWORKS: boolean = HINDRANCE === undefined;

/** A machine of its own, as far as the network goes. */
export class Machine implements AsyncDisposable {
  readonly #holder: Deno.ChildProcess;
  readonly #dir: string;

  private constructor(holder: Deno.ChildProcess, dir: string) {
    this.#holder = holder;
    this.#dir = dir;
  }

  /** Makes one without a network. */
  static async start(): Promise<Machine> {
    await using stack = new AsyncDisposableStack();
    const holder = new Deno.Command("unshare", {
      // It lasts as long as its input, which is ours.
      args: ["--net", "sh", "-c", "ip link set lo up && echo && exec cat"],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const machine = stack.use(new Machine(holder, await Deno.makeTempDir({ prefix: "muxi-machine-" })));
    const reader = holder.stdout.getReader();
    const { done } = await reader.read();
    reader.releaseLock();
    if (done) throw new Error("Cannot make a network namespace");
    // What the system says of its own accord would be counted among what the tests send.
    await machine.run(["sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6"]);
    stack.move();
    return machine;
  }

  /** The process that holds it. */
  get pid(): number {
    return this.#holder.pid;
  }

  /** Its namespace. */
  get path(): string {
    return `/proc/${this.pid}/ns/net`;
  }

  /** Runs a program on it, to its end. */
  run(command: readonly string[], input?: string): Promise<string> {
    return run(["nsenter", `--net=${this.path}`, ...command], input);
  }

  /** Runs `ip` on it. */
  ip(line: string): Promise<string> {
    return this.run(["ip", ...line.split(" ")]);
  }

  /** Puts rules into force, in nft's words, in place of those before. */
  async rules(table: string): Promise<void> {
    await this.run(["nft", "-f", "-"], `flush ruleset\ntable ip tests {\n${table}\n}\n`);
  }

  /** How many packets the rules' counter `name` has seen. */
  async counted(name: string): Promise<number> {
    const text = await this.run(["nft", "list", "counter", "ip", "tests", name]);
    return Number(/packets (\d+)/.exec(text)![1]);
  }

  /** Passes on packets that aren't its own. */
  async route(): Promise<void> {
    await this.run(["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]);
  }

  /** Opens something on it at once, such as a socket. */
  within<T>(open: () => T): T {
    using _ = this.enter();
    return open();
  }

  /** Lets this whole thread stand on it, until disposed. */
  enter(): Disposable {
    return stand(this.path);
  }

  /** The path of a script that is `program`, started on it. */
  async script(program: string): Promise<string> {
    const path = `${this.#dir}/${program.split("/").at(-1)}`;
    await Deno.writeTextFile(path, `#!/bin/sh\nexec nsenter --net=${this.path} ${program} "$@"\n`, { mode: 0o755 });
    return path;
  }

  /** A browser on it, which may also ask `hosts`, and gives `trusted` addresses its microphone. */
  async browser(
    executablePath: string,
    { hosts = [], trusted = [] }: { hosts?: readonly string[]; trusted?: readonly string[] } = {},
  ): Promise<TestBrowser> {
    const known = ["127.0.0.1", "localhost", ...hosts].map((host) => `EXCLUDE ${host}`).join(", ");
    const flags = [
      ...DEVICES,
      `--host-resolver-rules=MAP * ~NOTFOUND, ${known}`,
      `--unsafely-treat-insecure-origin-as-secure=${trusted.join(",")}`,
    ];
    return await startBrowser(await this.script(executablePath), { flags });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#holder.stdin.close();
    await this.#holder.stdout.cancel();
    await this.#holder.status;
    await Deno.remove(this.#dir, { recursive: true });
  }
}

/** One end of a cable. */
export interface End {
  machine: Machine;
  /** What the end is called there. */
  name: string;
  /** Such as `192.0.2.1/24`. */
  address: string;
}

/** Lays a cable. */
export async function connect(a: End, b: End): Promise<void> {
  await a.machine.ip(`link add ${a.name} type veth peer name ${b.name} netns ${b.machine.pid}`);
  for (const { machine, name, address } of [a, b]) {
    await machine.ip(`addr add ${address} dev ${name}`);
    await machine.ip(`link set ${name} up`);
  }
}
