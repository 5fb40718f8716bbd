/**
 * Figures, their goals, and how they are shown.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { countStolen, toWords } from "../../support/machine_time.ts";

/** One figure. */
export interface Figure {
  name: string;
  unit: string;
  product: number;
  /** The same of the frozen baseline, in the same run. */
  baseline?: number;
  /** What is wanted: a bound of the ratio where there is one, of the figure otherwise. */
  goal?: { most?: number; least?: number; of: "ratio" | "figure" };
}

/** Measures one walk. */
export type Walk = (options: WalkOptions) => Promise<Figure[]>;

/** How much is measured. */
export interface WalkOptions {
  /** Rounds of each side. */
  rounds: number;
  /** Says what goes on. */
  note(text: string): void;
}

/** The middle of `values`. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

/** The product's part of the baseline. */
export function ratioOf({ product, baseline }: Figure): number | undefined {
  return baseline === undefined || baseline === 0 ? undefined : product / baseline;
}

/** Whether the goal is met; undefined where there is none. */
export function isMet(figure: Figure): boolean | undefined {
  const { goal, product } = figure;
  if (!goal) return undefined;
  const value = goal.of === "ratio" ? ratioOf(figure) ?? NaN : product;
  return value <= (goal.most ?? Infinity) && value >= (goal.least ?? -Infinity);
}

function round(value: number | undefined): string {
  if (value === undefined) return "";
  return Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function toCells(figure: Figure): string[] {
  const { name, unit, product, baseline, goal } = figure;
  const ratio = ratioOf(figure);
  const sign = goal?.of === "ratio" ? " x" : ` ${unit}`;
  const wanted = !goal ? "" : goal.most !== undefined ? `<= ${goal.most}${sign}` : `>= ${goal.least}${sign}`;
  const met = isMet(figure);
  return [
    name,
    `${round(product)} ${unit}`,
    baseline === undefined ? "" : `${round(baseline)} ${unit}`,
    ratio === undefined ? "" : ratio.toFixed(2),
    wanted,
    met === undefined ? "" : met ? "met" : "missed",
  ];
}

/** `figures` as a table for people. */
export function toTable(figures: readonly Figure[]): string {
  const rows = [["figure", "product", "baseline", "ratio", "goal", ""], ...figures.map(toCells)];
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  const lines = rows.map((row) =>
    row.map((cell, i) => i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)).join("  ").trimEnd()
  );
  lines.splice(1, 0, widths.map((width) => "-".repeat(width)).join("  "));
  return `${lines.join("\n")}\n`;
}

/** Runs `walks`, or those that `--only` names, and shows what they give: a table, or with `--json` a document. */
export async function runWalks(walks: Readonly<Record<string, Walk>>): Promise<void> {
  const { values } = parseArgs({
    args: Deno.args,
    options: { json: { type: "boolean" }, only: { type: "string" }, rounds: { type: "string", default: "5" } },
  });
  const names = Object.keys(walks).filter((name) => values.only === undefined || values.only.split(",").includes(name));
  if (names.length === 0) throw new Error(`Cannot find "${values.only}": there are ${Object.keys(walks).join(", ")}`);
  const encoder = new TextEncoder();
  const note = (text: string) => void Deno.stderr.writeSync(encoder.encode(`${text}\n`));
  const figures: Figure[] = [];
  for (const name of names) {
    note(`${name} …`);
    const stolen = await countStolen();
    figures.push(...await walks[name]!({ rounds: Number(values.rounds), note }));
    note(`  meanwhile the machine ${toWords(await stolen())}`);
  }
  const document = figures.map((figure) => ({ ...figure, ratio: ratioOf(figure), met: isMet(figure) }));
  const text = values.json ? `${JSON.stringify(document, null, 2)}\n` : toTable(figures);
  Deno.stdout.writeSync(encoder.encode(text));
}
