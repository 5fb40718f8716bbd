/** Handshakes of DTLS over networks that lose, double and disorder packets. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { HandshakeOrder } from "../../src/adapters/webrtc/dtls_order.ts";
import type { HandshakeFragment } from "../../src/adapters/webrtc/insides.ts";
import { mendDtls } from "../../src/adapters/webrtc/werift_mends.ts";
import { connectPair, dtlsRecord, type Inner } from "../support/werift_pair.ts";

const HELLO = 1;
const CERTIFICATE = 11;
const KEY_EXCHANGE = 16;
const FINISHED = 20;

/** A piece of message number `at`, which is `of` bytes long. */
function piece(
  at: number,
  { type = CERTIFICATE, from = 0, length, of = length }: { type?: number; from?: number; length: number; of?: number },
): HandshakeFragment {
  return {
    msg_type: type,
    length: of,
    message_seq: at,
    fragment_offset: from,
    fragment_length: length,
    fragment: Buffer.alloc(length, at),
  };
}

const numbers = (pieces: HandshakeFragment[]) => pieces.map((one) => [one.message_seq, one.fragment_offset]);

Deno.test("a message is taken when all of it is there, in whatever order it came", () => {
  const order = new HandshakeOrder();
  assert.deepEqual(order.take(piece(0, { from: 6, length: 4, of: 10 })), []);
  assert.deepEqual(order.take(piece(0, { from: 6, length: 4, of: 10 })), []);
  assert.deepEqual(order.take(piece(0, { from: 2, length: 6, of: 10 })), []);
  assert.deepEqual(numbers(order.take(piece(0, { length: 2, of: 10 }))), [[0, 0], [0, 2], [0, 6]]);
});

Deno.test("messages are taken in order, and once", () => {
  const order = new HandshakeOrder();
  assert.deepEqual(order.take(piece(1, { type: KEY_EXCHANGE, length: 3 })), []);
  assert.deepEqual(order.take(piece(2, { type: FINISHED, length: 3 })), []);
  assert.deepEqual(numbers(order.take(piece(0, { length: 3 }))), [[0, 0], [1, 0], [2, 0]]);
  assert.deepEqual(order.take(piece(0, { length: 3 })), []);
  assert.deepEqual(order.take(piece(1, { type: KEY_EXCHANGE, length: 3 })), []);
});

Deno.test("what ends a flight is taken again, since it asks for ours again", () => {
  const order = new HandshakeOrder();
  for (let times = 0; times < 3; times++) {
    assert.deepEqual(numbers(order.take(piece(0, { type: HELLO, length: 3 }))), [[0, 0]]);
  }
  assert.deepEqual(order.take(piece(1, { type: HELLO, from: 1, length: 2, of: 3 })), []);
  assert.deepEqual(numbers(order.take(piece(1, { type: HELLO, length: 1, of: 3 }))), [[1, 0], [1, 1]]);
  assert.deepEqual(order.take(piece(0, { type: HELLO, length: 3 })), [], "the first hello is past");
  assert.deepEqual(order.take(piece(1, { type: HELLO, from: 1, length: 2, of: 3 })), []);
  assert.deepEqual(numbers(order.take(piece(1, { type: HELLO, length: 1, of: 3 }))), [[1, 0], [1, 1]]);
});

Deno.test("what contradicts itself, or is too much, is left out", () => {
  const order = new HandshakeOrder();
  assert.deepEqual(order.take(piece(0, { from: 8, length: 4, of: 10 })), [], "it ends behind its end");
  assert.deepEqual(order.take({ ...piece(0, { length: 4 }), fragment: Buffer.alloc(2) }), [], "it is torn");
  assert.deepEqual(order.take(piece(0, { length: 10, of: 100_000 })), [], "it is too long");
  assert.deepEqual(order.take(piece(9, { length: 1 })), [], "it is too far ahead");
  order.take(piece(0, { length: 5, of: 10 }));
  assert.deepEqual(order.take(piece(0, { from: 5, length: 5, of: 11 })), [], "it is of another message");
  assert.equal(order.take(piece(0, { from: 5, length: 5, of: 10 })).length, 2);
  for (let from = 0; from < 200; from += 2) order.take(piece(1, { from, length: 1, of: 200 }));
  for (let from = 1; from < 200; from += 2) assert.deepEqual(order.take(piece(1, { from, length: 1, of: 200 })), []);
});

/** Cuts a hello in two; the second half first. */
function halves(datagram: Buffer): Uint8Array[] {
  const body = datagram.subarray(13);
  const length = body.readUIntBE(1, 3);
  const half = length >> 1;
  const cut = (from: number, end: number, sequence: number) => {
    const head = Buffer.from(body.subarray(0, 12));
    head.writeUIntBE(from, 6, 3);
    head.writeUIntBE(end - from, 9, 3);
    return dtlsRecord(22, { epoch: 0, sequence, body: [...head, ...body.subarray(12 + from, 12 + end)] });
  };
  const sequence = 2 * datagram.readUIntBE(7, 4);
  return [cut(half, length, sequence + 1), cut(0, half, sequence)];
}

/** Connects a client whose hellos come in two halves, the second first. Resolves with how that ends. */
async function connectHalved({ mended }: { mended: boolean }): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const prepare = ({ dtls }: Inner) =>
    dtls.onStateChange.subscribe((state) => {
      if (state === "connected" || state === "failed") resolve(state);
      if (state !== "connecting") return;
      queueMicrotask(() => {
        const { transport } = dtls.dtls as unknown as { transport: { send(data: Buffer): Promise<void> } };
        const send = transport.send.bind(transport);
        transport.send = async (data) => {
          if (data[0] !== 22 || data[13] !== HELLO) return await send(data);
          for (const half of halves(data)) await send(Buffer.from(half));
        };
      });
    });
  const drop = { onDropped() {}, onAbuse() {}, onEnded() {} };
  const mend = ({ dtls }: Inner) => mended && mendDtls(dtls, drop);
  await using _ = await connectPair({ connect: false, prepare, mend });
  return await promise;
}

Deno.test("G13: a hello whose second half comes first is answered", async () => {
  assert.equal(await connectHalved({ mended: false }), "failed");
  assert.equal(await connectHalved({ mended: true }), "connected");
});
