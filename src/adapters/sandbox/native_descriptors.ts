/**
 * Files that this process was given open by whoever started it, which Deno would hand on to every program.
 *
 * @module
 */

/** `close_range(2)`, which has the same number on every machine. */
const CLOSE_RANGE = 436;
/** Marks instead of closing: what is ours goes on, what we start doesn't get it. */
const CLOSE_ON_EXEC = 4;
const MOST = 0x7fff_ffff;
const FIRST_AFTER_STREAMS = 3;
/** `O_CLOEXEC`, as the kernel shows it. */
const CLOSED_THEN = 0o2000000;

/** Keeps everything beyond the three streams to this process. Whether that is so now. */
export function keepDescriptors(): boolean {
  try {
    using library = open();
    library.symbols.syscall(BigInt(CLOSE_RANGE), FIRST_AFTER_STREAMS, MOST, CLOSE_ON_EXEC);
  } catch {
    // What counts is what is there afterwards.
  }
  return handedOn().length === 0;
}

function open() {
  const library = Deno.dlopen("libc.so.6", {
    syscall: { parameters: ["i64", "u32", "u32", "u32"], result: "i64" },
  });
  return { symbols: library.symbols, [Symbol.dispose]: () => library.close() };
}

/** The descriptors that a program would get from us. */
function handedOn(): number[] {
  return [...Deno.readDirSync("/proc/self/fdinfo")].map(({ name }) => Number(name)).filter((number) => {
    if (number < FIRST_AFTER_STREAMS) return false;
    try {
      const flags = /^flags:\s*([0-7]+)$/m.exec(Deno.readTextFileSync(`/proc/self/fdinfo/${number}`))?.[1];
      return flags !== undefined && (parseInt(flags, 8) & CLOSED_THEN) === 0;
    } catch {
      // Closed by now.
      return false;
    }
  });
}
