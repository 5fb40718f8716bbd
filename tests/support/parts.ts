/**
 * Parts that a machine may lack.
 *
 * @module
 */

/** Whether `program` is here. Where every part must be installed, its absence is an error. */
export function hasProgram(program: string): boolean {
  try {
    new Deno.Command(program, { args: ["-v"], stdout: "null", stderr: "null", stdin: "null" }).outputSync();
    return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    if (Deno.env.get("CI") === "true") throw new Error(`"${program}" must be installed here`, { cause: error });
    Deno.stderr.writeSync(new TextEncoder().encode(`Skipped: "${program}" is not installed\n`));
    return false;
  }
}
