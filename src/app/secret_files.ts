/**
 * The operator's files that hold secrets.
 *
 * @module
 */
import { realPathOf } from "../adapters/sandbox/real_path.ts";
import { toDatabase } from "../settings/checks.ts";
import type { Settings } from "../settings/schema.ts";

/** What is known of them beside the settings themselves. */
export interface SecretFilesOptions {
  /** The files that the settings were read from. */
  read: readonly string[];
  variables: Readonly<Record<string, string>>;
  /** Those that hold what tool servers are trusted with. */
  trusted: readonly string[];
}

/** All that the settings know of, as whole paths: no program of a tool server is to see them, whatever its policy says. */
export function secretFilesOf(settings: Settings, { read, variables, trusted }: SecretFilesOptions): string[] {
  const { server, auth, agents, mcp_servers, data_dir } = settings;
  const { path } = toDatabase(settings);
  // A folder of systemd's, for this service alone.
  const credentials = variables.CREDENTIALS_DIRECTORY ?? "";
  const named = [
    data_dir,
    ...read,
    ...trusted,
    credentials,
    server.tls.key_file,
    auth.jwt.jwks_file,
    // Tool servers are defined there, with their keys.
    agents.file,
    typeof mcp_servers === "string" && !/^\s*[[{]/.test(mcp_servers) ? mcp_servers.trim() : "",
    // Rows are there before they are in the file itself.
    ...["", "-wal", "-shm"].map((end) => `${path}${end}`),
  ];
  const toWhole = (path: string) => realPathOf(path, { cwd: Deno.cwd(), root: "" }) ?? path;
  const whole = named.filter((one) => one !== "").map(toWhole);
  const data = toWhole(data_dir);
  return [...new Set(whole)].filter((one) => one === data || !one.startsWith(`${data}/`));
}
