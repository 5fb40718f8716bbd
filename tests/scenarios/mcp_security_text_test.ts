/**
 * Words of strangers, and names they choose.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { rulingOf } from "../../src/core/policies/ruling.ts";
import { judge } from "../../src/core/tools/policy.ts";
import { cleanResult } from "../../src/core/tools/result.ts";
import { AgentConfig } from "../../src/domain/agent.ts";
import { Policy } from "../../src/domain/policy.ts";
import { type Tool, toolText, toToolName } from "../../src/domain/tool.ts";
import { maskSecrets } from "../../src/kit/log.ts";

const TOKEN = "eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl";

Deno.test("an answer that almost holds secrets, eight million letters long, is read in one go", () => {
  const units = ["eyJ-", "eyJ-.", "eyJa.eyJ-", "sk-", "Bearer ", "://a:", "://a:b", "://:@", "a@", " eyJ.", "-"];
  for (const unit of units) {
    const text = unit.repeat(8_000_000 / unit.length);
    const { content } = cleanResult(toolText(`${text} ${TOKEN}`), ["never-there"]);
    assert.ok(!JSON.stringify(content).includes(TOKEN), unit);
  }
});

Deno.test("signed tokens are masked wherever they stand, and what only looks like their beginning stays", () => {
  for (const before of ["", " ", "token=", "-", ".", "a.b.", "eyJ.", '"']) {
    assert.equal(maskSecrets(`${before}${TOKEN}`), `${before}[masked]`, before);
  }
  assert.equal(maskSecrets(`eyJx ${TOKEN}, ${TOKEN}`), "eyJx [masked], [masked]");
  for (const text of ["eyJhbGciOi", "eyJhbGciOi.eyJzdWIiOi", "keyJ.a.b", "eyJ-eyJ-eyJ"]) {
    assert.equal(maskSecrets(text), text);
  }
});

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

/** Names by which a server could offer its `delete_all` after a policy was written for it. */
const DISGUISES = [
  "delete_all",
  "Delete_all",
  "DELETE_ALL",
  "delete_\u200ball",
  "ｄｅｌｅｔｅ_all",
  "delete_\u00adall",
];

Deno.test("a rule that forbids holds for other spellings of the name, too", () => {
  for (const pattern of ["delete_*", "delete_all", "Delete_All"]) {
    for (const decision of ["deny", "ask"] as const) {
      const policy = { id: "files", ...Policy.parse({ tools: { [pattern]: { decision } } }) };
      for (const name of DISGUISES) {
        assert.equal(rulingOf(policy, tool(name)).decision, decision, `${pattern}: ${name}`);
      }
      assert.equal(rulingOf(policy, tool("undelete")).decision, "allow");
    }
  }
});

Deno.test("an agent's own bans hold for other spellings, and what it may call is spelled exactly", () => {
  const agent = AgentConfig.parse({
    name: "a",
    allowed_tools: ["files__*", "mail__send"],
    policies: { deny: ["files__delete_*"], ask: ["files__write"] },
  });
  for (const name of ["delete_all", "Delete_all", "DELETE_ALL"]) {
    assert.equal(judge(agent, tool(name).name), "deny", name);
  }
  assert.equal(judge(agent, "files__Write"), "ask");
  assert.equal(judge(agent, "files__read"), "allow");
  assert.equal(judge(agent, "mail__Send"), "deny");
});
