/**
 * A tool call over a program's standard streams, beside the same through the SDK's own client and channel: whether
 * requests of our own pay.
 *
 * @module
 */
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import process from "node:process";
import { connectorForTests, toConnectOptions, toServer } from "../support/mcp_client_connector.ts";
import { median, runWalks, type Walk } from "./support/report.ts";

const ECHO = new URL("./baseline/mcp_echo.ts", import.meta.url).pathname;
const ARGS = ["run", "--no-config", "--no-lock", "-A", ECHO];
const CALLS = 4000;
const AT_ONCE = 32;

type Call = (message: string) => Promise<{ content: unknown[] }>;

/** Calls a second with many at once, and the CPU of this process for each, in microseconds. */
async function measure(call: Call): Promise<{ rate: number; cpu: number }> {
  let next = 0;
  const work = async () => {
    while (next < CALLS) {
      const message = `hello ${next++}`;
      const [part] = (await call(message)).content as { text: string }[];
      if (part?.text !== message) throw new Error(`Cannot use the answer to "${message}": it is another's`);
    }
  };
  const used = process.cpuUsage();
  const at = performance.now();
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const seconds = (performance.now() - at) / 1000;
  const { user, system } = process.cpuUsage(used);
  return { rate: CALLS / seconds, cpu: (user + system) / CALLS };
}

async function openOurs(): Promise<Call & AsyncDisposable> {
  const server = toServer({ command: "deno", args: ARGS });
  const connection = await connectorForTests().connect(server, toConnectOptions());
  let count = 0;
  const call: Call = (message) => {
    const { signal } = new AbortController();
    return connection.callTool("echo", { message }, { signal, tool_call_id: `call_${count++}` });
  };
  return Object.assign(call, { [Symbol.asyncDispose]: () => connection.close() });
}

async function openTheirs(): Promise<Call & AsyncDisposable> {
  const client = new Client({ name: "bench", version: "1" }, { versionNegotiation: { mode: { pin: "2026-07-28" } } });
  await client.connect(new StdioClientTransport({ command: Deno.execPath(), args: ARGS }));
  await client.listTools();
  const call: Call = (message) => client.callTool({ name: "echo", arguments: { message } });
  return Object.assign(call, { [Symbol.asyncDispose]: () => client.close() });
}

/** See the module. */
export const mcpClient: Walk = async ({ rounds }) => {
  await using ours = await openOurs();
  await using theirs = await openTheirs();
  // The first calls are compiled while they run.
  await measure(ours);
  await measure(theirs);
  const figures = { rate: [[], []] as number[][], cpu: [[], []] as number[][] };
  for (let i = 0; i < rounds; i++) {
    for (const [side, call] of [ours, theirs].entries()) {
      const { rate, cpu } = await measure(call);
      figures.rate[side]!.push(rate);
      figures.cpu[side]!.push(cpu);
    }
  }
  const [rate, rateOfSdk] = figures.rate.map(median);
  const [cpu, cpuOfSdk] = figures.cpu.map(median);
  return [
    {
      name: `tool calls a second, ${AT_ONCE} at once, beside the SDK's client`,
      unit: "/s",
      product: rate!,
      baseline: rateOfSdk!,
      goal: { least: 2, of: "ratio" },
    },
    {
      name: "CPU of a tool call, beside the SDK's client",
      unit: "us",
      product: cpu!,
      baseline: cpuOfSdk!,
      goal: { most: 0.6, of: "ratio" },
    },
  ];
};

if (import.meta.main) await runWalks({ mcp_client: mcpClient });
