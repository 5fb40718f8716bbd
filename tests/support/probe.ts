/**
 * What other programs say of a recording.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { ffmpeg } from "./vp8.ts";

/** What `ffprobe` knows of a file. */
export interface Probed {
  /** Seconds. */
  duration: number;
  streams: { codec: string; title: string | undefined; packets: number; width: number | undefined }[];
}

/** Reads the file at `path`. `ffprobe` must have nothing to complain of, nor `ffmpeg`, which decodes everything. */
export async function probe(path: string): Promise<Probed> {
  const { code, stdout, stderr } = await new Deno.Command("ffprobe", {
    args: ["-v", "warning", "-of", "json", "-count_packets", "-show_format", "-show_streams", path],
  }).output();
  assert.deepEqual([code, new TextDecoder().decode(stderr)], [0, ""]);
  // By the file's own clock: ffmpeg would guess a rate, and complain that a camera doesn't keep it.
  await ffmpeg(["-i", path, "-map", "0", "-enc_time_base", "-1", "-f", "null", "-"]);
  const { format, streams } = JSON.parse(new TextDecoder().decode(stdout));
  return {
    duration: Number(format.duration),
    // deno-lint-ignore no-explicit-any -- what another program prints
    streams: streams.map(({ codec_name, tags, nb_read_packets, width }: any) => ({
      codec: codec_name,
      title: tags?.title,
      packets: Number(nb_read_packets),
      width,
    })),
  };
}
