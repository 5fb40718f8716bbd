/**
 * Attachments as a model reads them.
 *
 * @module
 */
import type { Principal } from "../../domain/access.ts";
import { AppError } from "../../domain/error.ts";
import type { Attachment } from "../../domain/message.ts";
import type { FileRow } from "../../domain/table.ts";
import type { ModelPart } from "../../ports/model.ts";
import type { Store } from "../../ports/store.ts";
import type { Files } from "../files/files.ts";

/** The most that is read of one file, in bytes. */
const MAX_BYTES = 4_194_304;
/** What stands for a file whose row or bytes are gone: the conversation goes on without it. */
const DELETED = "(this file was deleted)";
const TEXT_TYPES = /^(text\/|application\/(json|yaml|xml|x-ndjson))/;

/** What {@linkcode AttachedFiles} needs. */
export interface AttachedFilesDeps {
  store: Store;
  files: Files;
}

/** Reads attachments. */
export class AttachedFiles {
  #deps: AttachedFilesDeps;

  constructor(deps: AttachedFilesDeps) {
    this.#deps = deps;
  }

  /** An attachment that was checked when it was stored. */
  async stored(tenant_id: string, attachment: Attachment): Promise<ModelPart> {
    if ("url" in attachment) return { type: "image_url", url: attachment.url };
    const { file_id: id } = attachment;
    const [file] = await this.#deps.store.read({ from: "files", where: { id, tenant_id }, limit: 1 });
    return file ? await this.#read(file) : { type: "text", name: id, text: DELETED };
  }

  /** An attachment that `principal` names. */
  async visible(principal: Principal, attachment: Attachment): Promise<ModelPart> {
    if ("url" in attachment) return { type: "image_url", url: attachment.url };
    return await this.#read(await this.#deps.files.get(principal, attachment.file_id));
  }

  /** A file whose bytes are here. */
  toPart({ name, media_type }: Pick<FileRow, "name" | "media_type">, bytes: Uint8Array): ModelPart {
    const unreadable = unreadableAs({ media_type, size: bytes.byteLength });
    if (unreadable !== undefined) return { type: "text", name, text: unreadable };
    if (media_type.startsWith("image/")) return { type: "image", media_type, bytes };
    return { type: "text", name, text: new TextDecoder().decode(bytes) };
  }

  async #read(file: FileRow): Promise<ModelPart> {
    const unreadable = unreadableAs(file);
    if (unreadable !== undefined) return { type: "text", name: file.name, text: unreadable };
    const body = await this.#deps.files.open(file).catch(ifGone);
    if (!body) return { type: "text", name: file.name, text: DELETED };
    return this.toPart(file, new Uint8Array(await new Response(body).arrayBuffer()));
  }
}

/** What stands for a file that no model can read. */
function unreadableAs({ media_type, size }: Pick<FileRow, "media_type" | "size">): string | undefined {
  if (size <= MAX_BYTES && (media_type.startsWith("image/") || TEXT_TYPES.test(media_type))) return undefined;
  return `(a file of type ${media_type}, ${size} bytes)`;
}

function ifGone(error: unknown): undefined {
  if (!(error instanceof AppError) || error.name !== "GoneError") throw error;
}
