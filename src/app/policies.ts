/**
 * The policies of this machine's files.
 *
 * @module
 */
import builtIn from "../../config/tool_policies.yaml" with { type: "text" };
import { parsePolicyFile } from "../adapters/yaml/policy_file.ts";
import { AppError } from "../domain/error.ts";
import type { PolicyFile } from "../domain/policy.ts";

/** The built-in policies, then those of the operator's `file`, if there is one. */
export async function readPolicies(file: string): Promise<PolicyFile[]> {
  const files = [await parsePolicyFile(builtIn, "config/tool_policies.yaml")];
  if (file === "") return files;
  let text: string;
  try {
    text = await Deno.readTextFile(file);
  } catch (cause) {
    throw new AppError("ConfigurationError", `Cannot read tools.policies_file = "${file}": it can't be opened`, {
      cause,
    });
  }
  return [...files, await parsePolicyFile(text, `tools.policies_file = "${file}"`)];
}
