/**
 * `deno task compile`: the executable that `deno compile` makes of the sources,
 * and the check that everything is in it. Where Deno's own base binary can't be
 * downloaded, `DENORT_BIN=$(which deno) deno task compile` still makes the
 * check; the result is then no program, but Deno with ours behind it.
 *
 * @module
 */
import { findEmbedded } from "./embedded.ts";
import { readGraph } from "./graph.ts";
import { readNotices } from "./notices.ts";
import { deno, DIST, ENTRY, PLATFORM, readProject, ROOT, say, toMegabytes } from "./project.ts";

if (import.meta.main) {
  const { name, version, flags } = await readProject();
  const graph = await readGraph();
  const output = `${DIST}/${name}-${version}-${PLATFORM}-deno-compile`;
  await deno([
    "compile",
    "--quiet",
    "--frozen",
    "--allow-all",
    "--no-prompt",
    "--exclude-unused-npm",
    ...flags,
    ...graph.workers.flatMap(({ path }) => ["--include", path]),
    "--app-name",
    name,
    "--output",
    output,
    ENTRY,
  ]);
  await Deno.writeFile(`${output}.THIRD_PARTY.txt`, (await readNotices(graph)).bytes);
  const built = await Deno.readFile(output);
  const needed = await findEmbedded(graph, built);
  for (const kind of ["module", "text", "worker", "addon"] as const) {
    const some = needed.filter((one) => one.kind === kind);
    const shown = kind === "module" ? "" : `: ${some.map((one) => `${one.name} (${one.size} B)`).join(", ")}`;
    say(`${some.filter((one) => one.found).length} of ${some.length} ${kind}s embedded${shown}`);
  }
  say(`${output.slice(ROOT.length)}: ${toMegabytes(built.length)}`);
  if (Deno.env.has("DENORT_BIN")) say("Made from DENORT_BIN: what is embedded was checked, the result was not run");
  const missing = needed.filter((one) => !one.found);
  for (const { kind, name } of missing) say(`Missing ${kind}: ${name}`);
  if (missing.length > 0) Deno.exit(1);
}
