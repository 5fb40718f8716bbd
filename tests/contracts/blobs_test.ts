/**
 * The blob store's contract in a folder, plain and encrypted, and what the
 * encryption must withstand.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { openFileBlobs } from "../../src/adapters/files/blobs.ts";
import { HEADER_SIZE, SEALED_CHUNK_SIZE } from "../../src/adapters/files/sealed_chunks.ts";
import { AppError } from "../../src/domain/error.ts";
import { idsOf, inPieces, readAll, sampleBytes, testBlobs } from "./blobs_contract.ts";

const encryptionKey = "correct horse battery staple";

testBlobs("folder", (dir) => openFileBlobs({ dir }));
testBlobs("folder, encrypted", (dir) => openFileBlobs({ dir, encryptionKey }));

async function withFolder(body: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "muxi-blobs-" });
  try {
    await body(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

function named(name: string) {
  return (error: unknown) => error instanceof AppError && error.name === name;
}

Deno.test("files that were never finished are removed when the folder is opened", () =>
  withFolder(async (dir) => {
    await (await openFileBlobs({ dir })).put("file_1", inPieces(sampleBytes(1)));
    await Deno.writeTextFile(join(dir, ".tmp-file_2-123"), "half");
    await openFileBlobs({ dir });
    assert.deepEqual((await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => name), ["file_1"]);
  }));

Deno.test("a folder that can't be made is refused", () =>
  withFolder(async (dir) => {
    await Deno.writeTextFile(join(dir, "taken"), "");
    await assert.rejects(openFileBlobs({ dir: join(dir, "taken", "files") }), named("ConfigurationError"));
  }));

Deno.test("an encrypted file shows nothing, and no two files are alike", () =>
  withFolder(async (dir) => {
    const blobs = await openFileBlobs({ dir, encryptionKey });
    const text = new TextEncoder().encode("The quick brown fox. ".repeat(1000));
    await blobs.put("file_1", inPieces(text));
    await blobs.put("file_2", inPieces(text));
    const [one, two] = [await Deno.readFile(join(dir, "file_1.enc")), await Deno.readFile(join(dir, "file_2.enc"))];
    assert.equal(new TextDecoder("latin1").decode(one).includes("quick"), false);
    assert.notDeepEqual(one.slice(4, 100), two.slice(4, 100));
    assert.equal(one.length, HEADER_SIZE + text.length + 16);
  }));

Deno.test("an encrypted file that was altered, cut, lengthened or exchanged gives an error and no wrong byte", () =>
  withFolder(async (dir) => {
    const blobs = await openFileBlobs({ dir, encryptionKey });
    const path = join(dir, "file_1.enc");
    const bytes = sampleBytes(200_000);
    await blobs.put("file_1", inPieces(bytes));
    await blobs.put("file_2", inPieces(bytes));
    const sealed = await Deno.readFile(path);
    const chunk = (n: number) => HEADER_SIZE + n * SEALED_CHUNK_SIZE;
    const altered: Record<string, Uint8Array> = {
      empty: new Uint8Array(),
      "no chunk": sealed.slice(0, HEADER_SIZE),
      "half a header": sealed.slice(0, 10),
      "cut at a chunk": sealed.slice(0, chunk(2)),
      "cut in a chunk": sealed.slice(0, chunk(2) - 5),
      "one byte less": sealed.slice(0, -1),
      "one byte more": Uint8Array.from([...sealed, 0]),
      "last chunk twice": Uint8Array.from([...sealed, ...sealed.slice(chunk(3))]),
      "chunks exchanged": Uint8Array.from([
        ...sealed.slice(0, chunk(0)),
        ...sealed.slice(chunk(1), chunk(2)),
        ...sealed.slice(chunk(0), chunk(1)),
        ...sealed.slice(chunk(2)),
      ]),
      "a chunk left out": Uint8Array.from([...sealed.slice(0, chunk(1)), ...sealed.slice(chunk(2))]),
      "another file": await Deno.readFile(join(dir, "file_2.enc")),
    };
    for (const at of [0, 5, HEADER_SIZE - 1, chunk(0), chunk(1) - 1, chunk(1) + 9, sealed.length - 1]) {
      const copy = sealed.slice();
      copy[at]! ^= 1;
      altered[`byte ${at} altered`] = copy;
    }
    for (const [what, content] of Object.entries(altered)) {
      await Deno.writeFile(path, content);
      const got: number[] = [];
      const read = async () => {
        for await (const piece of (await blobs.open("file_1"))!) for (const byte of piece) got.push(byte);
      };
      await assert.rejects(read(), named("InternalError"), what);
      assert.deepEqual(got, [...bytes.slice(0, got.length)], what);
    }
    await Deno.writeFile(path, sealed);
    assert.deepEqual(await readAll(blobs, "file_1"), bytes);
  }));

Deno.test("the wrong key, no key, or a key for plain files is an error before the first byte", () =>
  withFolder(async (dir) => {
    const sealed = await openFileBlobs({ dir, encryptionKey });
    await sealed.put("file_1", inPieces(sampleBytes(10)));
    await assert.rejects((await openFileBlobs({ dir, encryptionKey: "x" })).open("file_1"), named("InternalError"));
    const plain = await openFileBlobs({ dir });
    await assert.rejects(plain.open("file_1"), named("ConfigurationError"));
    await plain.put("file_2", inPieces(sampleBytes(10)));
    await assert.rejects(sealed.open("file_2"), named("ConfigurationError"));
    assert.deepEqual(await idsOf(plain), ["file_1", "file_2"]);
    await plain.delete("file_1");
    await sealed.delete("file_2");
    assert.deepEqual(await idsOf(plain), []);
  }));
