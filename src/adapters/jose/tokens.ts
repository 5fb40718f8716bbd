/**
 * Signed tokens by npm `jose`.
 *
 * @module
 */
import type { CryptoKey, JSONWebKeySet, JWTVerifyGetKey, JWTVerifyOptions } from "jose";
import { TOKEN_TOLERANCE_SECONDS } from "../../domain/access.ts";
import { AppError } from "../../domain/error.ts";
import { type Clock, systemClock } from "../../kit/clock.ts";
import type { Claims, Tokens } from "../../ports/tokens.ts";

/**
 * Where keys come from and what a token must say, as in the settings; empty
 * means not given. One source of public keys at most, a secret beside it or not.
 */
export interface TokenOptions {
  /** For HS256, HS384 and HS512: at least 32 bytes. */
  secret?: string;
  /** PEM (SPKI or a certificate). */
  public_key?: string;
  /** A file with such a PEM. */
  public_key_file?: string;
  /** A file with a JSON Web Key Set. */
  jwks_file?: string;
  /** The address of a JSON Web Key Set: HTTPS, or this machine. */
  jwks_url?: string;
  issuer?: string;
  audience?: string;
  /** What is accepted of what the keys can do; all of it where nothing is said. */
  algorithms?: readonly string[];
  clock?: Clock;
}

const SYMMETRIC = ["HS256", "HS384", "HS512"];
const ASYMMETRIC = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];
/** RFC 7518 asks for as many bits as the hash has; shorter ones can be guessed offline. */
const MIN_SECRET_BYTES = 32;
const FETCH_TIMEOUT = 5_000;
const RETRY_AFTER = 5;

function misconfigured(reason: string): AppError {
  return new AppError("ConfigurationError", `Cannot accept signed tokens: ${reason}`);
}

type Jose = typeof import("jose");
/** Makes the source of public keys once `jose` is there. */
type OpenKeys = (jose: Jose) => JWTVerifyGetKey;

/** The algorithms in force: only those that fit a key we have, so that a public key never serves as a secret. */
function chooseAlgorithms(algorithms: readonly string[], hasSecret: boolean, hasPublicKey: boolean): string[] {
  const usable = [...hasSecret ? SYMMETRIC : [], ...hasPublicKey ? ASYMMETRIC : []];
  if (usable.length === 0) throw misconfigured("no secret or public key is set");
  for (const name of algorithms) {
    if (!usable.includes(name)) {
      throw misconfigured(
        `algorithm "${name}" can't be used with the keys that are set, only ${usable.join(", ")} can`,
      );
    }
  }
  return algorithms.length > 0 ? [...algorithms] : usable;
}

function toSecret(secret: string): Uint8Array | undefined {
  if (secret === "") return undefined;
  const bytes = new TextEncoder().encode(secret);
  if (bytes.length >= MIN_SECRET_BYTES) return bytes;
  throw misconfigured(`the secret has ${bytes.length} bytes, expected at least ${MIN_SECRET_BYTES}`);
}

function readFile(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    throw new AppError("ConfigurationError", `Cannot read the keys for signed tokens in "${path}"`, { cause });
  }
}

/** Imports the PEM anew for each algorithm, since a key is imported for one. */
function fromPem(pem: string): OpenKeys {
  const isCertificate = pem.includes("-----BEGIN CERTIFICATE-----");
  if (!isCertificate && !pem.includes("-----BEGIN PUBLIC KEY-----")) {
    throw misconfigured('the public key must be PEM with "BEGIN PUBLIC KEY" or "BEGIN CERTIFICATE"');
  }
  return (jose) => {
    const keys = new Map<string, Promise<CryptoKey>>();
    return ({ alg }) => {
      const key = keys.get(alg) ?? (isCertificate ? jose.importX509 : jose.importSPKI)(pem.trim(), alg);
      keys.set(alg, key);
      return key;
    };
  };
}

function fromKeySet(path: string): OpenKeys {
  let set: JSONWebKeySet;
  try {
    set = JSON.parse(readFile(path));
    if (!Array.isArray(set.keys)) throw new TypeError("no keys");
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw misconfigured(`"${path}" holds no JSON Web Key Set`);
  }
  return (jose) => jose.createLocalJWKSet(set);
}

