/**
 * A real Chromium, with every request and complaint of its pages noted.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";
import { within } from "./waiting.ts";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** The browser of this machine. Where every part must be installed, its absence is an error. */
export function findBrowser(): string | undefined {
  const folders = (Deno.env.get("PATH") ?? "").split(":");
  const paths = NAMES.flatMap((name) => folders.map((folder) => `${folder}/${name}`));
  const found = paths.find(existsSync);
  if (found !== undefined) return found;
  if (Deno.env.get("CI") === "true") throw new Error(`"${NAMES[0]}" must be installed here`);
  Deno.stderr.writeSync(new TextEncoder().encode(`Skipped: "${NAMES[0]}" is not installed\n`));
  return undefined;
}

/** What a page did. */
export interface Notes {
  /** Every address that was asked for. */
  requests: string[];
  /** What the console, the page's policy and its scripts complained of. */
  complaints: string[];
}

/** A browser that reaches nothing but this machine. */
export interface TestBrowser extends AsyncDisposable {
  newPage(options?: Parameters<Browser["newPage"]>[0]): Promise<{ page: Page; notes: Notes }>;
}

/** Flags for a microphone and a camera that are always there and always allowed. */
export const DEVICES = [
  "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream",
  "--autoplay-policy=no-user-gesture-required",
];

/**
 * Flags under which who shares a screen picks the tab with `title`. Devices are there, but the page needs their
 * permissions: a browser that allows them by itself shares a picture of its own making instead of a tab.
 */
export function sharingTab(title: string): string[] {
  const devices = DEVICES.filter((flag) => !flag.startsWith("--use-fake-ui"));
  return [...devices, `--auto-select-tab-capture-source-by-title=${title}`];
}

/** As much of a script as tells which it is. */
const SCRIPT_LENGTH = 200;

/** Lets nobody wait for ever for what a page does: of its own accord Playwright has no limit there. */
function limitEvaluate(page: Page, { complaints }: Notes): void {
  const evaluate = page.evaluate.bind(page) as (script: unknown, argument?: unknown) => Promise<never>;
  page.evaluate =
    ((script: unknown, argument?: unknown) =>
      within(`${page.url()} to do ${String(script).slice(0, SCRIPT_LENGTH)}`, evaluate(script, argument), {
        seen: () => ({ complaints: complaints.slice(-10) }),
      })) as Page["evaluate"];
}

/** Starts the browser at `executablePath`, with more flags if given. */
export async function startBrowser(
  executablePath: string,
  { flags = [] }: { flags?: readonly string[] } = {},
): Promise<TestBrowser> {
  const browser = await chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost", ...flags],
  });
  return {
    async newPage(options = {}) {
      const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, ...options });
      const notes: Notes = { requests: [], complaints: [] };
      page.on("request", (request) => notes.requests.push(request.url()));
      page.on("console", (message) => notes.complaints.push(`${message.type()}: ${message.text()}`));
      page.on("pageerror", (error) => notes.complaints.push(String(error)));
      page.on("crash", () => notes.complaints.push("The page has crashed"));
      limitEvaluate(page, notes);
      return { page, notes };
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}
