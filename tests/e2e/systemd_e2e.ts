/**
 * The unit of systemd: valid, and closed in as far as the program allows.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { findTool } from "./support/place.ts";
import { story } from "./support/story.ts";

const UNIT = new URL("../../config/deploy/systemd/muxi.service", import.meta.url).pathname;
const PROGRAM = "/usr/local/bin/muxi";
/** Tenths. */
const MOST_EXPOSED = 30;

async function analyze(args: string[]) {
  const command = new Deno.Command((await findTool("systemd-analyze"))!, { args });
  const { code, stdout, stderr } = await command.output();
  return { code, text: new TextDecoder().decode(new Uint8Array([...stdout, ...stderr])) };
}

await story("systemd finds nothing wrong with the unit", { tools: ["systemd-analyze"] }, async () => {
  const folder = await Deno.makeTempDir();
  try {
    // It also looks whether the program is there.
    const text = await Deno.readTextFile(UNIT);
    assert.ok(text.includes(`ExecStart=${PROGRAM} serve`));
    await Deno.writeTextFile(`${folder}/muxi.service`, text.replaceAll(PROGRAM, Deno.execPath()));
    assert.deepEqual(await analyze(["verify", "--man=no", `${folder}/muxi.service`]), { code: 0, text: "" });
    await Deno.writeTextFile(
      `${folder}/muxi.service`,
      text.replaceAll(PROGRAM, Deno.execPath()).replace("Type=exec", "Tpye=exec"),
    );
    assert.match((await analyze(["verify", "--man=no", `${folder}/muxi.service`])).text, /Tpye/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

await story("the service is exposed no more than 3.0", { tools: ["systemd-analyze"] }, async () => {
  const offline = (most: number) => analyze(["security", "--offline=true", `--threshold=${most}`, UNIT]);
  const { code, text } = await offline(MOST_EXPOSED);
  assert.equal(code, 0, text);
  assert.notEqual((await offline(0)).code, 0);
});
