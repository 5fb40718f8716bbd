/**
 * Text that stays the same, served with its hash and, where the caller takes it, compressed.
 *
 * @module
 */

/** A text to serve. */
export interface Asset {
  text: string;
  type: string;
  headers?: Readonly<Record<string, string>>;
}

/** What a page of ours may load (CSP): from here, and nothing from anywhere else. WebRTC's media asks nobody. */
export const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join("; ");

/** Makes the asset and answers for it from then on. */
export async function toAnswer(make: () => Promise<Asset> | Asset): Promise<(asked: Headers) => Response> {
  const { text, type, headers } = await make();
  const plain = new TextEncoder().encode(text);
  const zipped = await gzip(plain);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", plain));
  const hash = digest.toHex().slice(0, 24);
  return (asked) => {
    const zip = /\bgzip\b(?!;\s*q=0(\.0*)?\b)/.test(asked.get("accept-encoding") ?? "");
    const etag = zip ? `"${hash}-gzip"` : `"${hash}"`;
    const shared = { ...headers, etag, "cache-control": "no-cache", vary: "accept-encoding" };
    if (asked.get("if-none-match")?.split(/,\s*/).some((one) => one.replace(/^W\//, "") === etag)) {
      return new Response(null, { status: 304, headers: shared });
    }
    const body = zip ? zipped : plain;
    return new Response(body, {
      headers: {
        ...shared,
        "content-type": type,
        "content-length": String(body.byteLength),
        ...zip && { "content-encoding": "gzip" },
      },
    });
  };
}

async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
