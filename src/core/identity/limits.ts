/**
 * How often a key may call what: token buckets, and the graduated response.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { Clock } from "../../kit/clock.ts";
import { toTime } from "../../kit/clock.ts";
import { Recent } from "./recent.ts";

/** A token bucket's size and how fast it fills. */
export interface Rate {
  per_second: number;
  /** How many requests may come at once. */
  burst: number;
}

/** What is limited, and how refusals escalate. */
export interface LimitOptions {
  enabled: boolean;
  /** One bucket for all operations of a class. */
  classes: Readonly<Record<string, Rate>>;
  /** A bucket of its own for an operation, by its id. */
  operations: Readonly<Record<string, Rate>>;
  /** The share of the burst below which answers carry a warning. */
  warn_below: number;
  /** How many refusals within a minute lead to a block. */
  block_after: number;
  block_seconds: number;
}

/** What an answer's headers say about the limits. */
export interface LimitReport {
  limit: number;
  remaining: number;
  /** Seconds until the bucket is full again. */
  reset_seconds: number;
  /** Set when little is left. */
  warning?: string;
}

/** A rate with the buckets that it fills. */
interface Rule extends Rate {
  buckets: Recent<Bucket>;
}

interface Bucket {
  tokens: number;
  filled_at: number;
  refusals: number;
  refused_since: number;
  blocked_until: number;
}

/** How many buckets a class or an operation keeps: forgetting one fills it. */
const MAX_BUCKETS = 10_000;
const MINUTE = 60_000;

function toRules(rates: Readonly<Record<string, Rate>>, before?: ReadonlyMap<string, Rule>): Map<string, Rule> {
  const rules = new Map<string, Rule>();
  for (const [name, { per_second, burst }] of Object.entries(rates)) {
    if (!(per_second > 0) || !(burst >= 1)) {
      throw new AppError(
        "ConfigurationError",
        `Cannot limit "${name}" to ${per_second} a second and ${burst} at once: expected more than 0 and at least 1`,
      );
    }
    rules.set(name, { per_second, burst, buckets: before?.get(name)?.buckets ?? new Recent(MAX_BUCKETS) });
  }
  return rules;
}

/** The buckets of every key. */
export class Limits {
  readonly #clock: Clock;
  #options: LimitOptions;
  #classes: Map<string, Rule>;
  #operations: Map<string, Rule>;

  constructor({ clock, ...options }: LimitOptions & { clock: Clock }) {
    this.#clock = clock;
    this.#options = options;
    this.#classes = toRules(options.classes);
    this.#operations = toRules(options.operations);
  }

  /** Puts other limits in force; what was used up stays used up. */
  update(options: LimitOptions): void {
    const classes = toRules(options.classes, this.#classes);
    this.#operations = toRules(options.operations, this.#operations);
    this.#classes = classes;
    this.#options = options;
  }

  /**
   * Takes one request of `subject` (a key, see `subjectOf`) from its bucket.
   * Throws `TooManyRequestsError`; undefined where limits are off.
   */
  take(subject: string, operation_id: string, limit_class: string): LimitReport | undefined {
    if (!this.#options.enabled) return undefined;
    const rule = this.#ruleOf(operation_id, limit_class);
    const now = this.#clock.now();
    const bucket = fill(rule, subject, now);
    if (now < bucket.blocked_until) throw this.#block(bucket, rule, operation_id, now);
    if (bucket.tokens < 1) throw this.#refuse(bucket, rule, operation_id, now);
    bucket.tokens -= 1;
    return this.#report(bucket, rule);
  }

  /** How things stand for `subject` where {@linkcode take} would take. Undefined where limits are off. */
  peek(subject: string, operation_id: string, limit_class: string): LimitReport | undefined {
    if (!this.#options.enabled) return undefined;
    const rule = this.#ruleOf(operation_id, limit_class);
    return this.#report(fill(rule, subject, this.#clock.now()), rule);
  }

  #ruleOf(operation_id: string, limit_class: string): Rule {
    const rule = this.#operations.get(operation_id) ?? this.#classes.get(limit_class);
    if (rule) return rule;
    throw new AppError("ConfigurationError", `Cannot limit "${operation_id}": class "${limit_class}" has no limit`);
  }

  #report(bucket: Bucket, rule: Rule): LimitReport {
    const limit = rule.burst;
    const remaining = Math.floor(bucket.tokens);
    const reset_seconds = secondsToFull(bucket, rule);
    if (bucket.tokens >= limit * this.#options.warn_below) return { limit, remaining, reset_seconds };
    const warning = `Only ${remaining} of ${limit} requests left, all again in ${reset_seconds} s`;
    return { limit, remaining, reset_seconds, warning };
  }

  #refuse(bucket: Bucket, rule: Rule, operation_id: string, now: number): AppError {
    const { block_after, block_seconds } = this.#options;
    if (now - bucket.refused_since >= MINUTE) {
      bucket.refused_since = now;
      bucket.refusals = 0;
    }
    bucket.refusals += 1;
    if (bucket.refusals >= block_after && block_seconds > 0) {
      bucket.refusals = 0;
      bucket.blocked_until = now + block_seconds * 1000;
      return this.#block(bucket, rule, operation_id, now);
    }
    const retry_after = Math.max(1, Math.ceil((1 - bucket.tokens) / rule.per_second));
    return new AppError(
      "TooManyRequestsError",
      `Cannot call "${operation_id}": the limit is ${rule.per_second} requests a second and ${rule.burst} at once, ` +
        `try again in ${retry_after} s`,
      { retry_after, details: { limit: rule.burst, remaining: 0, reset_seconds: secondsToFull(bucket, rule) } },
    );
  }

  #block(bucket: Bucket, rule: Rule, operation_id: string, now: number): AppError {
    const blocked = toTime(bucket.blocked_until);
    const retry_after = Math.ceil((bucket.blocked_until - now) / 1000);
    return new AppError(
      "TooManyRequestsError",
      `Cannot call "${operation_id}": blocked until ${blocked}, as requests went on after ` +
        `${this.#options.block_after} refusals within a minute`,
      { retry_after, details: { limit: rule.burst, remaining: 0, reset_seconds: retry_after, blocked } },
    );
  }
}

/** The bucket of `subject`, filled up to now. */
function fill({ buckets, per_second, burst }: Rule, subject: string, now: number): Bucket {
  let bucket = buckets.get(subject);
  if (!bucket) {
    bucket = { tokens: burst, filled_at: now, refusals: 0, refused_since: 0, blocked_until: 0 };
    buckets.set(subject, bucket);
    return bucket;
  }
  // A clock that was set back must not take tokens away.
  const seconds = Math.max(0, now - bucket.filled_at) / 1000;
  bucket.tokens = Math.min(burst, bucket.tokens + seconds * per_second);
  bucket.filled_at = now;
  return bucket;
}

function secondsToFull({ tokens }: Bucket, { burst, per_second }: Rule): number {
  return Math.ceil((burst - tokens) / per_second);
}
