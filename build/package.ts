/**
 * `deno task package`: one file that is a shell script with everything behind
 * it, for machines that have neither Deno nor Node. Two builds of the same
 * sources with the same Deno are the same, byte for byte.
 *
 * @module
 */
import { basename } from "node:path";
import { gzipSync } from "node:zlib";
import { bundle, type Part, PROGRAM } from "./bundle.ts";
import { readGraph } from "./graph.ts";
import { readNotices } from "./notices.ts";
import { deno, digestOf, DIST, PLATFORM, readProject, ROOT, say, toMegabytes } from "./project.ts";
import { toTar } from "./tar.ts";

/** Flags that keep the program from looking for anything but what came with it. */
const CLOSED = ["--no-prompt", "--no-config", "--no-lock", "--no-remote", "--cached-only", "--allow-all"];

/** What is executed once everything is unpacked. */
const LAUNCHER = "muxi";

/** The settings and their defaults, to read and to copy; what the program needs of them is in the bundle. */
async function readConfig(): Promise<Part[]> {
  const names = await Array.fromAsync(Deno.readDir(`${ROOT}config`), ({ name }) => name);
  const files = names.filter((name) => name.endsWith(".yaml"));
  return await Promise.all(
    files.map(async (name) => ({ path: `config/${name}`, bytes: await Deno.readFile(`${ROOT}config/${name}`) })),
  );
}

/** One of the scripts beside this file, told what it needs to know. */
async function readScript(name: string, values: Readonly<Record<string, string>>): Promise<string> {
  const template = await Deno.readTextFile(new URL(name, import.meta.url));
  const text = template.replaceAll(/@([A-Z]+)@/g, (whole, name) => {
    if (name === "LINES") return whole;
    if (!Object.hasOwn(values, name)) throw new Error(`Cannot make "${name}": nothing is known of ${whole}`);
    return values[name]!;
  });
  // The archive begins on the line after the last.
  return text.replaceAll("@LINES@", String(text.split("\n").length));
}

if (import.meta.main) {
  const { name, version, flags } = await readProject();
  const program: Part = { path: "deno", bytes: await Deno.readFile(Deno.execPath()), executable: true };
  const launch = await readScript("./launch.sh", { FLAGS: [...CLOSED, ...flags].join(" "), PROGRAM });
  const launcher: Part = { path: LAUNCHER, bytes: new TextEncoder().encode(launch), executable: true };
  const graph = await readGraph();
  const parts = [program, launcher, ...await bundle(graph), ...await readConfig(), await readNotices(graph)];
  parts.sort((a, b) => a.path < b.path ? -1 : 1);
  const payload = new Uint8Array(gzipSync(toTar(parts), { level: 9 }));
  const digest = await digestOf(payload);
  const digests = await Promise.all(parts.map(async ({ path, bytes }) => `${await digestOf(bytes)} ${path}`));
  const total = parts.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const stub = await readScript("./stub.sh", {
    VERSION: version,
    PLATFORM,
    ID: `${version}-${digest.slice(0, 16)}`,
    SIZE: String(payload.length),
    DIGEST: digest,
    PARTS: parts.map(({ path }) => path).join(" "),
    SIZES: `${parts.map(({ path, bytes }) => `${bytes.length} ${path}`).join(" ")} ${total} total`,
    DIGESTS: digests.join("\n"),
    LAUNCHER,
  });
  await Deno.mkdir(DIST, { recursive: true });
  const file = `${DIST}/${name}-${version}-${PLATFORM}`;
  // Written beside and renamed, so that a copy that is running is not written into.
  await using stack = new AsyncDisposableStack();
  const temporary = `${file}.new`;
  stack.defer(() => Deno.remove(temporary).catch(() => {}));
  await Deno.writeFile(temporary, new Blob([stub, payload]).stream());
  await Deno.chmod(temporary, 0o755);
  await Deno.rename(temporary, file);
  await Deno.remove(`${DIST}/${name}`).catch(() => {});
  await Deno.symlink(basename(file), `${DIST}/${name}`);
  for (const { path, bytes } of parts) say(`  ${toMegabytes(bytes.length).padStart(9)}  ${path}`);
  say(
    `${file.slice(ROOT.length)}: ${toMegabytes(stub.length + payload.length)}, ${
      (await deno(["--version"])).split("\n")[0]
    }`,
  );
}
