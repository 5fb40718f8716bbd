/**
 * VP8 as it comes in RTP (RFC 7741), and its whole pictures as images.
 *
 * @module
 */

/** What a packet holds of a frame. */
export interface Vp8Part {
  /** Whether the frame begins here. */
  first: boolean;
  data: Uint8Array;
}

/** A picture's size in pixels. */
export interface Size {
  width: number;
  height: number;
}

/** Takes the descriptor (RFC 7741, section 4.2) off a packet's payload. Undefined when there is nothing behind it. */
export function toPart(payload: Uint8Array): Vp8Part | undefined {
  const [head = 0, extension = 0] = payload;
  let at = 1;
  if (head & 0x80) {
    at++;
    if (extension & 0x80) at += payload[at]! & 0x80 ? 2 : 1;
    if (extension & 0x40) at++;
    if (extension & 0x30) at++;
  }
  // The first partition's beginning is the frame's.
  return at < payload.length ? { first: (head & 0x17) === 0x10, data: payload.subarray(at) } : undefined;
}

/** Whether `frame` stands for itself. */
export function isKeyframe(frame: Uint8Array): boolean {
  return frame.length > 0 && (frame[0]! & 1) === 0;
}

/** The size of a key frame that can be shown (RFC 6386, section 9.1); undefined when `frame` is none. */
export function sizeOf(frame: Uint8Array): Size | undefined {
  if (frame.length <= 10 || !isKeyframe(frame) || (frame[0]! & 0x10) === 0) return undefined;
  if (frame[3] !== 0x9d || frame[4] !== 0x01 || frame[5] !== 0x2a) return undefined;
  const version = frame[0]! >> 1 & 0x07;
  const firstPart = (frame[0]! | frame[1]! << 8 | frame[2]! << 16) >> 5;
  if (version > 3 || firstPart > frame.length - 10) return undefined;
  const width = (frame[6]! | frame[7]! << 8) & 0x3fff;
  const height = (frame[8]! | frame[9]! << 8) & 0x3fff;
  return width > 0 && height > 0 ? { width, height } : undefined;
}

/** A key frame as a WebP image: the same bytes behind a header (RFC 9649, section 2.5). */
export function toWebp(keyframe: Uint8Array): Uint8Array<ArrayBuffer> {
  const padded = keyframe.length + (keyframe.length & 1);
  const image = new Uint8Array(20 + padded);
  const view = new DataView(image.buffer);
  const text = new TextEncoder();
  text.encodeInto("RIFF", image);
  view.setUint32(4, 12 + padded, true);
  text.encodeInto("WEBPVP8 ", image.subarray(8));
  view.setUint32(16, keyframe.length, true);
  image.set(keyframe, 20);
  return image;
}
