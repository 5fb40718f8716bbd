/**
 * A real Firefox. Unless it is driven, the page it opens does what it has to on its own, and reports.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { endChild } from "./end_child.ts";
import { within } from "./waiting.ts";

const NAMES = ["firefox-esr", "firefox"];

/** What keeps it quiet, and lets pages play sound and call this machine. */
const PREFERENCES = {
  "app.update.enabled": false,
  "browser.shell.checkDefaultBrowser": false,
  "browser.startup.homepage_override.mstone": "ignore",
  "datareporting.policy.dataSubmissionEnabled": false,
  "toolkit.telemetry.enabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "media.gmp-manager.updateEnabled": false,
  "media.autoplay.default": 0,
  "media.autoplay.blocking_policy": 0,
  "media.navigator.streams.fake": true,
  "media.navigator.permission.disabled": true,
  "dom.disable_beforeunload": true,
} as const;

/** As much of what it says as tells why it fails. */
const SAID_LENGTH = 4000;

/** The browser of this machine. Where every part must be installed, its absence is an error. */
export function findFirefox(): string | undefined {
  const folders = (Deno.env.get("PATH") ?? "").split(":");
  const found = NAMES.flatMap((name) => folders.map((folder) => `${folder}/${name}`)).find(existsSync);
  if (found !== undefined) return found;
  if (Deno.env.get("CI") === "true") throw new Error(`"${NAMES[0]}" must be installed here`);
  Deno.stderr.writeSync(new TextEncoder().encode(`Skipped: "${NAMES[0]}" is not installed\n`));
  return undefined;
}

/** A browser at work. */
export interface Firefox extends AsyncDisposable {
  /** Resolves when it has ended, however it did. */
  ended: Promise<Deno.CommandStatus>;
}

/** A browser that does what it is told. */
export interface DrivenFirefox extends Firefox {
  /** Where it is told, by WebDriver BiDi. */
  address: string;
}

/** Preferences, by their names. */
export type Preferences = Readonly<Record<string, string | number | boolean>>;

/** Opens `url` in a browser with a folder of its own, until disposed. */
export async function startFirefox(program: string, url: string): Promise<Firefox> {
  await using stack = new AsyncDisposableStack();
  const child = await launch(stack, program, { args: [url], stderr: "null" });
  const owned = stack.move();
  return { ended: child.status, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Opens a browser that can be driven, with a folder and some `preferences` of its own, until disposed. */
export async function startDrivenFirefox(program: string, preferences: Preferences): Promise<DrivenFirefox> {
  await using stack = new AsyncDisposableStack();
  const child = await launch(stack, program, { args: ["--remote-debugging-port=0"], stderr: "piped", preferences });
  const reader = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
  stack.defer(() => reader.cancel());
  const address = await readAddress(reader);
  const owned = stack.move();
  return { ended: child.status, address, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function launch(
  stack: AsyncDisposableStack,
  program: string,
  { args, stderr, preferences = {} }: { args: readonly string[]; stderr: "null" | "piped"; preferences?: Preferences },
): Promise<Deno.ChildProcess> {
  const dir = await Deno.makeTempDir({ prefix: "muxi-firefox-" });
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  const lines = Object.entries({ ...PREFERENCES, ...preferences }).map(([name, value]) =>
    `user_pref("${name}", ${JSON.stringify(value)});`
  );
  await Deno.writeTextFile(`${dir}/user.js`, lines.join("\n"));
  const child = new Deno.Command(program, {
    args: ["--headless", "--no-remote", "--profile", dir, ...args],
    // What it leaves goes with its folder.
    env: { HOME: dir, TMPDIR: dir, MOZ_CRASHREPORTER_DISABLE: "1" },
    stdin: "null",
    stdout: "null",
    stderr,
  }).spawn();
  stack.defer(() => endChild(child));
  return child;
}

/** Resolves with where a browser says that it can be driven, and goes on reading: it would wait for that otherwise. */
async function readAddress(reader: ReadableStreamDefaultReader<string>): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let said = "";
  const read = async () => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return reject(new Error(`Firefox has ended: ${said}`));
      said = (said + value).slice(-SAID_LENGTH);
      const found = /WebDriver BiDi listening on (ws:\S+)/.exec(said);
      if (found) resolve(found[1]!);
    }
  };
  void read().catch(reject);
  return await within("Firefox to say where it is driven", promise, { seen: () => said });
}
