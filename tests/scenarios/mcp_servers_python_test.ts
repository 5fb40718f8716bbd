/**
 * Tool servers of PyPI, in the sandbox of the operating system, at the work of an agent.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { type Office, openOffice } from "../support/mcp_servers_office.ts";
import { PACKAGES, run } from "../support/python_servers.ts";
import type { Json } from "../support/story.ts";

async function furnish(dir: string): Promise<void> {
  await run("/usr/bin/python3", ["-m", "venv", `${dir}/venv`]);
  await run(`${dir}/venv/bin/pip`, ["install", "--quiet", "--disable-pip-version-check", ...PACKAGES]);
  for (const name of ["named", "other"]) {
    const path = `${dir}/${name}`;
    await Deno.mkdir(path);
    await Deno.writeTextFile(`${path}/notes.txt`, "first\n");
    await run("git", ["init", "--quiet"], path);
    await run("git", ["add", "."], path);
    const who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"];
    await run("git", [...who, "commit", "--quiet", "-m", "The harbour opens"], path);
  }
}

async function assertHeld(office: Office, name: string): Promise<Json> {
  const view = await office.view(name);
  assert.deepEqual([view.state, view.sandbox.tier, view.sandbox.policy], ["ready", "full", name]);
  assert.equal(view.failures, 0);
  return view.sandbox.decisions;
}

Deno.test("an agent answers by servers in Python, each in a box", async (t) => {
  await using page = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("The harbour opens at seven."),
  );
  const { hostname, port } = page.addr;
  const url = `http://${hostname}:${port}/`;
  await using office = await openOffice({
    furnish,
    servers: (dir) => ({
      time: { command: `${dir}/venv/bin/mcp-server-time`, args: ["--local-timezone", "UTC"] },
      // It refuses addresses of this machine by itself: the policy is what is tried here.
      fetch: { command: `${dir}/venv/bin/mcp-server-fetch`, args: ["--ignore-robots-txt", "--allow-private-ips"] },
      git: { command: `${dir}/venv/bin/mcp-server-git`, args: [] },
    }),
    policies: (dir) => ({
      time: { servers: ["time"] },
      fetch: { servers: ["fetch"], sandbox: { net: [`${hostname}:${port}`] } },
      git: { servers: ["git"], sandbox: { read: [`${dir}/named`] } },
    }),
  });

  await t.step("time", async () => {
    await office.ready("time");
    const scripted = await office.ask({ tool: "time__get_current_time", arguments: { timezone: "Europe/Paris" } });
    assert.match(scripted.content, /"timezone": ?\\?"Europe\/Paris/);
    const offline = await office.askOffline(`Call time__get_current_time with timezone="Asia/Tokyo"`);
    assert.match(offline.content, /Asia\/Tokyo/);
    assert.deepEqual([scripted.row.status, offline.row.status], ["completed", "completed"]);
    await assertHeld(office, "time");
  });

  await t.step("fetch, and what its policy doesn't name is denied in words that say what to allow", async () => {
    await office.ready("fetch");
    const scripted = await office.ask({ tool: "fetch__fetch", arguments: { url } });
    assert.match(scripted.content, /harbour opens at seven/);
    assert.match((await office.askOffline(`Call fetch__fetch with url="${url}"`)).content, /harbour opens at seven/);
    const words = 'The policy "fetch" does not allow connecting to "10.1.2.3:80": add it to sandbox.net of that policy';
    const denied = await office.ask({ tool: "fetch__fetch", arguments: { url: "http://10.1.2.3/" } });
    assert.equal(denied.row.status, "failed");
    const result = denied.events.find(({ type }) => type === "tool.call.result")!.data;
    assert.ok(result.error.message.includes(words), JSON.stringify(result));
    assert.ok(denied.content.includes(JSON.stringify(words).slice(1, -1)) || denied.content.includes(words));
    const decisions = await assertHeld(office, "fetch");
    const counts = decisions.map(({ value, allowed, denied }: Json) => [value, allowed > 0, denied > 0]);
    assert.deepEqual(counts, [["10.1.2.3:80", false, true], [`${hostname}:${port}`, true, false]]);
  });

  await t.step("git, which sees the repository that its policy names and no other", async () => {
    await office.ready("git");
    const log = (name: string) => ({ tool: "git__git_log", arguments: { repo_path: `${office.dir}/${name}` } });
    assert.match((await office.ask(log("named"))).content, /The harbour opens/);
    const offline = await office.askOffline(`Call git__git_status with repo_path="${office.dir}/named"`);
    assert.match(offline.content, /nothing to commit|working tree clean/);
    assert.equal((await office.ask(log("other"))).row.status, "failed");
    const branch = { repo_path: `${office.dir}/named`, branch_name: "theirs" };
    assert.equal((await office.ask({ tool: "git__git_create_branch", arguments: branch })).row.status, "failed");
    await assertHeld(office, "git");
  });
});
