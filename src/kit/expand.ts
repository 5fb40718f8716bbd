/**
 * Variables in text: `${NAME}` and `${NAME:-default}`; `$${` stays `${`.
 *
 * @module
 */

/** Looks a variable up. */
export type Lookup = (name: string) => string | undefined;

/** Puts variables in their places. Says which names have neither a value nor a default. */
export function expand(text: string, lookup: Lookup): { text: string; missing: string[] } {
  const missing: string[] = [];
  const expanded = text.replace(/\$\$\{|\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}/g, (whole, name, standard) => {
    if (whole === "$${") return "${";
    const value = lookup(name);
    if (value !== undefined && (value !== "" || standard === undefined)) return value;
    if (standard === undefined) missing.push(name);
    return standard ?? "";
  });
  return { text: expanded, missing };
}

/** Does so in every string of a value; names that have no value are added to `missing`. */
export function expandDeep(value: unknown, lookup: Lookup, missing: string[]): unknown {
  if (typeof value === "string") {
    const found = expand(value, lookup);
    missing.push(...found.missing);
    return found.text;
  }
  if (Array.isArray(value)) return value.map((one) => expandDeep(one, lookup, missing));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, expandDeep(one, lookup, missing)]));
}
