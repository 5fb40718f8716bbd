/**
 * What an operation is called on the command line.
 *
 * @module
 */
import type { Operation } from "../../../operations/operation.ts";
import type { Command } from "../command.ts";

function toWord(name: string): string {
  return name.replaceAll("_", "-");
}

/** Every word of the operations' paths that is no field. */
function segmentsOf(operations: Iterable<Operation>): Set<string> {
  return new Set(Array.from(operations).flatMap(({ http }) => http.match(/(?<=\/)\w+(?=\/|$)/g) ?? []));
}

/**
 * Makes words of ids. An id is `{resource}_{action}`, and either may have several
 * words. The group is the longest beginning of the id that is a word of some
 * path, in the plural where the path has it so (`run_list` → `runs list`,
 * `tool_call_decide` → `tool-calls decide`, `user_context_get` → `users
 * context-get`); without any, the id's first word. Where the group is a command
 * by hand, it has words of its own behind it, so that the id becomes one word
 * (`chat_send` → `chat-send`).
 */
export function createNaming(operations: Iterable<Operation>, byHand: readonly Command[]): (op: Operation) => string[] {
  const segments = segmentsOf(operations);
  const taken = new Set(byHand.filter(({ words }) => words.length === 1).map(({ words: [word] }) => word));
  return ({ id }) => {
    const parts = id.split("_");
    for (let length = parts.length - 1; length > 0; length--) {
      const noun = parts.slice(0, length).join("_");
      const group = [`${noun}s`, noun.replace(/y$/, "ies"), noun].find((name) => segments.has(name)) ??
        (length === 1 ? noun : undefined);
      if (group === undefined) continue;
      return taken.has(toWord(group)) ? [toWord(id)] : [toWord(group), toWord(parts.slice(length).join("_"))];
    }
    return [toWord(id)];
  };
}
