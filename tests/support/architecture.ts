/**
 * What the sources import, and the rules for it. Each rule is a function of the
 * modules, so that a test can show it red.
 *
 * @module
 */

/** A module of the project. */
export interface Module {
  /** Below the project's root, such as `src/core/runs/runs.ts`. */
  path: string;
  text: string;
  imports: Import[];
}

/** Something a module imports, types included. */
export interface Import {
  specifier: string;
  /** The project's module it leads to. */
  to?: string;
}

/** Which layer may import which. Everything not listed is forbidden; every layer may import itself and `kit`. */
const ARROWS: Record<string, readonly string[]> = {
  kit: [],
  domain: [],
  ports: ["domain"],
  core: ["domain", "ports"],
  operations: ["domain", "core"],
  transports: ["domain", "operations"],
  adapters: ["domain", "ports"],
  settings: ["domain"],
  app: ["domain", "ports", "core", "operations", "transports", "adapters", "settings"],
  main: ["app", "domain", "settings", "transports", "adapters"],
};

/** Parts of the core, in the order in which they may know each other. */
const CORE = [
  "journal",
  "identity",
  "agents",
  "users",
  "files",
  "conversations",
  "policies",
  "mcp_servers",
  "tools",
  "orchestrator",
  "runs",
  "voice",
  "calls",
  "rooms",
  "viewers",
  "recordings",
  "system",
];

/** Where packages may be imported, by the beginning of the path. */
const PACKAGES: Record<string, readonly string[]> = {
  zod: ["src/domain/", "src/operations/", "src/transports/", "src/settings", "src/adapters/backup/", "src/client.ts"],
  "@hono/hono": ["src/transports/"],
  "@remix-run/multipart-parser": ["src/transports/http/"],
  libsql: ["src/adapters/libsql/"],
  "@cfworker/json-schema": ["src/adapters/json_schema/"],
  re2js: ["src/adapters/json_schema/"],
  jose: ["src/adapters/jose/"],
  yaml: ["src/adapters/yaml/", "src/settings"],
  "@ai-sdk/": ["src/adapters/models/"],
  "@modelcontextprotocol/client": ["src/adapters/mcp/"],
  "@modelcontextprotocol/server": ["src/transports/mcp/"],
  werift: ["src/adapters/webrtc/"],
  "libopus-wasm": ["src/adapters/opus/"],
  "@echogarden/fvad-wasm": ["src/adapters/fvad/"],
  mediabunny: ["src/adapters/recording/"],
  "node:": ["src/adapters/", "src/transports/cli/", "src/settings", "main.ts"],
};

