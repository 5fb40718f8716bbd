/**
 * Recordings in a folder, a file each until they are made into WebM.
 *
 * @module
 */
import { join } from "node:path";
import { AppError } from "../../domain/error.ts";
import type { Clock } from "../../kit/clock.ts";
import type { Log } from "../../kit/log.ts";
import type { RawRecording, Recorder } from "../../ports/recorder.ts";
import type { Sealer } from "../../ports/sealer.ts";
import { ChunkSeal } from "./chunk_seal.ts";
import { Journal } from "./journal.ts";
import { JournalFile } from "./journal_file.ts";
import { JournalReader } from "./journal_reader.ts";
import { toWebm } from "./webm.ts";

/** Options for {@linkcode createRecorder}. */
export interface RecorderOptions {
  /** Created when missing. */
  dir: string;
  /** Seals the keys of sealed recordings. */
  sealer: Sealer;
  clock: Clock;
  log: Log;
}

const ENDING = ".rec";
const ID = /^[a-z]+_[0-9a-z]+$/;
/** How long the last piece is taken to last. */
const LAST_MS = 20;

/** Builds a recorder. Only one process may use the folder. */
export function createRecorder({ dir, sealer, clock, log }: RecorderOptions): Recorder {
  const pathOf = (id: string) => {
    if (!ID.test(id)) throw new AppError("ValidationError", `Cannot record "${id}": an id must match ${ID}`);
    return join(dir, `${id}${ENDING}`);
  };
  const read = async (path: string): Promise<RawRecording | undefined> => {
    const reader = await JournalReader.open(path, sealer);
    if (reader === undefined) return undefined;
    const { lanes, cues, last_ms } = reader;
    const duration_ms = lanes.length === 0 ? 0 : last_ms + LAST_MS;
    return {
      duration_ms,
      tracks: lanes.map(({ track }) => track),
      cues,
      toWebm: () => toWebm(lanes, duration_ms),
      discard: () => removeFile(path),
    };
  };
  return {
    async open(id, options) {
      const path = pathOf(id);
      const seal = options.sealed ? await ChunkSeal.create(sealer) : undefined;
      await Deno.mkdir(dir, { recursive: true, mode: 0o700 }).catch((cause) => {
        throw new AppError("UnavailableError", `Cannot record "${id}": its folder can't be made`, { cause });
      });
      const file = await JournalFile.create({ path, id, ...seal && { seal } });
      return new Journal({ ...options, id, file, clock, log, read: async () => (await read(path))! });
    },
    async *list() {
      try {
        for await (const { name } of Deno.readDir(dir)) {
          if (name.endsWith(ENDING) && ID.test(name.slice(0, -ENDING.length))) yield name.slice(0, -ENDING.length);
        }
      } catch (error) {
        // Nothing was ever recorded.
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    },
    discard: (id) => removeFile(pathOf(id)),
    async recover(id) {
      try {
        return await read(pathOf(id));
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return undefined;
        throw error;
      }
    },
  };
}

async function removeFile(path: string): Promise<void> {
  await Deno.remove(path).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}
