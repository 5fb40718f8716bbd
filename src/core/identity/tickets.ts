/**
 * Tickets for browsers, which can't send a header from EventSource or WebSocket.
 *
 * @module
 */
import type { Principal } from "../../domain/access.ts";
import { AppError } from "../../domain/error.ts";
import type { Clock } from "../../kit/clock.ts";
import { toTime } from "../../kit/clock.ts";
import { randomText } from "./key_spec.ts";
import type { Keys } from "./keys.ts";
import { subjectOf } from "./subject.ts";

/** A ticket as it is handed out. */
export interface Ticket {
  ticket: string;
  expires_at: string;
}

interface Stub {
  principal: Principal;
  /** Whose, and of which kind, by which they are counted. */
  subject: string;
  expires_at: number;
  /** The key's signal when the ticket was made: a new key of the same name doesn't revive it. */
  key: AbortSignal;
  /** What alone it is good for, as often as wanted; absent: for anything, once. */
  path: string | undefined;
}

/** A request, as far as tickets care. */
export interface Asked {
  method: string;
  /** Below the prefix, such as `/rtc/recordings/rec_1/content`. */
  path: string;
}

const LIFETIME = 60_000;
/** A player asks again and again while a person watches. */
const PATH_LIFETIME = 3_600_000;
const MAX_TICKETS = 10_000;
const MAX_OWN = 1_000;

/** Hands out tickets that let somebody in once, within a minute, or read one path for an hour. */
export class Tickets {
  readonly #keys: Pick<Keys, "signalFor">;
  readonly #clock: Clock;
  readonly #once = new Map<string, Stub>();
  readonly #passes = new Map<string, Stub>();
  readonly #own = new Map<string, number>();
  /** When the next one expires. */
  #due = Infinity;

  constructor({ keys, clock }: { keys: Pick<Keys, "signalFor">; clock: Clock }) {
    this.#keys = keys;
    this.#clock = clock;
  }

  /**
   * Makes a ticket that stands for `principal`, to read `path` alone where one is given. Where it acts for a user the
   * ticket is bound to that user, as whoever holds it may be that user's browser.
   */
  create(principal: Principal, { path }: { path?: string | undefined } = {}): Ticket {
    this.#sweep();
    const stubs = path === undefined ? this.#once : this.#passes;
    const lifetime = path === undefined ? LIFETIME : PATH_LIFETIME;
    const subject = `${path === undefined ? "once" : "path"} ${subjectOf(principal, "")}`;
    const own = this.#own.get(subject) ?? 0;
    if (own >= MAX_OWN) {
      throw new AppError("TooManyRequestsError", `Cannot create a ticket: ${own} of ${MAX_OWN} are not used yet`, {
        retry_after: lifetime / 1000,
      });
    }
    if (stubs.size >= MAX_TICKETS) {
      throw new AppError("UnavailableError", "Cannot create a ticket: too many are not used yet", { retry_after: 10 });
    }
    const ticket = `tkt_${randomText(32)}`;
    // It doesn't outlive what it was made with.
    const expires_at = Math.min(this.#clock.now() + lifetime, principal.expires_at ?? Infinity);
    stubs.set(ticket, {
      principal: principal.user_id === undefined ? principal : { ...principal, may_assert_user: false },
      subject,
      expires_at,
      key: this.#keys.signalFor(principal.key_id),
      path,
    });
    this.#own.set(subject, own + 1);
    this.#due = Math.min(this.#due, expires_at);
    return { ticket, expires_at: toTime(expires_at) };
  }

  /** Who `ticket` stands for; unless it is for a path, it is worth nothing afterwards. Throws `UnauthorizedError`. */
  redeem(ticket: string, asked?: Asked): Principal {
    const pass = this.#passes.get(ticket);
    const stub = pass ?? this.#once.get(ticket);
    if (stub && !pass) this.#remove(ticket, stub);
    const isFor = !pass || (asked !== undefined && /^(GET|HEAD)$/.test(asked.method) && asked.path === pass.path);
    if (!stub || !isFor || stub.key.aborted || stub.expires_at <= this.#clock.now()) {
      throw new AppError("UnauthorizedError", "Cannot identify the caller: the ticket is unknown, used or expired");
    }
    return stub.principal;
  }

  /** Some expire before those made earlier, as what they were made with does. */
  #sweep(): void {
    const now = this.#clock.now();
    if (now < this.#due) return;
    this.#due = Infinity;
    for (const stubs of [this.#once, this.#passes]) {
      for (const [ticket, stub] of stubs) {
        if (stub.expires_at <= now) this.#remove(ticket, stub);
        else this.#due = Math.min(this.#due, stub.expires_at);
      }
    }
  }

  #remove(ticket: string, { subject, path }: Stub): void {
    (path === undefined ? this.#once : this.#passes).delete(ticket);
    const own = this.#own.get(subject)! - 1;
    if (own > 0) this.#own.set(subject, own);
    else this.#own.delete(subject);
  }
}
