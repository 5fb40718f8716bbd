/**
 * Who made what is built in, and on which terms: what their licences ask to be handed on.
 *
 * @module
 */
import type { Part } from "./bundle.ts";
import type { Graph } from "./graph.ts";

/** Files in which packages say it. */
const NOTICE = /^(licen[cs]e|notice|copying)([.-].*)?$/i;
const RULE = "=".repeat(78);

interface PackageFile {
  version?: string;
  license?: string;
  homepage?: string;
  repository?: string | { url?: string };
}

/** One text of every package: its name, its licence, where its sources are, and its own words. */
export async function readNotices({ packages }: Graph): Promise<Part> {
  const texts = await Promise.all(packages.map(({ name, folder }) => noticeOf(name, folder)));
  const head = "MUXI is built with the packages below. Each stands under its own licence, in its own words.\n" +
    "None was changed; the sources of each are where its entry says.\n";
  const found = texts.filter((text) => text !== undefined);
  const text = [head, ...new Set(found)].join(`\n${RULE}\n`);
  return { path: "THIRD_PARTY.txt", bytes: new TextEncoder().encode(text) };
}

async function noticeOf(name: string, folder: string): Promise<string | undefined> {
  const names: string[] = [];
  try {
    for await (const entry of Deno.readDir(folder)) if (entry.isFile && NOTICE.test(entry.name)) names.push(entry.name);
  } catch (error) {
    // A package for another platform is in the lock file, but not on this machine.
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  const said = JSON.parse(await Deno.readTextFile(`${folder}/package.json`)) as PackageFile;
  const { version = "", license = "see below", homepage, repository } = said;
  const url = (typeof repository === "string" ? repository : repository?.url) ?? homepage ?? `the package ${name}`;
  const sources = url.replace(/^git\+/, "").replace(/\.git$/, "");
  const own = await Promise.all(names.sort().map((file) => Deno.readTextFile(`${folder}/${file}`)));
  const texts = own.map((text) => text.replaceAll("\r\n", "\n").trim());
  return [`${name} ${version}\nLicence: ${license}\nSources: ${sources}`, ...texts].join("\n\n") + "\n";
}
