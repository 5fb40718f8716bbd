/**
 * Signals as the first process of a container, and in the middle of a start.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { serve } from "./support/server.ts";
import { findTool, openPlace } from "./support/place.ts";
import { story } from "./support/story.ts";

await story(
  "as the first process of a container it ends at SIGTERM with 0",
  { root: true, tools: ["unshare"] },
  async () => {
    await using place = await openPlace();
    const before = [(await findTool("unshare"))!, "--pid", "--fork", "--kill-child", "--mount-proc"];
    await using server = await serve(place, { before });
    const [pid] = (await Deno.readTextFile(`/proc/${server.pid}/task/${server.pid}/children`)).trim().split(" ");
    const status = await Deno.readTextFile(`/proc/${pid}/status`);
    assert.match(status, /^NSpid:\s+\d+\s+1$/m, "It is not the first process");
    Deno.kill(Number(pid), "SIGTERM");
    assert.deepEqual(await server.ended, { code: 0, signal: null });
  },
);

await story("a start that is ended while it unpacks leaves nothing behind", { box: true }, async () => {
  await using place = await openPlace();
  const child = place.spawn(["version"]);
  const base = `${place.home}/.cache/muxi`;
  const names = () => Array.fromAsync(Deno.readDir(base), ({ name }) => name).catch(() => []);
  while ((await names()).length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  child.kill("SIGTERM");
  await child.output();
  assert.equal((await place.run(["version"])).code, 0);
  // The half that unpacks may outlive the shell that asked for it, but ends by itself.
  const left = async () => (await names()).filter((name) => name.startsWith(".new."));
  for (let tries = 0; tries < 1000 && (await left()).length > 0; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.deepEqual(await left(), []);
});
