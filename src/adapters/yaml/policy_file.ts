/**
 * Reads files of policies.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import { PolicyFile } from "../../domain/policy.ts";

/** The policies in `text`, YAML or JSON. `name` stands in the message when they can't be read. */
export async function parsePolicyFile(text: string, name: string): Promise<PolicyFile> {
  const { parseDocument } = await import("yaml");
  const document = parseDocument(text, { logLevel: "error" });
  const [error] = document.errors;
  if (error) throw refuse(name, error.message.split("\n")[0]!.replace(/:$/, ""));
  const parsed = PolicyFile.safeParse(toPlain(document, name) ?? { policies: {} });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw refuse(name, `${issue!.path.join(".") || "its top"}: ${issue!.message}`);
}

function toPlain(document: { toJS(options: { maxAliasCount: number }): unknown }, name: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch {
    throw refuse(name, "it has too many aliases, or one without an anchor: put text that begins with * in quotes");
  }
}

function refuse(name: string, why: string): AppError {
  return new AppError("ConfigurationError", `Cannot read the policies of ${name}: ${why}`);
}
