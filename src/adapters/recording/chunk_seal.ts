/**
 * Encryption of a recording while it grows: AES-256-GCM, each recording with a key of its own, each chunk with its
 * number as the nonce. Chunks can't be altered, exchanged or left out in the middle; the end may be missing, as after
 * the death of the process.
 *
 * @module
 */
import type { Sealer } from "../../ports/sealer.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
/** Bytes that a chunk grows by. */
export const TAG_SIZE = 16;

/** Encrypts and decrypts the chunks of one recording. */
export class ChunkSeal {
  readonly #key: CryptoKey;

  private constructor(key: CryptoKey) {
    this.#key = key;
  }

  /** A seal with a fresh key, and the key as it may be written down. */
  static async create(sealer: Sealer): Promise<{ seal: ChunkSeal; key: string }> {
    const bytes = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
    return { seal: await ChunkSeal.#from(bytes), key: await sealer.seal(bytes.toBase64()) };
  }

  /** The seal whose key was written down as `key`; undefined when it was sealed with another one. */
  static async open(sealer: Sealer, key: string): Promise<ChunkSeal | undefined> {
    const text = await sealer.open(key);
    return text === undefined ? undefined : await ChunkSeal.#from(Uint8Array.fromBase64(text));
  }

  static async #from(bytes: Bytes): Promise<ChunkSeal> {
    return new ChunkSeal(await crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]));
  }

  /** Encrypts the body of chunk `number`, bound to its `head`. A number is used once. */
  async seal(body: Bytes, { number, head }: { number: number; head: Bytes }): Promise<Bytes> {
    return new Uint8Array(await crypto.subtle.encrypt(parameters(number, head), this.#key, body));
  }

  /** Decrypts. Throws when it is not what was written there. */
  async unseal(body: Bytes, { number, head }: { number: number; head: Bytes }): Promise<Bytes> {
    return new Uint8Array(await crypto.subtle.decrypt(parameters(number, head), this.#key, body));
  }
}

function parameters(number: number, head: Bytes): AesGcmParams {
  const iv = new Uint8Array(NONCE_BYTES);
  new DataView(iv.buffer).setUint32(NONCE_BYTES - 4, number);
  return { name: "AES-GCM", iv, additionalData: head, tagLength: TAG_SIZE * 8 };
}
