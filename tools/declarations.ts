/**
 * Files of declarations (`.d.ts`), as the compiler prints them: every statement begins at the start of a line, and
 * nothing within one does.
 *
 * @module
 */

/** What a name stands for. */
export interface Declaration {
  name: string;
  /** What is said about it; empty: nothing. */
  comment: string;
  /** The statement, without `export` and `declare`. */
  text: string;
}

/** A file of declarations. */
export interface Declarations {
  /** What is said about the file. */
  comment: string;
  /** By name; of a value and a type of the same name, the value. */
  declared: Map<string, Declaration>;
  /** The names for others, as they are listed: `CallError`, `type CallEvent`. Its own come first. */
  exported: string[];
}

const STATEMENT = /^(?=\/\*\*|\/\/\/|import |export |declare )/m;
const DECLARED = /^(?:export )?(?:declare )?((?:abstract )?(?:class|const|function|interface|type) (\w+)[\s\S]*)$/;
const LIST = /^export (type )?\{([^}]*)\}/;

/** Reads a file. */
export function readDeclarations(file: string): Declarations {
  const declared = new Map<string, Declaration>();
  const [own, listed]: [string[], string[]] = [[], []];
  let [about, comment] = ["", ""];
  for (const statement of file.split(STATEMENT).map((one) => one.trim())) {
    if (statement.startsWith("/**")) {
      if (statement.includes("@module")) about = statement;
      else comment = statement;
      continue;
    }
    const [, text = "", name] = DECLARED.exec(statement) ?? [];
    if (name !== undefined && !declared.has(name)) {
      declared.set(name, { name, comment, text });
      if (statement.startsWith("export ")) own.push(isType(text) ? `type ${name}` : name);
    }
    const [, type = "", names = ""] = LIST.exec(statement) ?? [];
    for (const [one] of names.matchAll(/(?:type )?\w+/g)) listed.push(one.startsWith("type ") ? one : type + one);
    comment = "";
  }
  return { comment: about, declared, exported: [...own, ...listed] };
}

/** Whether a declaration is a type alone. */
export function isType(text: string): boolean {
  return /^(interface|type) /.test(text);
}

/** What the names stand for, and every name within that. */
export function withNamed(names: Iterable<string>, declared: ReadonlyMap<string, Declaration>): Declaration[] {
  const found = new Set(names);
  for (const name of found) {
    const { text } = declared.get(name)!;
    const words = text.replaceAll(/\/\*\*[\s\S]*?\*\//g, "").match(/\w+/g) ?? [];
    for (const word of words) if (declared.has(word)) found.add(word);
  }
  return Array.from(found, (name) => declared.get(name)!);
}

/** Names the shapes that are written out within others: there `{ id: string; … }` becomes `RtcMember`. */
export function nameShapes(shapes: ReadonlyMap<string, string>): Map<string, string> {
  const flat = Array.from(shapes, ([name, shape]) => [name, shape.replaceAll(/\s+/g, " ")] as const);
  // The longest first, since they hold others; a shape of two names is neither.
  const known = flat.filter(([name, shape]) => !flat.some(([other, same]) => other !== name && same === shape))
    .toSorted(([, a], [, b]) => b.length - a.length);
  return new Map(flat.map(([name, shape]) => {
    const others = known.filter(([other]) => other !== name);
    return [name, others.reduce((text, [other, whole]) => text.replaceAll(placesOf(whole), other), shape)];
  }));
}

/** Where a shape stands alone, or may be absent: what is a part of a union stays one. */
function placesOf(shape: string): RegExp {
  const text = RegExp.escape(shape);
  const whole = `\\(${text}\\)(?=\\[\\])|${text}(?=;|>|\\[\\]| \\| (?:null|undefined)\\b)`;
  return new RegExp(`(?<=: |, )(?:${whole})`, "g");
}
