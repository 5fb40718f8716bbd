/**
 * Where a path really leads, as a process sees it.
 *
 * @module
 */
/** As many symbolic links as the kernel follows. */
const MAX_LINKS = 40;
const MAX_LENGTH = 4096;

/** Options for {@linkcode realPathOf}. */
export interface RealPathOptions {
  /** What relative paths start at. */
  cwd: string;
  /** The folder that the process takes for `/`, such as `/proc/7/root`; nothing where it is ours. */
  root: string;
}

/**
 * The absolute path that `path` leads to with all its links followed, where what
 * does not exist yet counts as it is spelled. Undefined where nobody can say:
 * too many links, bytes that end a path early.
 */
export function realPathOf(path: string, place: RealPathOptions): string | undefined {
  if (path.includes("\0") || path.length > MAX_LENGTH) return undefined;
  const waiting = partsOf(path.startsWith("/") ? path : `${place.cwd}/${path}`);
  const done: string[] = [];
  let links = 0;
  let missing = false;
  while (waiting.length > 0) {
    const part = waiting.pop()!;
    if (part === "..") {
      // Beyond what does not exist the kernel goes nowhere, so that nobody is let back in.
      if (missing) return undefined;
      done.pop();
      continue;
    }
    done.push(part);
    if (missing) continue;
    const target = linkAt(`${place.root}/${done.join("/")}`);
    if (target === "missing") missing = true;
    else if (target === "unknown") return undefined;
    else if (target !== undefined) {
      if (++links > MAX_LINKS || target.includes("\0")) return undefined;
      done.pop();
      if (target.startsWith("/")) done.length = 0;
      waiting.push(...partsOf(target));
    }
  }
  return `/${done.join("/")}`;
}

/** The parts, last first, so that the next one is at the end. */
function partsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".").reverse();
}

/** What the link at `path` says; undefined where it is none. */
function linkAt(path: string): string | undefined | "missing" | "unknown" {
  try {
    return Deno.lstatSync(path).isSymlink ? Deno.readLinkSync(path) : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return "missing";
    return "unknown";
  }
}

/** Whether `path` is `folder`, or something in it. Both are real. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || folder === "/" || path.startsWith(`${folder}/`);
}

/** Where `path` leads; undefined where nothing is. */
export async function realPath(path: string): Promise<string | undefined> {
  return await Deno.realPath(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  });
}
