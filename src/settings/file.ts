/**
 * Writes settings as the YAML they are read from.
 *
 * @module
 */
import type { Settings } from "./schema.ts";
import { listSections, settingsOf, valueAt } from "./tree.ts";

/** Options for {@linkcode toSettingsText}. */
export interface SettingsTextOptions {
  /** Stands above a section or setting. */
  above?(path: string): string | undefined;
  /** Stands behind a setting. */
  behind?(path: string): string | undefined;
}

/** `settings` as YAML, with comments. */
export function toSettingsText(settings: Settings, { above, behind }: SettingsTextOptions = {}): string {
  const lines: string[] = [];
  let open: string[] = [];
  const put = (path: string, text: string) => {
    const indent = "  ".repeat(path.split(".").length - 1);
    const comment = above?.(path);
    if (comment !== undefined) lines.push(`${indent}# ${comment}`);
    lines.push(`${indent}${text}`);
  };
  for (const { path } of settingsOf(settings)) {
    const value = valueAt(settings, path);
    if (value === undefined) continue;
    const names = path.split(".");
    const sections = names.slice(0, -1);
    const shared = sections.findIndex((name, i) => open[i] !== name);
    for (let i = shared === -1 ? sections.length : shared; i < sections.length; i++) {
      if (i === 0 && above !== undefined) lines.push("");
      put(sections.slice(0, i + 1).join("."), `${sections[i]}:`);
    }
    if (sections.length === 0 && above !== undefined) lines.push("");
    open = sections;
    const origin = behind?.(path);
    put(path, `${names.at(-1)}: ${JSON.stringify(value)}${origin === undefined ? "" : ` # ${origin}`}`);
  }
  return `${lines.join("\n").trim()}\n`;
}

const HEAD = `# Every setting of MUXI with its default, and why it exists. A line that is left out means its default.
#
# Flags beat variables, variables beat this file. The variable of a setting is made from its path: MUXI_SERVER_PORT
# sets server.port. The flag is --set server.port=9000. In values, \${NAME} and \${NAME:-default} stand for variables;
# \$\${ stands for itself. "muxi config print" shows what is in force and where each value comes from; "muxi config
# check" says what is wrong. config/muxi.yaml in the working folder is read by itself, another with --config FILE.
`;

/** The text of `config/muxi.yaml`: each of `defaults`, and why it exists. */
export function toDefaultsFile(defaults: Settings): string {
  const why = new Map([...listSections(), ...settingsOf(defaults)].map((one) => [one.path, one.why]));
  return `${HEAD}\n${toSettingsText(defaults, { above: (path) => why.get(path) })}`;
}
