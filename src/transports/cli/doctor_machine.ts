/**
 * What `muxi doctor` finds out about the machine itself.
 *
 * @module
 */
import { X509Certificate } from "node:crypto";
import { statfs } from "node:fs/promises";
import type { CeilingKeeper, SandboxTier } from "../../domain/mcp_server.ts";
import type { Check } from "./check.ts";

const GIB = 2 ** 30;
const MIB = 2 ** 20;
const DAY_MS = 86_400_000;
const LEAST_DENO = [2, 9];
const LEAST_DISK = GIB;
const LEAST_MEMORY = 256 * MIB;
/** Nobody runs this program before it was written. */
const FIRST_DAY = Date.UTC(2026, 0, 1);
const SOON_DAYS = 14;

/** File systems on which SQLite's log can't be shared safely, by the number the kernel gives them. */
const UNSAFE: Readonly<Record<number, string>> = {
  0x6969: "NFS",
  0xff534d42: "SMB",
  0xfe534d42: "SMB",
  0x517b: "SMB",
  0x01021997: "9P",
  0x65735546: "FUSE",
};
const TMPFS = 0x01021994;

/** A size as people say it. */
export function toSize(bytes: number): string {
  if (bytes >= GIB) return `${(bytes / GIB).toFixed(1)} GiB`;
  return bytes >= MIB ? `${Math.round(bytes / MIB)} MiB` : `${Math.ceil(bytes / 1024)} KiB`;
}

async function read(path: string): Promise<string | undefined> {
  return await Deno.readTextFile(path).catch(() => undefined);
}

/** Whether the runtime is new enough. */
export function checkRuntime(version: string, deno: string = Deno.version.deno): Check {
  const [major = 0, minor = 0] = deno.split(".").map(Number);
  const good = major > LEAST_DENO[0]! || (major === LEAST_DENO[0] && minor >= LEAST_DENO[1]!);
  const detail = `MUXI ${version} on Deno ${deno}, ${Deno.build.target}`;
  if (good) return { name: "runtime", status: "ok", detail };
  return { name: "runtime", status: "fail", detail, remedy: `Use Deno ${LEAST_DENO.join(".")} or newer` };
}

/** Room on the disk below `path`, and whether it is a disk that a database can be on. */
export async function checkDisk(path: string): Promise<Check[]> {
  const found = await statfs(path).catch(() => undefined);
  if (!found) return [{ name: "disk", status: "warn", detail: `Cannot find out how much room there is for "${path}"` }];
  const free = found.bavail * found.bsize;
  const room: Check = { name: "disk", status: free < LEAST_DISK ? "warn" : "ok", detail: `${toSize(free)} free` };
  if (room.status === "warn") room.remedy = `Make room: less than ${toSize(LEAST_DISK)} may not last`;
  const type = Number(found.type) >>> 0;
  const unsafe = UNSAFE[type];
  if (unsafe !== undefined) {
    const detail = `The data folder is on ${unsafe}, where locks and shared memory can't be relied on`;
    return [room, { name: "file system", status: "warn", detail, remedy: "Choose a local disk with MUXI_DATA_DIR" }];
  }
  if (type !== TMPFS) return [room];
  const detail = "The data folder is in memory (tmpfs), and is lost when the machine restarts";
  return [room, { name: "file system", status: "warn", detail, remedy: "Choose a disk with MUXI_DATA_DIR" }];
}

/** Whether the clock can be right. `newest`: when something was last written here. */
export function checkClock(now: number, newest?: number): Check {
  const detail = `${new Date(now).toISOString()}`;
  const remedy = "Set the clock, or let it be set (NTP): expiries, retention and tokens go by it";
  if (now < FIRST_DAY) return { name: "clock", status: "fail", detail: `${detail} can't be`, remedy };
  if (newest !== undefined && newest - now > DAY_MS) {
    const ahead = new Date(newest).toISOString();
    return {
      name: "clock",
      status: "warn",
      detail: `${detail} is before what was last written here, ${ahead}`,
      remedy,
    };
  }
  return { name: "clock", status: "ok", detail };
}

