/**
 * What the commands of the command line do, each loaded when it is asked for.
 *
 * @module
 */
import type { Verbs } from "../transports/cli/verbs.ts";

/** The verbs of this program. */
export const verbs: Verbs = {
  serve: async (given) => (await import("./serve.ts")).serve(given),
  configPrint: async (given) => (await import("./config.ts")).configPrint(given),
  configCheck: async (given) => (await import("./config.ts")).configCheck(given),
  backup: async (given, options) => (await import("./copies.ts")).backup(given, options),
  restore: async (given, options) => (await import("./copies.ts")).restore(given, options),
  openapi: async (given) => (await import("./config.ts")).openapi(given),
  diagnose: async (given) => (await import("./doctor.ts")).diagnose(given),
  connect: async (given, options) => (await import("./connect.ts")).connect(given, options),
  mcpServe: async (connection, options) => (await import("./mcp_serve.ts")).mcpServe(connection, options),
};
