/**
 * A tool server that is somewhere else now: what people allowed, and what it was trusted with, stays behind.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { createSealer } from "../../src/adapters/files/sealer.ts";
import { openLibsqlStore } from "../../src/adapters/libsql/store.ts";
import { Definitions } from "../../src/core/mcp_servers/definitions.ts";
import { Grants } from "../../src/core/mcp_servers/grants.ts";
import type { AppError } from "../../src/domain/error.ts";
import { McpServer } from "../../src/domain/mcp_server.ts";
import { systemClock } from "../../src/kit/clock.ts";
import { createLog } from "../../src/kit/log.ts";

const log = createLog({ level: "error", format: "json", write: () => {} });
const owner = { tenant_id: "default", key_id: "key", user_id: null };
const drive = (fields: Partial<McpServer> = {}) =>
  McpServer.parse({ name: "drive", url: "https://drive.test/mcp", ...fields });

/** Definitions with the server `drive`, at which `anna` signed in. */
async function signedIn(first = drive()) {
  await using stack = new AsyncDisposableStack();
  const store = stack.use(await openLibsqlStore({ path: ":memory:", log }));
  const sealer = createSealer({ file: "", encryptionKey: "k" });
  const definitions = new Definitions({ store, sealer, clock: systemClock, log });
  const grants = new Grants({ store, clock: systemClock, sealer });
  const attach = async (server: McpServer) => {
    const change = { servers: [server], before: [drive()], source: "api" } as const;
    const { preconditions, writes } = await definitions.attach(owner, "scout", change);
    await store.commit({ preconditions, writes });
    await definitions.refresh();
  };
  await definitions.refresh();
  await attach(first);
  const anna = { server: "drive", user_id: "anna" };
  await grants.change(anna, () => ({ secrets: "of-anna" }));
  const isAllowed = async () => await grants.load(anna) !== undefined;
  const owned = stack.move();
  return { definitions, attach, isAllowed, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

type House = Awaited<ReturnType<typeof signedIn>>;

const WAYS: Record<string, (house: House, fields: Partial<McpServer>) => Promise<void>> = {
  "its only agent": ({ attach }, fields) => attach(drive(fields)),
  "a change for all": ({ definitions }, fields) => definitions.change(owner, "drive", fields),
  "the settings": ({ definitions }, fields) => definitions.declare(owner, [drive(fields)]),
};

for (const [way, define] of Object.entries(WAYS)) {
  Deno.test(`what a person allowed at a server is not shown to another that gets its name: ${way}`, async () => {
    await using same = await signedIn();
    await define(same, { headers: { "x-team": "two" } });
    assert.ok(await same.isAllowed());
    for (const fields of [{ url: "https://other.test/mcp" }, { oauth: { scopes: ["all"] } } as Partial<McpServer>]) {
      await using other = await signedIn();
      await define(other, drive(fields).oauth ? { oauth: drive(fields).oauth } : fields);
      assert.equal(await other.isAllowed(), false, JSON.stringify(fields));
    }
  });
}

Deno.test("who may change where a server is must not be given what it was trusted with", async () => {
  const program = McpServer.parse({ name: "drive", command: "node", args: ["a.js"], env: { TOKEN: "geheim-1" } });
  const places = [
    {
      first: drive({ headers: { "x-key": "geheim-2" } }),
      change: { url: "https://thief.test" },
      left: "headers.x-key",
    },
    { first: program, change: { args: ["b.js"] }, left: "env.TOKEN" },
    { first: program, change: { cwd: "/srv/other" }, left: "env.TOKEN" },
  ];
  for (const { first, change, left } of places) {
    await using house = await signedIn(first);
    await assert.rejects(house.definitions.change(owner, "drive", change), ({ message, details }: AppError) => {
      assert.match(message, new RegExp(`${left} was given for another place: give it again, or null`));
      assert.deepEqual(details?.given_before, [left]);
      return true;
    });
    assert.deepEqual(house.definitions.get("drive")?.definition, first);
    const [field, name] = left.split(".") as ["headers" | "env", string];
    await house.definitions.change(owner, "drive", { ...change, [field]: { [name]: null } });
    assert.deepEqual(house.definitions.get("drive")?.definition[field], {});
  }
});

Deno.test("the secrets of a command line are not handed to another program", async () => {
  const inArgs = McpServer.parse({ name: "drive", command: "npx", args: ["srv", "--api-key", "geheim-123"] });
  const inCommand = McpServer.parse({ name: "drive", command: "docker run -e API_KEY=geheim-123", args: ["drive"] });
  const moves = [
    { first: inArgs, change: { command: "/srv/thief" }, left: "args", again: { args: [] } },
    { first: inArgs, change: { url: "https://thief.test" }, left: "args", again: { args: [] } },
    { first: inCommand, change: { args: ["thief"] }, left: "command", again: { command: "docker run" } },
  ];
  for (const { first, change, left, again } of moves) {
    await using house = await signedIn(first);
    await assert.rejects(house.definitions.change(owner, "drive", change), ({ message, details }: AppError) => {
      assert.match(
        message,
        new RegExp(`${left} was given for another place: give it again, or null \\(args: \\[\\]\\)`),
      );
      assert.ok(!message.includes("geheim"));
      assert.deepEqual(details?.given_before, [left]);
      return true;
    });
    assert.deepEqual(house.definitions.get("drive")?.definition, first);
    await house.definitions.change(owner, "drive", { ...change, ...again });
    assert.ok(!JSON.stringify(house.definitions.get("drive")?.definition).includes("geheim"));
  }
  await using house = await signedIn(inCommand);
  await house.definitions.change(owner, "drive", { url: "https://drive.test/mcp", args: [] });
  assert.equal(house.definitions.get("drive")?.definition.command, undefined);
  await using open = await signedIn(McpServer.parse({ name: "drive", command: "npx", args: ["srv", "--verbose"] }));
  await open.definitions.change(owner, "drive", { command: "bunx" });
  assert.deepEqual(open.definitions.get("drive")?.definition.args, ["srv", "--verbose"]);
});
