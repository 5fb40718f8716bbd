/**
 * A file from front to back, though its writer goes back to fill in what it didn't know: sizes, the duration. The work is
 * done twice; the first time shows what is filled in later. So nothing has to be kept on a disk in between, where it
 * would have to be encrypted.
 *
 * @module
 */

/** Bytes for a place. */
export interface PlacedBytes {
  position: number;
  data: Uint8Array;
}

/** Writes a whole file to `writable`. Each time the same. */
export type WriteFile = (writable: WritableStream<PlacedBytes>) => Promise<void>;

/** Yields the bytes of the file that `write` writes, in order. */
export async function* inOrder(write: WriteFile): AsyncGenerator<Uint8Array> {
  const late = await findLate(write);
  const known = new Set(late.map(({ position, data }) => `${position}+${data.length}`));
  let end = 0;
  let stopped: Error | undefined;
  let room = Promise.withResolvers<void>();
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  const readable = new ReadableStream<Uint8Array>({
    start: (given) => void (controller = given),
    pull: () => room.resolve(),
    cancel() {
      stopped = new Error("Nobody reads the file any more");
      room.resolve();
    },
  }, { highWaterMark: 0 });
  const writable = new WritableStream<PlacedBytes>({
    async write({ position, data }) {
      if (position < end) {
        if (!known.has(`${position}+${data.length}`)) throw new Error("A file was written differently the second time");
        return;
      }
      await room.promise;
      if (stopped) throw stopped;
      room = Promise.withResolvers();
      end = position + data.length;
      controller.enqueue(patched(position, data, late));
    },
  });
  const done = write(writable).then(() => controller.close(), (error) => stopped ?? controller.error(error));
  try {
    yield* readable;
  } finally {
    await done;
  }
}

async function findLate(write: WriteFile): Promise<PlacedBytes[]> {
  const late: PlacedBytes[] = [];
  let end = 0;
  await write(
    new WritableStream({
      write({ position, data }) {
        if (position >= end) end = position + data.length;
        else if (position + data.length <= end) late.push({ position, data: data.slice() });
        else throw new Error("A file was written over its end");
      },
    }),
  );
  return late;
}

/** `data` with what is filled in later. */
function patched(position: number, data: Uint8Array, late: readonly PlacedBytes[]): Uint8Array {
  const whole = data.slice();
  for (const one of late) {
    const from = Math.max(position, one.position);
    const to = Math.min(position + data.length, one.position + one.data.length);
    if (from < to) whole.set(one.data.subarray(from - one.position, to - one.position), from - position);
  }
  return whole;
}
