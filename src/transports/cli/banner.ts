/**
 * What a person sees when the server is ready.
 *
 * @module
 */

/** What the banner tells. */
export interface BannerFacts {
  version: string;
  /** Where the server answers, such as `http://127.0.0.1:8000`. */
  address: string;
  /** Keys that were generated at this start. Keys that were set are never shown. */
  keys?: { user?: string | undefined; admin?: string | undefined };
}

const LOGO = [
  "███╗   ███╗ ██╗   ██╗ ██╗  ██╗ ██╗",
  "████╗ ████║ ██║   ██║ ╚██╗██╔╝ ██║",
  "██╔████╔██║ ██║   ██║  ╚███╔╝  ██║",
  "██║╚██╔╝██║ ██║   ██║  ██╔██╗  ██║",
  "██║ ╚═╝ ██║ ╚██████╔╝ ██╔╝ ██╗ ██║",
  "╚═╝     ╚═╝  ╚═════╝  ╚═╝  ╚═╝ ╚═╝",
];

/** Cells left of the column that joins both boxes. */
const JOINT = 13;
/** Cells of the name's compartment. */
const NAME = 15;

/** How many characters `text` has. The lightning counts as one, as it does where the banner was designed. */
function widthOf(text: string): number {
  return [...text].length;
}

function line(text: string, inner: number): string {
  return `│${text}${" ".repeat(Math.max(0, inner - widthOf(text)))}│`;
}

function rule(left: string, right: string, inner: number, joint?: readonly [number, string]): string {
  if (joint === undefined) return `${left}${"─".repeat(inner)}${right}`;
  const [at, mark] = joint;
  return `${left}${"─".repeat(at)}${mark}${"─".repeat(inner - at - 1)}${right}`;
}

/** As wide as the text needs with two cells to its right, and `least` otherwise. */
function innerWidth(texts: readonly string[], least: number): number {
  return Math.max(least, ...texts.map((text) => widthOf(text) + 2));
}

/** The banner, its last line ended. */
export function toBanner({ version, address, keys = {} }: BannerFacts): string {
  const shown = [
    ...keys.user === undefined ? [] : [`   — User:  ${keys.user}`],
    ...keys.admin === undefined ? [] : [`   — Admin: ${keys.admin}`],
  ];
  const name = `  * MUXI Core  │  Version: ${version}`;
  const where = `  ${address}`;
  const inner = innerWidth([name, where], 38);
  const lines = [
    rule("╭", "╮", inner),
    ...LOGO.map((text) => line(`  ${text}`, inner)),
    rule("│", "│", inner, [NAME, "┬"]),
    line(name, inner),
    rule("│", "│", inner, [NAME, "┴"]),
    line("", inner),
    line("  Running on:", inner),
    line(where, inner),
    line("", inner),
    rule("╰", "╯", inner, shown.length > 0 ? [JOINT, "┬"] : undefined),
  ];
  if (shown.length > 0) lines.push(...keyBox(shown));
  return `${lines.join("\n")}\n`;
}

function keyBox(shown: readonly string[]): string[] {
  const texts = [
    "",
    "  API Keys (auto-generated):",
    "",
    ...shown,
    "",
    "  ⚡ Auto-generating API keys should only be used during development.",
    "  We recommend to explicitly set your own API keys.",
    "",
  ];
  const inner = innerWidth(texts, 70);
  return [
    `${" ".repeat(JOINT + 1)}│`,
    rule("╭", "╮", inner, [JOINT, "┴"]),
    ...texts.map((text) => line(text, inner)),
    rule("╰", "╯", inner),
  ];
}
