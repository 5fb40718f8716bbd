/**
 * The commands of rooms tell a new user what they want, by an example that works.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { muxi } from "../support/muxi.ts";
import { startServer, USER_KEY } from "../support/server.ts";

Deno.test("the help of the command that makes a room shows what an agent of it is, and the example does it", async () => {
  await using server = await startServer();
  const env = { MUXI_URL: server.url, MUXI_KEY: USER_KEY };
  const { out } = await muxi(["rtc", "room-create", "--help"], { env });
  assert.match(out.replaceAll(/\s+/g, " "), /--agents JSON Who answers .*\{agent_id, name\?, aliases\?\} as JSON/);
  const [, example] = /Examples:[^]*--agents '(.*)'/.exec(out) ?? [];
  const made = await muxi(["rtc", "room-create", "--name", "Morning", "--agents", example!, "--json"], { env });
  assert.equal(made.code, 0, made.err);
  const { members } = JSON.parse(made.out);
  assert.deepEqual(members.map(({ name }: { name: string }) => name), ["Assistant"]);
});
