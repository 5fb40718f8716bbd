/**
 * Bytes by name.
 *
 * @module
 */

/** Some of the bytes: from `first` to `last`, both among them. */
export interface ByteRange {
  first: number;
  last: number;
}

/** Stores bytes. */
export interface Blobs {
  /** Stores what `bytes` yields under `id`, wholly or not at all. Returns its size and hash (hex SHA-256). */
  put(id: string, bytes: AsyncIterable<Uint8Array>): Promise<{ size: number; sha256: string }>;
  /** The bytes under `id`, all or those of `range`, as far as there are; undefined when there are none. */
  open(id: string, range?: ByteRange): Promise<ReadableStream<Uint8Array> | undefined>;
  delete(id: string): Promise<void>;
  /** Ids of everything stored. */
  list(): AsyncIterable<string>;
}
