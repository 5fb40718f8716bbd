/**
 * Encrypted files that can be read as a stream: AES-256-GCM in chunks of
 * 64 KB (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár).
 *
 * A file is `MXB1`, a salt (16 bytes), a nonce prefix (7 bytes), then the
 * chunks, each followed by its tag. A chunk's nonce is the prefix, its number
 * (4 bytes) and whether it is the last one, so that chunks can't be altered,
 * moved, dropped or added. The file's id is authenticated with each chunk, so
 * that files can't be exchanged.
 *
 * @module
 */

/** Bytes of plain text in a chunk. */
export const CHUNK_SIZE = 65_536;
const TAG_SIZE = 16;
const MAGIC = new TextEncoder().encode("MXB1");
const SALT_SIZE = 16;
const PREFIX_SIZE = 7;
/** Bytes before the first chunk. */
export const HEADER_SIZE = MAGIC.length + SALT_SIZE + PREFIX_SIZE;
/** Bytes of a whole chunk as it is stored. */
export const SEALED_CHUNK_SIZE = CHUNK_SIZE + TAG_SIZE;

type Bytes = Uint8Array<ArrayBuffer>;

/** The key of everything that is derived from `setting`. */
export async function importMasterKey(setting: string): Promise<CryptoKey> {
  return await crypto.subtle.importKey("raw", new TextEncoder().encode(setting), "HKDF", false, ["deriveKey"]);
}

/** Encrypts or decrypts the chunks of one file, in order. */
export class ChunkCipher {
  readonly #key: CryptoKey;
  readonly #prefix: Bytes;
  readonly #id: Bytes;
  #counter: number;

  private constructor(key: CryptoKey, prefix: Bytes, id: string, counter: number) {
    this.#counter = counter;
    this.#key = key;
    this.#prefix = prefix;
    this.#id = new TextEncoder().encode(id);
  }

  /** A cipher for a new file, with the header it begins with. */
  static async create(master: CryptoKey, id: string): Promise<{ cipher: ChunkCipher; header: Bytes }> {
    const header = new Uint8Array(HEADER_SIZE);
    crypto.getRandomValues(header);
    header.set(MAGIC);
    return { cipher: await ChunkCipher.open(master, id, header), header };
  }

  /** The cipher of the file that begins with `header`, from its chunk `first` on. */
  static async open(master: CryptoKey, id: string, header: Bytes, first = 0): Promise<ChunkCipher> {
    if (header.length !== HEADER_SIZE || !MAGIC.every((byte, index) => header[index] === byte)) {
      throw new Error("the header is not that of an encrypted file");
    }
    const salt = header.slice(MAGIC.length, MAGIC.length + SALT_SIZE);
    const key = await crypto.subtle.deriveKey(
      { name: "HKDF", hash: "SHA-256", salt, info: new TextEncoder().encode("muxi blob 1") },
      master,
      { name: "AES-GCM", length: 256 },
      false,
      ["encrypt", "decrypt"],
    );
    return new ChunkCipher(key, header.slice(MAGIC.length + SALT_SIZE), id, first);
  }

  /** Encrypts the next chunk. */
  async seal(chunk: Bytes, last: boolean): Promise<Bytes> {
    return new Uint8Array(await crypto.subtle.encrypt(this.#next(last), this.#key, chunk));
  }

  /** Decrypts the next chunk. Throws when it is not what was stored in this place. */
  async unseal(chunk: Bytes, last: boolean): Promise<Bytes> {
    return new Uint8Array(await crypto.subtle.decrypt(this.#next(last), this.#key, chunk));
  }

  #next(last: boolean): AesGcmParams {
    if (this.#counter > 0xffffffff) throw new RangeError("Cannot encrypt more than 256 TB in one file");
    const iv = new Uint8Array(12);
    iv.set(this.#prefix);
    new DataView(iv.buffer).setUint32(PREFIX_SIZE, this.#counter++);
    iv[11] = last ? 1 : 0;
    return { name: "AES-GCM", iv, additionalData: this.#id, tagLength: TAG_SIZE * 8 };
  }
}
