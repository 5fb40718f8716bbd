/**
 * What the settings are, and what they make of the API.
 *
 * @module
 */
import { operations } from "../operations/mod.ts";
import { readMcpServers } from "../settings/mcp_servers.ts";
import { reportSettings, reviewSettings } from "../settings/report.ts";
import type { Verbs } from "../transports/cli/verbs.ts";
import { documentOf } from "./documents.ts";
import { load, readTls } from "./load.ts";
import { checkOwnFiles } from "./own_files.ts";

/** The settings in force. */
export const configPrint: Verbs["configPrint"] = async (given) => reportSettings(await load(given));

/** Throws with everything that is wrong with the settings. */
export const configCheck: Verbs["configCheck"] = async (given) => {
  const loaded = await load(given);
  await readTls(loaded.settings);
  await checkOwnFiles(loaded);
  const { notes } = await readMcpServers(loaded.settings, loaded.variables);
  const review = await reviewSettings(loaded);
  return { ...review, notes: [...review.notes, ...notes.map((words) => `mcp_servers: ${words}`)] };
};

/** The OpenAPI document of a server with these settings. */
export const openapi: Verbs["openapi"] = async (given) => {
  const { settings } = await load(given);
  return documentOf(operations.values(), settings.server);
};
