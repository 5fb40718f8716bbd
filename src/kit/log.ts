/**
 * Structured log lines: a static message and fields, secrets masked.
 *
 * @module
 */

/** From quiet to talkative. */
export const LOG_LEVELS = ["error", "warn", "info", "debug"] as const;
/** One of {@linkcode LOG_LEVELS}. */
export type LogLevel = typeof LOG_LEVELS[number];

/** Values that go with a message. */
export type LogFields = Record<string, unknown>;

/** Writes what happened. */
export interface Log {
  level: LogLevel;
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
}

/** Options for {@linkcode createLog}. */
export interface LogOptions {
  level: LogLevel;
  format: "text" | "json";
  /** Receives one line, without its end. */
  write(line: string): void;
}

const SECRET_FIELD = /key$|token|secret|password|authorization|credential|cookie/i;
/**
 * Keys, bearer tokens, signed tokens, and name and password in an address. What only begins like a signed token is
 * matched without its group, and nothing is matched without end, so that no letter is looked at again and again: the
 * text may be a stranger's, and long.
 */
const SECRET_VALUE =
  /\b(?:sk[-_][\w-]{6,9999}|Bearer\s{1,99}[\w.~+/=-]{1,9999}|eyJ[\w-]{1,9999}(\.[\w-]{1,9999}\.[\w-]{0,9999})?)|(?<=:\/\/)[^\s/:@"]{1,256}:[^\s/@"]{1,512}(?=@)/g;

/** Replaces what looks like a credential in `text`. */
export function maskSecrets(text: string): string {
  return text.replace(SECRET_VALUE, (found, rest?: string) => {
    return rest === undefined && found.startsWith("eyJ") ? found : "[masked]";
  });
}

/** Does so in every string of `value`, and makes plain JSON of it. */
export function maskDeep(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null, (_, one) => typeof one === "string" ? maskSecrets(one) : one));
}

function toPlain(key: string, value: unknown): unknown {
  if (key !== "" && typeof value === "string" && SECRET_FIELD.test(key)) return "[masked]";
  if (value instanceof Error) return maskSecrets(value.stack ?? value.message);
  return typeof value === "string" ? maskSecrets(value) : value;
}

/** Builds a {@linkcode Log}. */
export function createLog({ level, format, write }: LogOptions): Log {
  const emit = (at: LogLevel, message: string, fields: LogFields = {}) => {
    if (LOG_LEVELS.indexOf(at) > LOG_LEVELS.indexOf(log.level)) return;
    const time = new Date().toISOString();
    if (format === "json") {
      return write(JSON.stringify({ time, level: at, message, ...fields }, toPlain));
    }
    const tail = Object.entries(fields).map(([key, value]) => {
      const plain = toPlain(key, value);
      return ` ${key}=${typeof plain === "string" ? plain : JSON.stringify(plain, toPlain)}`;
    });
    write(`${time.slice(11, 23)} ${at.toUpperCase().padEnd(5)} ${message}${tail.join("")}`);
  };
  const log: Log = {
    level,
    error: (message, fields) => emit("error", message, fields),
    warn: (message, fields) => emit("warn", message, fields),
    info: (message, fields) => emit("info", message, fields),
    debug: (message, fields) => emit("debug", message, fields),
  };
  return log;
}
