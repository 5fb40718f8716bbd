/**
 * Keys as an operator writes them, and new ones.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";

/** A key as it is configured. */
export interface KeySpec {
  /** Its name, which may be shown and logged. */
  key_id: string;
  secret: string;
  access: "user" | "admin";
  /** `default` where nothing is said. */
  tenant_id?: string;
  /** Binds the key to one user; without it the key belongs to an application that names its users itself. */
  user_id?: string;
  scopes?: readonly string[];
}

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/** Bytes from here on would make the first letters likelier than the last. */
const FAIR = 256 - 256 % LETTERS.length;

/** Random letters and digits, each worth 5.95 bits. */
export function randomText(length: number): string {
  let text = "";
  while (text.length < length) {
    for (const byte of crypto.getRandomValues(new Uint8Array(length))) {
      if (byte < FAIR && text.length < length) text += LETTERS[byte % LETTERS.length];
    }
  }
  return text;
}

/** A new secret, such as `sk_muxi_user_` and 32 random characters. */
export function generateKey(access: KeySpec["access"]): string {
  return `sk_muxi_${access}_${randomText(32)}`;
}

/** Names the program gives itself. */
const RESERVED = new Set(["anonymous", "system"]);

/**
 * Throws `ConfigurationError` where `keys` can't be used together. No message
 * quotes more of a key than its name.
 */
export function checkKeys(keys: readonly KeySpec[]): void {
  const names = new Set<string>();
  const secrets = new Map<string, string>();
  for (const { key_id, secret } of keys) {
    if (!/^[\w.-]{1,64}$/.test(key_id)) {
      throw new AppError(
        "ConfigurationError",
        "Cannot use a key: its name must be 1 to 64 letters, digits, dots, dashes or underscores",
      );
    }
    if (RESERVED.has(key_id)) throw new AppError("ConfigurationError", `Cannot name a key "${key_id}": it is reserved`);
    if (!/^[\x21-\x7e]{1,512}$/.test(secret)) {
      throw new AppError(
        "ConfigurationError",
        `Cannot use the key "${key_id}": its secret must be 1 to 512 printable ASCII characters without spaces`,
      );
    }
    if (names.has(key_id)) throw new AppError("ConfigurationError", `Cannot use two keys named "${key_id}"`);
    const other = secrets.get(secret);
    if (other !== undefined) {
      throw new AppError("ConfigurationError", `Cannot tell the keys "${other}" and "${key_id}" apart: same secret`);
    }
    names.add(key_id);
    secrets.set(secret, key_id);
  }
}

/**
 * Reads `name:access:key,…`, the form of the setting `API_KEYS`.
 *
 * @example Two keys
 * parseApiKeys("web:user:sk_muxi_user_abc,ops:admin:sk_muxi_admin_def");
 */
export function parseApiKeys(text: string): KeySpec[] {
  const keys: KeySpec[] = [];
  for (const [index, part] of text.split(",").entries()) {
    const entry = part.trim();
    if (entry === "") continue;
    const [name, access, ...rest] = entry.split(":");
    // A key put in the wrong place must not be quoted, so entries go by number.
    if ((access !== "user" && access !== "admin") || rest.length === 0) {
      throw new AppError(
        "ConfigurationError",
        `Cannot read entry ${index + 1} of the API keys: expected "name:access:key", with access "user" or "admin"`,
      );
    }
    keys.push({ key_id: name!, secret: rest.join(":"), access });
  }
  checkKeys(keys);
  return keys;
}
