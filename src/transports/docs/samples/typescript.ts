/**
 * Requests in TypeScript, for Deno, Node and Bun.
 *
 * @module
 */
import type { Sample } from "./sample.ts";

const READ_EVENTS = `const decoder = new TextDecoder();
let rest = "";
for await (const chunk of response.body!) {
  const frames = (rest + decoder.decode(chunk, { stream: true })).split("\\n\\n");
  rest = frames.pop()!;
  for (const frame of frames) {
    const { id, event, data } = Object.fromEntries(frame.split("\\n").map((line) => line.split(/: (.*)/s)));
    if (data) console.log(id, event, JSON.parse(data));
  }
}`;

/** The program for `sample`. */
export function toTypeScript(sample: Sample): string {
  const { method, url, guarded, headers, body, upload, download, streams, answers } = sample;
  const files = [...upload ? ["readFile"] : [], ...download === undefined ? [] : ["writeFile"]];
  const fields = [
    ...guarded ? ["authorization: `Bearer ${key}`"] : [],
    ...Object.entries(headers).map(([name, value]) => `${name.includes("-") ? `"${name}"` : name}: "${value}"`),
  ];
  const options = [
    ...method === "GET" ? [] : [`  method: "${method}",`],
    ...fields.length > 0 ? [`  headers: { ${fields.join(", ")} },`] : [],
    ...body === undefined ? [] : [`  body: JSON.stringify(${literal(body, "  ")}),`],
    ...upload ? ['  body: await readFile("notes.txt"),'] : [],
  ];
  const read = streams
    ? READ_EVENTS
    : download !== undefined
    ? `await writeFile("${download}", new Uint8Array(await response.arrayBuffer()));`
    : answers
    ? "console.log(await response.json());"
    : "console.log(response.status);";
  return [
    ...files.length > 0 ? [`import { ${files.join(", ")} } from "node:fs/promises";`] : [],
    ...guarded ? ['import process from "node:process";', ""] : [],
    ...guarded ? ["const key = process.env.MUXI_KEY;"] : [],
    ...options.length > 0
      ? [`const response = await fetch("${url}", {`, ...options, "});"]
      : [`const response = await fetch("${url}");`],
    "if (!response.ok) throw new Error(await response.text());",
    read,
  ].join("\n");
}

/** JSON as a person would write it in code. */
function literal(value: unknown, indent: string): string {
  const text = JSON.stringify(value);
  const spaced = text.length <= 60 ? JSON.stringify(value, null, 1).replaceAll(/\n\s*/g, " ") : undefined;
  return (spaced ?? JSON.stringify(value, null, 2).replaceAll("\n", `\n${indent}`)).replaceAll(/"(\w+)":/g, "$1:");
}
