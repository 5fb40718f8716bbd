/**
 * `muxi doctor` on installations that are well, and on some that are not.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import dgram from "node:dgram";
import { once } from "node:events";
import type { Check } from "../../src/transports/cli/check.ts";
import { programSettings, startProgram } from "../support/program.ts";
import { startProvider } from "../support/provider.ts";
import { ADMIN_KEY, USER_KEY } from "../support/server.ts";
import { startSpeechServer } from "../support/speech_server.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

interface Diagnosis {
  code: number;
  text: string;
  of(name: string): Check[];
}

async function muxi(args: string[], { cwd, env = {} }: { cwd: string; env?: Record<string, string> }) {
  const { PATH = "", HOME = "", DENO_DIR } = Deno.env.toObject();
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", "--unstable-no-legacy-abort", "--config", CONFIG, MAIN, ...args],
    cwd,
    clearEnv: true,
    env: { PATH, HOME, LANG: "C.UTF-8", ...DENO_DIR !== undefined && { DENO_DIR }, ...env },
    stdin: "null",
  }).output();
  const text = new TextDecoder().decode(stdout);
  assert.notEqual(text, "", new TextDecoder().decode(stderr));
  return { code, text };
}

async function doctor(args: string[], options: { cwd: string; env?: Record<string, string> }): Promise<Diagnosis> {
  const { code, text } = await muxi(["doctor", "--json", ...args], options);
  const { checks } = JSON.parse(text) as { checks: Check[] };
  return { code, text, of: (name) => checks.filter((check) => check.name === name) };
}

/** A folder with a file of settings, and the flags that name it. */
async function openFolder(settings: Record<string, unknown> = {}) {
  const dir = await Deno.makeTempDir({ prefix: "muxi-doctor-" });
  const write = (next: Record<string, unknown>) =>
    Deno.writeTextFile(`${dir}/settings.json`, JSON.stringify(programSettings(dir, next)));
  await write(settings);
  return {
    dir,
    write,
    doctor: () => doctor(["--config", `${dir}/settings.json`], { cwd: dir }),
    [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }),
  };
}

Deno.test("a fresh machine is well, without a model of its own, and stays as it was", async () => {
  await using folder = await openFolder();
  const found = await folder.doctor();
  assert.equal(found.code, 0, found.text);
  assert.equal(found.of("model")[0]!.status, "off");
  assert.match(found.of("data folder")[0]!.detail, /is not there yet/);
  assert.equal(found.of("runtime")[0]!.status, "ok");
  assert.deepEqual(Array.from(Deno.readDirSync(folder.dir), ({ name }) => name), ["settings.json"]);
});

Deno.test("no key and no secret is shown", async () => {
  const encryption_key = "the-secret-of-the-database";
  const api_key = "sk-provider-secret-123456";
  await using folder = await openFolder({
    database: { encryption_key },
    providers: { openai: { api_key, base_url: "http://127.0.0.1:9/v1" } },
    model: { provider: "openai" },
  });
  const found = await folder.doctor();
  for (const secret of [encryption_key, api_key, USER_KEY, ADMIN_KEY]) assert.ok(!found.text.includes(secret), secret);
});

Deno.test("a running server is left alone, and says itself how it is", async () => {
  await using program = await startProgram();
  const beside = await doctor(["--config", `${program.dir}/settings.json`], { cwd: program.dir });
  assert.equal(beside.code, 0, beside.text);
  assert.match(beside.of("data folder").at(-1)!.detail, new RegExp(`is used by process ${program.pid}`));
  assert.match(beside.of("database")[0]!.detail, /in use/);
  const asked = await doctor(["--url", program.url], { cwd: program.dir, env: { MUXI_KEY: ADMIN_KEY } });
  assert.equal(asked.code, 0, asked.text);
  assert.equal(asked.of("server")[0]!.status, "ok");
  assert.ok(JSON.parse(asked.text).checks.length > 1, asked.text);
  const away = await doctor(["--url", "http://127.0.0.1:9"], { cwd: program.dir });
  assert.deepEqual([away.code, away.of("server")[0]!.status], [69, "fail"]);
});

Deno.test("a database is read through while nobody uses it, and damage is found", async () => {
  await using folder = await openFolder();
  await muxi(["agents", "list", "--config", `${folder.dir}/settings.json`], { cwd: folder.dir });
  const database = `${folder.dir}/data/muxi.db`;
  const whole = await folder.doctor();
  assert.equal(whole.code, 0, whole.text);
  assert.match(whole.of("database")[0]!.detail, /schema version \d+, intact$/);
  assert.match(whole.of("data folder")[0]!.detail, /no process uses it/);

  using file = await Deno.open(database, { write: true });
  // Behind the first pages, so that it opens.
  await file.seek(16_384, Deno.SeekMode.Start);
  await file.write(new Uint8Array(40_960).fill(0xa5));
  const damaged = await folder.doctor();
  assert.deepEqual([damaged.code, damaged.of("database")[0]!.status], [69, "fail"], damaged.text);
  await Deno.writeTextFile(database, "This is no database. ".repeat(500));
  assert.equal((await folder.doctor()).of("database")[0]!.status, "fail");
});

