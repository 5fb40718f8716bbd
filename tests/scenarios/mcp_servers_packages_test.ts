/**
 * Packages of tool servers: where they come from, and when they go.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { selfSigned } from "../support/mcp_client_http_server.ts";
import { openOffice } from "../support/mcp_servers_office.ts";
import { startRegistry } from "../support/mcp_servers_registry.ts";
import { openSandbox, toPolicy } from "../support/sandbox.ts";
import { until } from "../support/story.ts";

const TOKEN = "npm_token_of_the_operator";

async function holds(dir: string, text: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isFile, isDirectory } of Deno.readDir(dir)) {
    const path = `${dir}/${name}`;
    if (isDirectory) found.push(...await holds(path, text));
    else if (isFile && (await Deno.readTextFile(path)).includes(text)) found.push(path);
  }
  return found;
}

Deno.test("packages come from the operator's registry, whose token no program sees", async () => {
  await using registry = await startRegistry({ name: "@harbour/greeter", token: TOKEN });
  const home = await Deno.makeTempDir({ prefix: "muxi-home-" });
  try {
    const npmrc = `@harbour:registry=${registry.url}\n//${new URL(registry.url).host}/:_authToken=\${HARBOUR_TOKEN}\n`;
    await Deno.writeTextFile(`${home}/.npmrc`, npmrc);
    await using office = await openOffice({
      servers: () => ({ greeter: { command: "npx", args: ["-y", "@harbour/greeter"] } }),
      variables: { ...Deno.env.toObject(), HOME: home, HARBOUR_TOKEN: TOKEN },
    });
    assert.equal((await office.ready("greeter")).server.name, "program");
    assert.match((await office.ask({ tool: "greeter__greet" })).content, /Hello from the program/);
    assert.deepEqual(registry.asked, ["GET /@harbour/greeter", "GET /@harbour/greeter/-/main-1.0.0.tgz"]);
    assert.deepEqual(await holds(`${office.dir}/data/sandbox`, TOKEN), []);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

Deno.test("a registry that refuses is named with the packages and the server", async () => {
  await using registry = await startRegistry({ name: "greeter", token: TOKEN });
  await using world = await openSandbox("broker", { NPM_CONFIG_REGISTRY: registry.url });
  const program = { name: "guest", command: "npx", args: ["greeter"], env: {} };
  const { signal } = new AbortController();
  await assert.rejects(world.sandbox.start(program, { policy: toPolicy(), signal }), (error: Error) => {
    return /Cannot fetch "npm:greeter" for the server "guest": .*401/.test(error.message);
  });
});

Deno.test("a registry is trusted whose authority the operator's environment names, and no other", async () => {
  const tls = await selfSigned();
  await using registry = await startRegistry({ name: "@harbour/greeter", token: TOKEN, tls });
  const home = await Deno.makeTempDir({ prefix: "muxi-home-" });
  try {
    await Deno.writeTextFile(`${home}/cert.pem`, tls.cert);
    const host = new URL(registry.url).host;
    await Deno.writeTextFile(`${home}/.npmrc`, `registry=${registry.url}\n//${host}/:_authToken=${TOKEN}\n`);
    const program = { name: "guest", command: "npx", args: ["@harbour/greeter"], env: {} };
    const options = { policy: toPolicy(), signal: new AbortController().signal };
    await using strict = await openSandbox("broker", { HOME: home });
    await assert.rejects(strict.sandbox.start(program, options), /Cannot fetch .*certificate/);
    for (const name of ["NODE_EXTRA_CA_CERTS", "DENO_CERT", "SSL_CERT_FILE"]) {
      await using world = await openSandbox("broker", { HOME: home, [name]: `${home}/cert.pem` });
      await (await world.sandbox.start(program, options)).kill();
    }
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

Deno.test("a fetch that is under way ends with the server", async () => {
  await using registry = await startRegistry({ name: "greeter", token: TOKEN, hang: true });
  const home = await Deno.makeTempDir({ prefix: "muxi-home-" });
  try {
    const npmrc = `registry=${registry.url}\n//${new URL(registry.url).host}/:_authToken=${TOKEN}\n`;
    await Deno.writeTextFile(`${home}/.npmrc`, npmrc);
    await using office = await openOffice({
      servers: () => ({ greeter: { command: "npx", args: ["greeter"] } }),
      variables: { ...Deno.env.toObject(), HOME: home },
    });
    await until("the registry is asked", () => registry.asked.length > 0);
    assert.equal((await office.view("greeter")).state, "connecting");
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

Deno.test("what nobody uses and what a killed process left are gone at the next start, and nothing else", async () => {
  await using world = await openSandbox("broker");
  const packages = `${world.dir}/data/sandbox/packages`;
  const old = new Date(Date.now() - 31 * 24 * 3_600_000);
  const young = new Date(Date.now() - 29 * 24 * 3_600_000);
  for (const [name, used] of [["old-1", old], ["young-2", young], [".fetching-3", young]] as const) {
    await Deno.mkdir(`${packages}/${name}`, { recursive: true });
    await Deno.writeTextFile(`${packages}/${name}/file`, "");
    await Deno.utime(`${packages}/${name}`, used, used);
  }
  await Deno.writeTextFile(`${world.dir}/hello.ts`, "console.log('hello')");
  const left = `${Deno.env.get("TMPDIR") ?? "/tmp"}/muxi-js-${await gone()}-test`;
  await Deno.mkdir(left);
  await (await world.run("hello.ts")).exited;
  const names = await Array.fromAsync(Deno.readDir(packages), ({ name }) => name);
  assert.deepEqual(names.filter((name) => !name.includes("hello.ts")), ["young-2"]);
  assert.ok(await Deno.stat(left).then(() => false, () => true), "the folder of a process that is gone is there");
});

/** The number of a process that has ended. */
async function gone(): Promise<number> {
  const child = new Deno.Command("/bin/true").spawn();
  await child.status;
  return child.pid;
}
