/**
 * Ports of programs that are told theirs.
 *
 * @module
 */

/** Below those that Linux gives to whoever asks for any (ip_local_port_range in ip(7)). */
const [FIRST, PORTS] = [10_000, 20_000];

/** A port of this machine that nobody has, nor is given by chance before it is taken. */
export function freePort(): number {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * PORTS);
    try {
      using _ = Deno.listen({ hostname: "127.0.0.1", port });
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
