/**
 * A bad network: a relay between callers and a server that loses, delays, disorders and doubles datagrams. What it does
 * to which follows from its seed.
 *
 * @module
 */
import dgram from "node:dgram";
import type { AddressInfo } from "node:net";
import { Random } from "./random.ts";

const HOST = "127.0.0.1";

/** How bad it is. */
export interface UdpRelayOptions {
  seed: number;
  /** What part of the datagrams is lost, and what part comes twice. */
  loss?: number;
  doubled?: number;
  /** How late one is at most; some overtake others. */
  jitter_ms?: number;
  /** The server's port. */
  to: number;
}

/** The relay. */
export interface UdpRelay extends AsyncDisposable {
  /** Where callers send. */
  port: number;
  /** What was done to datagrams, both ways. */
  counts: { passed: number; lost: number; doubled: number };
  /** From now on callers come from other addresses, as behind a router that forgot them. */
  move(): void;
  /** Nothing arrives for `ms`; what is sent meanwhile comes then. */
  stall(ms: number): void;
  /** From now on everything is lost, or nothing but by chance. */
  cut(isCut: boolean): void;
}

/** Opens a relay. */
export async function startUdpRelay(
  { seed, loss = 0, doubled = 0, jitter_ms = 0, to }: UdpRelayOptions,
): Promise<UdpRelay> {
  const counts = { passed: 0, lost: 0, doubled: 0 };
  // Each way has its own chance, so that one doesn't depend on the other's pace.
  const chances = { in: new Random(seed), out: new Random(seed + 1) };
  const timers = new Set<ReturnType<typeof setTimeout>>();
  const callers = new Map<string, dgram.Socket>();
  const gone = new Set<dgram.Socket>();
  let isCut = false;
  let stalledUntil = 0;
  const pass = (way: "in" | "out", send: () => void) => {
    const chance = chances[way];
    const [isLost, isDoubled] = [chance.chance(loss), chance.chance(doubled)];
    const stalled = Math.max(0, stalledUntil - performance.now());
    const delays = [chance.next(), chance.next()].map((part) => Math.max(stalled, part * jitter_ms));
    if (isLost || isCut) return void counts.lost++;
    if (isDoubled) counts.doubled++;
    counts.passed++;
    for (const delay of delays.slice(0, isDoubled ? 2 : 1)) {
      if (delay === 0) {
        send();
        continue;
      }
      const timer = setTimeout(() => {
        timers.delete(timer);
        send();
      }, delay);
      timers.add(timer);
    }
  };
  const front = dgram.createSocket("udp4");
  const ignore = () => {};
  front.on("error", ignore);
  front.on("message", (data, { address, port }) => {
    const key = `${address}|${port}`;
    let socket = callers.get(key);
    if (socket === undefined) {
      socket = dgram.createSocket("udp4");
      socket.on("error", ignore);
      socket.bind(0, HOST);
      socket.on("message", (data) => pass("out", () => front.send(data, port, address)));
      callers.set(key, socket);
    }
    const out = socket;
    pass("in", () => out.send(data, to, HOST));
  });
  await new Promise<void>((resolve) => front.bind(0, HOST, resolve));
  const close = (socket: dgram.Socket) => new Promise<void>((resolve) => socket.close(resolve));
  return {
    port: (front.address() as AddressInfo).port,
    counts,
    move() {
      // What is on its way still arrives.
      for (const socket of callers.values()) gone.add(socket);
      callers.clear();
    },
    stall: (ms) => void (stalledUntil = performance.now() + ms),
    cut: (now) => void (isCut = now),
    async [Symbol.asyncDispose]() {
      for (const timer of timers) clearTimeout(timer);
      await Promise.all([front, ...callers.values(), ...gone].map(close));
    },
  };
}
