/**
 * What `config print` and `config check` tell.
 *
 * @module
 */
import type { LoadedSettings } from "../settings.ts";
import { checkProduction, toMaskedSettings, toMissingKeys } from "./checks.ts";
import { toSettingsText } from "./file.ts";
import type { Settings } from "./schema.ts";

/** The settings in force, as they may be shown. */
export interface SettingsReport {
  /** As YAML, with the origin of each that is not a default. */
  text: string;
  /** Secrets masked. */
  settings: Settings;
  origins: Record<string, string>;
  file: string | null;
}

/** What is in force and where it comes from. */
export function reportSettings({ settings, origins, file }: LoadedSettings): SettingsReport {
  const masked = toMaskedSettings(settings);
  const text = toSettingsText(masked, { behind: (path) => origins.get(path) });
  return { text, settings: masked, origins: Object.fromEntries(origins), file };
}

/** Throws where the server would refuse to start; otherwise says what a person should know. */
export function reviewSettings({ settings, file }: LoadedSettings): { file: string | null; notes: string[] } {
  checkProduction(settings);
  const notes = toMissingKeys(settings).map((access) => `No ${access} key is set: one is generated at every start`);
  if (settings.core_uri !== "") notes.push("core_uri is set, but this version makes no use of it");
  if (settings.redis.url !== "") notes.push("redis.url is set, but this version makes no use of it");
  if (!settings.limits.enabled) notes.push("Rate limits are off");
  return { file, notes };
}
