/**
 * What tool servers let others read.
 *
 * @module
 */
import { z } from "zod";
import { ToolContent } from "./tool.ts";

/** Something that can be read, or a template of the addresses of such things. */
export const Resource = z.object({
  server: z.string().describe("Whose it is"),
  uri: z.string().describe("Its address at its server; with {…} in a template (RFC 6570)"),
  template: z.boolean(),
  name: z.string(),
  title: z.string().optional(),
  description: z.string().optional(),
  media_type: z.string().optional(),
  size: z.number().optional().describe("In bytes"),
}).meta({ id: "Resource" });
/** See {@linkcode Resource}. */
export type Resource = z.infer<typeof Resource>;

/** A resource as it was read. */
export const ResourceContents = z.object({
  server: z.string(),
  uri: z.string(),
  contents: z.array(ToolContent),
}).meta({ id: "ResourceContents" });
/** See {@linkcode ResourceContents}. */
export type ResourceContents = z.infer<typeof ResourceContents>;

const PREFIX = "muxi://servers/";
const ADDRESS = /^muxi:\/\/servers\/([^/?#]+)\/(.+)$/s;

/**
 * The address of a server's resource among those of all servers: its own one as it is, behind the server's name. So it
 * can be told from any other, is found again without a list, and works for templates, whose values are put in later.
 */
export function toResourceAddress(server: string, uri: string): string {
  return `${PREFIX}${server}/${uri}`;
}

/** What {@linkcode toResourceAddress} made an address of; undefined for any other address. */
export function fromResourceAddress(address: string): { server: string; uri: string } | undefined {
  const [, server, uri] = ADDRESS.exec(address) ?? [];
  return server === undefined || uri === undefined ? undefined : { server, uri };
}
