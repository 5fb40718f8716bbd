import { strict as assert } from "node:assert";
import {
  cycles,
  type Module,
  unreachable,
  wrongArrows,
  wrongEnvironment,
  wrongGlobals,
  wrongNeighbours,
  wrongPackages,
  wrongSizes,
} from "./support/architecture.ts";

const root = new URL("../", import.meta.url).href;
const toPath = (url: string) => url.startsWith(root) ? url.slice(root.length) : undefined;

interface Graph {
  modules: {
    specifier: string;
    dependencies?: { specifier: string; code?: { specifier?: string }; type?: { specifier?: string } }[];
  }[];
}

/** The program, the client for other programs, and what runs beside the main thread. */
const ROOTS = [
  "main.ts",
  "src/client.ts",
  "src/adapters/libsql/backup_worker.ts",
  "src/adapters/sandbox/broker_worker.ts",
];

async function graph(): Promise<Module[]> {
  const found = new Map<string, Module>();
  for (const path of ROOTS) for (const module of await graphOf(path)) found.set(module.path, module);
  return [...found.values()];
}

async function graphOf(entry: string): Promise<Module[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json", `${root}${entry}`] }).output();
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as Graph;
  const found: Module[] = [];
  for (const { specifier, dependencies = [] } of modules) {
    const path = toPath(specifier);
    if (path === undefined || !path.endsWith(".ts")) continue;
    const imports = dependencies.map((one) => {
      const to = toPath(one.code?.specifier ?? one.type?.specifier ?? "");
      return { specifier: one.specifier, ...to !== undefined && to.endsWith(".ts") && { to } };
    });
    found.push({ path, text: await Deno.readTextFile(new URL(path, root)), imports });
  }
  return found;
}

async function sources(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(new URL(folder, root))) {
    if (isDirectory) found.push(...await sources(`${folder}${name}/`));
    else if (name.endsWith(".ts")) found.push(`${folder}${name}`);
  }
  return found;
}

const modules = await graph();
/** A module that breaks a rule on purpose. */
const bad = (path: string, { text = "", imports = [] as { specifier: string; to?: string }[] } = {}): Module[] => [
  ...modules,
  { path, text, imports },
];
const to = (path: string) => ({ specifier: `./${path}`, to: path });

Deno.test("imports follow the arrows between layers", () => {
  assert.deepEqual(wrongArrows(modules), []);
  const red = bad("src/core/runs/bad.ts", { imports: [to("src/adapters/libsql/store.ts")] });
  assert.deepEqual(wrongArrows(red), [
    "src/core/runs/bad.ts -> src/adapters/libsql/store.ts: core may not know adapters",
  ]);
  const door = bad("src/transports/http/bad.ts", { imports: [to("src/core/runs/runs.ts")] });
  assert.equal(wrongArrows(door).length, 1);
});

Deno.test("parts of the core know only earlier parts, doors and adapters do not know each other", () => {
  assert.deepEqual(wrongNeighbours(modules), []);
  assert.equal(wrongNeighbours(bad("src/core/journal/bad.ts", { imports: [to("src/core/runs/runs.ts")] })).length, 1);
  assert.equal(
    wrongNeighbours(bad("src/transports/sse/bad.ts", { imports: [to("src/transports/http/body.ts")] })).length,
    1,
  );
  assert.equal(wrongNeighbours(bad("src/core/extra/bad.ts", { imports: [to("src/core/runs/runs.ts")] })).length, 1);
});

Deno.test("packages stay in their folders", () => {
  assert.deepEqual(wrongPackages(modules), []);
  assert.equal(wrongPackages(bad("src/core/runs/bad.ts", { imports: [{ specifier: "zod" }] })).length, 1);
  assert.equal(
    wrongPackages(bad("src/adapters/libsql/bad.ts", { imports: [{ specifier: "npm:left-pad@1" }] })).length,
    1,
  );
  assert.equal(wrongPackages(bad("src/core/runs/bad.ts", { imports: [{ specifier: "node:fs" }] })).length, 1);
});

Deno.test("inner layers use no globals of the outside world", () => {
  assert.deepEqual(wrongGlobals(modules), []);
  assert.equal(wrongGlobals(bad("src/core/runs/bad.ts", { text: "await fetch(url);" })).length, 1);
  assert.equal(wrongGlobals(bad("src/core/runs/bad.ts", { text: "setTimeout(f, 1);" })).length, 1);
  assert.equal(wrongGlobals(bad("src/domain/bad.ts", { text: "const now = Date.now();" })).length, 1);
});

Deno.test("only the settings read the environment", () => {
  assert.deepEqual(wrongEnvironment(modules), []);
  assert.equal(wrongEnvironment(bad("src/adapters/models/bad.ts", { text: 'Deno.env.get("A")' })).length, 1);
});

Deno.test("there are no import cycles", () => {
  assert.deepEqual(cycles(modules), []);
  const one: Module = { path: "src/kit/a.ts", text: "", imports: [to("src/kit/b.ts")] };
  const two: Module = { path: "src/kit/b.ts", text: "", imports: [to("src/kit/a.ts")] };
  assert.deepEqual(cycles([one, two]), ["src/kit/a.ts -> src/kit/b.ts -> src/kit/a.ts"]);
});

Deno.test("files are short", () => {
  assert.deepEqual(wrongSizes(modules), []);
  assert.equal(wrongSizes(bad("src/kit/bad.ts", { text: "\n".repeat(401) })).length, 1);
});

Deno.test("every source file is reachable from main.ts", async () => {
  const files = await sources("src/");
  assert.deepEqual(unreachable(modules, files), []);
  assert.deepEqual(unreachable(modules, [...files, "src/kit/lost.ts"]), ["src/kit/lost.ts"]);
});
