/**
 * Code of the documentation, run as a reader would: copied to a file, in a folder of its own.
 *
 * @module
 */

/** How code in each language is run. */
const PROGRAMS: Record<string, { file: string; command: (file: string) => [string, ...string[]] }> = {
  curl: { file: "sample.sh", command: (file) => ["sh", "-eu", file] },
  Python: { file: "sample.py", command: (file) => ["python3", file] },
  TypeScript: { file: "sample.mts", command: (file) => [Deno.execPath(), "run", "-A", "--no-config", "--quiet", file] },
};

/** The languages. */
export const LANGUAGES = Object.keys(PROGRAMS);

/** What a program said. */
export interface Said {
  code: number;
  out: string;
  err: string;
}

/** Runs `source`, with `notes.txt` beside it, and gives what it said and left in that file. */
export async function runSample(
  label: string,
  source: string,
  env: Record<string, string>,
): Promise<Said & { notes: string }> {
  const { file, command } = PROGRAMS[label]!;
  const folder = await Deno.makeTempDir({ prefix: "muxi-sample-" });
  try {
    await Deno.writeTextFile(`${folder}/${file}`, source);
    await Deno.writeTextFile(`${folder}/notes.txt`, "What I noted");
    const [program, ...args] = command(file);
    const { code, stdout, stderr } = await new Deno.Command(program, { args, cwd: folder, env, stdin: "null" })
      .output();
    const decoder = new TextDecoder();
    const notes = await Deno.readTextFile(`${folder}/notes.txt`);
    return { code, out: decoder.decode(stdout), err: decoder.decode(stderr), notes };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
