/**
 * The unit of systemd: valid, and closed in as far as the program allows.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { osAbilities } from "../../src/adapters/sandbox/os_abilities.ts";
import { findTool } from "./support/place.ts";
import { story } from "./support/story.ts";

const UNIT = new URL("../../config/deploy/systemd/muxi.service", import.meta.url).pathname;
const PROGRAM = "/usr/local/bin/muxi";
/** Tenths. */
const MOST_EXPOSED = 30;
const LIKE_SYSTEMD = new URL("support/like_systemd.py", import.meta.url).pathname;
/** Some user who owns nothing. */
const USER = "61234";
const TIMEOUT_MS = 30_000;

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

/** Runs a box as all others will be, under what `unit` restricts. Nothing of it outlives its first process. */
async function boxUnder(unit: string) {
  const { bubblewrap } = await osAbilities();
  const box = ["--unshare-all", "--unshare-user", "--hostname", "sandbox", "--uid", "65534", "--gid", "65534"];
  const files = ["--cap-drop", "ALL", "--disable-userns", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev"];
  const like = [...["-p", "-f", "--kill-child", "python3", LIKE_SYSTEMD], unit, USER];
  const { code, stdout, stderr } = await new Deno.Command("unshare", {
    args: [...like, bubblewrap!.path, ...box, ...files, "--", "hostname"],
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).output();
  return { code, text: new TextDecoder().decode(new Uint8Array([...stdout, ...stderr])).trim() };
}

const tools = ["python3", "bwrap", "unshare", "systemd-analyze"];
await story("what the unit restricts leaves bubblewrap working", { tools, root: true }, async () => {
  const folder = await Deno.makeTempDir({ dir: "/var/tmp" });
  try {
    assert.deepEqual(await boxUnder(UNIT), { code: 0, text: "sandbox" });
    const unit = await Deno.readTextFile(UNIT);
    // Whoever closes these again should know.
    for (const line of ["ProtectKernelTunables=yes", "ProtectKernelLogs=yes", "ProtectHostname=yes"]) {
      await Deno.writeTextFile(`${folder}/muxi.service`, unit.replace("[Install]", `${line}\n[Install]`));
      const { code, text } = await boxUnder(`${folder}/muxi.service`);
      assert.ok(code !== 0 && /Operation not permitted/.test(text), `${line}: ${code} ${text}`);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
