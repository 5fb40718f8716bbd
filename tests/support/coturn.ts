/**
 * A real relay (Debian's `coturn`) on this machine.
 *
 * @module
 */
import { existsSync } from "node:fs";
import type { IceServer } from "../../src/domain/rtc_signal.ts";
import { endChild } from "./end_child.ts";
import { until } from "./story.ts";
import { freePort } from "./free_port.ts";

/** What the relay shares with those who issue credentials. */
export const SECRET = "a secret of the tests";

/** The relay's program. Where every part must be installed, its absence is an error. */
export function findCoturn(): string | undefined {
  const found = (Deno.env.get("PATH") ?? "").split(":").map((folder) => `${folder}/turnserver`).find(existsSync);
  if (found !== undefined) return found;
  if (Deno.env.get("CI") === "true") throw new Error('"turnserver" must be installed here');
  Deno.stderr.writeSync(new TextEncoder().encode('Skipped: "turnserver" is not installed\n'));
  return undefined;
}

/** A relay at work. */
export interface Coturn extends AsyncDisposable {
  port: number;
  /** How a peer is told of it. */
  server(transport: "udp" | "tcp"): Promise<IceServer>;
  /** How it is asked for no more than an address. */
  stun: IceServer;
  /** What it wrote. */
  output(): string;
}

/** Credentials that last for an hour, as the relay checks them: its secret signs the name. */
async function credentials(): Promise<{ username: string; credential: string }> {
  const username = `${Math.floor(Date.now() / 1000) + 3600}:tester`;
  const encode = (text: string) => new TextEncoder().encode(text);
  const key = await crypto.subtle.importKey("raw", encode(SECRET), { name: "HMAC", hash: "SHA-1" }, false, ["sign"]);
  const signature = new Uint8Array(await crypto.subtle.sign("HMAC", key, encode(username)));
  return { username, credential: signature.toBase64() };
}

/** Options for {@linkcode startCoturn}. */
export interface CoturnOptions {
  /** An address of the machine it is started on. */
  host?: string;
  /** Only tells who asks which address they have. */
  stun_only?: boolean;
}

/** Starts the relay at `program`. */
export async function startCoturn(
  program: string,
  { host = "127.0.0.1", stun_only = false }: CoturnOptions = {},
): Promise<Coturn> {
  await using stack = new AsyncDisposableStack();
  const dir = await Deno.makeTempDir({ prefix: "muxi-coturn-" });
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  const port = freePort();
  const settings = [
    `listening-ip=${host}`,
    `relay-ip=${host}`,
    `listening-port=${port}`,
    "use-auth-secret",
    `static-auth-secret=${SECRET}`,
    "realm=muxi",
    "no-tls",
    "no-dtls",
    "no-cli",
    "allow-loopback-peers",
    "no-multicast-peers",
    "log-file=stdout",
    "simple-log",
    `pidfile=${dir}/pid`,
    `userdb=${dir}/db`,
    ...stun_only ? ["stun-only"] : [],
  ];
  await Deno.writeTextFile(`${dir}/turn.conf`, settings.join("\n"));
  const child = new Deno.Command(program, {
    args: ["-c", `${dir}/turn.conf`, "-v"],
    cwd: dir,
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let text = "";
  const decoder = new TextDecoder();
  const drained = (async () => {
    for await (const chunk of child.stdout) text += decoder.decode(chunk, { stream: true });
  })();
  stack.defer(async () => {
    await Promise.all([endChild(child, "SIGKILL"), drained]);
  });
  await until(() => `the relay is open: ${text}`, async () => {
    return await Deno.connect({ hostname: host, port }).then((one) => (one.close(), true), () => false);
  }, { every_ms: 20 });
  const owned = stack.move();
  return {
    port,
    server: async (transport) => ({ urls: [`turn:${host}:${port}?transport=${transport}`], ...await credentials() }),
    stun: { urls: [`stun:${host}:${port}`] },
    output: () => text,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
