/**
 * How each command of the README is tried. What is in none of these lists is refused, so that nothing gets into the
 * README untried.
 *
 * @module
 */

/** How a command is tried. */
export type Way =
  /** It is run, as it stands. */
  | { way: "run" }
  /** It is run, and must fail: the README shows what is not allowed. */
  | { way: "refused" }
  /** It is run, and goes on in the background: a server. */
  | { way: "start" }
  /** It is run below a folder that plays the machine. */
  | { way: "install" }
  /** Another part of CI runs it: `file` has the line `says`. */
  | { way: "elsewhere"; file: string; says: string }
  /** The machines of CI lack a part; what it names is checked. */
  | { way: "lacking"; why: string };

/** The first words of what is run as it stands, behind variables. */
const RUN =
  /^(\w+=\S* )*(curl|muxi|deno run -A (main|examples\/\w+)\.ts|npx -y @modelcontextprotocol\/inspector@[\d.]+|export|echo|cat|mkdir|install)( |$)/;
/** What the README says of a command that must fail. */
const REFUSED = / # refused$/;
/** Servers. */
const START = /(^| )(deno task start|muxi serve)( |$)|^npx -y deno@[\d.]+ task start$/;
/** What changes the machine. */
const INSTALL = /^sudo install /;

const ELSEWHERE: readonly { command: RegExp; file: string; says: string }[] = [
  // This test is a part of it.
  { command: /^(deno|npx -y deno@[\d.]+) task test$/, file: ".ci/run", says: "deno task test" },
  { command: /^deno task package$/, file: ".ci/run", says: "deno task package" },
  // It wants a person at a terminal.
  { command: /^muxi chat$/, file: "tests/scenarios/chat_cli_terminal_test.ts", says: "openTerminal(" },
];

const LACKING: readonly { command: RegExp; why: string }[] = [
  { command: /^docker /, why: "Docker's service does not run there, and its registry can't be reached" },
  { command: /^(sudo systemctl|journalctl) /, why: "systemd is not what runs there" },
];

/** How `command` is tried. Throws when nothing says so. */
export function wayOf(command: string): Way {
  const elsewhere = ELSEWHERE.find((one) => one.command.test(command));
  if (elsewhere) return { way: "elsewhere", file: elsewhere.file, says: elsewhere.says };
  const lacking = LACKING.find((one) => one.command.test(command));
  if (lacking) return { way: "lacking", why: lacking.why };
  if (START.test(command)) return { way: "start" };
  if (INSTALL.test(command)) return { way: "install" };
  if (RUN.test(command)) return { way: REFUSED.test(command) ? "refused" : "run" };
  throw new Error(
    `Nothing says how CI tries this command of the README:\n  ${command}\n` +
      "Add it to RUN, START or INSTALL in tests/support/readme_rules.ts, or, with the reason, to ELSEWHERE or LACKING",
  );
}
