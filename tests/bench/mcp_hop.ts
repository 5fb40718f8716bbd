/**
 * A tool call through MUXI as a gateway: from HTTP, with a key, held to a policy, kept as a row, to a program in the
 * sandbox. Beside two other gateways, and beside a relay of the SDK's parts that does none of that. All are asked by
 * the same client, and each has the same program behind it, of its own.
 *
 * @module
 */
import { BENCH_KEY, type Child, openFolder, pause, startChild, startMuxi } from "./support/child.ts";
import { type Era, McpCaller } from "./support/mcp_caller.ts";
import { startPeer } from "./support/mcp_peers.ts";
import { type Figure, median, runWalks, type Walk } from "./support/report.ts";

const ECHO = new URL("./baseline/mcp_echo.ts", import.meta.url).pathname;
const COMMAND = ["deno", "run", "--no-config", "--no-lock", "-A", ECHO];
/** The policy of the program: its tool may be called, within limits, with what its rule describes. */
const POLICIES = JSON.stringify({
  policies: {
    echo: {
      servers: ["echo"],
      tools: {
        echo: {
          decision: "allow",
          per_minute: 1_000_000,
          concurrent: 1000,
          timeout_seconds: 60,
          arguments: { type: "object", properties: { message: { type: "string", maxLength: 1000 } } },
        },
      },
    },
  },
});
const CASES = [
  { name: "one at a time", at_once: 1, calls: 1000 },
  { name: "32 at once", at_once: 32, calls: 4000 },
] as const;
const WARM = 3000;

/** Those that are measured: MUXI and the peers in both eras, where they know both. */
const SIDES = ["muxi", "muxi_older", "relay", "supergateway", "mcp_proxy", "mcp_proxy_older"] as const;
type Side = typeof SIDES[number];
const PEERS: readonly Side[] = ["supergateway", "mcp_proxy", "mcp_proxy_older"];

interface Seen {
  rate: number[];
  cpu: number[];
}

async function startAll(stack: AsyncDisposableStack): Promise<Record<Side, { child: Child; caller: McpCaller }>> {
  const folder = stack.use(await openFolder());
  const policies = `${folder.path}/policies.yaml`;
  await Deno.writeTextFile(policies, POLICIES);
  const [command, ...args] = COMMAND;
  const muxi = stack.use(
    await startMuxi({
      data_dir: `${folder.path}/data`,
      env: {
        MCP_SERVERS: JSON.stringify({ mcpServers: { echo: { command, args } } }),
        MUXI_TOOLS_POLICIES_FILE: policies,
        MUXI_AUTH_USER_SCOPES: "tools",
      },
    }),
  );
  const relay = stack.use(await startChild(["tests/bench/baseline/mcp_relay.ts", ECHO]));
  const supergateway = stack.use(await startPeer("supergateway", COMMAND));
  const proxy = stack.use(await startPeer("mcp_proxy", COMMAND));
  const ask = async (child: Child, era: Era, rest: { tool?: string; key?: string } = {}) => {
    return { child, caller: await McpCaller.open({ url: child.url, era, tool: "echo", ...rest }) };
  };
  const ours = { tool: "echo__echo", key: BENCH_KEY };
  return {
    muxi: await ask(muxi, "modern", ours),
    muxi_older: await ask(muxi, "older", ours),
    relay: await ask(relay, "modern"),
    supergateway: await ask(supergateway, "older"),
    mcp_proxy: await ask(proxy, "modern"),
    mcp_proxy_older: await ask(proxy, "older"),
  };
}

/** See the module. */
export const mcpHop: Walk = async ({ rounds, note }) => {
  await using stack = new AsyncDisposableStack();
  const sides = await startAll(stack);
  for (const side of SIDES) await sides[side].caller.measure(WARM, 32);
  const figures: Figure[] = [];
  for (const { name, at_once, calls } of CASES) {
    const seen = Object.fromEntries(SIDES.map((side) => [side, { rate: [], cpu: [] }])) as unknown as Record<
      Side,
      Seen
    >;
    for (let i = 1; i <= rounds; i++) {
      for (const side of SIDES) {
        const { child, caller } = sides[side];
        const before = child.cpuMs();
        const { rate } = await caller.measure(calls, at_once);
        // What is done after the answer counts too.
        await pause(50);
        seen[side].rate.push(rate);
        seen[side].cpu.push((child.cpuMs() - before) * 1000 / calls);
      }
      const told = SIDES.map((side) => `${side} ${seen[side].rate.at(-1)!.toFixed(0)}`);
      note(`  ${name} ${i}: calls a second: ${told.join(", ")}`);
    }
    const rate = (side: Side) => median(seen[side].rate);
    const cpu = (side: Side) => median(seen[side].cpu);
    const [best, leanest] = [Math.max(...PEERS.map(rate)), Math.min(...PEERS.map(cpu))];
    const product = { rate: rate("muxi"), cpu: cpu("muxi") };
    figures.push(
      {
        name: `gateway calls a second, ${name}, beside the better peer`,
        unit: "/s",
        product: product.rate,
        baseline: best,
        ...at_once > 1 && { goal: { least: 2, of: "ratio" } },
      },
      {
        name: `gateway calls a second, ${name}, older era, beside the better peer`,
        unit: "/s",
        product: rate("muxi_older"),
        baseline: best,
      },
      {
        name: `gateway calls a second, ${name}, beside a bare relay`,
        unit: "/s",
        product: product.rate,
        baseline: rate("relay"),
      },
      {
        name: `CPU of a gateway call, ${name}, beside a bare relay`,
        unit: "us",
        product: product.cpu,
        baseline: cpu("relay"),
        goal: { most: 1.5, of: "ratio" },
      },
      {
        name: `CPU of a gateway call, ${name}, beside the leaner peer`,
        unit: "us",
        product: product.cpu,
        baseline: leanest,
      },
    );
  }
  return figures;
};

if (import.meta.main) await runWalks({ mcp_hop: mcpHop });
