/**
 * The entries for desktop hosts that our documents show, as they stand there.
 *
 * @module
 */
import { toChapters } from "./readme.ts";
import { type TestServer, USER_KEY } from "./server.ts";
import type { Json } from "./story.ts";

const root = new URL("../../", import.meta.url);
/** The documents with such entries. */
export const DOCUMENTS = ["README.md", "config/deploy/desktop-hosts/README.md"] as const;

/** What a host is told of a server: a program, or an address. */
export type Entry = { command: string; args: string[]; env?: Record<string, string> } | {
  type: "http" | "sse";
  url: string;
  headers: Record<string, string>;
};

/** A host's file, as a document shows it. */
export interface HostFile {
  mcpServers: Record<string, Entry>;
}

/** Every host's file in a document, in the order in which they stand. */
export async function hostFilesOf(document: typeof DOCUMENTS[number]): Promise<HostFile[]> {
  const chapters = toChapters(await Deno.readTextFile(new URL(document, root)));
  const blocks = chapters.flatMap(({ blocks }) => blocks).filter(({ language }) => language === "json");
  return blocks.map(({ text }) => JSON.parse(text)).filter((value: Json) => "mcpServers" in value);
}

/** Puts the address and the key of `server`, and a home, in the place of what is shown. */
export function filled<T>(value: T, { url }: TestServer, home = "/home/me"): T {
  const text = JSON.stringify(value).replaceAll("http://127.0.0.1:8000", url).replaceAll("/home/me", home);
  return JSON.parse(text.replaceAll("sk_muxi_user_…", USER_KEY));
}
