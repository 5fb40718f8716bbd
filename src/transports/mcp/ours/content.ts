/**
 * What servers behind this one answer, in the protocol's own shape.
 *
 * @module
 */
import type { ContentBlock, ReadResourceResult } from "@modelcontextprotocol/server";
import { toResourceAddress } from "../../../domain/resource.ts";
import type { ToolContent } from "../../../domain/tool.ts";

const WEB = /^https?:/i;

/** A part of an answer of `server`. Its resources get the addresses at which they can be read here. */
export function toContent(server: string, part: ToolContent): ContentBlock {
  switch (part.type) {
    case "text":
      return part;
    case "image":
    case "audio":
      return { type: part.type, data: part.data, mimeType: part.media_type };
    case "resource_link": {
      const { media_type, uri, ...rest } = part;
      const type = media_type === undefined ? {} : { mimeType: media_type };
      // A client fetches an address of the web by itself.
      const address = WEB.test(uri) ? uri : toResourceAddress(server, uri);
      return { ...rest, ...type, uri: address } as ContentBlock;
    }
    case "resource":
      return { type: "resource", resource: toResource(server, part) };
  }
}

/** The contents of the resource `uri`. */
export function toContents(server: string, uri: string, parts: readonly ToolContent[]): ReadResourceResult["contents"] {
  return parts.map((part) => {
    if (part.type === "resource") return toResource(server, part);
    return { uri: toResourceAddress(server, uri), text: part.type === "text" ? part.text : JSON.stringify(part) };
  });
}

function toResource(server: string, { uri, media_type, text, blob }: ToolContent & { type: "resource" }) {
  const head = { uri: toResourceAddress(server, uri), ...media_type !== undefined && { mimeType: media_type } };
  return blob !== undefined ? { ...head, blob } : { ...head, text: text ?? "" };
}
