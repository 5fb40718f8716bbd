import { strict as assert } from "node:assert";
import { checkQueue } from "../../src/app/doctor_calls.ts";
import { runCli } from "../../src/transports/cli/cli.ts";
import type { Check } from "../../src/transports/cli/check.ts";
import { toDoctorCode } from "../../src/transports/cli/doctor.ts";
import {
  checkCertificate,
  checkClock,
  checkRuntime,
  checkSandbox,
  checkTerminal,
} from "../../src/transports/cli/doctor_machine.ts";
import type { Verbs } from "../../src/transports/cli/verbs.ts";
import { fakeTerminal } from "../support/terminal.ts";

/** Valid for the year from 2026-11-21 on. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBgzCCASmgAwIBAgIUZL8sCZwsYc4vij6IRObBnhK4sPYwCgYIKoZIzj0EAwIw
FzEVMBMGA1UEAwwMbXV4aS5leGFtcGxlMB4XDTI2MTEyMTE0MjQxOFoXDTI3MTEy
MTE0MjQxOFowFzEVMBMGA1UEAwwMbXV4aS5leGFtcGxlMFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAE9Hl6yTrHI/a/tiPTbUhA12foPSVTFs7cQX7FBRTVqKVN63W0
i+lybS3i4Ehs0JSI7dVrr80mLd7KsmxxivblNKNTMFEwHQYDVR0OBBYEFHDAseaD
fKoMLJ/X5DzvJKH6o5F0MB8GA1UdIwQYMBaAFHDAseaDfKoMLJ/X5DzvJKH6o5F0
MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgY70gaYryyuMiEeo3
MV+4+bp+PcmGekaWcAJ6sItF97ICIQCNhDAbbGoiyBuqKo5+nQGlQDgIe2J7/PPz
smgyMbwHYA==
-----END CERTIFICATE-----
`;

async function doctor(checks: Check[], ...args: string[]) {
  const terminal = fakeTerminal({ columns: 60 });
  const verbs = { diagnose: () => Promise.resolve(checks) } as Partial<Verbs> as Verbs;
  const code = await runCli({ args: ["doctor", ...args], version: "1.2.3", env: {}, verbs, terminal });
  return { code, out: terminal.shown };
}

Deno.test("a certificate is good, about to expire, expired, not yet valid, or none", () => {
  const at = (day: string) => checkCertificate(CERTIFICATE, Date.parse(`${day}T12:00:00Z`)).status;
  assert.equal(at("2027-01-01"), "ok");
  assert.equal(at("2027-11-15"), "warn");
  assert.equal(at("2027-11-22"), "fail");
  assert.equal(at("2026-11-20"), "fail");
  assert.equal(checkCertificate("nothing", Date.now()).status, "fail");
  assert.match(checkCertificate(CERTIFICATE, Date.parse("2027-01-01")).detail, /CN=muxi\.example, valid for 324 days/);
});

Deno.test("a clock that can't be right is found", () => {
  const now = Date.parse("2026-11-21T12:00:00Z");
  assert.equal(checkClock(now).status, "ok");
  assert.equal(checkClock(0).status, "fail");
  assert.equal(checkClock(now, now + 3_600_000).status, "ok");
  assert.equal(checkClock(now, now + 10 * 86_400_000).status, "warn");
});

Deno.test("an old runtime is refused, a strange locale only mentioned", () => {
  assert.equal(checkRuntime("1.0.0", "2.8.9").status, "fail");
  assert.equal(checkRuntime("1.0.0", "2.9.0").status, "ok");
  assert.equal(checkRuntime("1.0.0", "3.0.0").status, "ok");
  assert.equal(checkTerminal({ LC_ALL: "", LANG: "de_DE.UTF-8" }).status, "ok");
});

Deno.test("the exit code says whether settings are wrong or something else is missing", () => {
  const check = (name: string, status: Check["status"]): Check => ({ name, status, detail: "" });
  assert.equal(toDoctorCode([check("port", "ok"), check("model", "off"), check("disk", "warn")]), 0);
  assert.equal(toDoctorCode([check("port", "fail")]), 69);
  assert.equal(toDoctorCode([check("port", "fail"), check("settings", "fail")]), 78);
});

Deno.test("the table fits the terminal, and shows what a terminal would obey", async () => {
  const { code, out } = await doctor([
    { name: "disk", status: "ok", detail: "5 GiB free" },
    {
      name: "model",
      status: "fail",
      detail: `It said "\x1b[2Jno" and then a good deal more about the reason`,
      remedy: "Ask",
    },
  ]);
  assert.equal(code, 69);
  assert.equal(
    out,
    '✓ disk   5 GiB free\n✗ model  It said "␛[2Jno" and then a good deal more about\n' +
      "         the reason\n         → Ask\n\n1 of 2 checks failed\n",
  );
});

Deno.test("machines get every check", async () => {
  const checks: Check[] = [{ name: "disk", status: "ok", detail: "5 GiB free" }];
  const { code, out } = await doctor(checks, "--json");
  assert.deepEqual([code, JSON.parse(out)], [0, { ok: true, checks }]);
});

Deno.test("the sandbox is told as it is: in full, for JavaScript alone, or with a part missing", () => {
  const full = { javascript: "full", native: "full", ceilings: ["prlimit", "watching"], notes: [] } as const;
  assert.deepEqual(checkSandbox(full), {
    name: "sandbox",
    status: "ok",
    detail:
      "Programs of tool servers are held by the sandbox in full. Their memory, processes and disk are bounded by " +
      "prlimit and by watching",
  });
  const notes = ["No bubblewrap: install it (Debian: bubblewrap)", "Attacks may get through"];
  const half = checkSandbox({ javascript: "broker", native: "none", ceilings: ["watching"], notes });
  assert.equal(half.status, "off");
  assert.match(half.detail, /bounded by watching$/);
  assert.match(half.detail, /^Tool servers in JavaScript are held by Deno's permissions alone; all others .* refused/);
  assert.equal(half.remedy, "No bubblewrap: install it (Debian: bubblewrap). Attacks may get through");
  assert.equal(checkSandbox({ ...full, notes: ["No prlimit"] }).status, "warn");
});

Deno.test("a short queue of datagrams is told, and nothing where the system says nothing", () => {
  assert.deepEqual(checkQueue(undefined), []);
  assert.equal(checkQueue(1_048_576)[0]!.status, "ok");
  const [short] = checkQueue(425_984);
  assert.equal(short!.status, "warn");
  assert.match(short!.detail, /416 KB/);
  assert.match(short!.remedy!, /rmem_max=524288/);
});
