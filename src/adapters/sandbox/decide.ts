/**
 * What becomes of a program's question, by its rules.
 *
 * @module
 */
import { isIP } from "node:net";
import type { Permission } from "../../domain/policy.ts";
import { elsewhere, inPackage, isPlace, toAllow } from "./advice.ts";
import { isInternal, isNamed, readHostPort, readHostRule, toHost } from "./addresses.ts";
import { isClosed } from "./kernel_paths.ts";
import { isWithin, realPathOf, type RealPathOptions } from "./real_path.ts";
import type { Question, Rules, Ruling } from "./rules.ts";

/** What {@linkcode decide} asks of the world. */
export interface Surroundings {
  /** How the process sees paths. Throws when it is gone. */
  place(): RealPathOptions;
  /** The addresses of a name. */
  resolve(host: string): Promise<string[]>;
}

/** Files without content that any program may use. */
const DEVICES = ["/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"];
const TO = { read: "read", write: "write to", net: "connect to" } as const;
const DOING: Record<"read" | "write", string> = { read: "reading", write: "writing" };

/** Rules on `question`. At once where it can: a name has to be looked up. */
export function decide(rules: Rules, question: Question, around: Surroundings): Ruling | Promise<Ruling> {
  const { permission, value } = question;
  switch (permission) {
    case "read":
    case "write":
      return onPath(rules, { permission, value }, around);
    case "net":
      return onNetwork(rules, value, around);
    case "env":
      // There is nothing in its environment that it wasn't given. What it looks for tells how it wants to be told.
      return {
        permission,
        value: rules.learning && value !== null && isPlace(value) ? value : "",
        verdict: "allow",
        words: "",
      };
    case "sys":
      return by(rules, rules.sys.includes(value ?? ""), {
        permission,
        value: value ?? "everything",
        doing: `asking the machine for "${value ?? "everything"}"`,
        change: toAllow("sys", value ?? "", rules),
      });
    case "run":
      return by(unwatched(rules), rules.run && rules.boxed, {
        permission,
        value: "*",
        doing: "starting or ending programs",
        change: rules.run ? "this needs bubblewrap on the server's machine" : "name them in sandbox.run of that policy",
      });
    case "ffi":
      return by(unwatched(rules), rules.ffi && rules.boxed, {
        permission,
        value: value ?? "*",
        doing: `loading the native code "${value ?? "*"}"`,
        change: rules.ffi ? "this needs bubblewrap on the server's machine" : "set sandbox.ffi of that policy",
      });
    default:
      return by(rules, false, {
        permission,
        value: value ?? "*",
        doing: `loading code from "${value ?? "anywhere"}"`,
        change: "code is fetched before a program starts, from a registry of packages only",
      });
  }
}

interface Case {
  permission: Permission;
  value: string;
  /** Such as: reading "/etc/passwd". */
  doing: string;
  /** What to do about a denial. */
  change: string;
}

function by(rules: Held, allowed: boolean, { permission, value, doing, change }: Case): Ruling {
  if (allowed || rules.learning) return { permission, value, verdict: "allow", words: "" };
  if (permission === "read" || permission === "write" || permission === "net") {
    if (rules.ask.includes(permission)) {
      return { permission, value, verdict: "ask", words: `${TO[permission]} "${value}"` };
    }
  }
  return {
    permission,
    value,
    verdict: "deny",
    words: `${sayingNo(rules)} ${doing}: ${change}`,
  };
}

function refused(rules: Rules, { permission, value, doing, change }: Case): Ruling {
  return by(unwatched({ ...rules, ask: [] }), false, { permission, value, doing, change });
}

/** What holds while a program is watched, too: others, or native code, would ask nobody. */
function unwatched(rules: Rules): Held {
  return { ...rules, learning: false, watched: rules.learning };
}

/** Rules for what is held to them even while a program is watched. */
interface Held extends Rules {
  watched?: boolean;
}

function sayingNo({ policy, watched }: Held): string {
  return watched ? "Not even a program that is watched is allowed" : `The policy "${policy}" does not allow`;
}

