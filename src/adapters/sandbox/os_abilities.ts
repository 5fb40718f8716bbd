/**
 * What the operating system can hold programs with.
 *
 * @module
 */
import { keepDescriptors } from "./native_descriptors.ts";
import { baseArgs, type Bubblewrap, namespaceArgs, SEALED } from "./bubblewrap.ts";

/** What this machine can enforce on any program. */
export interface OsAbilities {
  bubblewrap?: Bubblewrap;
  /** The path of the program that sets limits. */
  prlimit?: string;
  /** The path of the program that lets others go first. */
  nice?: string;
  /** What is missing, and what to do about it. */
  notes: string[];
}

/** Where programs of the system are. The search path isn't asked: what holds others must not be chosen by it. */
const PLACES = ["/usr/bin", "/bin", "/usr/local/bin", "/run/current-system/sw/bin"];
const PROBE_MS = 5000;

async function find(name: string): Promise<string | undefined> {
  for (const place of PLACES) {
    const path = `${place}/${name}`;
    if ((await Deno.stat(path).catch(() => undefined))?.isFile) return path;
  }
}

/** Runs `true` in a box as all others will be; resolves with what bubblewrap says against it. */
async function tryOut(bubblewrap: Bubblewrap): Promise<string | undefined> {
  const args = [...namespaceArgs(bubblewrap), ...await baseArgs({ disk_mb: 1, root: false }), ...SEALED, "--", "true"];
  const { success, stderr } = await new Deno.Command(bubblewrap.path, {
    args,
    clearEnv: true,
    env: { PATH: "/usr/bin:/bin" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    signal: AbortSignal.timeout(PROBE_MS),
  }).output();
  if (success) return;
  return new TextDecoder().decode(stderr).trim().replace(/^bwrap: /, "").slice(0, 300) || "it ended without a word";
}

/** Finds out, by trying. From then on, what this process inherited open reaches no program. */
export async function osAbilities(): Promise<OsAbilities> {
  if (Deno.build.os !== "linux") {
    return { notes: [`Programs can't be confined by ${Deno.build.os}: only Linux has what it takes`] };
  }
  const notes: string[] = [];
  if (!keepDescriptors()) {
    notes.push(
      "Files that MUXI was given open by its starter reach programs: start it without, or on Linux 5.11 and later",
    );
  }
  const prlimit = await find("prlimit");
  if (prlimit === undefined) {
    notes.push("No prlimit: memory is bounded by looking ten times a second only. Install util-linux");
  }
  const nice = await find("nice");
  const limits = { ...prlimit !== undefined && { prlimit }, ...nice !== undefined && { nice } };
  const path = await find("bwrap");
  if (path === undefined) return { ...limits, notes: [...notes, "No bubblewrap: install it (Debian: bubblewrap)"] };
  const full = { path, disablesUserns: true };
  if (await tryOut(full) === undefined) return { bubblewrap: full, ...limits, notes };
  const plain = { path, disablesUserns: false };
  const said = await tryOut(plain);
  if (said === undefined) return { bubblewrap: plain, ...limits, notes };
  notes.push(
    `bubblewrap may not work here (${said}): allow user namespaces, and in a container an unmasked /proc`,
  );
  return { ...limits, notes };
}
