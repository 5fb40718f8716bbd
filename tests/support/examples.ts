/**
 * Runs the programs in `examples/` as a person would, against a real server with a scripted model.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { type Provider, startProvider } from "./provider.ts";
import { toClientStep } from "./model_of_clients.ts";
import { startServer, type TestServer, USER_KEY } from "./server.ts";

const root = new URL("../../", import.meta.url).pathname;

/** A server for examples. */
export interface Stage extends AsyncDisposable {
  server: TestServer;
  /** Absent where the offline model answers. */
  provider?: Provider;
  /** Runs `command` with the variables an example reads, until it ends; what it said. Throws when it fails. */
  run(command: string, ...args: string[]): Promise<string>;
}

/** Starts a server, with the scripted model or, `offline`, the built-in one. */
export async function openStage({ offline = false }: { offline?: boolean } = {}): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const provider = offline ? undefined : stack.use(await startProvider({ script: toClientStep }));
  const server = stack.use(await startServer(provider ? { provider: provider.url } : {}));
  const owned = stack.move();
  return {
    server,
    ...provider && { provider },
    run: async (command, ...args) => {
      const { success, stdout, stderr } = await new Deno.Command(command, {
        args,
        cwd: root,
        env: { OPENAI_BASE_URL: `${server.url}/v1`, OPENAI_API_KEY: USER_KEY, NO_COLOR: "1" },
        stdin: "null",
      }).output();
      const [said, complained] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
      assert.ok(success, `${command} ${args.join(" ")}\n${said}\n${complained}`);
      return said!;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The arguments that run an example with this program's Deno. */
export function toArgs(file: string): string[] {
  return ["run", "--quiet", "--frozen", "-A", `examples/${file}`];
}
