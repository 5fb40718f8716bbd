/**
 * Writes the types of the module for other pages as one file that needs nothing else: what Deno's compiler declares of
 * `console/call`, with the shapes written out that zod only infers. To be run when the sources change.
 *
 * @module
 */
import { dirname } from "node:path";
import {
  type Declaration,
  type Declarations,
  isType,
  nameShapes,
  readDeclarations,
  withNamed,
} from "./declarations.ts";

const ROOT = new URL("../", import.meta.url);
const ENTRY = "console/call/session_client.ts";
/** Where shapes are schemas. */
const DOMAIN = "src/domain/";
const SHAPE = /^export (?:interface|type) (\w+) /gm;
/** The module that the compiler has to write them out for. */
const SHAPES = "shapes.ts";
/** What browsers have. */
const LIB = ["esnext", "dom", "dom.iterable", "dom.asynciterable"];
/** Gives a shape without its name, which the compiler would write instead. */
const REVEAL = "declare function reveal<Type>(): Type extends unknown ? { [Key in keyof Type]: Type[Key] } : never;";

/** Where the types go. As a `.d.ts` the compiler would take them for the program's own, which knows no browser. */
export const TYPES = new URL("src/transports/call/assets/session_client.d.ts.txt", ROOT);

type Read = (path: string) => Promise<Declarations>;

/** The types of the module. */
export async function bundleTypes(): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "muxi-types-" });
  try {
    const sources = await copySources(folder);
    const shapes = await findShapes(folder, sources);
    const constants = Array.from(shapes, toConstant).join("\n");
    await Deno.writeTextFile(`${folder}/${SHAPES}`, `${REVEAL}\n${constants}\n`);
    await deno(["transpile", "--frozen", "--declaration", "--outdir", "types", ENTRY, SHAPES], folder);
    await Deno.writeTextFile(`${folder}/bundle.d.ts`, await assemble(`${folder}/types`, { sources, shapes }));
    await deno(["fmt", "bundle.d.ts"], folder);
    return await Deno.readTextFile(`${folder}/bundle.d.ts`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Copies the sources to where the compiler takes all of them for a browser's; returns their paths. */
async function copySources(folder: string): Promise<string[]> {
  const project = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const { imports, nodeModulesDir, compilerOptions, fmt } = project;
  const config = { imports, nodeModulesDir, compilerOptions: { ...compilerOptions, lib: LIB }, fmt };
  await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify(config));
  await Deno.copyFile(new URL("deno.lock", ROOT), `${folder}/deno.lock`);
  const { modules } = JSON.parse(await deno(["info", "--json", ENTRY], ROOT)) as { modules: { specifier: string }[] };
  const paths = modules.map(({ specifier }) => specifier).filter((one) => one.startsWith(ROOT.href))
    .map((one) => one.slice(ROOT.href.length));
  for (const path of paths) {
    await Deno.mkdir(dirname(`${folder}/${path}`), { recursive: true });
    await Deno.copyFile(new URL(path, ROOT), `${folder}/${path}`);
  }
  return paths;
}

/** The shapes of the domain, by name, with where each is declared. */
async function findShapes(folder: string, sources: readonly string[]): Promise<Map<string, string>> {
  const shapes = new Map<string, string>();
  for (const path of sources.filter((one) => one.startsWith(DOMAIN))) {
    const text = await Deno.readTextFile(`${folder}/${path}`);
    for (const [, name] of text.matchAll(SHAPE)) shapes.set(name!, path);
  }
  return shapes;
}

function toConstant([name, path]: [string, string]): string {
  return `export const ${name} = reveal<import("./${path}").${name}>();`;
}

/** Puts together what the compiler wrote to the folder `types`. */
async function assemble(types: string, found: { sources: string[]; shapes: Map<string, string> }): Promise<string> {
  const read = async (path: string) =>
    readDeclarations(await Deno.readTextFile(`${types}/${path.replace(/\.ts$/, ".d.ts")}`));
  const declared = new Map<string, Declaration>();
  for (const one of [...await declareSources(found.sources, read), ...await declareShapes(found.shapes, read)]) {
    if (declared.has(one.name)) {
      throw new Error(`Cannot declare "${one.name}": two modules have something of that name`);
    }
    declared.set(one.name, one);
  }
  const { comment, exported } = await read(ENTRY);
  for (const [, name] of exported.join().matchAll(/\btype (\w+)/g)) {
    // Of a class that is a type alone nobody makes another, nor needs what it is made of.
    const one = declared.get(name!)!;
    declared.set(name!, { ...one, text: one.text.replace(/^ {4}constructor\([\s\S]*?\);\n/m, "") });
  }
  const needed = withNamed(exported.map((one) => one.replace("type ", "")), declared);
  return [
    `// Made from ${ENTRY} by tools/call_types.ts.`,
    // Projects that stay at an older standard don't have it by themselves.
    '/// <reference lib="esnext.disposable" />',
    comment,
    ...needed.map((one) => `${one.comment}\n${isType(one.text) ? "" : "declare "}${one.text}`),
    `export { ${exported.join(", ")} };`,
  ].join("\n\n");
}

async function declareSources(sources: readonly string[], read: Read): Promise<Declaration[]> {
  const files = await Promise.all(sources.filter((one) => !one.startsWith(DOMAIN)).map(read));
  return files.flatMap(({ declared }) => [...declared.values()]);
}

async function declareShapes(shapes: ReadonlyMap<string, string>, read: Read): Promise<Declaration[]> {
  const { declared } = await read(SHAPES);
  const texts = Array.from(shapes.keys(), (name) => [name, shapeOf(declared.get(name)!)] as const);
  return await Promise.all(Array.from(nameShapes(new Map(texts)), async ([name, shape]) => {
    const comment = commentOn(name, (await read(shapes.get(name)!)).declared);
    return { name, comment, text: `type ${name} = ${shape};` };
  }));
}

/** The shape in `const Name: shape;`. */
function shapeOf({ text }: Declaration): string {
  return text.slice(text.indexOf(": ") + 2, -1);
}

/** What is said about a name, or about the values that it is one of. */
function commentOn(name: string, declared: ReadonlyMap<string, Declaration>): string {
  const { comment } = declared.get(name)!;
  const of = /^\/\*\* One of \{@linkcode (\w+)\}\. \*\/$/.exec(comment)?.[1];
  return of === undefined ? comment : declared.get(of)!.comment;
}

async function deno(args: string[], cwd: string | URL): Promise<string> {
  const env = { NO_COLOR: "1" };
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd, env }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`Cannot run "deno ${args.join(" ")}":\n${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}

if (import.meta.main) await Deno.writeTextFile(TYPES, await bundleTypes());
