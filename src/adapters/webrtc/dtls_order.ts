/**
 * Messages of a DTLS handshake, whole and in order (RFC 6347, section 4.2.2): networks that lose and disorder packets
 * bring them in pieces, twice, and later ones first.
 *
 * @module
 */
import type { Dtls, HandshakeFragment } from "./insides.ts";

/** How many messages may come before their turn, in how many pieces each, and how long one is at most. */
const MOST = { ahead: 8, pieces: 64, bytes: 65_536 } as const;
/** The messages that end a flight: whoever repeats one asks for our flight again. */
const ASKS_AGAIN: readonly number[] = [1, 14, 20];

/** Puts them in order. */
export class HandshakeOrder {
  #next = 0;
  #last: number | undefined;
  #pieces = new Map<number, HandshakeFragment[]>();

  /** The pieces of the messages whose turn has come with `piece`. */
  take(piece: HandshakeFragment): HandshakeFragment[] {
    const { message_seq: at } = piece;
    const isRepeated = at === this.#next - 1 && this.#last !== undefined && ASKS_AGAIN.includes(this.#last);
    if ((at < this.#next && !isRepeated) || at >= this.#next + MOST.ahead || !this.#keep(piece)) return [];
    if (isRepeated) return this.#whole(at) ?? [];
    const ready: HandshakeFragment[] = [];
    for (let pieces; (pieces = this.#whole(this.#next)) !== undefined; this.#next++) {
      this.#last = pieces[0]!.msg_type;
      ready.push(...pieces);
    }
    return ready;
  }

  #keep(piece: HandshakeFragment): boolean {
    const { message_seq, msg_type, length, fragment_offset: from, fragment_length, fragment } = piece;
    const pieces = this.#pieces.get(message_seq) ?? [];
    const [first = piece] = pieces;
    const fits = first.msg_type === msg_type && first.length === length && length <= MOST.bytes &&
      fragment.length === fragment_length && from + fragment_length <= length;
    if (!fits || pieces.length >= MOST.pieces) return false;
    if (pieces.some((one) => one.fragment_offset === from && one.fragment_length >= fragment_length)) return true;
    this.#pieces.set(message_seq, [...pieces, piece]);
    return true;
  }

  /** Takes out a message, if nothing of it is missing. */
  #whole(at: number): HandshakeFragment[] | undefined {
    const pieces = this.#pieces.get(at)?.sort((a, b) => a.fragment_offset - b.fragment_offset);
    if (pieces === undefined) return undefined;
    let end = 0;
    for (const { fragment_offset, fragment_length } of pieces) {
      if (fragment_offset <= end) end = Math.max(end, fragment_offset + fragment_length);
    }
    if (end < pieces[0]!.length) return undefined;
    this.#pieces.delete(at);
    return pieces;
  }
}

/** Lets a handshake have its messages in order, one at a time. */
export function orderHandshake(dtls: Dtls): void {
  const order = new HandshakeOrder();
  dtls.handleFragmentHandshake = (pieces) => pieces.flatMap((piece) => order.take(piece));
  const handle = dtls.onHandleHandshakes.bind(dtls);
  dtls.onHandleHandshakes = async (messages) => {
    const sorted = [...messages].sort((a, b) => a.message_seq - b.message_seq);
    await Promise.all(sorted.map((message) => handle([message])));
  };
}
