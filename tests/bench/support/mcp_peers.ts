/**
 * Other gateways from HTTP to a program on its standard streams.
 *
 * @module
 */
import { type Child, freePort, startChild } from "./child.ts";

const PEERS = {
  supergateway: {
    package: "npm:supergateway@4.0.0",
    toArgs: (port: string, command: readonly string[]) => [
      ...["--outputTransport", "streamableHttp", "--stateful", "--logLevel", "none", "--port", port],
      ...["--stdio", command.join(" ")],
    ],
  },
  mcp_proxy: {
    package: "npm:mcp-proxy@6.7.19",
    toArgs: (port: string, command: readonly string[]) => [
      ...["--host", "127.0.0.1", "--server", "stream", "--no-eventStore", "--port", port, "--", ...command],
    ],
  },
} as const;

/** A peer that can be started. */
export type Peer = keyof typeof PEERS;

/** Starts `peer` before the program `command`. It serves `/mcp`. */
export function startPeer(peer: Peer, command: readonly string[]): Promise<Child> {
  const { package: name, toArgs } = PEERS[peer];
  const port = freePort();
  return startChild(["--no-config", "--no-lock", name, ...toArgs(String(port), command)], { port });
}
