/**
 * Callers who send sound in real time and count what comes back. What they send is encrypted before it is needed, and
 * what comes is not decrypted, so that they cost little beside the server on the same machine.
 *
 * Sound that comes later than a call can use counts as lost: one socket for all drops what it can't hold, one for each
 * call hardly ever, but keeps it until nobody wants it.
 *
 * `POST /add?count=` calls, `POST /measure?count=&seconds=&prepare_ms=` lets the first so many speak once what they say
 * is made, with `&pid=` measuring what it costs that process meanwhile, `POST /keep?count=` hangs up all but the first so
 * many. The arguments are where calls are taken, and the key for a whole server. As a program it prints its address.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createEncoder } from "libopus-wasm";
import { RTCPeerConnection, RtpHeader, useOPUS } from "werift";
import type { DtlsTransport } from "../../../src/adapters/webrtc/insides.ts";
import { insidesOf } from "../../../src/adapters/webrtc/insides.ts";
import { mendChecks } from "../../../src/adapters/webrtc/werift_mends.ts";
import { cpuMs } from "./child.ts";

/** What was counted while callers spoke. */
export interface LoadSeen {
  seconds: number;
  sent: number;
  /** Packets that came in time. */
  received: number;
  /** CPU of the process that was asked for, while they spoke. */
  cpu_ms: number;
  /** What should have come: as much as was sent, by the clock of the sound. */
  expected: number;
  /** Of callers to whom less than 99 of 100 packets came. */
  disturbed: number;
  /** How late the callers themselves were, at worst. */
  late_ms: number;
}

/** What became of calls. */
export interface LoadAdded {
  taken: number;
  refused: number;
  /** Neither: they were let in, and never connected. */
  failed: number;
  /** Refusals that said when to try again. */
  asked_to_wait: number;
}

const [target = "", key] = Deno.args;
const FRAME_MS = 20;
/** How long what is under way may take to come. */
const DRAIN_MS = 1000;
/** How much later than the quickest a packet is in time: what a server's own limit is for what it gets. */
const IN_TIME_MS = 200;
/** Ticks of Opus' clock in a millisecond. */
const TICKS = 48;
const AT_ONCE = 4;
/** How long a call may take to connect, before it counts as one that never did. */
const CONNECT_MS = 20_000;

interface Encrypting {
  srtp: { encrypt(payload: Buffer, header: RtpHeader): Buffer };
}

/** Faint noise: sound that nobody takes for speech. */
async function makeSound(): Promise<Buffer[]> {
  using encoder = await createEncoder({ channels: 1, sampleRate: 24_000, frameSize: 480, bitrate: 32_000 });
  return Array.from({ length: 50 }, () => {
    return Buffer.from(encoder.encode(Int16Array.from({ length: 480 }, () => (Math.random() - 0.5) * 200)));
  });
}

const sound = await makeSound();

class Line {
  readonly pc = new RTCPeerConnection({
    iceServers: [],
    iceUseIpv6: false,
    iceAdditionalHostAddresses: ["127.0.0.1"],
    bundlePolicy: "max-bundle",
    codecs: { audio: [useOPUS()] },
  });
  received = 0;
  /** How much of the sound counts from the first packet on, in ticks: who speaks by itself goes on after it. */
  #counted = 0;
  #first: number | undefined;
  #quickest = Infinity;
  #sequence = 0;
  #packets: Buffer[] = [];
  #transport!: DtlsTransport;
  #ssrc!: number;

