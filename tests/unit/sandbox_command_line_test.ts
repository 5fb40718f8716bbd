import { strict as assert } from "node:assert";
import { toScript } from "../../src/adapters/sandbox/command_line.ts";

/** What a command line runs, on a line. */
function read(line: string): string {
  const [command, ...args] = line.split(" ") as [string, ...string[]];
  const script = toScript({ name: "stranger", command, args, env: {} });
  if (script === undefined) return "native";
  const what = script.kind === "file"
    ? `file ${script.path}`
    : `${script.packages.map(({ name, version }) => version === undefined ? name : `${name}@${version}`).join("+")}${
      script.bin === undefined ? "" : `/${script.bin}`
    }`;
  return [what, ...script.flags, ":", ...script.args].join(" ").trim();
}

const LINES: [string, string][] = [
  ["npx cowsay", "cowsay :"],
  ["npx -y cowsay@1.6.0 moo", "cowsay@1.6.0 : moo"],
  ["/usr/local/bin/npx --yes @scope/server@^2 --port 1 -y", "@scope/server@^2 : --port 1 -y"],
  ["npx -y -p cowsay -p figlet@1 cowthink -- moo", "cowsay+figlet@1/cowthink : moo"],
  ["npx --package=cowsay -- cowthink moo", "cowsay/cowthink : moo"],
  ["npm exec -y cowsay -- moo", "cowsay : moo"],
  ["npm x cowsay", "cowsay :"],
  ["bunx --bun cowsay moo", "cowsay : moo"],
  ["bun x cowsay", "cowsay :"],
  ["pnpm dlx cowsay", "cowsay :"],
  ["deno run -A npm:cowsay@1/cowthink moo", "cowsay@1/cowthink : moo"],
  ["deno run --allow-read=/etc -N --unstable-kv ./server.ts -A", "file ./server.ts --unstable-kv : -A"],
  ["deno x npm:cowsay", "cowsay :"],
  ["deno -A npm:cowsay", "cowsay :"],
  ["node --enable-source-maps dist/index.js --stdio", "file dist/index.js : --stdio"],
  ["bun run server.ts", "file server.ts :"],
  ["npm:cowsay@1.6.0 moo", "cowsay@1.6.0 : moo"],
  ["./server.mjs --x", "file ./server.mjs : --x"],
  ["deno run file:///srv/my%20server.ts", "file /srv/my server.ts :"],
  ["python3 server.py", "native"],
  ["uvx mcp-server-time", "native"],
  ["npm install cowsay", "native"],
  ["/usr/bin/env node server.js", "native"],
];

const REFUSED: [string, RegExp][] = [
  ["npx", /no package is named/],
  ["npx -c evil", /the flag "-c" isn't known/],
  ["npx github:somebody/something", /"github:somebody\/something" is no package of a registry/],
  ["npx https://example.com/x.tgz", /is no package of a registry/],
  ["node -e evil", /the flag "-e" isn't known/],
  ["node --require ./evil.js server.js", /the flag "--require" isn't known/],
  ["node --inspect=0.0.0.0 server.js", /the flag "--inspect=0.0.0.0" isn't known/],
  ["deno run -c evil.json server.ts", /the flag "-c" isn't known/],
  ["deno run --v8-flags=--x server.ts", /the flag "--v8-flags=--x" isn't known/],
  ["deno run https://example.com/server.ts", /neither a package of npm nor a file/],
  ["deno run jsr:@scope/server", /neither a package of npm nor a file/],
  ["deno eval 1", /only run is possible/],
  ["deno", /only run is possible/],
];

Deno.test("command lines of JavaScript are recognised, whatever runs them", () => {
  assert.deepEqual(LINES.map(([line]) => [line, read(line)]), LINES);
});

Deno.test("what can't be run as it is asked for is refused with the reason", () => {
  for (const [line, message] of REFUSED) assert.throws(() => read(line), message, line);
});
