/**
 * Variables in text: `${NAME}` and `${NAME:-default}`; `$${` stays `${`.
 *
 * @module
 */

/** How variables are put in their places. */
export interface ExpandOptions {
  /** Whether `${env:NAME}`, as desktop hosts write it, is `${NAME}`; else it stays as it is. */
  takesEnv?: boolean;
}

/** Looks a variable up. */
export type Lookup = (name: string) => string | undefined;

const PLACEHOLDER = /\$\$\{|\$\{(env:)?([A-Za-z_]\w*)(?::-([^}]*))?\}/g;

/** Puts variables in their places. Says which names have neither a value nor a default. */
export function expand(
  text: string,
  lookup: Lookup,
  { takesEnv = false }: ExpandOptions = {},
): { text: string; missing: string[] } {
  const missing: string[] = [];
  const expanded = text.replace(PLACEHOLDER, (whole, env, name, standard) => {
    if (whole === "$${") return "${";
    if (env !== undefined && !takesEnv) return whole;
    const value = lookup(name);
    if (value !== undefined && (value !== "" || standard === undefined)) return value;
    if (standard === undefined) missing.push(name);
    return standard ?? "";
  });
  return { text: expanded, missing };
}

/** Does so in every string of a value; names that have no value are added to `missing`. */
export function expandDeep(
  value: unknown,
  lookup: Lookup,
  { missing, ...options }: ExpandOptions & { missing: string[] },
): unknown {
  if (typeof value === "string") {
    const found = expand(value, lookup, options);
    missing.push(...found.missing);
    return found.text;
  }
  if (Array.isArray(value)) return value.map((one) => expandDeep(one, lookup, { missing, ...options }));
  if (typeof value !== "object" || value === null) return value;
  const inside = (one: unknown) => expandDeep(one, lookup, { missing, ...options });
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, inside(one)]));
}
