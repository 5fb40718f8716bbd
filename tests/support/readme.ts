/**
 * The README as a list of things to try: its chapters, their blocks, and the commands of a block.
 *
 * @module
 */

/** A fenced block. */
export interface Block {
  /** What stands behind the fence, such as `sh`; empty for plain text. */
  language: string;
  text: string;
  /** The line of its first line in the file. */
  line: number;
}

/** What stands below a heading of the second level. */
export interface Chapter {
  title: string;
  blocks: Block[];
}

/** Splits a Markdown file. */
export function toChapters(markdown: string): Chapter[] {
  const chapters: Chapter[] = [];
  let block: Block | undefined;
  for (const [at, line] of markdown.split("\n").entries()) {
    const fence = /^```(\w*)$/.exec(line);
    if (block !== undefined) {
      if (fence !== null) block = undefined;
      else block.text += `${line}\n`;
    } else if (fence !== null) {
      block = { language: fence[1]!, text: "", line: at + 2 };
      if (chapters.length === 0) chapters.push({ title: "", blocks: [] });
      chapters.at(-1)!.blocks.push(block);
    } else if (line.startsWith("## ")) {
      chapters.push({ title: line.slice(3), blocks: [] });
    }
  }
  return chapters;
}

/** The commands of a shell block: its lines, joined where bash says that a command goes on. */
export function toCommands(text: string): string[] {
  const commands: string[] = [];
  let open = "";
  for (const line of text.split("\n")) {
    open += open === "" ? line : `\n${line}`;
    if (open.trim() === "" || !isWhole(open)) continue;
    commands.push(open);
    open = "";
  }
  if (open.trim() !== "") throw new Error(`A command of the README does not end: ${open}`);
  return commands;
}

/** Whether bash takes `text` for whole: it warns of a text that ends too early. */
function isWhole(text: string): boolean {
  if (text.endsWith("\\")) return false;
  const { success, stderr } = new Deno.Command("bash", { args: ["-nc", text], stderr: "piped" }).outputSync();
  return success && stderr.length === 0;
}
