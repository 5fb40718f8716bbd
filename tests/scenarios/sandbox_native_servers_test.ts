/**
 * Tool servers in Python, as they are on PyPI, in the sandbox of the operating system.
 *
 * @module
 */
import assert from "node:assert/strict";
import { startBoxed } from "../support/native_box.ts";
import { JsonLines } from "../support/json_lines.ts";
import { PACKAGES, run } from "../support/python_servers.ts";

async function makeRepository(path: string): Promise<void> {
  await Deno.mkdir(path);
  await Deno.writeTextFile(`${path}/notes.txt`, "first\n");
  await run("git", ["init", "--quiet"], path);
  await run("git", ["add", "."], path);
  const who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"];
  await run("git", [...who, "commit", "--quiet", "-m", "Notes begin"], path);
}

Deno.test("servers from PyPI work in the sandbox", async (t) => {
  const dir = await Deno.makeTempDir({ prefix: "muxi-python-" });
  try {
    const venv = `${dir}/venv`;
    await run("/usr/bin/python3", ["-m", "venv", venv]);
    await run(`${venv}/bin/pip`, ["install", "--quiet", "--disable-pip-version-check", ...PACKAGES]);
    const outside = { PATH: `${venv}/bin:/usr/bin:/bin` };

    await t.step("time tells the time without network, found through the search path", async () => {
      await using boxed = await startBoxed({ command: "mcp-server-time", args: ["--local-timezone", "UTC"], outside });
      const client = new JsonLines(boxed.process);
      await client.open();
      const { text, failed } = await client.call("get_current_time", { timezone: "Europe/Paris" });
      assert(!failed, text);
      assert.equal(JSON.parse(text).timezone, "Europe/Paris");
      assert.equal(boxed.process.report.tier, "full");
    });

    await t.step("time runs as a module of the environment's Python", async () => {
      const args = ["-m", "mcp_server_time", "--local-timezone", "UTC"];
      await using boxed = await startBoxed({ command: `${venv}/bin/python`, args });
      const client = new JsonLines(boxed.process);
      await client.open();
      const { tools } = await client.request("tools/list");
      assert.equal((tools as unknown[]).length, 2);
    });

    await t.step("fetch reaches the host its policy names, and is told why it does not reach another", async () => {
      const listening = Promise.withResolvers<number>();
      await using server = Deno.serve(
        { hostname: "127.0.0.1", port: 0, onListen: ({ port }) => listening.resolve(port) },
        () => new Response("The harbour opens at seven."),
      );
      const port = await listening.promise;
      await using boxed = await startBoxed({
        command: `${venv}/bin/mcp-server-fetch`,
        args: ["--ignore-robots-txt", "--allow-private-ips"],
        profile: { net: [`127.0.0.1:${port}`] },
      });
      const client = new JsonLines(boxed.process);
      await client.open();
      const good = await client.call("fetch", { url: `http://127.0.0.1:${port}/` });
      assert(!good.failed, good.text);
      assert.match(good.text, /harbour opens at seven/);
      const bad = await client.call("fetch", { url: "http://10.1.2.3/" });
      assert(bad.failed, bad.text);
      const words =
        'The policy "strict" does not allow connecting to "10.1.2.3:80": add it to sandbox.net of that policy';
      assert.deepEqual([...new Set(boxed.denied)], [words]);
      const decisions = boxed.process.report.decisions();
      assert.deepEqual(decisions.map(({ value }) => value), ["10.1.2.3:80", `127.0.0.1:${port}`]);
      void server;
    });

    await t.step("git reads the repository its policy names, cannot write it, and sees no other", async () => {
      await makeRepository(`${dir}/named`);
      await makeRepository(`${dir}/other`);
      await using boxed = await startBoxed({
        command: `${venv}/bin/mcp-server-git`,
        profile: { read: [`${dir}/named`] },
      });
      const client = new JsonLines(boxed.process);
      await client.open();
      const log = await client.call("git_log", { repo_path: `${dir}/named` });
      assert.match(log.text, /Notes begin/);
      const branch = await client.call("git_create_branch", { repo_path: `${dir}/named`, branch_name: "theirs" });
      assert(branch.failed, branch.text);
      const other = await client.call("git_log", { repo_path: `${dir}/other` });
      assert(other.failed, other.text);
    });

    await t.step("git writes a repository that its policy lets it write", async () => {
      await using boxed = await startBoxed({
        command: `${venv}/bin/mcp-server-git`,
        profile: { write: [`${dir}/named`] },
      });
      const client = new JsonLines(boxed.process);
      await client.open();
      const branch = await client.call("git_create_branch", { repo_path: `${dir}/named`, branch_name: "ours" });
      assert(!branch.failed, branch.text);
      await run("git", ["rev-parse", "--verify", "ours"], `${dir}/named`);
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
