/**
 * The official suite of the Model Context Protocol, a revision and a side at a time.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { startHost } from "./host.ts";

/** Which release of the suite counts. */
const SUITE = "npm:@modelcontextprotocol/conformance@0.2.0-alpha.12";
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const LONGEST_MS = 600_000;

/** A side of MUXI at a revision, and how many scenarios that revision requires of it. */
export interface Sheet {
  side: "server" | "client";
  revision: string;
  required: number;
}

/** Every sheet. */
export const SHEETS: readonly Sheet[] = [
  { side: "server", revision: "2026-07-28", required: 37 },
  { side: "server", revision: "2025-11-25", required: 30 },
  { side: "client", revision: "2026-07-28", required: 32 },
  { side: "client", revision: "2025-11-25", required: 18 },
];

/** How it went. */
export interface Outcome {
  passed: string[];
  failed: string[];
  /** What the revision doesn't require: extensions, and what the suite got later. */
  others: { scenario: string; reason: string; passed: boolean; checks: number }[];
  /** All that the suite wrote. */
  log: string;
}

/** Runs a sheet: the production door with the fixture behind it, or our connector in a program. */
export async function runSheet({ side, revision }: Sheet): Promise<Outcome> {
  if (side === "client") {
    const client = `${Deno.execPath()} run -A --quiet --unstable-no-legacy-abort ${ROOT}tests/conformance/client.ts`;
    return await runSuite(["client", "--command", client, "--requirements", revision]);
  }
  await using host = await startHost();
  return await runSuite(["server", "--url", host.url, "--requirements", revision]);
}

async function runSuite(args: string[]): Promise<Outcome> {
  const dir = await Deno.makeTempDir({ prefix: "muxi-conformance-" });
  const ending = AbortSignal.timeout(LONGEST_MS);
  try {
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      // Without our configuration: the suite is no part of the project, nor of its lock.
      args: ["run", "-A", "--quiet", "--no-config", SUITE, ...args, "-o", dir],
      cwd: ROOT,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      signal: ending,
    }).output();
    const decoder = new TextDecoder();
    return readOutcome(decoder.decode(stdout) + decoder.decode(stderr));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Reads what the suite writes at its end. */
export function readOutcome(log: string): Outcome {
  const lines = [...log.matchAll(/^([✓✗]) (\S+): (\d+) passed, (\d+) failed/gm)].map(
    ([, mark, scenario, good, bad]) => {
      return { scenario: scenario!, passed: mark === "✓", checks: Number(good) + Number(bad) };
    },
  );
  const others = [...log.matchAll(/^ {2}[✓✗] (\S+) \(([\w-]+)\)$/gm)].flatMap(([, scenario, reason]) => {
    return lines.filter((line) => line.scenario === scenario).map((line) => ({ ...line, reason: reason! }));
  });
  const extra = new Set(others.map(({ scenario }) => scenario));
  const required = lines.filter(({ scenario }) => !extra.has(scenario));
  const marked = (wanted: boolean) => {
    return required.filter(({ passed }) => passed === wanted).map(({ scenario }) => scenario);
  };
  return { passed: marked(true), failed: marked(false), others, log };
}
