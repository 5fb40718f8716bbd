/**
 * Code that does an operation, in every language shown.
 *
 * @module
 */
import type { CodeSample } from "../document.ts";
import { toCurl } from "./curl.ts";
import { toPython } from "./python.ts";
import { type Sample, SERVER, type Task } from "./sample.ts";
import { toTypeScript } from "./typescript.ts";

/** The code for `task`. */
export function toSamples({ path, parameters, access, ...task }: Task): CodeSample[] {
  const filled = parameters.filter((one) => one.in === "path")
    .reduce((text, { name, example }) => text.replace(`{${name}}`, encodeURIComponent(String(example))), path);
  const query = new URLSearchParams(
    parameters.flatMap((one) => one.in === "query" && one.required ? [[one.name, String(one.example)]] : []),
  );
  if (task.upload) query.set("name", "notes.txt");
  const sample: Sample = {
    ...task,
    url: `${SERVER}${filled}${query.size > 0 ? `?${query}` : ""}`,
    guarded: access !== "public",
    headers: {
      ...task.upload && { "content-type": "text/plain" },
      ...task.body !== undefined && { "content-type": "application/json" },
      ...task.streams && { accept: "text/event-stream" },
    },
  };
  return [
    { lang: "Shell", label: "curl", source: toCurl(sample) },
    { lang: "TypeScript", label: "TypeScript", source: toTypeScript(sample) },
    { lang: "Python", label: "Python", source: toPython(sample) },
  ];
}
