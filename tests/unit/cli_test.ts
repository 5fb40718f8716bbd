/**
 * The command line: what is understood, what is refused, and how it ends.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { AppError } from "../../src/domain/error.ts";
import { runCli, type Verbs } from "../../src/transports/cli/cli.ts";
import { type CommandName, COMMANDS } from "../../src/transports/cli/commands.ts";
import { parseCommand, UsageError } from "../../src/transports/cli/parse_command.ts";

function refusal(...args: string[]): string {
  try {
    parseCommand(args);
  } catch (error) {
    assert.ok(error instanceof UsageError);
    return error.message;
  }
  return "";
}

interface Ran {
  code: number;
  out: string;
  err: string;
}

async function run(args: string[], verbs: Partial<Verbs> = {}, terminal = false, env = {}): Promise<Ran> {
  const ran: Ran = { code: 0, out: "", err: "" };
  ran.code = await runCli({
    args,
    version: "1.2.3",
    env,
    verbs: verbs as Verbs,
    out: (text) => ran.out += text,
    err: (text) => ran.err += text,
    isTerminal: { out: terminal, err: terminal },
  });
  return ran;
}

Deno.test("without a command the server starts", () => {
  assert.equal(parseCommand([]).name, "serve");
  const { name, settings } = parseCommand(["-p", "0", "--host=::1", "--config", "a.yaml", "--set", "a.b=c=d"]);
  assert.equal(name, "serve");
  assert.deepEqual(settings, {
    config: "a.yaml",
    set: [
      { path: "server.port", value: "0", flag: "-p" },
      { path: "server.host", value: "::1", flag: "--host" },
      { path: "a.b", value: "c=d", flag: "--set" },
    ],
  });
});

Deno.test("commands of two words, positionals and options in any order are understood", () => {
  assert.equal(parseCommand(["config", "print", "--json"]).json, true);
  const restore = parseCommand(["--force", "restore", "--data-dir", "d", "src"]);
  assert.equal(restore.name, "restore");
  assert.equal(restore.force, true);
  assert.deepEqual(restore.positionals, ["src"]);
  assert.deepEqual(parseCommand(["backup", "--", "--odd"]).positionals, ["--odd"]);
  assert.deepEqual(parseCommand(["serve", "--set", "model.fallback=-x"]).settings.set[0]?.value, "-x");
});

Deno.test("help and version are understood wherever they stand", () => {
  assert.deepEqual(parseCommand(["--help"]).positionals, []);
  assert.deepEqual(parseCommand(["-h"]).name, "help");
  assert.deepEqual(parseCommand(["help"]).positionals, []);
  assert.deepEqual(parseCommand(["config", "--help"]).positionals, []);
  assert.deepEqual(parseCommand(["backup", "--help"]).positionals, ["backup"]);
  assert.deepEqual(parseCommand(["help", "config", "print"]).positionals, ["config print"]);
  assert.equal(parseCommand(["--version"]).name, "version");
});

Deno.test("what makes no sense is refused with what was wanted", () => {
  assert.equal(refusal("sevre"), 'There is no command "sevre"; did you mean "muxi serve"?');
  assert.equal(
    refusal("config", "prnt"),
    'There is no command "config prnt": want "muxi config print" or "muxi config check"',
  );
  assert.equal(refusal("config"), '"muxi config" needs more: want "muxi config print" or "muxi config check"');
  assert.equal(refusal("--prot", "1"), 'There is no option "--prot"; did you mean --port?');
  assert.equal(refusal("--port"), 'The option "--port" needs a value: want --port PORT');
  assert.equal(refusal("--host", "--json"), 'The option "--host" needs a value: want --host HOST');
  assert.equal(refusal("--json=1"), 'The option "--json" takes no value');
  assert.equal(refusal("--set", "x"), 'Cannot read "--set x": want --set PATH=VALUE');
  assert.equal(refusal("backup"), 'The command "backup" needs DEST: want muxi backup DEST');
  assert.equal(refusal("backup", "a", "b"), 'The command "backup" has no use for "b"');
  assert.equal(refusal("serve", "--force"), 'The command "serve" has no option "--force"');
  assert.equal(refusal("zzzzzz"), 'There is no command "zzzzzz"');
  assert.equal(refusal("help", "backpu"), 'There is no command "backpu"; did you mean "muxi backup"?');
  assert.equal(refusal("constructor"), 'There is no command "constructor"');
  assert.equal(refusal("--constructor"), 'There is no option "--constructor"');
});

Deno.test("every command has help, with all its options", async () => {
  const overview = await run(["help"]);
  assert.equal(overview.code, 0);
  for (const name of Object.keys(COMMANDS) as CommandName[]) {
    assert.ok(overview.out.includes(`  ${name} `), name);
    const { code, out } = await run(["help", ...name.split(" ")]);
    assert.equal(code, 0);
    assert.match(out, new RegExp(`Usage: muxi ${name}`));
    for (const option of COMMANDS[name].options) assert.ok(out.includes(`--${option}`), `${name} ${option}`);
    for (const line of out.split("\n")) assert.ok(line.length <= 120, line);
  }
});

Deno.test("the exit code says how it ended", async () => {
  const fail = (error: Error) => ({ serve: () => Promise.reject(error) });
  assert.equal((await run(["version"])).code, 0);
  assert.equal((await run(["sevre"])).code, 64);
  assert.equal((await run([], fail(new AppError("ConfigurationError", "x")))).code, 78);
  assert.equal((await run([], fail(new AppError("UnavailableError", "x")))).code, 69);
  assert.equal((await run([], fail(new AppError("ConflictError", "x")))).code, 73);
  assert.equal((await run([], fail(new AppError("ValidationError", "x")))).code, 65);
  assert.equal((await run([], fail(new Error("x")))).code, 70);
});

Deno.test("errors go to the standard error, for people or for machines, and never with a key", async () => {
  const verbs = { serve: () => Promise.reject(new AppError("ConfigurationError", 'Cannot read "x"')) };
  assert.deepEqual(await run(["serve"], verbs), { code: 78, out: "", err: 'muxi: Cannot read "x"\n' });
  const { err } = await run(["config", "check", "--json"], { configCheck: verbs.serve });
  assert.deepEqual(JSON.parse(err), { error: "ConfigurationError", message: 'Cannot read "x"' });
  const leaky = await run([], { serve: () => Promise.reject(new Error("with sk_muxi_user_abcdefghijkl")) });
  assert.match(leaky.err, /^muxi: Something went wrong: Error: with \[masked\]/);
  const hidden = AppError.from(new TypeError("the real one"));
  assert.match((await run([], { serve: () => Promise.reject(hidden) })).err, /TypeError: the real one/);
});

Deno.test("commands answer in words, or in JSON", async () => {
  assert.equal((await run(["version"])).out, "muxi 1.2.3\n");
  assert.equal((await run(["version", "--json"])).out, '{"version":"1.2.3"}\n');
  const report = { path: "/b", files: 2, bytes: 1536, moved_to: "/old" };
  const verbs: Partial<Verbs> = {
    backup: (_, { dest }) => Promise.resolve({ ...report, path: dest, files: 1, moved_to: undefined }),
    restore: () => Promise.resolve(report),
    configPrint: () => Promise.resolve({ text: "a: 1\n", settings: { a: 1 }, origins: { a: "--a" }, file: null }),
    configCheck: () => Promise.resolve({ file: "x.yaml", notes: ["A note"] }),
  };
  assert.equal((await run(["backup", "/b"], verbs)).out, 'Backed up 1 file, 1.5 KiB, to "/b"\n');
  assert.equal(
    (await run(["restore", "/s"], verbs)).out,
    'Restored 2 files, 1.5 KiB, to "/b"\nWhat was there before is in "/old"\n',
  );
  assert.deepEqual(JSON.parse((await run(["restore", "/s", "--json"], verbs)).out), report);
  assert.equal((await run(["config", "print"], verbs)).out, "a: 1\n");
  assert.deepEqual(JSON.parse((await run(["config", "print", "--json"], verbs)).out), {
    settings: { a: 1 },
    origins: { a: "--a" },
    file: null,
  });
  assert.equal((await run(["config", "check"], verbs)).out, "The settings are good (read from x.yaml)\n  A note\n");
});

Deno.test("colours are for terminals, and for those who want them", async () => {
  // deno-lint-ignore no-control-regex
  const colored = /\x1b\[/;
  assert.match((await run(["help"], {}, true)).out, colored);
  assert.doesNotMatch((await run(["help"], {}, false)).out, colored);
  assert.doesNotMatch((await run(["help", "--no-color"], {}, true)).out, colored);
  assert.doesNotMatch((await run(["help"], {}, true, { NO_COLOR: "1" })).out, colored);
  assert.doesNotMatch((await run(["help"], {}, true, { TERM: "dumb" })).out, colored);
});
