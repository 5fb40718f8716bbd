/**
 * The fields of policies and of tool servers, as their schemas have them.
 *
 * @module
 */
import { html } from "@hono/hono/html";
import { z } from "zod";
import { McpServer } from "../../../domain/mcp_server.ts";
import { Policy, SandboxProfile, ToolRule } from "../../../domain/policy.ts";
import example from "../assets/mcp_policy.yaml" with { type: "text" };
import type { Schema } from "../document.ts";
import type { Html } from "./html.ts";
import { codeView } from "./operation.ts";
import { schemaView } from "./schema.ts";

function fieldsOf(type: z.ZodObject): Html {
  // A type with a name would be told as a reference to it.
  const schema = z.toJSONSchema(z.object(type.shape), { io: "input" }) as Schema;
  return schemaView(schema, { schemas: {}, named: "nested", flow: "sent" });
}

/** The fields of a definition. */
export function serverView(): Html {
  return html`<details><summary>Fields of a definition</summary>${fieldsOf(McpServer)}</details>`;
}

/** An example of a policy, and every field there is. */
export function policyView(): Html {
  return html`
    <p>A server is held to the policy that names it most precisely, or to <code>default</code>. Policies are in files (the
    built-in one, then that of <code>tools.policies_file</code>), and what an admin changes comes last. Everything a program
    touches is denied until allowed; a tool without a rule may be called by every agent that has it in
    <code>allowed_tools</code>.</p>
    ${codeView(example, { label: "YAML", title: "A file of policies" })}
    ${fieldsOf(Policy.omit({ tools: true, sandbox: true }))}
    <h3 id="tools"><a href="#tools"><code>tools</code></a></h3>
    <p>Rules by the tool's name, in which <code>*</code> matches any part. Of all that match, the strictest decision and the
    smallest limits count.</p>
    ${fieldsOf(ToolRule)}
    <h3 id="profile"><a href="#profile"><code>sandbox</code></a></h3>
    ${fieldsOf(SandboxProfile)}
  `;
}
