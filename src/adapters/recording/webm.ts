/**
 * A recording as a WebM file, with its duration and the places to seek to. Nothing is encoded anew.
 *
 * @module
 */
import type { RecordedTrack } from "../../domain/rtc_recording.ts";
import type { RecordedPiece } from "../../ports/recorder.ts";
import { inOrder, type PlacedBytes } from "./late_writes.ts";
import { opusDuration, withSilence } from "./opus_silence.ts";

/** A track and what is in it; each call reads it from its beginning. */
export interface WebmLane {
  track: RecordedTrack;
  pieces(): AsyncGenerator<RecordedPiece>;
}

/** How many bytes are handed on at once. */
const CHUNK_SIZE = 256 * 1024;

/** The file's bytes. */
export function toWebm(lanes: readonly WebmLane[], end_ms: number): AsyncGenerator<Uint8Array> {
  return inOrder((writable) => write(lanes, end_ms, writable));
}

/** One track on its way into the file. */
interface Feed {
  last_ms: number;
  /** Adds the next piece; false when there was none. */
  next(): Promise<boolean>;
  close(): Promise<void>;
}

async function write(lanes: readonly WebmLane[], end_ms: number, writable: WritableStream<PlacedBytes>): Promise<void> {
  const { Output, StreamTarget, WebMOutputFormat, EncodedAudioPacketSource, EncodedVideoPacketSource, EncodedPacket } =
    await import("mediabunny");
  const output = new Output({
    format: new WebMOutputFormat({ minimumClusterDuration: 1 }),
    target: new StreamTarget(writable, { chunked: true, chunkSize: CHUNK_SIZE }),
  });
  const packet = ({ data, key, time_ms }: RecordedPiece, duration_ms: number) =>
    new EncodedPacket(data, key ? "key" : "delta", time_ms / 1000, duration_ms / 1000);
  const feeds = lanes.map(({ track: { kind, name }, pieces }): Feed => {
    if (kind === "audio") {
      const source = new EncodedAudioPacketSource("opus");
      output.addAudioTrack(source, { name });
      const decoderConfig = { codec: "opus", sampleRate: 48_000, numberOfChannels: 2 };
      return feed(withSilence(pieces(), end_ms), {
        add: (piece) => source.add(packet(piece, opusDuration(piece.data)), { decoderConfig }),
        close: () => source.close(),
      });
    }
    const source = new EncodedVideoPacketSource("vp8");
    output.addVideoTrack(source, { name });
    let size: RecordedPiece["size"];
    return feed(fromKeyframe(pieces()), {
      add(piece) {
        size ??= piece.size;
        const decoderConfig = { codec: "vp8", codedWidth: size!.width, codedHeight: size!.height };
        return source.add(packet(piece, 0), { decoderConfig });
      },
      close: () => source.close(),
    });
  });
  try {
    await output.start();
    await interleave(feeds);
    await output.finalize();
  } finally {
    for (const one of feeds) await one.close();
    if (output.state !== "finalized") await output.cancel();
  }
}

/** Adds the next piece where the last one is oldest, so that the writer, which waits for all tracks, keeps little. */
async function interleave(feeds: readonly Feed[]): Promise<void> {
  const open = new Set<Feed>();
  for (const one of feeds) if (await one.next()) open.add(one);
  while (open.size > 0) {
    let oldest: Feed | undefined;
    for (const one of open) if (oldest === undefined || one.last_ms < oldest.last_ms) oldest = one;
    if (!await oldest!.next()) open.delete(oldest!);
  }
}

function feed(
  pieces: AsyncGenerator<RecordedPiece>,
  source: { add(piece: RecordedPiece): Promise<void>; close(): void },
): Feed {
  const one: Feed = {
    last_ms: 0,
    async next() {
      const { done, value } = await pieces.next();
      if (done) {
        source.close();
        return false;
      }
      one.last_ms = Math.max(one.last_ms, value.time_ms);
      await source.add({ ...value, time_ms: one.last_ms });
      return true;
    },
    close: async () => void await pieces.return(undefined),
  };
  return one;
}

/** Leaves out what can't be decoded. */
async function* fromKeyframe(pieces: AsyncIterable<RecordedPiece>): AsyncGenerator<RecordedPiece> {
  let seen = false;
  for await (const piece of pieces) {
    seen ||= piece.key && piece.size !== undefined;
    if (seen) yield piece;
  }
}
