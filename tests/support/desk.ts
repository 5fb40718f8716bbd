/**
 * A desktop, as far as a host of tool servers needs one: `muxi` is installed, a home is there, Node's programs run.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { registryEnv } from "./registry.ts";

const root = new URL("../../", import.meta.url).pathname;

/** See the module. */
export interface Desk extends AsyncDisposable {
  home: string;
  /** An empty folder for whoever works here. */
  folder: string;
  /** Runs a program in that folder to its end; what it said. Fails when the program does. */
  run(command: string, args: string[], env?: Record<string, string>): Promise<string>;
}

/** Opens one. Its programs see nothing of this process's environment but where packages come from. */
export async function openDesk(): Promise<Desk> {
  const top = await Deno.makeTempDir({ prefix: "muxi-desk-" });
  const [home, bin, folder] = [`${top}/home`, `${top}/bin`, `${top}/folder`];
  for (const one of [home, bin, folder]) await Deno.mkdir(one);
  const outer = Deno.env.toObject();
  // Hosts hand their programs a home and a path, so what runs the sources brings the rest by itself.
  const deno_dir = outer.DENO_DIR ?? `${outer.XDG_CACHE_HOME ?? `${outer.HOME}/.cache`}/deno`;
  const program = [Deno.execPath(), "run", "--quiet", "-A", "--unstable-no-legacy-abort", `${root}main.ts`];
  const line = `DENO_DIR='${deno_dir}' MODEL_PROVIDER=offline exec ${
    program.map((word) => `'${word}'`).join(" ")
  } "$@"`;
  await Deno.writeTextFile(`${bin}/muxi`, `#!/bin/sh\n${line}\n`, { mode: 0o755 });
  const ours = {
    ...registryEnv(),
    PATH: `${bin}:${outer.PATH}`,
    HOME: home,
    NO_COLOR: "1",
    // Node's packages are fetched once, not for every home.
    npm_config_cache: outer.npm_config_cache ?? `${outer.HOME}/.npm`,
    npm_config_userconfig: outer.npm_config_userconfig ?? `${outer.HOME}/.npmrc`,
    DENO_DIR: deno_dir,
  };
  return {
    home,
    folder,
    async run(command, args, env = {}) {
      const { success, stdout, stderr } = await new Deno.Command("/usr/bin/env", {
        // The program is looked for in the path that it gets.
        args: [command, ...args],
        cwd: folder,
        clearEnv: true,
        env: { ...ours, ...env },
        stdin: "null",
      }).output();
      const [said, complained] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)) as [string, string];
      assert.ok(success, `${[command, ...args].join(" ")}\n${said}${complained}`);
      return said;
    },
    [Symbol.asyncDispose]: () => Deno.remove(top, { recursive: true }),
  };
}
