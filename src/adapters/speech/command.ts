/**
 * Commands of the settings: their placeholders, and where their programs are.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";

/** What a placeholder stands for, by its name. */
export type Values = Readonly<Record<string, string>>;

const PLACEHOLDER = /\{([a-z_]+)\}/g;

/**
 * `command` with each `{name}` replaced. What callers choose can't become an option or a path: it is looked at first.
 * Throws `ConfigurationError` for a placeholder that `values` doesn't have.
 */
export function fillCommand(command: readonly string[], values: Values): string[] {
  return command.map((part) =>
    part.replaceAll(PLACEHOLDER, (whole, name: string) => {
      const value = Object.hasOwn(values, name) ? values[name] : undefined;
      if (value === undefined) {
        const known = Object.keys(values).map((one) => `{${one}}`).join(", ");
        throw new AppError("ConfigurationError", `Cannot fill ${whole} in "${part}": known are ${known}`);
      }
      return value;
    })
  );
}

/** Whether `command` has the placeholder `name`. */
export function asksFor(command: readonly string[], name: string): boolean {
  return command.some((part) => part.includes(`{${name}}`));
}

/** `value`, if it is a name: no option, no path. Throws `ValidationError`. */
export function checkName(what: "voice" | "language", value: string): string {
  if (/^[\p{L}\p{N}_][\p{L}\p{N}_.+ -]{0,99}$/u.test(value) && !value.includes("..")) return value;
  throw new AppError(
    "ValidationError",
    `Cannot use ${what} "${value}": expected letters, digits, "_", "-", "+", "." and spaces, beginning with a letter`,
  );
}

/** Where `program` is: in a folder of `path`, or where it says itself. */
export async function findProgram(program: string, path: string): Promise<string | undefined> {
  const places = program.includes("/")
    ? [program]
    : path.split(":").filter((folder) => folder.startsWith("/")).map((folder) => `${folder}/${program}`);
  for (const place of places) {
    const info = await Deno.stat(place).catch(() => undefined);
    if (info?.isFile && (info.mode === null || (info.mode & 0o111) !== 0)) return place;
  }
  return undefined;
}
