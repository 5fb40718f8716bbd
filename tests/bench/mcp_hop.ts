/**
 * A tool call through MUXI as a gateway: from HTTP, with a key, held to a policy, kept as a row, to a program in the
 * sandbox. Beside two other gateways, and beside a relay of the SDK's parts that does none of that. All are asked by
 * the same client, and each has the same program behind it, of its own. The other gateways run under the machine's
 * Node, as `npx` runs them for their users; what the same packages do under Deno is a figure of its own.
 *
 * @module
 */
import { BENCH_KEY, type Child, openFolder, pause, startChild, startMuxi } from "./support/child.ts";
import { type Era, McpCaller } from "./support/mcp_caller.ts";
import { Peers } from "./support/mcp_peers.ts";
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
/** Calls before anything is measured: what runs for days has long been compiled. */
const WARM = 20_000;
/** Into how many parts a round is cut. */
const TURNS = 5;

/** The other gateways, in the era that each knows. */
const PEERS = {
  supergateway: { peer: "supergateway", era: "older" },
  mcp_proxy: { peer: "mcp_proxy", era: "modern" },
  mcp_proxy_older: { peer: "mcp_proxy", era: "older" },
} as const;
const RUNTIMES = ["node", "deno"] as const;

/** One that is measured, and what was seen of it in the rounds of a case. */
interface Side {
  child: Child;
  caller: McpCaller;
  rates: number[];
  /** Microseconds a call. */
  cpu: number[];
}

async function startAll(stack: AsyncDisposableStack): Promise<Map<string, Side>> {
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
  const sides = new Map<string, Side>();
  const add = async (name: string, child: Child, era: Era, rest: { tool?: string; key?: string } = {}) => {
    const caller = await McpCaller.open({ url: child.url, era, tool: "echo", ...rest });
    sides.set(name, { child, caller, rates: [], cpu: [] });
  };
  const ours = { tool: "echo__echo", key: BENCH_KEY };
  await add("muxi", muxi, "modern", ours);
  await add("muxi_older", muxi, "older", ours);
  await add("relay", stack.use(await startChild(["tests/bench/baseline/mcp_relay.ts", ECHO])), "modern");
  const peers = await Peers.install(`${folder.path}/peers`);
  for (const runtime of RUNTIMES) {
    for (const [name, { peer, era }] of Object.entries(PEERS)) {
      await add(`${name}_${runtime}`, stack.use(await peers.start(peer, COMMAND, runtime)), era);
    }
  }
  return sides;
}

/** Sides take turns within a round, so that all meet alike what else the machine does. */
async function measureRound(sides: Iterable<Side>, { calls, at_once }: typeof CASES[number]): Promise<void> {
  const sums = Array.from(sides, (side) => ({ side, seconds: 0, cpuMs: 0 }));
  for (let turn = 0; turn < TURNS; turn++) {
    for (const sum of sums) {
      const { child, caller } = sum.side;
      const before = child.cpuMs();
      const { rate } = await caller.measure(calls / TURNS, at_once);
      // What is done after the answer counts too.
      await pause(20);
      sum.seconds += calls / TURNS / rate;
      sum.cpuMs += child.cpuMs() - before;
    }
  }
  for (const { side, seconds, cpuMs } of sums) {
    side.rates.push(calls / seconds);
    side.cpu.push(cpuMs * 1000 / calls);
  }
}

function figuresOf(sides: ReadonlyMap<string, Side>, name: string, held: boolean): Figure[] {
  const rate = (side: string) => median(sides.get(side)!.rates);
  const cpu = (side: string) => median(sides.get(side)!.cpu);
  const peersUnder = (runtime: string) => Object.keys(PEERS).map((peer) => `${peer}_${runtime}`);
  const beside = (whom: string, product: string, baseline: number): Figure => {
    return { name: `gateway calls a second, ${name}, ${whom}`, unit: "/s", product: rate(product), baseline };
  };
  const besideCpu = (whom: string, baseline: number): Figure => {
    return { name: `CPU of a gateway call, ${name}, ${whom}`, unit: "us", product: cpu("muxi"), baseline };
  };
  const [best, bestInDeno] = RUNTIMES.map((runtime) => Math.max(...peersUnder(runtime).map(rate))) as [number, number];
  const leanest = Math.min(...RUNTIMES.flatMap(peersUnder).map(cpu));
  return [
    {
      ...beside("beside the better peer as npx runs it", "muxi", best),
      ...held && { goal: { least: 2, of: "ratio" as const } },
    },
    beside("older era, beside the better peer as npx runs it", "muxi_older", best),
    beside("beside the better peer under Deno", "muxi", bestInDeno),
    beside("beside a bare relay", "muxi", rate("relay")),
    { ...besideCpu("beside a bare relay", cpu("relay")), goal: { most: 1.5, of: "ratio" } },
    besideCpu("beside the leanest peer", leanest),
  ];
}

/** See the module. */
export const mcpHop: Walk = async ({ rounds, note }) => {
  await using stack = new AsyncDisposableStack();
  const sides = await startAll(stack);
  for (let turn = 0; turn < TURNS; turn++) {
    for (const { caller } of sides.values()) await caller.measure(WARM / TURNS, 32);
  }
  const figures: Figure[] = [];
  for (const one of CASES) {
    const { name, at_once } = one;
    for (const side of sides.values()) Object.assign(side, { rates: [], cpu: [] });
    for (let i = 1; i <= rounds; i++) {
      await measureRound(sides.values(), one);
      const told = [...sides].map(([side, { rates }]) => `${side} ${rates.at(-1)!.toFixed(0)}`);
      note(`  ${name} ${i}: calls a second: ${told.join(", ")}`);
    }
    figures.push(...figuresOf(sides, name, at_once > 1));
  }
  return figures;
};

if (import.meta.main) await runWalks({ mcp_hop: mcpHop });