function fromAddress(address: string): OpenKeys {
  const url = URL.parse(address);
  const isLocal = url !== null && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (url?.protocol === "https:" || (url?.protocol === "http:" && isLocal)) {
    return (jose) => jose.createRemoteJWKSet(url, { timeoutDuration: FETCH_TIMEOUT });
  }
  throw misconfigured(`jwks_url must be an https address, is "${address}"`);
}

function choosePublicKeys(options: TokenOptions): OpenKeys | undefined {
  const { public_key = "", public_key_file = "", jwks_file = "", jwks_url = "" } = options;
  const given = [public_key, public_key_file, jwks_file, jwks_url].filter((source) => source !== "");
  if (given.length > 1) throw misconfigured(`only one source of public keys can be used, not ${given.length}`);
  if (public_key !== "") return fromPem(public_key);
  if (public_key_file !== "") return fromPem(readFile(public_key_file));
  if (jwks_file !== "") return fromKeySet(jwks_file);
  if (jwks_url !== "") return fromAddress(jwks_url);
  return undefined;
}

/** Errors of jose that are the token's fault, in words. What isn't here is the key's or the network's. */
function toReason(jose: Jose, error: unknown): string | undefined {
  const { errors } = jose;
  if (error instanceof errors.JWTExpired) return "it has expired";
  if (error instanceof errors.JWTClaimValidationFailed) {
    const missing = error.reason === "missing";
    return `the claim "${error.claim}" ${missing ? "is missing" : "is not as it must be"}`;
  }
  if (error instanceof errors.JOSEAlgNotAllowed) return "its algorithm is not accepted";
  if (error instanceof errors.JWSSignatureVerificationFailed) return "its signature is wrong";
  if (error instanceof errors.JWKSNoMatchingKey) return "its key is unknown";
  if (error instanceof errors.JWKSMultipleMatchingKeys) return "it does not say which key signed it";
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) return "it is malformed";
  if (error instanceof errors.JOSENotSupported) return "it uses something that is not supported";
  return undefined;
}

/**
 * Builds the verifier. Settings that could accept what they should not, and
 * files that can't be read, throw `ConfigurationError` here; `jose` itself is
 * loaded with the first token.
 */
export function createTokens(options: TokenOptions): Tokens {
  const { issuer = "", audience = "", algorithms = [], clock = systemClock } = options;
  const secret = toSecret(options.secret ?? "");
  const openPublicKeys = choosePublicKeys(options);
  const rules: JWTVerifyOptions = {
    algorithms: chooseAlgorithms(algorithms, secret !== undefined, openPublicKeys !== undefined),
    requiredClaims: ["exp"],
    clockTolerance: TOKEN_TOLERANCE_SECONDS,
    ...issuer !== "" && { issuer },
    ...audience !== "" && { audience },
  };
  let publicKeys: JWTVerifyGetKey | undefined;

  async function verify(token: string): Promise<Claims> {
    const jose = await import("jose");
    publicKeys ??= openPublicKeys?.(jose);
    // The algorithm was checked against the list before; it alone decides which kind of key is tried.
    const choose: JWTVerifyGetKey = (header, input) =>
      SYMMETRIC.includes(header.alg) ? secret! : publicKeys!(header, input);
    try {
      const { payload } = await jose.jwtVerify(token, choose, { ...rules, currentDate: new Date(clock.now()) });
      return payload;
    } catch (error) {
      throw toRefusal(jose, error, (options.jwks_url ?? "") !== "");
    }
  }
  return { verify };
}

function toRefusal(jose: Jose, error: unknown, isRemote: boolean): AppError {
  const reason = toReason(jose, error) ?? (isRemote ? undefined : "its algorithm does not fit the key");
  if (reason !== undefined) {
    return new AppError("UnauthorizedError", `Cannot accept the token: ${reason}`, { cause: error });
  }
  return new AppError("UnavailableError", "Cannot check the token: the key set can't be fetched", {
    cause: error,
    retry_after: RETRY_AFTER,
  });
}
