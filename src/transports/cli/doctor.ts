/**
 * `muxi doctor`: what is missing here, and what that turns off.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { Check } from "./check.ts";
import type { Command, CommandContext } from "./command.ts";
import { EXIT } from "./exit.ts";
import { padTo, wrapTo } from "./layout.ts";
import type { Style } from "./style.ts";

/** What is wrong with these is wrong with the settings. */
const OF_SETTINGS: ReadonlySet<string> = new Set(["settings", "keys", "production", "TLS"]);

const MARKS: Readonly<Record<Check["status"], (style: Style) => string>> = {
  ok: (style) => style.green("✓"),
  warn: (style) => style.bold("!"),
  fail: (style) => style.red("✗"),
  off: (style) => style.dim("○"),
};

function toTable(
  checks: readonly Check[],
  { style, terminal }: CommandContext,
  toSafe: (text: string) => string,
): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const indent = " ".repeat(width + 4);
  const wrap = (text: string, taken: number) => wrapTo(toSafe(text), Math.max(20, terminal.columns() - taken));
  return checks.map(({ name, status, detail, remedy }) => {
    const details = wrap(detail.replaceAll(/\n\s*/g, "\n"), indent.length);
    const remedies = remedy === undefined ? [] : wrap(remedy, indent.length + 2);
    const lines = [
      ...details.map((line, i) =>
        i > 0 ? indent + line : `${MARKS[status](style)} ${style.bold(padTo(name, width))}  ${line}`
      ),
      ...remedies.map((line, i) => `${indent}${i > 0 ? " " : style.cyan("→")} ${line}`),
    ];
    return `${lines.join("\n")}\n`;
  }).join("");
}

function toSummary(checks: readonly Check[]): string {
  const count = (wanted: Check["status"]) => checks.filter(({ status }) => status === wanted).length;
  const [fail, warn] = [count("fail"), count("warn")];
  if (fail > 0) return `${fail} of ${checks.length} checks failed`;
  return warn > 0 ? `Works; ${warn} of ${checks.length} checks want attention` : "Everything is fine";
}

/** The exit code: 78 where the settings are wrong, 69 for anything else that failed. */
export function toDoctorCode(checks: readonly Check[]): number {
  const failed = checks.filter(({ status }) => status === "fail");
  if (failed.length === 0) return EXIT.ok;
  return failed.some(({ name }) => OF_SETTINGS.has(name)) ? EXIT.configuration : EXIT.unavailable;
}

/** What a server says of its own health. */
async function askServer({ connect }: CommandContext): Promise<Check[]> {
  const { healthReady } = await import("../../operations/system.ts");
  const { gateway, visit, url } = await connect();
  const started = performance.now();
  try {
    const { status, components = [] } = await gateway.call(healthReady, () => ({}), visit());
    const detail = `${url} is ${status}, and answered in ${Math.round(performance.now() - started)} ms`;
    return [
      { name: "server", status: status === "ok" ? "ok" : "fail", detail },
      ...components.map(({ name, ok, detail }): Check => ({ name, status: ok ? "ok" : "fail", detail })),
    ];
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return [{ name: "server", status: "fail", detail: error.message, remedy: "Look whether it runs, and where" }];
  }
}

/** Says how things are. */
export const doctorCommand: Command = {
  words: ["doctor"],
  section: "Server",
  summary: "Say what is missing on this machine, and what that turns off",
  about: "Changes nothing. With --url, what the server there says of its health. Exits with 0 when nothing failed, " +
    "with 78 when settings are wrong, otherwise with 69.",
  positionals: [],
  options: [],
  settings: "server",
  connects: true,
  examples: ["muxi doctor", "muxi doctor --json", "muxi doctor --url http://127.0.0.1:8000"],
  async run(given, context) {
    const { terminal, json, verbs, url } = context;
    const { toSafe, toSafeJson } = await import("./chat/safe_text.ts");
    const checks = url === undefined ? await verbs.diagnose(given.settings) : await askServer(context);
    if (json) terminal.out(`${toSafeJson({ ok: toDoctorCode(checks) === EXIT.ok, checks })}\n`);
    else terminal.out(`${toTable(checks, context, toSafe)}\n${toSummary(checks)}\n`);
    return toDoctorCode(checks);
  },
};
