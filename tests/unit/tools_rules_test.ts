/**
 * What policies come to.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { rulingOf } from "../../src/core/policies/ruling.ts";
import { choosePolicy, type NamedPolicy, Policy } from "../../src/domain/policy.ts";
import { type Tool, toToolName } from "../../src/domain/tool.ts";

const policy = (id: string, fields: Record<string, unknown> = {}): NamedPolicy => ({ id, ...Policy.parse(fields) });
const tool = (own_name: string): Tool => ({
  name: toToolName("files", own_name),
  own_name,
  server: "files",
  description: "",
  parameters: {},
  read_only: false,
  destructive: false,
  idempotent: false,
  open_world: false,
});

Deno.test("the policy that names a server most precisely is the one", () => {
  const policies = [
    policy("default"),
    policy("all", { servers: ["*"] }),
    policy("git", { servers: ["git*", "svn"] }),
    policy("github", { servers: ["x", "git*b"] }),
    policy("mine", { servers: ["github"] }),
  ];
  const chosen = (server: string | null) => choosePolicy(policies, server)?.id;
  assert.deepEqual(["github", "gitlab", "gitlax", "svn", "time"].map(chosen), ["mine", "github", "git", "git", "all"]);
  assert.equal(chosen(null), "default", "what belongs to no server");
  assert.equal(choosePolicy(policies.slice(0, 1), "github")?.id, "default");
  assert.equal(choosePolicy([], "github"), undefined);
});

Deno.test("of all rules that match, the strictest decision and the smallest limits count", () => {
  const rules = policy("files", {
    tools: {
      "*": { per_minute: 100, concurrent: 4, reason: "Everybody" },
      "write*": { decision: "ask", per_minute: 5, reason: "It writes" },
      "*_file": { decision: "ask", concurrent: 9, arguments: { type: "object" } },
      "write_all": { decision: "deny", reason: "Too much" },
    },
  });
  const { decision, rule, reason, per_minute, concurrent, arguments: schemas } = rulingOf(rules, tool("write_file"));
  assert.deepEqual([decision, rule, reason, per_minute, concurrent], ["ask", "write*", "It writes", 5, 4]);
  assert.equal(schemas.length, 1);
  const denied = rulingOf(rules, tool("write_all"));
  assert.deepEqual([denied.decision, denied.rule, denied.reason], ["deny", "write_all", "Too much"]);
  assert.equal(rulingOf(rules, tool("read")).decision, "allow");
  assert.equal(rulingOf(policy("empty"), tool("read")).rule, null);
});

Deno.test("a name that had to be changed for models is no way around a rule", () => {
  const rules = policy("files", { tools: { "delete all": { decision: "deny" }, "drop_*": { decision: "deny" } } });
  for (const name of ["delete all", "drop table", "drop_table"]) {
    assert.equal(rulingOf(rules, tool(name)).decision, "deny", name);
  }
  assert.equal(rulingOf(rules, tool("delete")).decision, "allow");
});
