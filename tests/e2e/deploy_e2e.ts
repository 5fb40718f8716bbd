/**
 * What the files of deployment say twice stays the same.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { parse } from "yaml";
import { loadSettings } from "../../src/settings.ts";

const read = (path: string) => Deno.readTextFile(new URL(`../../${path}`, import.meta.url));

const readTextFile = () => Promise.resolve(undefined);

Deno.test("services are given longer to stop than the server takes", async () => {
  const { server } = parse(await read("config/muxi.yaml"));
  const least = server.shutdown_seconds + 1;
  const { services } = parse(await read("docker-compose.yml"));
  assert.ok(parseInt(services.muxi.stop_grace_period) > least);
  assert.ok(Number(/^TimeoutStopSec=(\d+)$/m.exec(await read("config/deploy/systemd/muxi.service"))![1]) > least);
});

Deno.test("what the image exposes is published, and what is passed on may be empty", async () => {
  const { muxi } = parse(await read("docker-compose.yml")).services;
  const published = muxi.ports.map((one: string) => /:(\d+)(?:\/(tcp|udp))?$/.exec(one)!);
  const exposed = /^EXPOSE (.+)$/m.exec(await read("Dockerfile"))![1]!.split(" ").map((one) => one.split("/"));
  const toPort = ([port, protocol = "tcp"]: string[]) => `${port}/${protocol}`;
  assert.deepEqual(published.map(([, ...one]: string[]) => toPort(one)), exposed.map(toPort));
  const { port } = parse(await read("config/muxi.yaml")).rtc;
  for (const protocol of ["tcp", "udp"]) assert.ok(muxi.ports.includes(`${port}:${port}/${protocol}`), protocol);
  // Without a file beside it every variable comes empty, which must be as if it were not there.
  const load = (address: string) => {
    const entries = Object.entries<string>(muxi.environment);
    const env = Object.fromEntries(entries.map(([name, value]) => [name, value.replace(/^\$\{\w+:-\}$/, "")]));
    return loadSettings({ env: { ...env, MUXI_RTC_ADVERTISED_ADDRESSES: address }, cwd: "/", readTextFile });
  };
  assert.ok("MUXI_RTC_ADVERTISED_ADDRESSES" in muxi.environment);
  assert.deepEqual((await load("")).settings.rtc.advertised_addresses, []);
  const two = await load("192.0.2.1,2001:db8::1");
  assert.deepEqual(two.settings.rtc.advertised_addresses, ["192.0.2.1", "2001:db8::1"]);
});

Deno.test("wrong settings and wrong arguments do not start the service again", async () => {
  assert.match(await read("config/deploy/systemd/muxi.service"), /^RestartPreventExitStatus=64 78$/m);
});

Deno.test("the image is built with this Deno, from files that are there, and closed in when composed", async () => {
  const dockerfile = await read("Dockerfile");
  assert.ok(dockerfile.includes(`npx -y deno@${Deno.version.deno} task package`));
  assert.match(dockerfile, /^USER 10001:10001$/m);
  assert.match(dockerfile, /^STOPSIGNAL SIGTERM$/m);
  const ignored = (await read(".dockerignore")).split("\n").filter((line) => line.startsWith("!"));
  for (const line of ignored) await Deno.stat(new URL(`../../${line.slice(1)}`, import.meta.url));
  const { muxi } = parse(await read("docker-compose.yml")).services;
  assert.equal(muxi.read_only, true);
  assert.deepEqual(muxi.cap_drop, ["ALL"]);
  assert.deepEqual(muxi.security_opt, ["no-new-privileges:true"]);
});
