/**
 * Which tools an agent may call.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { judge } from "../../src/core/tools/policy.ts";
import { matches } from "../../src/kit/wildcard.ts";
import { AgentConfig } from "../../src/domain/agent.ts";

const patterns: [pattern: string, matching: string[], others: string[]][] = [
  ["read", ["read"], ["reader", "bread", ""]],
  ["*", ["", "a", "a__b"], []],
  ["git__*", ["git__", "git__log"], ["git_log", "xgit__log"]],
  ["*__read", ["fs__read", "__read"], ["fs__reads"]],
  ["a*c", ["ac", "abc", "acc"], ["a", "c", "ab", "acb"]],
  ["a*b*c", ["abc", "a1b2c", "abbc"], ["ac", "acb", "ab"]],
  ["aa*aa", ["aaaa", "aabaa"], ["aaa", "aa"]],
  ["a*ab*b", ["aabb", "aab1b"], ["aab", "ab"]],
  ["a.c", ["a.c"], ["abc"]],
  ["**", ["", "x"], []],
];

for (const [pattern, matching, others] of patterns) {
  Deno.test(`the pattern "${pattern}" matches what it should and nothing else`, () => {
    for (const name of matching) assert.ok(matches(pattern, name), name);
    for (const name of others) assert.ok(!matches(pattern, name), name);
  });
}

Deno.test("matching agrees with a regular expression on random patterns", () => {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0]!;
  let state = seed;
  const next = (n: number) => ((state = Math.imul(state, 1664525) + 1013904223 >>> 0) >>> 8) % n;
  const word = (letters: string) => Array.from({ length: next(7) }, () => letters[next(letters.length)]).join("");
  for (let i = 0; i < 20_000; i++) {
    const [pattern, name] = [word("ab*"), word("ab")];
    const wanted = new RegExp(`^${pattern.replaceAll("*", ".*")}$`).test(name);
    assert.equal(matches(pattern, name), wanted, `seed ${seed}: "${pattern}" and "${name}"`);
  }
});

Deno.test("nothing is allowed unless it is said, a ban beats everything, a question beats a permission", () => {
  const agent = (allowed_tools: string[], policies = {}) => AgentConfig.parse({ name: "x", allowed_tools, policies });
  assert.equal(judge(agent([]), "read"), "deny");
  assert.equal(judge(agent(["read"]), "read"), "allow");
  assert.equal(judge(agent(["*"], { ask: ["re*"] }), "read"), "ask");
  assert.equal(judge(agent(["*"], { ask: ["re*"], deny: ["*ad"] }), "read"), "deny");
  assert.equal(judge(agent(["write"], { ask: ["read"] }), "read"), "deny");
});
