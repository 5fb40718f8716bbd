/**
 * Policies: which tools of a server may be called, and what its program may touch.
 * Everything is denied until allowed.
 *
 * @module
 */
import { z } from "zod";
import { matches, precisionOf } from "../kit/wildcard.ts";

/** What a policy says of a call or an access. */
export const VERDICT = ["allow", "ask", "deny"] as const;
/** One of {@linkcode VERDICT}. */
export type Verdict = typeof VERDICT[number];

/** A rule for tools whose names match. */
export const ToolRule = z.strictObject({
  decision: z.enum(VERDICT).default("allow").describe("Whether it may be called; `ask` leaves each call to a person"),
  arguments: z.record(z.string(), z.unknown()).optional().describe("JSON Schema that the arguments must meet, too"),
  per_minute: z.number().int().min(1).max(1_000_000).optional().describe("Calls a key may make in a minute"),
  concurrent: z.number().int().min(1).max(10_000).optional().describe("Calls under way at the same time"),
  timeout_seconds: z.number().min(0.1).max(3600).optional().describe("How long a call may be silent"),
  max_timeout_seconds: z.number().min(0.1).max(86_400).optional().describe("How long a call may take with progress"),
  max_result_bytes: z.number().int().min(1024).max(67_108_864).optional().describe("The most that an answer may have"),
  reason: z.string().max(500).optional().describe("Why, for the agent that is refused"),
}).meta({ id: "ToolRule" });
/** See {@linkcode ToolRule}. */
export type ToolRule = z.infer<typeof ToolRule>;

const paths = (what: string) =>
  z.array(z.string().min(1).max(1000).refine((path) => !path.startsWith("~"), "want the whole path, without ~"))
    .max(200).default([])
    .describe(`Folders and files that may be ${what}, with all below; relative ones start at the server's own folder`);
/** Names with dots, addresses, IPv6 in brackets where a port follows. */
const HOST = /^(?:\*\.)?[\p{L}\p{N}_](?:[\p{L}\p{N}_.-]*[\p{L}\p{N}_.])?(?::\d{1,5})?$/u;
const HOST_V6 = /^(?:\[[\da-f:.]+\](?::\d{1,5})?|[\da-f]*:[\da-f:.]*:[\da-f:.]*)$/i;
const isHost = (text: string) => HOST.test(text) || HOST_V6.test(text);
const Host = z.string().min(1).max(300)
  .refine(isHost, 'want host, host:port or *.host, such as "api.example.com", without http:// and a path');
const hosts = z.array(Host).max(200).default([])
  .describe("host, host:port or *.host. Addresses of this machine and its network only where named by address");

/** The permissions that a program asks for. */
export const PERMISSION = ["read", "write", "net", "env", "sys", "run", "ffi", "import"] as const;
/** One of {@linkcode PERMISSION}. */
export type Permission = typeof PERMISSION[number];

/** What the program of a server may touch. */
export const SandboxProfile = z.strictObject({
  read: paths("read"),
  write: paths("read and written"),
  net: hosts,
  env: z.array(z.string().max(100)).max(100).default([])
    .describe("Variables of the server's environment that are handed on, beside those of its definition"),
  sys: z.array(z.string().max(50)).max(50).default(["cpus", "osRelease", "osUptime", "homedir", "hostname", "uid"])
    .describe("Facts of the machine, by Deno's names"),
  run: z.array(z.string().max(300)).max(50).default([]).describe("Programs it may start, inside the sandbox"),
  ffi: z.boolean().default(false).describe("Native code, inside the sandbox only"),
  ask: z.array(z.enum(["read", "write", "net"])).default([])
    .describe("What isn't allowed here and is asked of an admin, for 30 s at most, instead of denied"),
  memory_mb: z.number().int().min(64).max(262_144).default(1024).describe("Of all its processes together"),
  processes: z.number().int().min(1).max(10_000).default(64).describe("At the same time"),
  disk_mb: z.number().int().min(1).max(1_048_576).default(256).describe(
    "Of its temporary folder, and of what all folders that it may write to grow by while it runs; in one with over " +
      "20,000 entries of each file alone",
  ),
  unsandboxed: z.boolean().default(false)
    .describe(
      "Runs it with all rights of MUXI, where the policy names the server in full and files define it. For those you " +
        "trust like MUXI",
    ),
}).meta({ id: "SandboxProfile" });
/** See {@linkcode SandboxProfile}. */
export type SandboxProfile = z.infer<typeof SandboxProfile>;

/** A policy's id. */
export const PolicyId = z.string().regex(
  /^[a-z0-9][a-z0-9_-]{0,63}$/,
  "want small letters, digits, _ and -, at most 64, a letter or digit first",
);

/** What is said of the servers whose names match. */
export const Policy = z.strictObject({
  description: z.string().max(1000).default("").describe("For people"),
  servers: z.array(z.string().max(64)).max(100).default([]).describe("Names of servers; `*` matches any part"),
  tools: z.record(z.string().max(128), ToolRule).default({})
    .describe("Rules by the tool's name, without the server's; `*` matches any part. The strictest that match count"),
  sandbox: SandboxProfile.prefault({}),
}).meta({ id: "Policy" });
/** See {@linkcode Policy}. */
export type Policy = z.infer<typeof Policy>;

/** A file of policies. The policy `default` is for the servers that no other names. */
export const PolicyFile = z.strictObject({
  policies: z.record(PolicyId, Policy),
});
/** See {@linkcode PolicyFile}. */
export type PolicyFile = z.infer<typeof PolicyFile>;

/** A policy with the id it is known by. */
export interface NamedPolicy extends Policy {
  id: string;
}

/** What holds where nobody said anything: calls of tools that are allowed to an agent, and nothing of the machine. */
export const DEFAULT_POLICY: NamedPolicy = { id: "default", ...Policy.parse({}) };

/** The policy for `server`: the one that names it most precisely, else `default`. */
export function choosePolicy(policies: readonly NamedPolicy[], server: string | null): NamedPolicy | undefined {
  let best = policies.find(({ id }) => id === "default");
  let precision = -1;
  for (const policy of server === null ? [] : policies) {
    for (const pattern of policy.servers) {
      if (!matches(pattern, server!) || precisionOf(pattern) <= precision) continue;
      best = policy;
      precision = precisionOf(pattern);
    }
  }
  return best;
}

/** Whether `policy` lets the program of `server` run unsandboxed: a pattern that happens to match it is not enough. */
export function isTrusted({ servers, sandbox }: Policy, server: string): boolean {
  return sandbox.unsandboxed && servers.includes(server);
}

/** The id of the policy that is for `server` and no other: that of `present` where it is one, else one that is free. */
export function ownPolicyId(policies: readonly NamedPolicy[], server: string, present: NamedPolicy): string {
  if (isFor(present, server)) return present.id;
  const [wanted, other] = ownIds(server);
  return policies.some(({ id }) => id === wanted) ? other : wanted;
}

/** Whether `policy` was made for `server` by adding it or learning of it: nothing else is under it, and it is named so. */
export function isMadeFor(policy: NamedPolicy, server: string): boolean {
  return isFor(policy, server) && ownIds(server).includes(policy.id);
}

function isFor({ servers }: Policy, server: string): boolean {
  return servers.length === 1 && servers[0] === server;
}

function ownIds(server: string): [string, string] {
  const id = server.toLowerCase();
  return [id, `${id}-own`];
}
