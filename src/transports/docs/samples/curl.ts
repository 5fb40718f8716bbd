/**
 * Requests as commands of a shell.
 *
 * @module
 */
import type { Sample } from "./sample.ts";

/** The command for `sample`. */
export function toCurl({ method, url, guarded, headers, body, upload, download, streams }: Sample): string {
  const sends = body !== undefined || upload;
  const implied = sends ? "POST" : "GET";
  const parts = [
    `curl${streams ? " -N" : ""}${method === implied ? "" : ` -X ${method}`} ${quoted(url)}`,
    ...guarded ? ['-H "Authorization: Bearer $MUXI_KEY"'] : [],
    ...Object.entries(headers).map(([name, value]) => `-H "${name}: ${value}"`),
    ...body === undefined ? [] : [`-d ${quoted(JSON.stringify(body))}`],
    ...upload ? ["--data-binary @notes.txt"] : [],
    ...download === undefined ? [] : [`-o ${download}`],
  ];
  return parts.join(" \\\n  ");
}

/** `text` as one word of a shell. */
function quoted(text: string): string {
  return /^[\w:/.-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
