/**
 * The built file as something that anybody can build again.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { dirname } from "node:path";
import { BOX, findTool } from "./support/place.ts";
import { story } from "./support/story.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const MOST_BYTES = 60_000_000;

async function digestOf(path: string): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", await Deno.readFile(path))).toHex();
}

await story("the file has at most 60 MB, and built elsewhere, from what an image is built from, it is the same", {
  box: true,
  tools: ["cp"],
}, async () => {
  assert.ok((await Deno.stat(BOX!)).size <= MOST_BYTES);
  const folder = await Deno.makeTempDir({ prefix: "muxi-e2e-" });
  try {
    const ignored = (await Deno.readTextFile(`${ROOT}.dockerignore`)).trim().split("\n");
    assert.equal(ignored.shift(), "*");
    for (const line of ignored) {
      const to = `${folder}/${line.slice(1)}`;
      await Deno.mkdir(dirname(to), { recursive: true });
      const copy = new Deno.Command((await findTool("cp"))!, { args: ["-R", `${ROOT}${line.slice(1)}`, to] });
      assert.ok((await copy.output()).success, line);
    }
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["task", "package"],
      cwd: folder,
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    const [, name] = /^dist\/(\S+):/m.exec(new TextDecoder().decode(stdout))!;
    assert.equal(
      await digestOf(`${folder}/dist/${name}`),
      await digestOf(BOX!),
      "Building gives something else, or the sources have changed since the file was built",
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