  /** Calls; the status that refuses it otherwise. */
  async open(): Promise<Response | undefined> {
    const { sender } = this.pc.addTransceiver("audio", { direction: "sendrecv" });
    this.#ssrc = sender.ssrc;
    for (const { connection } of insidesOf(this.pc).ice) {
      connection.stunServer = undefined;
      // As long as browsers, they try to reach a server that is late.
      mendChecks(connection);
    }
    await this.pc.setLocalDescription(await this.pc.createOffer());
    const { sdp } = this.pc.localDescription!;
    const response = key === undefined
      ? await fetch(target, { method: "POST", body: sdp })
      : await fetch(`${target}/api/v1/rtc/offer`, {
        method: "POST",
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
        body: JSON.stringify({ sdp, agent_id: "speaker" }),
      });
    const text = await response.text();
    if (!response.ok) return response;
    const answer = key === undefined ? text : JSON.parse(text).sdp;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const giveUp = () => reject(new Error("Cannot connect"));
    const timer = setTimeout(giveUp, CONNECT_MS);
    this.pc.connectionStateChange.subscribe((state) => {
      if (state === "connected") resolve();
      if (state === "failed") giveUp();
    });
    const taken = this.pc.setRemoteDescription({ type: "answer", sdp: answer });
    await Promise.all([promise, taken]).finally(() => clearTimeout(timer));
    this.#transport = insidesOf(this.pc).dtls[0]!;
    const { onData } = this.#transport.iceTransport.connection as unknown as {
      onData: { allUnsubscribe(): void; subscribe(listener: (data: Buffer) => void): void };
    };
    onData.allUnsubscribe();
    onData.subscribe((data) => {
      const isRtp = data[0]! >= 128 && data[0]! < 192 && (data[1]! < 192 || data[1]! > 223);
      if (isRtp) this.#hear(data.readUInt32BE(4));
    });
  }

  /** Counts from now on, as many frames of sound. */
  reset(frames: number): void {
    this.received = 0;
    this.#counted = frames * FRAME_MS * TICKS;
    this.#first = undefined;
    this.#quickest = Infinity;
  }

  #hear(timestamp: number): void {
    this.#first ??= timestamp;
    const said = (timestamp - this.#first) | 0;
    if (said >= this.#counted) return;
    const transit = performance.now() - said / TICKS;
    this.#quickest = Math.min(this.#quickest, transit);
    if (transit - this.#quickest <= IN_TIME_MS) this.received++;
  }

  /** Makes what is sent from `start` on. */
  prepare(count: number, start: number): void {
    const time = Math.round(start * TICKS);
    const { srtp } = this.#transport as unknown as Encrypting;
    this.#packets = Array.from({ length: count }, (_, i) => {
      const header = new RtpHeader({
        version: 2,
        payloadType: 96,
        sequenceNumber: this.#sequence & 0xffff,
        timestamp: (time + i * 960) >>> 0,
        ssrc: this.#ssrc,
        padding: false,
        extension: false,
        marker: false,
      });
      return srtp.encrypt(sound[this.#sequence++ % sound.length]!, header);
    });
    this.#packets.reverse();
  }

  send(): boolean {
    const packet = this.#packets.pop();
    if (packet === undefined) return false;
    void this.#transport.iceTransport.connection.send(packet);
    return true;
  }
}

const lines: Line[] = [];

async function add(count: number): Promise<LoadAdded> {
  const seen: LoadAdded = { taken: 0, refused: 0, failed: 0, asked_to_wait: 0 };
  let left = count;
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (left-- > 0) {
      const line = new Line();
      const refusal = await line.open().catch(() => null);
      if (refusal === undefined) {
        seen.taken++;
        lines.push(line);
        continue;
      }
      await line.pc.close();
      if (refusal === null) seen.failed++;
      else seen.refused++;
      if (refusal?.status === 503 && refusal.headers.has("retry-after")) seen.asked_to_wait++;
    }
  }));
  return seen;
}

/** Each line has its own place in the 20 ms, and time that was missed is made up for. */
async function measure(
  count: number,
  { seconds, prepare_ms, pid }: { seconds: number; prepare_ms: number; pid?: number },
): Promise<LoadSeen> {
  const speaking = lines.slice(0, count);
  const frames = seconds * 1000 / FRAME_MS;
  // The clock of their sound goes on while nothing is sent.
  const started = performance.now() + prepare_ms;
  for (const line of speaking) line.prepare(frames, started);
  await new Promise((resolve) => setTimeout(resolve, started - performance.now()));
  for (const line of speaking) line.reset(frames);
  const before = pid === undefined ? 0 : cpuMs(pid);
  const due = speaking.map((_, i) => started + i * FRAME_MS / speaking.length);
  let [sent, late, open] = [0, 0, speaking.length];
  while (open > 0) {
    const now = performance.now();
    for (let i = 0; i < speaking.length; i++) {
      while (due[i]! <= now) {
        late = Math.max(late, now - due[i]!);
        if (speaking[i]!.send()) {
          sent++;
          due[i]! += FRAME_MS;
        } else {
          due[i] = Infinity;
          open--;
        }
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 4));
  }
  const spoken = (performance.now() - started) / 1000;
  const cpu_ms = pid === undefined ? 0 : cpuMs(pid) - before;
  await new Promise((resolve) => setTimeout(resolve, DRAIN_MS));
  return {
    seconds: spoken,
    sent,
    received: speaking.reduce((sum, line) => sum + line.received, 0),
    cpu_ms,
    expected: frames * speaking.length,
    disturbed: speaking.filter(({ received }) => received < 0.99 * frames).length,
    late_ms: late,
  };
}

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => Deno.stdout.writeSync(new TextEncoder().encode(`http://127.0.0.1:${port}\n`)),
}, async (request) => {
  const { pathname, searchParams } = new URL(request.url);
  const count = Number(searchParams.get("count"));
  if (pathname === "/add") return Response.json(await add(count));
  if (pathname === "/measure") {
    const [seconds, prepare_ms] = ["seconds", "prepare_ms"].map((name) => Number(searchParams.get(name)));
    const pid = searchParams.get("pid");
    const options = { seconds: seconds!, prepare_ms: prepare_ms!, ...pid !== null && { pid: Number(pid) } };
    return Response.json(await measure(count, options));
  }
  await Promise.all(lines.splice(count).map(({ pc }) => pc.close()));
  return Response.json(lines.length);
});
Deno.addSignalListener("SIGTERM", () => Deno.exit(0));
