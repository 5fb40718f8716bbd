/**
 * What a Dockerfile says, as far as this project's goes.
 *
 * @module
 */

/** A line of a Dockerfile, with what continues it. */
export interface Instruction {
  name: string;
  value: string;
}

/** Reads the stages of a Dockerfile, each from its FROM on. */
export function readStages(text: string): Instruction[][] {
  const stages: Instruction[][] = [];
  const lines = text.replaceAll(/^\s*#.*\n/gm, "").replaceAll(/\\\n\s*/g, "").split("\n");
  for (const line of lines.filter((line) => line.trim() !== "")) {
    const [, name, value] = /^(\w+)\s+(.*)$/.exec(line)!;
    if (name === "FROM") stages.push([]);
    stages.at(-1)!.push({ name: name!, value: value! });
  }
  return stages;
}

/** What a stage says by the instruction `name`, in its order. */
export function valuesOf(stage: readonly Instruction[], name: string): string[] {
  return stage.filter((one) => one.name === name).map(({ value }) => value);
}

/** The command that an instruction holds in the form of a list. */
export function commandOf(stage: readonly Instruction[], name: string): string[] {
  return JSON.parse(/\[.*\]$/.exec(valuesOf(stage, name).at(-1)!)![0]);
}
