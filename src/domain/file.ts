/**
 * A file: an attachment, later a recording.
 *
 * @module
 */
import { z } from "zod";

/** A file as shown. Its bytes are in the blob store under `id`. */
export const File = z.object({
  id: z.string(),
  name: z.string(),
  media_type: z.string(),
  size: z.number().int(),
  sha256: z.string(),
  user_id: z.string().nullable(),
  created_at: z.string(),
}).meta({ id: "File" });
/** See {@linkcode File}. */
export type File = z.infer<typeof File>;
