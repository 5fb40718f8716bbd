/**
 * What every blob store promises (`src/ports/blobs.ts`).
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { AppError } from "../../src/domain/error.ts";
import type { Blobs } from "../../src/ports/blobs.ts";

/** Sizes around the edges of a chunk. */
export const SIZES = [0, 1, 65_535, 65_536, 65_537, 131_072, 200_001];

/** `size` bytes that are not all alike. */
export function sampleBytes(size: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: size }, (_, n) => (n * 31 + (n >> 8)) & 255);
}

/** `bytes` in pieces of `piece` bytes. */
export async function* inPieces(bytes: Uint8Array, piece = 10_007): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += piece) yield bytes.subarray(at, at + piece);
}

/** All of what is stored under `id`. */
export async function readAll(blobs: Blobs, id: string): Promise<Uint8Array | undefined> {
  const stream = await blobs.open(id);
  return stream && new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Every id, sorted. */
export async function idsOf(blobs: Blobs): Promise<string[]> {
  return (await Array.fromAsync(blobs.list())).sort();
}

/** Runs the contract on what `open` opens in a folder. */
export function testBlobs(name: string, open: (dir: string) => Promise<Blobs>): void {
  const test = (sentence: string, body: (blobs: Blobs, dir: string) => Promise<void>) => {
    Deno.test(`blobs, ${name}: ${sentence}`, async () => {
      const dir = await Deno.makeTempDir({ prefix: "muxi-blobs-" });
      try {
        await body(await open(dir), dir);
      } finally {
        await Deno.remove(dir, { recursive: true });
      }
    });
  };

  test("bytes of any size come back as they went in, with their size and hash", async (blobs, dir) => {
    for (const size of SIZES) {
      for (const piece of [1 << 20, 65_536, 10_007]) {
        const bytes = sampleBytes(size);
        const stored = await blobs.put(`file_${size}`, inPieces(bytes, piece));
        assert.deepEqual(stored, { size, sha256: createHash("sha256").update(bytes).digest("hex") });
        assert.ok(Buffer.from(bytes).equals((await readAll(blobs, `file_${size}`))!), `${size} in pieces of ${piece}`);
      }
    }
    const again = await open(dir);
    assert.deepEqual(await idsOf(again), SIZES.map((size) => `file_${size}`).sort());
    assert.equal((await readAll(again, "file_65537"))!.length, 65_537);
  });

  test("any part of them can be read by itself", async (blobs) => {
    for (const size of SIZES) {
      const bytes = sampleBytes(size);
      await blobs.put("file_1", inPieces(bytes));
      const edges = [0, 1, 65_535, 65_536, 65_537, 131_072, size >> 1, size - 2, size - 1].filter((at) => at >= 0);
      for (const first of edges) {
        for (const last of [...edges.filter((at) => at >= first), size + 10]) {
          const part = await new Response(await blobs.open("file_1", { first, last })).bytes();
          assert.ok(Buffer.from(bytes.subarray(first, last + 1)).equals(part), `${first} to ${last} of ${size}`);
        }
      }
    }
  });

  test("what was never stored, or was deleted, is not there", async (blobs) => {
    assert.equal(await blobs.open("file_1"), undefined);
    await blobs.put("file_1", inPieces(sampleBytes(10)));
    await blobs.delete("file_1");
    await blobs.delete("file_1");
    assert.equal(await blobs.open("file_1"), undefined);
    assert.deepEqual(await idsOf(blobs), []);
  });

  test("bytes that end with an error leave nothing, or what was there before", async (blobs, dir) => {
    const failing = async function* () {
      yield sampleBytes(100_000);
      throw new Error("The client left");
    };
    await assert.rejects(blobs.put("file_1", failing()), { message: "The client left" });
    assert.equal(await blobs.open("file_1"), undefined);
    await blobs.put("file_1", inPieces(sampleBytes(5)));
    await assert.rejects(blobs.put("file_1", failing()), { message: "The client left" });
    assert.deepEqual(await readAll(blobs, "file_1"), sampleBytes(5));
    assert.deepEqual(await idsOf(blobs), ["file_1"]);
    assert.equal((await Array.fromAsync(Deno.readDir(dir))).length, 1);
  });

  test("a reader that stops early, or reads while it is replaced or deleted, is served", async (blobs) => {
    await blobs.put("file_1", inPieces(sampleBytes(300_000)));
    await (await blobs.open("file_1"))!.cancel();
    const stopped = (await blobs.open("file_1"))!.getReader();
    await stopped.read();
    await stopped.cancel();
    const stream = await blobs.open("file_1");
    await blobs.put("file_1", inPieces(sampleBytes(3)));
    await blobs.delete("file_1");
    assert.equal((await new Response(stream!).arrayBuffer()).byteLength, 300_000);
  });

  test("an id that is no id reaches no file", async (blobs) => {
    for (const id of ["", "file", "../file_1", "file_1/../../x", "file_A", "file_1\n", "file_1.enc", ".tmp-file_1"]) {
      const refused = (error: unknown) => error instanceof AppError && error.name === "ValidationError";
      await assert.rejects(blobs.put(id, inPieces(sampleBytes(1))), refused);
      await assert.rejects(blobs.open(id), refused);
      await assert.rejects(blobs.delete(id), refused);
    }
  });
}