/** Whether as many connections can be open as the settings allow. */
export async function checkFiles(wanted: number): Promise<Check> {
  const text = await read("/proc/self/limits");
  const limit = /^Max open files\s+(\d+|unlimited)/m.exec(text ?? "")?.[1];
  if (limit === undefined) return { name: "open files", status: "ok", detail: "No limit is known on this system" };
  const detail = `${limit} at most`;
  if (limit === "unlimited" || Number(limit) >= wanted) return { name: "open files", status: "ok", detail };
  return {
    name: "open files",
    status: "warn",
    detail: `${detail}, and the settings allow ${wanted} streams and requests`,
    remedy: `Raise it (ulimit -n ${wanted}; LimitNOFILE in systemd), or lower server.max_streams`,
  };
}

/** Whether there is memory left, for the machine and for this group of processes. */
export async function checkMemory(): Promise<Check> {
  const { available, total } = Deno.systemMemoryInfo();
  const ceiling = Number(await read("/sys/fs/cgroup/memory.max"));
  const used = Number(await read("/sys/fs/cgroup/memory.current"));
  const room = Number.isFinite(ceiling) && ceiling > 0 && ceiling < total
    ? Math.min(available, ceiling - used)
    : available;
  const detail = `${toSize(room)} available`;
  if (room >= LEAST_MEMORY) return { name: "memory", status: "ok", detail };
  return { name: "memory", status: "warn", detail, remedy: `Make room: want ${toSize(LEAST_MEMORY)} or more` };
}

/** Whether text is shown as it is. */
export function checkTerminal(env: Readonly<Record<string, string>>): Check {
  const locale = [env.LC_ALL, env.LC_CTYPE, env.LANG].find((value) => value !== undefined && value !== "") ?? "";
  if (/utf-?8/i.test(locale) || Deno.build.os !== "linux") {
    return { name: "terminal", status: "ok", detail: locale === "" ? "UTF-8 is assumed" : locale };
  }
  const detail = `The locale is "${locale === "" ? "not set" : locale}", which is not UTF-8`;
  return { name: "terminal", status: "warn", detail, remedy: "Set LANG=C.UTF-8, if signs look wrong" };
}

/** What is enforced on the programs of tool servers here. */
const HELD: Readonly<Record<SandboxTier, string>> = {
  full: "held by the sandbox in full",
  broker: "held by Deno's permissions alone",
  none: "not held, and so refused unless their policy says unsandboxed",
};

/** What sandbox tool servers have here, and what is missing for a better one. */
export function checkSandbox({ javascript, native, ceilings, notes }: {
  javascript: SandboxTier;
  native: SandboxTier;
  ceilings: readonly CeilingKeeper[];
  notes: readonly string[];
}): Check {
  const held = javascript === native
    ? `Programs of tool servers are ${HELD[native]}`
    : `Tool servers in JavaScript are ${HELD[javascript]}; all others are ${HELD[native]}`;
  const bounded = `. Their memory, processes and disk are bounded by ${ceilings.join(" and by ")}`;
  const detail = ceilings.length === 0 ? held : held + bounded;
  const status = native === "full" && notes.length === 0 ? "ok" : native === "full" ? "warn" : "off";
  return { name: "sandbox", status, detail, ...notes.length > 0 && { remedy: notes.join(". ") } };
}

/** Whether a certificate is good now and for a while. */
export function checkCertificate(pem: string, now: number): Check {
  const name = "TLS";
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch {
    return { name, status: "fail", detail: "server.tls.cert_file holds no certificate in PEM" };
  }
  const { subject, validFrom, validTo } = certificate;
  const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
  const whose = subject.replaceAll("\n", ", ");
  const remedy = "Renew the certificate, and send SIGHUP or restart";
  if (now < from) return { name, status: "fail", detail: `${whose} is not valid before ${validFrom}` };
  if (now > to) return { name, status: "fail", detail: `${whose} has expired: ${validTo}`, remedy };
  const days = Math.floor((to - now) / DAY_MS);
  const detail = `${whose}, valid for ${days} days`;
  return days < SOON_DAYS ? { name, status: "warn", detail, remedy } : { name, status: "ok", detail };
}
