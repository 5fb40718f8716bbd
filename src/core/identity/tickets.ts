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
  subject: string;
  expires_at: number;
  /** The key's signal when the ticket was made: a new key of the same name doesn't revive it. */
  key: AbortSignal;
}

const LIFETIME = 60_000;
const MAX_TICKETS = 10_000;
const MAX_OWN = 1_000;

/** Hands out tickets that let somebody in once, within a minute. */
export class Tickets {
  readonly #keys: Pick<Keys, "signalFor">;
  readonly #clock: Clock;
  /** In the order they expire in. */
  readonly #stubs = new Map<string, Stub>();
  readonly #own = new Map<string, number>();

  constructor({ keys, clock }: { keys: Pick<Keys, "signalFor">; clock: Clock }) {
    this.#keys = keys;
    this.#clock = clock;
  }

  /**
   * Makes a ticket that stands for `principal`. Where it acts for a user the
   * ticket is bound to that user, as whoever holds it may be that user's browser.
   */
  create(principal: Principal): Ticket {
    this.#sweep();
    const subject = subjectOf(principal, "");
    const own = this.#own.get(subject) ?? 0;
    if (own >= MAX_OWN) {
      throw new AppError("TooManyRequestsError", `Cannot create a ticket: ${own} of ${MAX_OWN} are not used yet`, {
        retry_after: LIFETIME / 1000,
      });
    }
    if (this.#stubs.size >= MAX_TICKETS) {
      throw new AppError("UnavailableError", "Cannot create a ticket: too many are not used yet", { retry_after: 10 });
    }
    const ticket = `tkt_${randomText(32)}`;
    const expires_at = this.#clock.now() + LIFETIME;
    this.#stubs.set(ticket, {
      principal: principal.user_id === undefined ? principal : { ...principal, may_assert_user: false },
      subject,
      expires_at,
      key: this.#keys.signalFor(principal.key_id),
    });
    this.#own.set(subject, own + 1);
    return { ticket, expires_at: toTime(expires_at) };
  }

  /** Who `ticket` stands for; it is worth nothing afterwards. Throws `UnauthorizedError`. */
  redeem(ticket: string): Principal {
    const stub = this.#stubs.get(ticket);
    if (stub) this.#remove(ticket, stub);
    if (!stub || stub.key.aborted || stub.expires_at <= this.#clock.now()) {
      throw new AppError("UnauthorizedError", "Cannot identify the caller: the ticket is unknown, used or expired");
    }
    return stub.principal;
  }

  #sweep(): void {
    const now = this.#clock.now();
    for (const [ticket, stub] of this.#stubs) {
      if (stub.expires_at > now) break;
      this.#remove(ticket, stub);
    }
  }

  #remove(ticket: string, { subject }: Stub): void {
    this.#stubs.delete(ticket);
    const own = this.#own.get(subject)! - 1;
    if (own > 0) this.#own.set(subject, own);
    else this.#own.delete(subject);
  }
}
