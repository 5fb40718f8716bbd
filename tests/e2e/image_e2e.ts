/**
 * What the Dockerfile does with the built file, done step by step over this machine's own system, and the server that
 * comes of it as a container runs it: as its user, without capabilities, read-only but for its volume and /tmp.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { parse } from "yaml";
import { commandOf, readStages, valuesOf } from "./support/dockerfile.ts";
import { BOX, findTool, openPlace } from "./support/place.ts";
import { serve } from "./support/server.ts";
import { story } from "./support/story.ts";

const TOOLS = ["unshare", "mount", "chroot", "setpriv", "nsenter"];
/** Makes a root of its own at $root, with the file as what the builder has built. */
const NEW_ROOT = `
mount -t tmpfs -o mode=755 tmpfs "$root"
for name in usr bin sbin lib lib64 etc; do
  if [ -h /$name ]; then cp -P /$name "$root/$name"
  elif [ -d /$name ]; then mkdir "$root/$name"; mount --bind -o ro /$name "$root/$name"; fi
done
mkdir -p "$root/proc" "$root/dev" "$root/tmp" "$root/opt" "$root/src/dist"
mount -t tmpfs tmpfs "$root/usr/local"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
cp "$file" "$root/src/dist/muxi"`;
/** Takes the builder's files away, and closes the rest. */
const READ_ONLY = `
rm -rf "$root/src"
chown --reference="$root/data" "$volume"
chmod --reference="$root/data" "$volume"
mount --bind "$volume" "$root/data"
mount -t tmpfs -o mode=1777,noexec tmpfs "$root/tmp"
mount -o remount,ro "$root"`;

const read = (path: string) => Deno.readTextFile(new URL(`../../${path}`, import.meta.url));
const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

await story("what the Dockerfile makes of the file serves and tells its health, read-only and without privileges", {
  box: true,
  root: true,
  tools: TOOLS,
}, async () => {
  const [build, image] = readStages(await read("Dockerfile"));
  const builds = valuesOf(build!, "RUN");
  const steps = builds.slice(builds.findIndex((run) => run.includes("task package")) + 1);
  assert.ok(steps.length > 0);
  assert.deepEqual(valuesOf(image!, "COPY"), ["--from=build /opt/muxi /opt/muxi"]);
  assert.deepEqual(commandOf(image!, "CMD"), ["serve"]);
  // The base is this machine's own system here, read-only: it has the packages already.
  const isInstall = (step: string) => step.startsWith("apt-get update && apt-get install");
  const runs = valuesOf(image!, "RUN");
  assert.ok(runs.some((step) => isInstall(step) && step.includes("bubblewrap")));
  const { environment } = parse(await read("docker-compose.yml")).services.muxi as {
    environment: Record<string, string>;
  };
  for (const value of Object.values(environment)) assert.match(value, /^\$\{\w+:-\}$/, "Not empty unless given");
  const env = [
    ...valuesOf(image!, "ENV").join(" ").split(/\s+/),
    ...Object.keys(environment).map((name) => `${name}=`),
  ];
  const [uid, gid] = valuesOf(image!, "USER")[0]!.split(":");
  const [unshare, , chroot, setpriv, nsenter] = await Promise.all(TOOLS.map(async (tool) => (await findTool(tool))!));
  const asUser = [setpriv!, `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", "--no-new-privs"];
  asUser.push("--bounding-set=-all", "--inh-caps=-all");

  await using place = await openPlace();
  for (const folder of ["root", "volume"]) await Deno.mkdir(`${place.root}/${folder}`);
  const cd = `cd ${valuesOf(image!, "WORKDIR")[0]} && exec "$@"`;
  const script = [
    "set -eu",
    `PATH=${Deno.env.get("PATH")}:/usr/sbin:/sbin root=${place.root}/root volume=${place.root}/volume`,
    `file=${quote(BOX!)}`,
    NEW_ROOT,
    ...steps.map((step) => `${chroot} "$root" /bin/sh -ec ${quote(`cd /src; ${step}`)} >/dev/null`),
    ...runs.filter((step) => !isInstall(step)).map((step) => `${chroot} "$root" /bin/sh -ec ${quote(step)}`),
    READ_ONLY,
    `exec ${chroot} "$root" ${asUser.join(" ")} env -i ${env.map(quote).join(" ")} /bin/sh -c ${quote(cd)} sh "$@"`,
  ];
  await using server = await serve(place, {
    before: [unshare!, "--mount", "/bin/sh", "-c", script.join("\n"), "sh"],
    bin: commandOf(image!, "ENTRYPOINT")[0]!,
    args: ["--host", "127.0.0.1"],
  });
  const status = await Deno.readTextFile(`/proc/${server.pid}/status`);
  assert.match(status, new RegExp(`^Uid:\\s+${uid}\\s+${uid}\\s`, "m"));
  assert.match(status, /^CapBnd:\s+0+$/m);
  const answer = await (await server.request("/api/v1/chat", { message: "Hello" })).json();
  assert.equal(answer.status, "completed");

  const inside = (command: string[], port: string) =>
    new Deno.Command(nsenter!, {
      args: ["--target", String(server.pid), "--mount", "--root", "--wd", ...asUser, "env", "-i"]
        .concat(env, `MUXI_PORT=${port}`, command),
    }).output();
  const touch = await inside(["/bin/sh", "-c", "touch /data/here && ! touch /here /opt/muxi/here /etc/here"], "1");
  assert.equal(touch.code, 0);
  const health = commandOf(image!, "HEALTHCHECK");
  assert.equal((await inside(health, new URL(server.url).port)).code, 0);
  assert.notEqual((await inside(health, "1")).code, 0);
  assert.equal((await Deno.stat(`${place.root}/volume/muxi.db`)).uid, Number(uid));
  assert.deepEqual(await server.end("SIGTERM"), { code: 0, signal: null });
});
