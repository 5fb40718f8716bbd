/**
 * A real Firefox. Nothing drives it: the page it opens does what it has to on its own, and reports.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { endChild } from "./end_child.ts";

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

/** Opens `url` in a browser with a folder of its own, until disposed. */
export async function startFirefox(program: string, url: string): Promise<Firefox> {
  await using stack = new AsyncDisposableStack();
  const dir = await Deno.makeTempDir({ prefix: "muxi-firefox-" });
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  const lines = Object.entries(PREFERENCES).map(([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});`);
  await Deno.writeTextFile(`${dir}/user.js`, lines.join("\n"));
  const child = new Deno.Command(program, {
    args: ["--headless", "--no-remote", "--profile", dir, url],
    // What it leaves goes with its folder.
    env: { HOME: dir, TMPDIR: dir, MOZ_CRASHREPORTER_DISABLE: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  stack.defer(() => endChild(child));
  const owned = stack.move();
  return { ended: child.status, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
