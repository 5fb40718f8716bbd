/**
 * Other gateways from HTTP to a program on its standard streams.
 *
 * @module
 */
import { freePort } from "../../support/free_port.ts";
import { type Child, startChild } from "./child.ts";

const PEERS = {
  supergateway: {
    package: "supergateway@4.0.0",
    toArgs: (port: string, command: readonly string[]) => [
      ...["--outputTransport", "streamableHttp", "--stateful", "--logLevel", "none", "--port", port],
      ...["--stdio", command.join(" ")],
    ],
  },
  mcp_proxy: {
    package: "mcp-proxy@6.7.19",
    toArgs: (port: string, command: readonly string[]) => [
      ...["--host", "127.0.0.1", "--server", "stream", "--no-eventStore", "--port", port, "--", ...command],
    ],
  },
} as const;

/** A peer that can be started. */
export type Peer = keyof typeof PEERS;

/** What runs a peer: Node, as its own instructions have it, or Deno, which runs the same package faster than most Nodes. */
export type Runtime = "node" | "deno";

/** The packages of the peers in a folder, as `npx` would have them. */
export class Peers {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Installs them below `folder`. */
  static async install(folder: string): Promise<Peers> {
    const packages = Object.values(PEERS).map(({ package: name }) => name);
    const args = ["install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", folder, ...packages];
    const { success, stderr } = await new Deno.Command("npm", { args, stdout: "null", stderr: "piped" }).output();
    if (!success) throw new Error(`Cannot install ${packages.join(" and ")}: ${new TextDecoder().decode(stderr)}`);
    return new Peers(folder);
  }

  /** Starts `peer` before the program `command`. It serves `/mcp`. */
  start(peer: Peer, command: readonly string[], runtime: Runtime): Promise<Child> {
    const { package: name, toArgs } = PEERS[peer];
    const port = freePort();
    const args = toArgs(String(port), command);
    if (runtime === "deno") return startChild(["--no-config", "--no-lock", `npm:${name}`, ...args], { port });
    const bin = `${this.#folder}/node_modules/.bin/${name.slice(0, name.lastIndexOf("@"))}`;
    return startChild([bin, ...args], { port, bin: "node" });
  }
}
