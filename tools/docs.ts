/**
 * Writes the operation map into `README.md`; with `--check` only says whether it is the one that belongs there.
 *
 * @module
 */
import { documentOf } from "../src/app/documents.ts";
import { operations } from "../src/operations/mod.ts";
import { byTag, type OpenApi } from "../src/transports/docs/document.ts";

const BEGIN = "<!-- operations -->";
const END = "<!-- /operations -->";
const HEAD = ["Operation", "Method and path", "Access", "Command", "What it does"];

/** `readme` with the map of `document` between its marks. */
export function withMap(readme: string, document: OpenApi): string {
  const from = readme.indexOf(BEGIN);
  const to = readme.indexOf(END);
  if (from < 0 || to < from) throw new Error(`Cannot write the operation map: expected ${BEGIN} and ${END}`);
  return `${readme.slice(0, from + BEGIN.length)}\n\n${toMap(document)}\n\n${readme.slice(to)}`;
}

/** The operations as one table, a row for the name of each group. */
export function toMap(document: OpenApi): string {
  const rows = byTag(document).flatMap(({ name, operations }) => [
    [`**${name}**`, "", "", "", ""],
    ...operations.map(({ method, path, op }) => [
      `\`${op.operationId}\``,
      `\`${method} ${path}\``,
      [op["x-access"], ...op["x-stream"] ? ["events"] : [], ...op["x-tool"] ? ["tool"] : []].join(", "),
      op["x-command"] === undefined ? "" : `\`${op["x-command"]}\``,
      op.summary,
    ]),
  ]);
  // A column that says nothing is left out.
  const kept = HEAD.map((_, i) => rows.some((row) => row[i] !== ""));
  const table = [HEAD, ...rows].map((row) => row.filter((_, i) => kept[i]));
  const widths = table[0]!.map((_, i) => Math.max(...table.map((row) => row[i]!.length)));
  const line = (cells: string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`;
  const [head, ...body] = table;
  return [line(head!), line(widths.map((width) => "-".repeat(width))), ...body.map(line)].join("\n");
}

if (import.meta.main) {
  const file = new URL("../README.md", import.meta.url);
  const readme = await Deno.readTextFile(file);
  const wanted = withMap(readme, documentOf(operations.values(), { base_path: "" }));
  if (!Deno.args.includes("--check")) await Deno.writeTextFile(file, wanted);
  else if (readme !== wanted) {
    await Deno.stderr.write(new TextEncoder().encode("README.md has an old operation map: run deno task docs\n"));
    Deno.exit(1);
  }
}