Deno.test("settings, production, TLS, port, folder and model that are wrong are each named", async () => {
  await using folder = await openFolder({ model: { retries: "many" } });
  const settings = await folder.doctor();
  assert.equal(settings.code, 78);
  assert.match(settings.of("settings")[0]!.detail, /model\.retries/);

  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using provider = await startProvider({ api_key: "sk-right" });
  await Deno.mkdir(`${folder.dir}/data`);
  await Deno.chmod(`${folder.dir}/data`, 0o755);
  await folder.write({
    server: { env: "production", port: listener.addr.port, tls: { cert_file: "/nowhere/c", key_file: "/nowhere/k" } },
    auth: { user_api_key: "short" },
    model: { provider: "openai" },
    providers: { openai: { base_url: provider.url, api_key: "sk-wrong" } },
  });
  const found = await folder.doctor();
  assert.equal(found.code, 78, found.text);
  const of = (name: string) => found.of(name).map(({ status }) => status);
  assert.deepEqual(of("production"), ["fail"]);
  assert.deepEqual(of("TLS"), ["fail"]);
  assert.deepEqual(of("port"), ["fail"]);
  assert.deepEqual(of("data folder"), ["warn"]);
  assert.deepEqual(of("model"), ["fail"]);
  assert.match(found.of("model")[0]!.detail, /refuses/);
});

const MEDIA = { host: "127.0.0.1", port: 0 };
const MUTE = { stt: { engine: "none" }, tts: { engine: "none" } };

/** Each of `wanted` is so, for this reason. */
function assertChecks(found: Diagnosis, wanted: Record<string, [status: Check["status"], reason: RegExp]>): void {
  for (const [name, [status, reason]] of Object.entries(wanted)) {
    const [check] = found.of(name);
    assert.equal(check?.status, status, found.text);
    assert.match(check.detail, reason);
  }
}

Deno.test("engines of speech that work, that don't and that are switched off are told apart", async () => {
  const keys = ["sk-speech-right-123456", "sk-speech-wrong-123456"] as const;
  await using engine = await startSpeechServer({ instant: { text: "" }, api_key: keys[0] });
  const at = (base_url: string, api_key: string) => ({ engine: "openai", base_url, api_key });
  const right = at(engine.url, keys[0]);
  const down = at("http://127.0.0.1:9/v1", keys[0]);
  await using folder = await openFolder({ rtc: MEDIA, speech: { stt: right, tts: right } });
  const well = await folder.doctor();
  assert.equal(well.code, 0, well.text);
  assertChecks(well, {
    "calls": ["ok", /^Media would flow through 127\.0\.0\.1/],
    "hearing": ["ok", /^Speech server "127\.0\.0\.1:\d+" \(.+\) answers$/],
    "speaking": ["ok", /^Speech server "127\.0\.0\.1:\d+" \(.+\) answers$/],
    "realtime voice": ["off", /^No agent speaks by another's voice: Set speech\.realtime\.base_url/],
  });
  const { base_url, api_key } = down;
  const wrong = at(engine.url, keys[1]);
  await folder.write({ rtc: MEDIA, speech: { stt: wrong, tts: down, realtime: { base_url, api_key } } });
  const ill = await folder.doctor();
  assert.equal(ill.code, 69, ill.text);
  assertChecks(ill, {
    "hearing": ["fail", /refuses: status 401$/],
    "speaking": ["fail", /^Speech server "127\.0\.0\.1:9" \(.+\) does not answer$/],
    "realtime voice": ["fail", /127\.0\.0\.1:9/],
  });
  for (const key of keys) assert.ok(!`${well.text}${ill.text}`.includes(key));
  await folder.write({ rtc: MEDIA, speech: MUTE });
  const mute = await folder.doctor();
  assert.equal(mute.code, 0, mute.text);
  assertChecks(mute, { hearing: ["off", /^Callers have to type: /], speaking: ["off", /^Agents answer in text: /] });
});

Deno.test("a port of media that somebody has is warned of, and no calls ask for none", async () => {
  await using folder = await openFolder();
  using tcp = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const udp = dgram.createSocket("udp4").bind(0, "127.0.0.1");
  try {
    await once(udp, "listening");
    for (const port of [tcp.addr.port, udp.address().port]) {
      await folder.write({ rtc: { ...MEDIA, port }, speech: MUTE });
      const taken = await folder.doctor();
      assert.equal(taken.code, 0, taken.text);
      assertChecks(taken, { calls: ["warn", new RegExp(`^Cannot take calls: .*${port}`)] });
      assert.match(taken.of("calls")[0]!.remedy!, /rtc\.port.*rtc\.enabled/);
    }
    await folder.write({ rtc: { ...MEDIA, port: tcp.addr.port, enabled: false } });
    const off = await folder.doctor();
    assert.deepEqual(off.of("calls"), [{ name: "calls", status: "off", detail: "Switched off by rtc.enabled" }]);
    assert.deepEqual([...off.of("hearing"), ...off.of("speaking"), ...off.of("realtime voice")], []);
  } finally {
    udp.close();
  }
});
