/**
 * The settings of this machine, and what they name.
 *
 * @module
 */
import { AppError } from "../domain/error.ts";
import { type LoadedSettings, loadSettings, machineInput } from "../settings.ts";
import type { Settings } from "../settings/schema.ts";
import type { GivenSettings } from "../transports/cli/given.ts";

/** Loads the settings: flags, environment, file, defaults. */
export function load({ config, set }: GivenSettings): Promise<LoadedSettings> {
  return loadSettings({ ...machineInput(), args: { config, set } });
}

/** Certificate and key as the settings name them. */
export async function readTls({ server: { tls } }: Settings): Promise<{ tls?: { cert: string; key: string } }> {
  if (tls.cert_file === "") return {};
  try {
    return { tls: { cert: await Deno.readTextFile(tls.cert_file), key: await Deno.readTextFile(tls.key_file) } };
  } catch (cause) {
    const message = `Cannot read server.tls.cert_file = "${tls.cert_file}" and server.tls.key_file = "${tls.key_file}"`;
    throw new AppError("ConfigurationError", message, { cause });
  }
}
