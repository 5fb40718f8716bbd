/**
 * Says what is waited for.
 *
 * @module
 */
import { systemClock } from "../../../kit/clock.ts";
import { toSafeLine } from "../chat/safe_text.ts";
import { cutTo } from "../chat/text_width.ts";
import type { CommandContext } from "../command.ts";

const EVERY_MS = 1000;
/** Where lines stay, as in a file, there is one this often. */
const LINE_MS = 10_000;

/** A line that says what is waited for. Disposing it takes the line away. */
export interface Waiting extends Disposable {
  /** Says it in other words; an empty text leaves the line empty. */
  say(words: string): void;
}

/** Shows `words`, with the seconds: in one line of a terminal, elsewhere in a line now and then. */
export function startWaiting({ terminal, json, errStyle }: CommandContext, words: string): Waiting {
  if (json) return { say: () => {}, [Symbol.dispose]: () => {} };
  const started = systemClock.now();
  let said = words;
  const toLine = () => {
    const seconds = Math.round((systemClock.now() - started) / 1000);
    return said === "" ? "" : `${toSafeLine(said)} … ${seconds} s`;
  };
  if (!terminal.isTerminal.err) {
    const ticking = systemClock.every(LINE_MS, () => said !== "" && terminal.err(`${toLine()}\n`));
    return { say: (words) => void (said = words), [Symbol.dispose]: () => ticking[Symbol.dispose]() };
  }
  const draw = () => terminal.err(`\r\x1b[K${errStyle.dim(cutTo(toLine(), terminal.columns() - 1))}`);
  draw();
  const ticking = systemClock.every(EVERY_MS, draw);
  return {
    say(words) {
      said = words;
      draw();
    },
    [Symbol.dispose]() {
      ticking[Symbol.dispose]();
      terminal.err("\r\x1b[K");
    },
  };
}