/** What a layer may not touch, and why it would. */
const GLOBALS: Record<string, RegExp> = {
  core: /\b(Deno\.|fetch\(|setTimeout\(|setInterval\(|Date\.now\(|new Date\(|console\.|navigator\.)/,
  domain: /\b(Deno\.|fetch\(|setTimeout\(|setInterval\(|Date\.now\(|new Date\(|console\.|crypto\.)/,
  ports: /\b(Deno\.|fetch\(|setTimeout\(|setInterval\(|console\.)/,
  operations: /\b(Deno\.|fetch\(|setTimeout\(|setInterval\(|console\.)/,
};

/** The most lines of a file, and the shares that must be shorter. */
const SIZE = { most: 400, nine_in_ten: 250, median: 100 };

/** The layer of a path. */
export function layerOf(path: string): string {
  if (path === "main.ts") return "main";
  const [, first = ""] = path.split("/");
  if (first === "app.ts" || first === "client.ts" || first === "version.ts") return "app";
  return first.replace(/\.ts$/, "");
}

/** Imports against the arrows. */
export function wrongArrows(modules: readonly Module[]): string[] {
  const wrong: string[] = [];
  for (const { path, imports } of modules) {
    const from = layerOf(path);
    for (const { to } of imports) {
      if (to === undefined) continue;
      const layer = layerOf(to);
      if (layer === from || layer === "kit" || (to === "src/version.ts" && from === "main")) continue;
      if (!ARROWS[from]?.includes(layer)) wrong.push(`${path} -> ${to}: ${from} may not know ${layer}`);
    }
  }
  return wrong;
}

/** Parts of the core that know a later one, doors that know another, adapters that know another. */
export function wrongNeighbours(modules: readonly Module[]): string[] {
  const wrong: string[] = [];
  for (const { path, imports } of modules) {
    const [, layer, part = ""] = path.split("/");
    for (const { to } of imports) {
      const [, layerTo, partTo = ""] = to?.split("/") ?? [];
      if (to === undefined || layer !== layerTo || part === partTo) continue;
      const late = layer === "core" && CORE.indexOf(partTo) > CORE.indexOf(part);
      const unknown = layer === "core" && (!CORE.includes(part) || !CORE.includes(partTo));
      const other = (layer === "transports" || layer === "adapters") && !partTo.endsWith(".ts") &&
        !part.endsWith(".ts");
      if (late || unknown || other) wrong.push(`${path} -> ${to}: ${part} may not know ${partTo}`);
    }
  }
  return wrong;
}

/** Packages outside their folders, and packages nobody decided on. */
export function wrongPackages(modules: readonly Module[]): string[] {
  const wrong: string[] = [];
  for (const { path, imports } of modules) {
    for (const { specifier } of imports) {
      if (/^(\.|file:)/.test(specifier)) continue;
      const name = Object.keys(PACKAGES).find((name) =>
        specifier === name || (specifier.startsWith(name) && /[/:]$/.test(name)) || specifier.startsWith(`${name}/`)
      );
      const places = name === undefined ? [] : PACKAGES[name]!;
      if (!places.some((place) => path.startsWith(place))) wrong.push(`${path} -> ${specifier}`);
    }
  }
  return wrong;
}

/** Modules that touch what their layer may not. */
export function wrongGlobals(modules: readonly Module[]): string[] {
  return modules.flatMap(({ path, text }) => {
    const found = GLOBALS[layerOf(path)]?.exec(code(text));
    return found ? [`${path}: ${found[1]}`] : [];
  });
}

/** Modules that reach for the environment, which is the settings' alone. */
export function wrongEnvironment(modules: readonly Module[]): string[] {
  return modules.filter(({ path, text }) =>
    /\bDeno\.env\b|\bprocess\.env\b/.test(code(text)) && layerOf(path) !== "settings"
  )
    .map(({ path }) => path);
}

/** Import cycles, each as the way around. */
export function cycles(modules: readonly Module[]): string[] {
  const graph = new Map(modules.map(({ path, imports }) => [path, imports.flatMap(({ to }) => to ?? [])]));
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, trail: string[]) => {
    const at = trail.indexOf(path);
    if (at >= 0) return void found.push([...trail.slice(at), path].join(" -> "));
    if (done.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return found;
}

/** Files that are too long, alone or as a whole. */
export function wrongSizes(modules: readonly Module[]): string[] {
  const lines = modules.map(({ path, text }) => ({ path, count: text.split("\n").length - 1 }))
    .sort((a, b) => a.count - b.count);
  const at = (share: number) => lines[Math.ceil(lines.length * share) - 1]?.count ?? 0;
  const long = lines.filter(({ count }) => count > SIZE.most).map(({ path, count }) => `${path} has ${count} lines`);
  if (at(0.5) > SIZE.median) long.push(`the median file has ${at(0.5)} lines, expected at most ${SIZE.median}`);
  if (at(0.9) > SIZE.nine_in_ten) {
    long.push(`nine in ten files have up to ${at(0.9)} lines, expected at most ${SIZE.nine_in_ten}`);
  }
  return long;
}

/** Files that nothing leads to from `main.ts`. */
export function unreachable(modules: readonly Module[], files: readonly string[]): string[] {
  const known = new Set(modules.map(({ path }) => path));
  return files.filter((file) => !known.has(file));
}

/** The text without comments and strings, as far as the rules need it. */
function code(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/^\s*\/\/.*$/gm, "")
    .replaceAll(/"(?:[^"\\\n]|\\.)*"/g, '""');
}
