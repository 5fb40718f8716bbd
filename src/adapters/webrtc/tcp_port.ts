/**
 * One TCP port for every peer (ICE-TCP, RFC 6544): frames of RFC 4571, the first of which says whose connection it is.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import net from "node:net";
import type { Clock } from "../../kit/clock.ts";
import type { Address, TcpProtocol, WeriftModule } from "./insides.ts";
import { calledName, isVerified, stunKind } from "./stun_request.ts";
import type { PortCounts } from "./udp_port.ts";

const FIRST_FRAME_MS = 5000;
const MAX_FIRST_FRAME = 1500;
const MAX_SOCKETS_OF_PEER = 8;
/** The most connections that have not said yet whose they are. */
const MAX_STRANGERS = 128;

/** Whose connections they are. */
export interface TcpOwner {
  protocol: TcpProtocol;
  passwordOf(ufrag: string): string | undefined;
}

/** IPv4 addresses as they are written, also where the system maps them. */
function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/, "");
}

/** One local address. */
export class TcpListener {
  readonly local: Address;
  #server: net.Server;
  #owners: Map<string, TcpOwner>;
  #werift: WeriftModule;
  #counts: PortCounts;
  #clock: Clock;
  #strangers = new Set<net.Socket>();

  private constructor(
    local: Address,
    { server, owners, werift, counts, clock }: TcpListenerOptions & { server: net.Server },
  ) {
    this.local = local;
    this.#server = server;
    this.#owners = owners;
    this.#werift = werift;
    this.#counts = counts;
    this.#clock = clock;
    server.on("connection", (socket) => this.#meet(socket));
  }

  /** Listens; rejects as the system does. */
  static async listen([host, port]: Address, options: TcpListenerOptions): Promise<TcpListener> {
    const server = net.createServer({ noDelay: true });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once("error", reject);
    server.listen({ host, port, exclusive: true, ipv6Only: net.isIPv6(host) }, resolve);
    await promise;
    server.off("error", reject);
    const { port: bound } = server.address() as net.AddressInfo;
    return new TcpListener([host, bound], { ...options, server });
  }

  /** Stops listening, and ends connections that are nobody's. */
  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    for (const socket of this.#strangers) socket.destroy();
    await promise;
  }

  /** Waits for the first frame. */
  #meet(socket: net.Socket): void {
    socket.on("error", () => socket.destroy());
    if (this.#strangers.size >= MAX_STRANGERS) return void socket.destroy();
    this.#strangers.add(socket);
    const timer = this.#clock.after(FIRST_FRAME_MS, () => socket.destroy());
    let head = Buffer.alloc(0);
    const done = () => {
      timer[Symbol.dispose]();
      this.#strangers.delete(socket);
      socket.off("data", read);
      socket.off("close", done);
    };
    const read = (data: Buffer) => {
      head = Buffer.concat([head, data]);
      const length = head.length < 2 ? 0 : head.readUInt16BE(0);
      const tooLong = length > MAX_FIRST_FRAME || head.length > 16 * MAX_FIRST_FRAME;
      if (!tooLong && (head.length < 2 || head.length < 2 + length)) return;
      done();
      if (tooLong || !this.#admit(socket, head.subarray(2, 2 + length))) return void socket.destroy();
      this.#counts.routed++;
      socket.emit("data", head);
    };
    socket.on("data", read);
    socket.once("close", done);
  }

  #admit(socket: net.Socket, frame: Buffer): boolean {
    const name = stunKind(frame) === "request" ? calledName(frame) : undefined;
    const owner = name === undefined ? undefined : this.#owners.get(name);
    const password = owner?.passwordOf(name!);
    const verified = password !== undefined && isVerified(this.#werift, frame, password);
    if (owner === undefined || !verified) {
      this.#counts[password === undefined ? "unknown" : "forged"]++;
      return false;
    }
    const { remoteAddress, remotePort } = socket;
    if (owner.protocol.sockets.size >= MAX_SOCKETS_OF_PEER || !remoteAddress || !remotePort) return false;
    owner.protocol.registerSocket(socket, [plain(remoteAddress), remotePort]);
    return true;
  }
}

/** Options for {@linkcode TcpListener.listen}. */
export interface TcpListenerOptions {
  /** Who is called by which name. */
  owners: Map<string, TcpOwner>;
  werift: WeriftModule;
  counts: PortCounts;
  clock: Clock;
}
