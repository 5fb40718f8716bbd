/**
 * A registry of packages on this machine, which wants a token and notes who asked.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { PROGRAM } from "./mcp_servers_program.ts";

/** See the module. */
export interface TestRegistry extends AsyncDisposable {
  /** Its address, with a slash at its end. */
  url: string;
  /** Such as `GET /greeter`, for each request that was let in. */
  asked: string[];
}

/** Options of {@linkcode startRegistry}. */
export interface RegistryOptions {
  /** The package. */
  name: string;
  token: string;
  tls?: { cert: string; key: string };
  /** Never answers who is let in. */
  hang?: boolean;
}

/** Serves the package `name`, version 1.0.0, to whoever shows `token`. */
export async function startRegistry({ name, token, tls, hang }: RegistryOptions): Promise<TestRegistry> {
  const manifest = { name, version: "1.0.0", type: "module", bin: { greeter: "main.js" } };
  const tarball = new Uint8Array(gzipSync(toTar({
    "package/package.json": JSON.stringify(manifest),
    "package/main.js": PROGRAM,
  })));
  const integrity = `sha512-${new Uint8Array(await crypto.subtle.digest("SHA-512", tarball)).toBase64()}`;
  const asked: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {}, ...tls }, (request) => {
    if (request.headers.get("authorization") !== `Bearer ${token}`) return new Response(null, { status: 401 });
    const { pathname, origin } = new URL(request.url);
    asked.push(`${request.method} ${decodeURIComponent(pathname)}`);
    if (hang) return new Response(new ReadableStream());
    if (pathname.endsWith(".tgz")) return new Response(tarball);
    return Response.json({
      name,
      "dist-tags": { latest: "1.0.0" },
      versions: { "1.0.0": { ...manifest, dist: { tarball: `${origin}/${name}/-/main-1.0.0.tgz`, integrity } } },
    });
  });
  return {
    url: `${tls ? "https" : "http"}://127.0.0.1:${server.addr.port}/`,
    asked,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function toTar(files: Record<string, string>): Uint8Array<ArrayBuffer> {
  const blocks = Object.entries(files).flatMap(([path, text]) => {
    const body = Buffer.from(text);
    const header = Buffer.alloc(512);
    header.write(path, 0);
    header.write("0000644\0", 100);
    header.write(body.length.toString(8).padStart(11, "0"), 124);
    header.write("        ", 148);
    header.write("0", 156);
    header.write("ustar\x0000", 257);
    header.write(header.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, "0") + "\0 ", 148);
    return [header, body, Buffer.alloc((512 - body.length % 512) % 512)];
  });
  return new Uint8Array(Buffer.concat([...blocks, Buffer.alloc(1024)]));
}
