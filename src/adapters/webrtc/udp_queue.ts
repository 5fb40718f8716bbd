/**
 * The queue in which the system keeps datagrams until they are read. One port for every call has one of them, and what
 * Linux gives without being asked lasts for some dozens of calls; `node:dgram` can't ask for more in Deno.
 *
 * @module
 */
import dgram from "node:dgram";

/**
 * What is asked for, and what the system then keeps: twice as much, for what it adds to each datagram (socket(7)). That
 * is a quarter of a second of the sound of a hundred calls. What waited for longer is too late for a call.
 */
export const WANTED_BYTES = 2 ** 19;
export const WANTED_QUEUE = 2 * WANTED_BYTES;

/** `SOL_SOCKET`, `SO_RCVBUF` and `SO_RCVBUFFORCE` of Linux on every machine that Deno runs on. */
const SOCKET_LEVEL = 1;
const RECEIVE_BUFFER = 8;
/** Beyond `net.core.rmem_max`, for who may administrate the network. */
const RECEIVE_BUFFER_BY_FORCE = 33;
const TABLES = ["/proc/thread-self/net/udp", "/proc/thread-self/net/udp6"];
const MOST = "/proc/sys/net/core/rmem_max";
/** Of a line in those tables. */
const LOCAL = 1;
const INODE = 9;

/**
 * Widens the queues of this process' sockets at a UDP port, as far as it may, with `force` beyond
 * `net.core.rmem_max`, which takes the right to administrate the network. The bytes that the shortest of them keeps
 * now; undefined where that can't be asked, as on other systems than Linux and without `--allow-ffi`.
 */
export function widenQueue(port: number, { force = true } = {}): number | undefined {
  if (Deno.build.os !== "linux") return undefined;
  try {
    const sockets = socketsAt(port);
    if (sockets.length === 0) return undefined;
    using library = open();
    return Math.min(...sockets.map((socket) => library.widen(socket, force)));
  } catch {
    // No such library, no permission: the queue stays as the system made it.
    return undefined;
  }
}

/** What {@linkcode widenQueue} would come to at a port of its own, without rights that a server may lack. */
export async function measureQueue(): Promise<number | undefined> {
  const socket = dgram.createSocket("udp4");
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.bind({ address: "127.0.0.1", port: 0 }, resolve);
    });
    return widenQueue(socket.address().port, { force: false });
  } catch {
    // Without a port nothing can be said of its queue; that there is none is told elsewhere.
    return undefined;
  } finally {
    socket.close();
  }
}

/** The descriptors of this process that are bound to a UDP port. */
function socketsAt(port: number): number[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const inodes = new Set(
    TABLES.flatMap(linesOf)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[LOCAL]?.endsWith(suffix))
      .map((fields) => `socket:[${fields[INODE]}]`),
  );
  return [...Deno.readDirSync("/proc/self/fd")].map(({ name }) => Number(name)).filter((descriptor) => {
    try {
      return inodes.has(Deno.readLinkSync(`/proc/self/fd/${descriptor}`));
    } catch {
      // Closed by now.
      return false;
    }
  });
}

/** None where the system has no such file. */
function linesOf(file: string): string[] {
  try {
    return Deno.readTextFileSync(file).split("\n");
  } catch {
    return [];
  }
}

function open() {
  const library = Deno.dlopen("libc.so.6", {
    setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
    getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  });
  const { setsockopt, getsockopt } = library.symbols;
  const value = new Int32Array(1);
  const most = Number(linesOf(MOST)[0]);
  const length = new Uint32Array([value.byteLength]);
  const kept = (socket: number): number => {
    if (getsockopt(socket, SOCKET_LEVEL, RECEIVE_BUFFER, value, length) !== 0) {
      throw new Error("Cannot ask for the queue");
    }
    return value[0]!;
  };
  return {
    widen: (socket: number, force: boolean): number => {
      const options = force ? [RECEIVE_BUFFER_BY_FORCE, RECEIVE_BUFFER] : [RECEIVE_BUFFER];
      for (const option of options) {
        // More than that may have been given to every socket of the system.
        const before = kept(socket);
        if (before >= WANTED_QUEUE || (option === RECEIVE_BUFFER && before > 2 * most)) break;
        value[0] = WANTED_BYTES;
        setsockopt(socket, SOCKET_LEVEL, option, value, value.byteLength);
      }
      return kept(socket);
    },
    [Symbol.dispose]: () => library.close(),
  };
}
