/**
 * Says what is waited for, where somebody watches.
 *
 * @module
 */
import { systemClock } from "../../../kit/clock.ts";
import { toSafeLine } from "../chat/safe_text.ts";
import { cutTo } from "../chat/text_width.ts";
import type { CommandContext } from "../command.ts";

const EVERY_MS = 1000;

/** A line that says what is waited for. Disposing it takes the line away. */
export interface Waiting extends Disposable {
  /** Says it in other words; an empty text leaves the line empty. */
  say(words: string): void;
}

/** Shows `words`, with the seconds, in a line of the terminal; nothing where there is none. */
export function startWaiting({ terminal, json, errStyle }: CommandContext, words: string): Waiting {
  if (!terminal.isTerminal.err || json) return { say: () => {}, [Symbol.dispose]: () => {} };
  const started = systemClock.now();
  let said = words;
  const draw = () => {
    const seconds = Math.round((systemClock.now() - started) / 1000);
    const line = said === "" ? "" : cutTo(`${toSafeLine(said)} … ${seconds} s`, terminal.columns() - 1);
    terminal.err(`\r\x1b[K${errStyle.dim(line)}`);
  };
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
