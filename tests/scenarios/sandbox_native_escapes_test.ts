/**
 * A hostile program tries to get out of the sandbox of the operating system.
 *
 * @module
 */
import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { createServer } from "node:net";
import { startBoxed } from "../support/native_box.ts";

const HOSTILE = new URL("../support/hostile_native.py", import.meta.url).pathname;

/** Something of ours that listens, and notes whoever reaches it. */
function listen(
  where: string | { host: string; port: number },
  reached: string[],
): Promise<{ port: number; close(): void }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ port: number; close(): void }>();
  const server = createServer((socket) => {
    reached.push(JSON.stringify(where));
    socket.destroy();
  });
  server.on("error", reject);
  server.listen(where as string, () => {
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    resolve({ port, close: () => server.close() });
  });
  return promise;
}

Deno.test("a hostile program gets at nothing outside of its sandbox", async (t) => {
  const dir = await Deno.makeTempDir({ prefix: "muxi-hostile-" });
  const reached: string[] = [];
  const lan = Object.values(networkInterfaces()).flat().find((one) => one?.family === "IPv4" && !one.internal)?.address;
  const tcp = await listen({ host: "0.0.0.0", port: 0 }, reached);
  const socket = await listen(`${dir}/ours.sock`, reached);
  // Neither Deno nor its node:net makes abstract ones.
  const abstract = `muxi-test-${Deno.pid}`;
  const listener = new Deno.Command("/usr/bin/python3", {
    args: [
      "-c",
      `import socket,sys\ns=socket.socket(socket.AF_UNIX)\ns.bind("\\0${abstract}")\ns.listen()\nprint("up",flush=True)\ns.accept()\nprint("reached",flush=True)`,
    ],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const heard = listener.stdout.getReader();
  try {
    assert.equal(new TextDecoder().decode((await heard.read()).value).trim(), "up");
    await Deno.writeTextFile(`${dir}/secret.txt`, "the secret");
    await Deno.mkdir(`${dir}/writable`);
    const told = {
      secret: `${dir}/secret.txt`,
      writable: `${dir}/writable`,
      pid: Deno.pid,
      port: tcp.port,
      lan: lan ?? "127.0.0.1",
      socket: `${dir}/ours.sock`,
      abstract,
    };
    await using boxed = await startBoxed({
      command: "/usr/bin/python3",
      args: [HOSTILE, JSON.stringify(told)],
      profile: { read: [HOSTILE], write: [`${dir}/writable`] },
      outside: { PATH: "/usr/bin:/bin", MUXI_SECRET: "SECRET" },
    });
    const said = await boxed.output();
    assert.equal(await boxed.process.exited, "exit code 0", boxed.process.errors());
    const results = JSON.parse(said) as Record<string, string>;
    assert.equal(Object.keys(results).length, (await Deno.readTextFile(HOSTILE)).match(/^@attempt/gm)!.length);
    for (const [name, result] of Object.entries(results)) {
      await t.step(`it is denied ${name}`, () => assert.match(result, /^denied: /));
    }
    await t.step("nobody outside has heard of it", () => assert.deepEqual(reached, []));
    await t.step("what it made in its folder leads nowhere at the next start, either", async () => {
      await Deno.remove(`${dir}/writable/link`).catch(() => {});
      await Deno.symlink(`${dir}/secret.txt`, `${dir}/writable/link`);
      await using again = await startBoxed({
        command: "/bin/cat",
        args: [`${dir}/writable/link`],
        profile: { read: [`${dir}/writable/link`], write: [`${dir}/writable`] },
      });
      assert.equal(await again.output(), "");
      assert.equal(await again.process.exited, "exit code 1");
    });
  } finally {
    listener.kill("SIGKILL");
    await heard.cancel();
    await listener.status;
    tcp.close();
    socket.close();
    await Deno.remove(dir, { recursive: true });
  }
});
