/**
 * What the tests left on this machine (Linux): `note FILE` writes down what is there before them, `compare FILE` names
 * what is there since, and ends with 1 when that is something. What is about to end has 15 seconds, or as many as come next.
 *
 * @module
 */

/** Where everybody's temporary things are. Only what begins like ours is ours there. */
const SHARED = ["/tmp", "/var/tmp", "/dev/shm"];
const OURS = /^muxi-/;
/** What there is, as it is compared, with the words for it. */
export type Inventory = ReadonlyMap<string, string>;

/** Temporary files and folders, and processes whose parent has ended. */
export async function takeInventory(): Promise<Inventory> {
  return new Map([...await temporaryThings(), ...await orphans()]);
}

/** The words for what is in `now` and not in `before`. */
export function whatIsNew(now: Inventory, before: { has(key: string): boolean }): string[] {
  return [...now].flatMap(([key, words]) => before.has(key) ? [] : [words]);
}

/** A folder of temporary things that is the tests' alone (`TMPDIR`) is to be empty, however they are named. */
async function temporaryThings(): Promise<[string, string][]> {
  const own = Deno.env.get("TMPDIR")?.replace(/\/$/, "") ?? "/tmp";
  const found: [string, string][] = [];
  for (const folder of new Set([...SHARED, own])) {
    const entries = await Array.fromAsync(Deno.readDir(folder)).catch((error) => {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    });
    for (const { name } of entries) {
      const path = `${folder}/${name}`;
      if (path !== own && (OURS.test(name) || !SHARED.includes(folder))) found.push([path, path]);
    }
  }
  return found;
}

/** A process by the kernel's account. */
interface Process {
  pid: number;
  parent: number;
  state: string;
  started: string;
}

async function read(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch {
    // It has ended meanwhile, or is another's.
  }
}

async function processOf(pid: number): Promise<Process | undefined> {
  const stat = await read(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The name in parentheses may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { pid, state: fields[0]!, parent: Number(fields[1]), started: fields[19]! };
}

/** Who gets the processes whose parent ended: the machine's first, or who stands in for it. */
async function adopter(): Promise<number> {
  const child = await new Deno.Command("sh", { args: ["-c", "sleep 60 >&- 2>&- & echo $!"] }).output();
  const pid = Number(new TextDecoder().decode(child.stdout));
  const orphan = await processOf(pid);
  if (orphan === undefined) throw new Error("Cannot see who adopts processes: the one that was started has ended");
  Deno.kill(pid, "SIGKILL");
  return orphan.parent;
}

/** What the adopter has of our own part of the machine. The services of others are in a part of theirs. */
async function orphans(): Promise<[string, string][]> {
  const [by, part] = [await adopter(), await read("/proc/self/cgroup")];
  const found: [string, string][] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    const one = /^\d+$/.test(name) ? await processOf(Number(name)) : undefined;
    if (one?.parent !== by || one.state === "Z" || await read(`/proc/${one.pid}/cgroup`) !== part) continue;
    const command = (await read(`/proc/${one.pid}/cmdline`))?.replaceAll("\0", " ").trim();
    if (command) found.push([`${one.pid} ${one.started}`, `process ${one.pid}: ${command}`]);
  }
  return found;
}

async function compare(file: string, patience_ms: number): Promise<string[]> {
  const before = new Set<string>(JSON.parse(await Deno.readTextFile(file)));
  const until = Date.now() + patience_ms;
  for (;;) {
    const left = whatIsNew(await takeInventory(), before);
    if (left.length === 0 || Date.now() > until) return left;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

if (import.meta.main) {
  const [verb, file, seconds = "15"] = Deno.args;
  if (file === undefined) throw new Error(`Cannot ${verb ?? "do anything"}: expected note FILE or compare FILE`);
  if (verb === "note") await Deno.writeTextFile(file, JSON.stringify([...(await takeInventory()).keys()]));
  else {
    const left = await compare(file, Number(seconds) * 1000);
    const text = left.length === 0
      ? "Nothing is left\n"
      : `The tests left:\n${left.map((one) => `  ${one}\n`).join("")}`;
    await Deno.stdout.write(new TextEncoder().encode(text));
    if (left.length > 0) Deno.exit(1);
  }
}
