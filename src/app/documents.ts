/**
 * The documentation of this program: the operations as the doors and the command line offer them.
 *
 * @module
 */
import { byHand } from "../operations/mod.ts";
import type { Operation } from "../operations/operation.ts";
import type { OpenApi } from "../transports/docs/document.ts";
import { toOpenApi } from "../transports/docs/openapi.ts";
import { COMMANDS } from "../transports/cli/commands.ts";
import { createNaming } from "../transports/cli/derived/names.ts";
import { VERSION } from "../version.ts";

/** The OpenAPI document of `operations` and of what protocols shape, for a server below `base_path`. */
export function documentOf(operations: Iterable<Operation>, { base_path }: { base_path: string }): OpenApi {
  const all = [...operations];
  const wordsOf = createNaming(all, COMMANDS);
  return toOpenApi(all, { version: VERSION, base_path, byHand, commandOf: (op) => ["muxi", ...wordsOf(op)].join(" ") });
}