function onPath(
  rules: Rules,
  { permission, value }: { permission: "read" | "write"; value: string | null },
  around: Surroundings,
): Ruling {
  const doing = DOING[permission];
  if (value === null) {
    // Deno asks for everything before it makes a symbolic link. Inside a box a link leads nowhere else.
    const linking = rules.boxed && rules.write.length > 0;
    return by({ ...rules, ask: [] }, linking, {
      permission,
      value: "*",
      doing: `${doing} everything, which making a symbolic link needs`,
      change: "this needs bubblewrap and sandbox.write",
    });
  }
  // Deno means the folder of TMPDIR, which the program may have changed. Only a box makes that harmless.
  if (value === "<TMP>") {
    return by({ ...rules, ask: [] }, rules.boxed, {
      permission,
      value: "a temporary file",
      doing: "making a temporary file by Deno.makeTempFile",
      change: "this needs bubblewrap; os.tmpdir() works",
    });
  }
  const path = whereIs(value, around);
  if (path === undefined) {
    const quoted = JSON.stringify(value.slice(0, 200));
    return refused(rules, {
      permission,
      value: quoted,
      doing: `${doing} ${quoted}`,
      change: "nobody can say where it is",
    });
  }
  if (permission === "write" && rules.packages.some((folder) => isWithin(path, folder))) {
    const value = inPackage(path);
    return refused(rules, { permission, value, doing: `writing "${value}" in its own package`, change: elsewhere() });
  }
  const what = { permission, value: path, doing: `${doing} "${path}"`, change: toAllow(permission, path, rules) };
  if (isOwn(rules, permission, path)) return { permission, value: "", verdict: "allow", words: "" };
  const folded = (text: string) => rules.fold_case ? text.normalize("NFC").toLowerCase() : text;
  if (rules.hidden.some((folder) => isWithin(folded(path), folded(folder)))) {
    return refused(rules, { ...what, change: "no program may see MUXI's own data" });
  }
  // Only a box keeps what is moved out of sight.
  const moving = permission === "write" && !rules.boxed;
  if (moving && rules.hidden.some((folder) => isWithin(folded(folder), folded(path)))) {
    return refused(rules, { ...what, change: "it holds MUXI's own data, which no program may move" });
  }
  if (isClosed(path)) {
    return refused(rules, { ...what, change: "no policy can allow that, since Deno lets no program there" });
  }
  const named = permission === "read" ? [...rules.read, ...rules.write] : rules.write;
  return by(rules, named.some((folder) => isWithin(path, folder)), what);
}

/** Whether `path` belongs to how it runs. What its policy lets it only read doesn't, wherever that lies. */
function isOwn(rules: Rules, permission: "read" | "write", path: string): boolean {
  const temporary = [...rules.own_write, "/dev/null"];
  const own = permission === "read" ? [...temporary, ...rules.own_read, ...DEVICES] : temporary;
  if (permission === "read" && rules.own_folders.includes(path)) return true;
  const mine = own.find((folder) => isWithin(path, folder));
  if (mine === undefined) return false;
  return ![...rules.read, ...rules.write, ...rules.named].some((folder) =>
    isWithin(path, folder) && isWithin(folder, mine)
  );
}

/** Nothing, too, when the process can't be looked at. */
function whereIs(value: string, around: Surroundings): string | undefined {
  try {
    return realPathOf(value, around.place());
  } catch {
    return undefined;
  }
}

function onNetwork(rules: Rules, value: string | null, around: Surroundings): Ruling | Promise<Ruling> {
  const permission = "net";
  if (value?.startsWith("unix:")) {
    // Whoever listens there would do outside of the box what it was asked for.
    return {
      ...onPath(unwatched(rules), { permission: "write", value: value.slice("unix:".length) }, around),
      permission,
    };
  }
  const at = toHostPort(value);
  const shown = at === undefined ? String(value ?? "*") : at.port === undefined ? at.host : toText(at.host, at.port);
  const what = {
    permission,
    value: shown,
    doing: `connecting to "${shown}"`,
    change: toAllow("net", shown, rules),
  } as const;
  if (at === undefined) return refused(rules, { ...what, change: "name an address and a port" });
  if (rules.relays.includes(shown)) return { permission, value: "", verdict: "allow", words: "" };
  // Programs that are watched find out what they need of the internet, and not what else this machine's network has.
  if (rules.learning) return onAddresses(rules, { at, what }, around);
  if (!isHostNamed(rules.net, at)) return by(rules, false, what);
  // Inside a box the way out looks at addresses, and connects to what it has looked at.
  if (rules.boxed) return by(rules, true, what);
  return onAddresses(rules, { at, what }, around);
}

async function onAddresses(
  rules: Rules,
  { at, what }: { at: { host: string; port?: number }; what: Case },
  around: Surroundings,
): Promise<Ruling> {
  const addresses = isIP(at.host) !== 0 ? [at.host] : await around.resolve(at.host).catch(() => undefined);
  if (addresses === undefined) {
    return rules.learning ? by(rules, true, what) : refused(rules, { ...what, change: "this name can't be looked up" });
  }
  const wrong = addresses.find((address) => isInternal(address) && !isHostNamed(rules.net, { ...at, host: address }));
  if (wrong === undefined) return by(rules, true, what);
  const doing = `${what.doing}, which is "${wrong}" of this machine or its network`;
  return refused(rules, { ...what, doing, change: "name that address itself in sandbox.net of that policy" });
}

function toText(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Deno names a host, a host and its port, or the whole address. */
function toHostPort(value: string | null): { host: string; port?: number } | undefined {
  if (value === null) return undefined;
  if (!/^[a-z]+:\/\//i.test(value)) {
    const found = readHostPort(value);
    return found && { ...found, host: toHost(found.host) };
  }
  const url = URL.parse(value);
  if (url === null) return undefined;
  const port = url.port !== "" ? Number(url.port) : /^(https|wss):$/.test(url.protocol) ? 443 : 80;
  return { host: toHost(url.hostname.replace(/^\[|\]$/g, "")), port };
}

function isHostNamed(net: readonly string[], { host, port }: { host: string; port?: number }): boolean {
  if (port !== undefined) return isNamed(net, { host, port });
  return net.some((text) => isNamed([text], { host, port: readHostRule(text)?.port ?? 443 }));
}
