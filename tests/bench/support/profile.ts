/**
 * Whose code a process spent its time in, by the profiler of its runtime.
 *
 * @module
 */

interface CpuProfile {
  nodes: { id: number; callFrame: { url: string; functionName: string } }[];
  samples: number[];
  timeDeltas: number[];
}

/** Flags for a process that writes its profile into `folder` when it ends. */
export function profileFlags(folder: string): string[] {
  return ["--cpu-prof", `--cpu-prof-dir=${folder}`];
}

/** The part of the busy time that was spent in functions of `src`, by the profile in `folder`. */
export async function shareOfOurs(folder: string): Promise<number> {
  const files = [...Deno.readDirSync(folder)].filter(({ name }) => name.endsWith(".cpuprofile"));
  if (files.length !== 1) throw new Error(`Cannot read the profile in "${folder}": there are ${files.length}`);
  const profile: CpuProfile = JSON.parse(await Deno.readTextFile(`${folder}/${files[0]!.name}`));
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  let [ours, busy] = [0, 0];
  for (const [i, id] of profile.samples.entries()) {
    const { url, functionName } = frames.get(id)!;
    if (functionName === "(idle)") continue;
    const time = profile.timeDeltas[i]!;
    busy += time;
    if (/^file:.*\/src\//.test(url)) ours += time;
  }
  return ours / busy;
}
