/**
 * Messages to a WebSocket, no faster than they are read.
 *
 * @module
 */
import { type Clock, sleep } from "../kit/clock.ts";

/** What the socket may hold before the next message waits, in bytes. A socket that is closed keeps what it holds. */
const MAX_BUFFERED = 262_144;
/** How often a full socket is looked at, in milliseconds: it does not tell when there is room. */
const LOOK_MS = 20;

/** Options of {@linkcode writeTo}. */
export interface WriteOptions {
  clock: Clock;
  /** How long a reader may read nothing, in milliseconds. */
  timeout_ms: number;
}

/** Writes until `messages` end. Resolves with whether everything went out; a reader that is stuck is given up. */
export async function writeTo(
  socket: WebSocket,
  messages: AsyncIterable<{ data: string }>,
  options: WriteOptions,
): Promise<boolean> {
  for await (const { data } of messages) {
    if (!await hasRoom(socket, options)) return false;
    socket.send(data);
  }
  return true;
}

/** Closes `socket`, whatever its state. */
export function closeSocket(socket: WebSocket, code: number, reason?: string): void {
  try {
    socket.close(code, reason);
  } catch {
    // It never opened.
  }
}

async function hasRoom(socket: WebSocket, { clock, timeout_ms }: WriteOptions): Promise<boolean> {
  let held = socket.bufferedAmount;
  let since = clock.now();
  while (socket.readyState === WebSocket.OPEN && held > MAX_BUFFERED) {
    await sleep(clock, LOOK_MS);
    if (socket.bufferedAmount < held) since = clock.now();
    held = socket.bufferedAmount;
    if (clock.now() - since > timeout_ms) return false;
  }
  return socket.readyState === WebSocket.OPEN;
}
