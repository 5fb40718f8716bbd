/**
 * Requests in Python, with nothing but its standard library.
 *
 * @module
 */
import type { Sample } from "./sample.ts";

const READ_EVENTS = `    event = {}
    for line in response:
        name, _, value = line.decode().rstrip("\\n").partition(": ")
        if name:
            event[name] = value
        elif "data" in event:
            print(event.get("id"), event["event"], json.loads(event["data"]))
            event = {}`;

/** The program for `sample`. */
export function toPython(sample: Sample): string {
  const { method, url, guarded, headers, body, upload, download, streams, answers } = sample;
  const readsJson = download === undefined && answers;
  const modules = [
    ...readsJson || body !== undefined ? ["json"] : [],
    ...guarded ? ["os"] : [],
    "urllib.request",
  ];
  const fields = [
    ...guarded ? ['"Authorization": "Bearer " + os.environ["MUXI_KEY"]'] : [],
    ...Object.entries(headers).map(([name, value]) => `"${name}": "${value}"`),
  ];
  const read = streams
    ? READ_EVENTS
    : download !== undefined
    ? `    with open("${download}", "wb") as file:\n        file.write(response.read())`
    : answers
    ? "    print(json.load(response))"
    : "    print(response.status)";
  return [
    `import ${modules.join(", ")}`,
    "",
    "request = urllib.request.Request(",
    `    "${url}",`,
    ...method === "GET" ? [] : [`    method="${method}",`],
    ...fields.length > 0 ? ["    headers={", ...fields.map((field) => `        ${field},`), "    },"] : [],
    ...body === undefined ? [] : [`    data=json.dumps(${literal(body, "    ")}).encode(),`],
    ...upload ? ['    data=open("notes.txt", "rb").read(),'] : [],
    ")",
    "with urllib.request.urlopen(request) as response:",
    read,
  ].join("\n");
}

/** JSON as Python spells it. */
function literal(value: unknown, indent: string): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "object") return JSON.stringify(value);
  const list = Array.isArray(value);
  const [open, close] = list ? "[]" : "{}";
  const parts = list
    ? value.map((one) => literal(one, `${indent}    `))
    : Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${literal(one, `${indent}    `)}`);
  const line = `${open}${parts.join(", ")}${close}`;
  if (line.length <= 60 && !line.includes("\n")) return line;
  return `${open}\n${parts.map((part) => `${indent}    ${part},`).join("\n")}\n${indent}${close}`;
}
