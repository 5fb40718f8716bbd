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
import type { Settings } from "../settings/schema.ts";
import type { Ports } from "./ports.ts";

const KEY_BYTES = 32;

/** Wires them. Encrypted ones have the database's key, or else one that no backup holds. */
export async function createRecordings(
  { data_dir, database: { encryption_key }, rtc, retention }: Settings,
  { store, clock, log, audit }: Pick<Ports, "store" | "clock" | "log"> & { audit: Audit },
): Promise<Recordings> {
  const { allowed, encrypt, max_bytes, max_seconds, max_live } = rtc.recording;
  const dir = `${data_dir}/recordings`;
  const file = `${data_dir}/recordings.key`;
  const sealed = encrypt || encryption_key !== "";
  const key = encryption_key !== "" ? encryption_key : await readKey(file, sealed);
  const sealer = createSealer({ file, ...encryption_key !== "" && { encryptionKey: encryption_key } });
  const plain = await openFileBlobs({ dir });
  return new Recordings({
    store,
    clock,
    log,
    recorder: createRecorder({ dir: `${dir}/raw`, sealer, clock, log }),
    blobs: { plain, sealed: key === undefined ? plain : await openFileBlobs({ dir, encryptionKey: key }) },
    recording_days: retention.recording_days,
    options: { allowed, sealed, max_bytes, max_seconds, max_live },
    audit: new RecordingAudit({ audit, clock }),
  });
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
