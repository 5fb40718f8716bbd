/**
 * How the built file unpacks itself: at once, whole, and only what was built.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { BOX, openPlace, type Place } from "./support/place.ts";
import { story } from "./support/story.ts";

const GOOD = { code: 0, stderr: "" };

/** The folders that hold what was unpacked below `base`. */
async function unpacked(base: string): Promise<string[]> {
  return await Array.fromAsync(Deno.readDir(base), ({ name }) => `${base}/${name}`).catch(() => []);
}

/** Runs a command that needs the whole program. */
async function check(place: Place, env: Record<string, string> = {}, bin?: string) {
  const { code, stderr } = await place.run(["config", "check"], { env, ...bin !== undefined && { bin } });
  return { code, stderr };
}

/** A copy of the built file with some of its bytes changed. */
async function copyWith(place: Place, change: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>) {
  const path = `${place.root}/other`;
  await Deno.writeFile(path, change(await Deno.readFile(BOX!)), { mode: 0o755 });
  return path;
}

await story("four first starts at the same time all run", { box: true }, async () => {
  await using place = await openPlace();
  for (const round of ["first", "again"]) {
    const ended = await Promise.all([1, 2, 3, 4].map(() => check(place)));
    assert.deepEqual(ended, [GOOD, GOOD, GOOD, GOOD], round);
    const [folder, ...rest] = await unpacked(`${place.home}/.cache/muxi`);
    assert.deepEqual(rest, [], "Something was left behind");
    await Deno.remove(folder!, { recursive: true });
  }
});

await story("XDG_CACHE_HOME and MUXI_RUNTIME_DIR say where it goes", { box: true }, async () => {
  await using place = await openPlace();
  assert.deepEqual(await check(place, { XDG_CACHE_HOME: `${place.root}/work/cache` }), GOOD);
  assert.equal((await unpacked(`${place.root}/work/cache/muxi`)).length, 1);
  assert.deepEqual(await check(place, { MUXI_RUNTIME_DIR: "runtime" }), GOOD);
  assert.equal((await unpacked(`${place.cwd}/runtime`)).length, 1);
  assert.deepEqual(await unpacked(`${place.home}/.cache`), []);
});

await story("without a home a private folder for temporary files serves", { box: true }, async () => {
  await using place = await openPlace();
  assert.deepEqual(await check(place, { HOME: "/nonexistent" }), GOOD);
  const { mode } = await Deno.stat(`${place.tmp}/muxi-${Deno.uid()}`);
  assert.equal(mode! & 0o777, 0o700);
});

await story("a folder in which others can write is not used", { box: true }, async () => {
  await using place = await openPlace();
  const base = `${place.tmp}/muxi-${Deno.uid()}`;
  await Deno.mkdir(base);
  await Deno.chmod(base, 0o777);
  const { code, stderr } = await check(place, { HOME: "/nonexistent" });
  assert.equal(code, 73);
  assert.ok(stderr.includes(`Cannot unpack to "${base}": it is not a folder in which only you can write`), stderr);
  await Deno.remove(base);
  await Deno.symlink(place.home, base);
  assert.equal((await check(place, { HOME: "/nonexistent" })).code, 73);
  assert.deepEqual(await unpacked(place.home), []);
});

await story("a file that is damaged or cut off runs nothing and says so", { box: true }, async () => {
  await using place = await openPlace();
  const damages: Record<string, (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>> = {
    "one bit": (bytes) => bytes.with(bytes.length >> 1, bytes[bytes.length >> 1]! ^ 1),
    "its last byte": (bytes) => bytes.slice(0, -1),
    "its second half": (bytes) => bytes.slice(0, bytes.length >> 1),
  };
  for (const [name, change] of Object.entries(damages)) {
    const { code, stderr } = await check(place, {}, await copyWith(place, change));
    assert.equal(code, 65, name);
    assert.match(stderr, /it is damaged \(\d+ bytes behind the script, want \d+\)\. Download it again/);
  }
  for (const length of [40, 500, 2000]) {
    const { code } = await check(place, {}, await copyWith(place, (bytes) => bytes.slice(0, length)));
    assert.notEqual(code, 0, `cut off after ${length} bytes`);
  }
  assert.deepEqual(await unpacked(place.home), []);
});

await story(
  "what was unpacked and changed its size, or is gone, is mended at the next start",
  { box: true },
  async () => {
    await using place = await openPlace();
    const abandoned = `${place.home}/.cache/muxi/.new.killed`;
    await Deno.mkdir(abandoned, { recursive: true });
    await Deno.chmod(`${place.home}/.cache/muxi`, 0o700);
    await Deno.utime(abandoned, 0, 0);
    assert.deepEqual(await check(place), GOOD);
    const [folder, ...rest] = await unpacked(`${place.home}/.cache/muxi`);
    assert.deepEqual(rest, [], "What a start that was killed has left is still there");
    await Deno.truncate(`${folder}/app/main.js`, 1000);
    assert.deepEqual(await check(place), GOOD);
    await Deno.remove(`${folder}/app/node_modules`, { recursive: true });
    assert.deepEqual(await Promise.all([check(place), check(place)]), [GOOD, GOOD]);
    await Deno.truncate(`${folder}/deno`, 0);
    assert.deepEqual(await check(place), GOOD);
  },
);
