/**
 * Sealed texts: AES-256-GCM with a fresh nonce, under a key that is derived
 * from the settings' one, or else stands in a file of its own, which no backup
 * holds.
 *
 * @module
 */
import type { Sealer } from "../../ports/sealer.ts";

const KEY_BYTES = 32;
const NONCE_BYTES = 12;

/** Builds a sealer. The key is read, or made, when it is first needed. */
export function createSealer({ file, encryptionKey }: { file: string; encryptionKey?: string }): Sealer {
  let key: Promise<CryptoKey> | undefined;
  const keyOf = () => {
    key ??= (encryptionKey === undefined ? readKey(file) : hash(encryptionKey)).then(importKey);
    key.catch(() => key = undefined);
    return key;
  };
  return {
    async seal(text) {
      const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
      const sealed = await crypto.subtle.encrypt(
        { name: "AES-GCM", iv },
        await keyOf(),
        new TextEncoder().encode(text),
      );
      return `${iv.toBase64()}.${new Uint8Array(sealed).toBase64()}`;
    },
    async open(sealed) {
      const [iv = "", bytes = ""] = sealed.split(".");
      try {
        const name = { name: "AES-GCM", iv: Uint8Array.fromBase64(iv) };
        return new TextDecoder().decode(
          await crypto.subtle.decrypt(name, await keyOf(), Uint8Array.fromBase64(bytes)),
        );
      } catch (error) {
        if (error instanceof DOMException || error instanceof SyntaxError) return undefined;
        throw error;
      }
    },
  };
}

function importKey(bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
}

async function hash(text: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`muxi sealer 1:${text}`)));
}

async function readKey(file: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const fresh = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
    await Deno.writeTextFile(file, fresh.toBase64(), { createNew: true, mode: 0o600 });
    return fresh;
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    return Uint8Array.fromBase64((await Deno.readTextFile(file)).trim());
  }
}
