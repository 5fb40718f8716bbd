/**
 * Patterns of names, in which `*` stands for any part.
 *
 * @module
 */

/** Whether `name` matches `pattern`. */
export function matches(pattern: string, name: string): boolean {
  const parts = pattern.split("*");
  if (parts.length === 1) return pattern === name;
  const [first = "", last = ""] = [parts[0], parts.at(-1)];
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= name.length - last.length;
}

/**
 * Like {@linkcode matches}, for what is forbidden: whoever chooses the name doesn't get around it by another spelling,
 * such as capitals, wide letters, or letters that nobody sees.
 */
export function matchesLoosely(pattern: string, name: string): boolean {
  return matches(pattern, name) || matches(plain(pattern), plain(name));
}

function plain(text: string): string {
  return text.normalize("NFKC").replaceAll(/\p{Default_Ignorable_Code_Point}/gu, "").toLowerCase();
}

/** How much a pattern says: one without `*` the most, then by its letters. */
export function precisionOf(pattern: string): number {
  return pattern.includes("*") ? pattern.replaceAll("*", "").length : Infinity;
}
