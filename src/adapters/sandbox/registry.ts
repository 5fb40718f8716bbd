/**
 * How packages are reached: what the operator has said of it in the environment
 * and in their `.npmrc`, and how much of that a program has to know.
 *
 * @module
 */
import { join } from "node:path";

/** See the module. */
export interface Registry {
  /** All of the environment of a Deno that fetches. */
  fetch: Readonly<Record<string, string>>;
  /** What a program needs of it to find what was fetched, and to trust whom this machine trusts. */
  program: Readonly<Record<string, string>>;
  /** The same as a file of its home; undefined where there is nothing to say. It holds no secret. */
  npmrc: string | undefined;
  /** Packages that were fetched by another one lie elsewhere. */
  key: readonly string[];
}

type Variables = Readonly<Record<string, string>>;

const FETCH =
  /^(NPM_CONFIG_REGISTRY|https?_proxy|no_proxy|all_proxy|DENO_CERT|DENO_TLS_CA_STORE|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|SSL_CERT_DIR)$/i;
const REGISTRY = /^\s*((?:@[^:\s]+:)?registry)\s*=\s*["']?([^"'\s]+)/gm;
const VARIABLE = /\$\{([^}]+)\}/g;
/** Where systems keep the authorities that they trust; a box has these, too. */
const AUTHORITIES = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/** Reads it. `env` is the server's own environment. */
export async function readRegistry(env: Variables): Promise<Registry> {
  const named = Object.entries(env).filter(([name]) => FETCH.test(name));
  const text = env.HOME === undefined ? "" : await Deno.readTextFile(join(env.HOME, ".npmrc")).catch(() => "");
  // Their file may name variables, such as a token's.
  const tokens = [...text.matchAll(VARIABLE)].flatMap(([, name]) =>
    env[name!] === undefined ? [] : [[name, env[name!]]]
  );
  const lines = [...text.matchAll(REGISTRY)].map(([, what, url]) => {
    const whole = url!.replaceAll(VARIABLE, (spelled, name) => env[name] ?? spelled);
    return `${what}=${withoutSecrets(whole)}`;
  });
  const given = named.filter(([name]) => /^npm_config_registry$/i.test(name))
    .map(([name, url]) => [name, withoutSecrets(url)] as const);
  return {
    fetch: {
      ...await storeOf(env, env.SSL_CERT_FILE === undefined ? AUTHORITIES : [env.SSL_CERT_FILE]),
      ...Object.fromEntries([...tokens, ...named]),
      ...env.HOME !== undefined && { HOME: env.HOME },
    },
    program: { ...await storeOf(env, AUTHORITIES), ...Object.fromEntries(given) },
    npmrc: lines.length === 0 ? undefined : `${lines.join("\n")}\n`,
    key: [...given.map(([, url]) => url), ...lines],
  };
}

/** The authorities of this machine beside Mozilla's. Asking for them where there are none would end all TLS. */
async function storeOf(env: Variables, files: readonly string[]): Promise<Record<string, string>> {
  if (env.DENO_TLS_CA_STORE !== undefined) return { DENO_TLS_CA_STORE: env.DENO_TLS_CA_STORE };
  const there = await Promise.all(files.map((file) => Deno.stat(file).then(() => true, () => false)));
  return there.includes(true) ? { DENO_TLS_CA_STORE: "mozilla,system" } : {};
}

function withoutSecrets(text: string): string {
  const url = URL.parse(text);
  if (url === null) return "";
  url.username = url.password = "";
  return url.href;
}
