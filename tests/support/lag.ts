/**
 * How late this process is, which no server in it can be blamed for.
 *
 * @module
 */

const EVERY_MS = 5;

/** Measures, until disposed, how much later than due timers come: `most` milliseconds. `onLook` is told each time. */
export function watchLag(onLook = (_late_ms: number): void => {}): Disposable & { readonly most: number } {
  let most = 0;
  let due = performance.now() + EVERY_MS;
  const look = () => {
    const now = performance.now();
    const late = now - due;
    most = Math.max(most, late);
    due = now + EVERY_MS;
    onLook(late);
  };
  const timer = setInterval(look, EVERY_MS);
  return {
    get most() {
      // A stall that is not over yet counts, too.
      return Math.max(most, performance.now() - due);
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
