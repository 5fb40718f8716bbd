/**
 * Files of agents: our format, the seeds', and what is refused.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { createAgentFiles, parseAgents } from "../../src/adapters/yaml/agent_file.ts";
import { AgentConfig, AgentId } from "../../src/domain/agent.ts";
import { AppError } from "../../src/domain/error.ts";

const parse = (text: string, env: Record<string, string> = {}) => parseAgents(text, "yaml", env);

async function refusal(text: string, format: "yaml" | "json" = "yaml"): Promise<string> {
  try {
    await parseAgents(text, format, {});
  } catch (error) {
    assert.ok(error instanceof AppError);
    assert.equal(error.name, "ValidationError");
    return error.message;
  }
  return "";
}

const OF_SEED_002 = `
# Example YAML configuration for an agent with MCP servers
name: assistant
description: "General-purpose AI assistant with MCP capabilities."
system_message: You are a helpful AI assistant.
model:
  provider: openai
  api_key: "\${OPENAI_API_KEY}"
  model: gpt-4o
  temperature: 0.7
mcp_servers:
- name: web_search
  type: http_sse  # or "command_line" or "streamable_http"
  url: http://localhost:5001
  credentials:
  - id: search_api_key
    param_name: api_key
    required: true
    env_fallback: SEARCH_API_KEY
- name: calculator
  type: command_line
  command: npx -y @modelcontextprotocol/server-calculator
  credentials: []
`;

Deno.test("the agents that are shipped are read and valid", async () => {
  const text = await Deno.readTextFile(new URL("../../config/agents.yaml", import.meta.url));
  const agents = await parse(text);
  assert.deepEqual(agents.map(({ id }) => id), ["assistant"]);
  for (const { id, config } of agents) {
    assert.equal(AgentId.parse(id), id);
    assert.ok(AgentConfig.parse(config).system_prompt.length > 100);
  }
});

Deno.test("the seed's file is read as it is", async () => {
  const [agent, ...others] = await parse(OF_SEED_002, { OPENAI_API_KEY: "sk-1" });
  assert.deepEqual(others, []);
  assert.equal(agent?.id, "assistant");
  const config = AgentConfig.parse(agent?.config);
  assert.equal(config.system_prompt, "You are a helpful AI assistant.");
  assert.deepEqual(config.model, { provider: "openai", api_key: "sk-1", model: "gpt-4o", temperature: 0.7 });
  const usual = { args: [], env: {}, headers: {}, elicitation: "ask", sampling: "deny" };
  assert.deepEqual(config.mcp_servers, [
    {
      ...usual,
      name: "web_search",
      type: "http_sse",
      url: "http://localhost:5001",
      credentials: [
        { id: "search_api_key", param_name: "api_key", required: true, env_fallback: "SEARCH_API_KEY" },
      ],
    },
    {
      ...usual,
      name: "calculator",
      type: "command_line",
      command: "npx -y @modelcontextprotocol/server-calculator",
      credentials: [],
    },
  ]);
});

Deno.test("a variable that is missing leaves an api_key absent", async () => {
  const [agent] = await parse(OF_SEED_002);
  assert.deepEqual(AgentConfig.parse(agent?.config).model, { provider: "openai", model: "gpt-4o", temperature: 0.7 });
});

Deno.test("a map, a list and a single agent mean the same", async () => {
  const one = { id: "sql-agent", config: { name: "SQL", role: "specialist", model: { model: "gpt-4o" } } };
  const fields = "name: SQL, role: specialist, model: gpt-4o";
  assert.deepEqual(await parse(`agents: { sql-agent: { ${fields} } }`), [one]);
  assert.deepEqual(await parse(`agents: [{ id: sql-agent, ${fields} }]`), [one]);
  assert.deepEqual(await parse(`[{ id: sql-agent, ${fields} }]`), [one]);
  assert.deepEqual(await parse(`{ id: sql-agent, ${fields} }`), [one]);
  const json = JSON.stringify({ agents: { "sql-agent": { name: "SQL", role: "specialist", model: "gpt-4o" } } });
  assert.deepEqual(await createAgentFiles({ variables: {} }).parse(json, "json"), [one]);
  assert.deepEqual(await parse(""), []);
  assert.deepEqual(await parse("agents:"), []);
});

Deno.test("the fields of seed 004 are read, and an id is made of a name", async () => {
  const [agent] = await parse(`
    - name: Général Assistant!
      role: assistant
      system_prompt: Help
      model: openai/gpt-4o
      allowed_tools: [web__*]
      policies: { ask: ["*__delete"] }
      description:
  `);
  assert.equal(agent?.id, "general-assistant");
  const config = AgentConfig.parse(agent?.config);
  assert.deepEqual(config.model, { provider: "openai", model: "gpt-4o" });
  assert.deepEqual(config.allowed_tools, ["web__*"]);
  assert.deepEqual(config.policies, { ask: ["*__delete"] });
  assert.equal(config.description, "");
});

Deno.test("a slash in a model's name is not always a provider's", async () => {
  const [agent] = await parse("{ name: a, model: meta-llama/llama-3 }");
  assert.deepEqual(AgentConfig.parse(agent?.config).model, { model: "meta-llama/llama-3" });
});

Deno.test("variables are expanded everywhere, with defaults and escapes", async () => {
  const [agent] = await parse(
    "{ name: a, system_prompt: 'I am ${WHO:-nobody}, not $${WHO}', mcp_servers: [{ name: s, type: http_sse, url: '${URL}' }] }",
    { URL: "http://s" },
  );
  const config = AgentConfig.parse(agent?.config);
  assert.equal(config.system_prompt, "I am nobody, not ${WHO}");
  assert.equal(config.mcp_servers[0]?.url, "http://s");
});

Deno.test("what is wrong is told with the agent and the field", async () => {
  assert.equal(
    await refusal("agents: { a: { system_promt: x } }"),
    'Cannot read agent "a": system_promt: there is no such field; did you mean "system_prompt"?',
  );
  assert.equal(
    await refusal("agents: { a: { system_prompt: '${GONE}' } }"),
    'Cannot read agent "a": system_prompt: the variable GONE is not set: write $${GONE} to mean the text',
  );
  assert.equal(
    await refusal("{ name: a, system_prompt: x, system_message: y }"),
    'Cannot read agent "a": system_message: means the same as "system_prompt": want one of them',
  );
  assert.equal(
    await refusal("agents: { a: { id: b } }"),
    'Cannot read agent "a": id: "b" is not the name it stands under',
  );
  assert.equal(await refusal("[{ id: a }, { id: a }]"), 'Cannot read the agents: there are two agents "a"');
  assert.equal(await refusal("[{ role: x }]"), 'Cannot read the agents: an agent has neither "id" nor "name"');
  assert.equal(await refusal("agents: { a: 5 }"), 'Cannot read the agents: agent "a" must be a map of fields');
  assert.equal(await refusal("[5]"), "Cannot read the agents: an agent must be a map of fields");
  assert.equal(await refusal("5"), "Cannot read the agents: want a map of agents, a list of them, or a single one");
  assert.match(await refusal("{ agents: {}, name: x }"), /beside "agents" there is "name"/);
  assert.match(await refusal("a: [1\nb: 2"), /^Cannot read the agents: .* at line 2, column 1$/);
  assert.equal(
    await refusal('{"api_key": "geheim" oops', "json"),
    "Cannot read the agents: it is not JSON at line 1 column 22",
  );
});

Deno.test("a file that grows when it is read is refused", async () => {
  const bomb =
    "a: &a [1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c]";
  assert.equal(await refusal(bomb), "Cannot read the agents: it has too many aliases");
  assert.equal(
    await refusal("name: *x"),
    "Cannot read the agents: an alias has no anchor: put text that begins with * in quotes",
  );
  assert.match(await refusal("x".repeat(1_048_577)), /want 1048576 at most$/);
});
