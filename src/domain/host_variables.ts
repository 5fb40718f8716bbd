/**
 * What desktop hosts put in place of `${…}`: variables, inputs, and where somebody works.
 *
 * @module
 */

/** What is known where a host's file is read. */
export interface HostPlace {
  /** A variable of whoever reads the file. */
  variable(name: string): string | undefined;
  /** What a host would ask a person for. */
  input?(id: string): string | undefined;
  home?: string | undefined;
  /** The folder that the file is about. */
  folder?: string | undefined;
  /** Whether variables were put in their places before, so that all that still looks like one is meant for others. */
  isFilled?: boolean;
}

/** Something nobody knows: where it stands, and what is wrong. */
export interface Unknown {
  field: string;
  why: string;
}

const PLACEHOLDER = /\$\$\{|\$\{([^{}]*)\}/g;
const VARIABLE = /^(?:env:)?([A-Za-z_]\w*)(?::-(.*))?$/s;

/** Fills every text of `value`. What is unknown is added to `unknown`, and stays as it is. */
export function fillIn(value: unknown, place: HostPlace, unknown: Unknown[], field = ""): unknown {
  if (place.isFilled) return value;
  if (typeof value === "string") {
    return value.replace(PLACEHOLDER, (whole, inner: string | undefined) => {
      if (inner === undefined) return "${";
      const found = find(inner, place);
      if (typeof found === "string") return found;
      unknown.push({ field, why: `it names ${whole}, ${found.why}` });
      return whole;
    });
  }
  const inside = (name: string | number) => field === "" ? String(name) : `${field}.${name}`;
  if (Array.isArray(value)) return value.map((one, i) => fillIn(one, place, unknown, inside(i)));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, one]) => [name, fillIn(one, place, unknown, inside(name))]);
  return Object.fromEntries(entries);
}

function find(inner: string, place: HostPlace): string | { why: string } {
  const { home, folder } = place;
  const separator = home?.includes("\\") ? "\\" : "/";
  const known: Record<string, string | undefined> = {
    userHome: home,
    workspaceFolder: folder,
    cwd: folder,
    workspaceFolderBasename: folder?.split(/[\\/]/).at(-1),
    pathSeparator: separator,
    "/": separator,
  };
  if (Object.hasOwn(known, inner)) return known[inner] ?? { why: "which means nothing here: write the path" };
  if (inner.startsWith("input:")) {
    const given = place.input?.(inner.slice("input:".length));
    return given ?? { why: "for which the host asks a person: give it its value" };
  }
  const [, name, standard] = VARIABLE.exec(inner) ?? [];
  if (name === undefined) return { why: "which only its own host knows: write what it stands for" };
  const value = place.variable(name);
  if (value !== undefined && (value !== "" || standard === undefined)) return value;
  return standard ?? { why: `and the variable ${name} is not set` };
}
