/**
 * The numbers that VP8 gives its pictures (RFC 7741, section 4.2), made continuous where one source follows another: a
 * decoder throws away pictures that seem to be older than what it has shown.
 *
 * @module
 */

interface Places {
  /** Where the number of the picture is, in how many bits; where that of the base layer is. */
  picture: number;
  bits: 7 | 15;
  base: number;
}

/** Numbers of the pictures that go to one receiver. */
export class PictureNumbers {
  #last = { picture: 0, base: 0 };
  #shift = { picture: 0, base: 0 };

  /** `payload` with numbers that follow what was sent; `first`: of another source than those before. */
  renumber(payload: Uint8Array, { first }: { first: boolean }): Uint8Array {
    const places = placesOf(payload);
    if (places === undefined) return payload;
    const { picture: at, bits, base } = places;
    const mask = bits === 15 ? 0x7fff : 0x7f;
    const picture = bits === 15 ? (payload[at]! & 0x7f) << 8 | payload[at + 1]! : payload[at]! & 0x7f;
    if (first) {
      this.#shift.picture = this.#last.picture + 1 - picture;
      if (base > 0) this.#shift.base = this.#last.base + 1 - payload[base]!;
    }
    const shown = (picture + this.#shift.picture) & mask;
    const numbered = payload.slice();
    if (bits === 15) numbered.set([0x80 | shown >> 8, shown & 0xff], at);
    else numbered[at] = shown;
    if (base > 0) this.#last.base = numbered[base] = (payload[base]! + this.#shift.base) & 0xff;
    this.#last.picture = shown;
    return numbered;
  }
}

function placesOf(payload: Uint8Array): Places | undefined {
  const [head = 0, extension = 0] = payload;
  if ((head & 0x80) === 0 || (extension & 0x80) === 0 || payload.length < 5) return undefined;
  const bits = payload[2]! & 0x80 ? 15 : 7;
  return { picture: 2, bits, base: extension & 0x40 ? (bits === 15 ? 4 : 3) : 0 };
}
