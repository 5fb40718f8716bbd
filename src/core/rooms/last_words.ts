/**
 * What agents still say to those who are left when whoever asked has gone.
 *
 * @module
 */
import type { RtcEnd } from "../../domain/rtc_session.ts";
import type { LeftTalk } from "../calls/seat.ts";
import type { Member } from "./member.ts";

/** Answers of those who have gone that go on at once; in turn, as all answers in a room. */
const MAX_TALKS = 4;
/** Ends after which nothing of a call goes on. */
const FINAL: readonly RtcEnd[] = ["key_revoked", "room_ended", "shutdown"];

/** Talks of members that have left. */
export class LastWords implements Disposable {
  readonly #talks = new Map<Member, LeftTalk>();

  /** Those who asked. */
  get members(): Member[] {
    return [...this.#talks.keys()];
  }

  /** Takes over the talk of `member`, if there is an answer in it and it may go on. */
  take(member: Member, talk: LeftTalk, reason: RtcEnd): boolean {
    const { loop } = talk;
    const isAnswering = loop.state !== "listening" && loop.state !== "hearing";
    if (!isAnswering || FINAL.includes(reason) || this.#talks.size >= MAX_TALKS) return false;
    loop.hold(false);
    this.#talks.set(member, talk);
    return true;
  }

  /** Lets go of what is over. */
  sweep(): void {
    for (const [member, { loop }] of this.#talks) if (loop.state === "listening") this.#end(member);
  }

  [Symbol.dispose](): void {
    for (const member of this.members) this.#end(member);
  }

  #end(member: Member): void {
    const talk = this.#talks.get(member);
    this.#talks.delete(member);
    void talk?.[Symbol.asyncDispose]();
  }
}
