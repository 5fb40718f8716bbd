/**
 * Recordings of calls, wired.
 *
 * @module
 */
import { openFileBlobs } from "../adapters/files/blobs.ts";
import { createSealer } from "../adapters/files/sealer.ts";
import { createRecorder } from "../adapters/recording/recorder.ts";
import type { Audit } from "../core/identity/audit.ts";
import { RecordingAudit } from "../core/recordings/recording_audit.ts";
import { Recordings } from "../core/recordings/recordings.ts";
import type { Sealer } from "../ports/sealer.ts";
import type { Settings } from "../settings/schema.ts";
import type { Ports } from "./ports.ts";

const KEY_BYTES = 32;

/**
 * Wires them. Encrypted ones have the database's key, or else one that no backup holds, which those that were made before
 * the database had a key go on being read with.
 */
export async function createRecordings(
  { data_dir, database: { encryption_key }, rtc, retention }: Settings,
  { store, clock, log, audit }: Pick<Ports, "store" | "clock" | "log"> & { audit: Audit },
): Promise<Recordings> {
  const { allowed, encrypt, max_bytes, max_seconds, max_live } = rtc.recording;
  const dir = `${data_dir}/recordings`;
  const file = `${data_dir}/recordings.key`;
  const sealed = encrypt || encryption_key !== "";
  const own = await readKey(file, sealed && encryption_key === "");
  const keys = [...encryption_key === "" ? [] : [encryption_key], ...own === undefined ? [] : [own]];
  const [key, ...formerKeys] = keys;
  const sealers = [
    ...encryption_key === "" ? [] : [createSealer({ file, encryptionKey: encryption_key })],
    // Makes the file where it is missing.
    ...encryption_key === "" || own !== undefined ? [createSealer({ file })] : [],
  ];
  const plain = await openFileBlobs({ dir });
  return new Recordings({
    store,
    clock,
    log,
    recorder: createRecorder({ dir: `${dir}/raw`, sealer: openedByAny(sealers), clock, log }),
    blobs: { plain, sealed: key === undefined ? plain : await openFileBlobs({ dir, encryptionKey: key, formerKeys }) },
    recording_days: retention.recording_days,
    options: { allowed, sealed, max_bytes, max_seconds, max_live },
    audit: new RecordingAudit({ audit, clock }),
  });
}

/** Seals with the first of `sealers`, and opens what any of them has sealed. */
function openedByAny([first, ...others]: readonly Sealer[]): Sealer {
  return {
    seal: (text) => first!.seal(text),
    async open(sealed) {
      let text = await first!.open(sealed);
      for (const other of others) text ??= await other.open(sealed);
      return text;
    },
  };
}

/** The key in `file`, which is made where it is needed. */
async function readKey(file: string, needed: boolean): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(file);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    if (!needed) return undefined;
    const key = crypto.getRandomValues(new Uint8Array(KEY_BYTES)).toBase64();
    await Deno.writeTextFile(file, key, { createNew: true, mode: 0o600 });
    return key;
  }
}
