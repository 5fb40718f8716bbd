/**
 * What a message holds that can become an argument: JSON, `key=value`, quoted text, numbers, addresses, paths, names.
 *
 * @module
 */

/** A kind of value that has a form of its own. */
export type Kind = "url" | "email" | "date" | "path" | "number" | "quoted" | "name";

/** The finds in a message, in order. What is taken is gone. */
export interface Material {
  text: string;
  json: unknown[];
  pairs: Map<string, unknown>;
  pools: Record<Kind, string[]>;
}

const MAX_TEXT = 20_000;
/** Stands in the text for JSON that was taken out, with its number. */
const MARK = "\uE000";
const VALUE = MARK + String.raw`\d+|"[^"\n]*"|'[^'\n]*'|` + "`[^`\n]*`" + String.raw`|[^\s,;"'\`{}\[\]]+`;
const PAIR = new RegExp(String.raw`(?<![\w/:?&#.])([A-Za-z_][\w-]{0,63})(?:\s?=\s?|:\s|:(?=["'\`\d]))(${VALUE})`, "g");
const FORMS: [Kind, RegExp][] = [
  ["quoted", /"([^"\n]*)"|“([^”\n]*)”|`([^`\n]*)`|(?<![\p{L}\d])'([^'\n]*)'(?![\p{L}\d])/gu],
  ["url", /\bhttps?:\/\/[^\s"'<>`]+[^\s"'<>`.,;:!?)\]]/g],
  ["email", /(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+/g],
  ["date", /\b\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?\b/g],
  [
    "path",
    /(?<![\w/.~-])(?:~|\.{1,2})?\/[\w.@+-]+(?:\/[\w.@+-]+)*\/?|(?<![\w/.])[\w-]+(?:\/[\w.-]+)*\.[a-z][a-z\d]{0,4}(?![\w])/g,
  ],
  ["number", /(?<![\w.,-])-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w%]*[\p{L}_])/gu],
  [
    "name",
    /(?<=\b(?:in|at|for|of|from|to|about|near|called|named|on|is)\s)\p{Lu}[\p{L}\p{N}'-]*(?:\s\p{Lu}[\p{L}\p{N}'-]*)*/gu,
  ],
];

/** A value as it was written, without quotes, as the JSON it may be. */
export function toValue(text: string): unknown {
  const quoted = /^(["'`])(.*)\1$/s.exec(text);
  if (quoted) return quoted[2];
  const bare = text.replace(/[.!?]$/, "");
  try {
    return JSON.parse(bare);
  } catch {
    return bare;
  }
}

/** Objects and arrays in `text`, and `text` without them. */
function takeJson(text: string): { json: unknown[]; rest: string } {
  const json: unknown[] = [];
  let rest = "";
  let at = 0;
  // Each start costs a scan, so there is a limit to them.
  for (let starts = 0; at < text.length; at++) {
    const open = text[at]!;
    if ((open === "{" || open === "[") && starts++ < 32) {
      const end = findEnd(text, at);
      if (end !== -1) {
        try {
          json.push(JSON.parse(text.slice(at, end)));
          rest += `${MARK}${json.length - 1} `;
          at = end - 1;
          continue;
        } catch {
          // Braces of another kind.
        }
      }
    }
    rest += open;
  }
  return { json, rest };
}

function findEnd(text: string, start: number): number {
  let depth = 0;
  let string = false;
  for (let i = start; i < text.length; i++) {
    const sign = text[i];
    if (string) {
      if (sign === "\\") i++;
      else if (sign === '"') string = false;
    } else if (sign === '"') string = true;
    else if (sign === "{" || sign === "[") depth++;
    else if ((sign === "}" || sign === "]") && --depth === 0) return i + 1;
  }
  return -1;
}

/** `name` as people write it: without case, spaces, `_` and `-`. */
export function toKey(name: string): string {
  return name.toLowerCase().replace(/[\s_-]/g, "");
}

/** Takes `message` apart. */
export function toMaterial(message: string): Material {
  const text = message.slice(0, MAX_TEXT);
  const { json, rest } = takeJson(text.replaceAll(MARK, " "));
  const pairs = new Map<string, unknown>();
  let left = rest.replace(PAIR, (_, key: string, value: string) => {
    const marked = value.startsWith(MARK) ? Number(value.slice(1)) : -1;
    // What has a name is not there for others.
    const said = marked === -1 ? toValue(value) : json.splice(marked, 1, undefined)[0];
    if (!pairs.has(toKey(key))) pairs.set(toKey(key), said);
    return " ";
  });
  left = left.replace(/\uE000\d+/g, " ");
  const pools = {} as Record<Kind, string[]>;
  for (const [kind, form] of FORMS) {
    pools[kind] = [];
    left = left.replace(form, (whole: string, ...groups: unknown[]) => {
      pools[kind].push(kind === "quoted" ? String(groups.slice(0, 4).find((each) => each !== undefined) ?? "") : whole);
      return " ";
    });
  }
  return { text, json, pairs, pools };
}

/** `material` to take from, so that the original stays whole. */
export function copyMaterial({ text, json, pairs, pools }: Material): Material {
  const copies = Object.entries(pools).map(([kind, values]) => [kind, [...values]]);
  return { text, json: [...json], pairs, pools: Object.fromEntries(copies) };
}
