/**
 * A page that is in a room: it sends a tone, speech and a coloured picture, and hears and sees the others in sections of
 * its own.
 *
 * @module
 */
import type { Page } from "playwright-core";
import { startBrowser, type TestBrowser } from "./browser.ts";
import { BROWSER, CallStory, good } from "./calls.ts";
import type { TestServer } from "./server.ts";
import { TAPE } from "./tape.ts";
import { PATIENCE_MS } from "./waiting.ts";

/** What the page can be asked for, as `room`. */
export interface RoomPage {
  /** Makes the connection, with so many sections for others; resolves with the offer. */
  open(options: RoomPageOptions): Promise<string>;
  accept(answer: string): Promise<void>;
  /** The `mid` of what is sent, by its kind. */
  mids(): { audio: string; video: string | null };
  /** Sends a message on the channel. */
  say(message: unknown): void;
  /** Plays a sound of the site once; resolves with its seconds. */
  play(name: string): Promise<number>;
  /** Which of `tones` are heard over some milliseconds, in all sections together. */
  heard(tones: number[], milliseconds: number): Promise<number[]>;
  /** Begins to record what agents say. */
  record(): void;
  /** Ends that a little later; resolves with the file's bytes in base64. */
  recorded(): Promise<string>;
  /** The colour that is seen, by `mid`: red, green, blue, or null. */
  seen(): Promise<Record<string, string | null>>;
  /** The state of the connection and what was counted of pictures, for whoever wonders why none is seen. */
  pictures(): Promise<unknown>;
  /** Another connection, straight to another page: its offer, or its answer to one. */
  directOffer(): Promise<string>;
  directAnswer(offer: string): Promise<string>;
  directAccept(answer: string): Promise<void>;
  /** What came over the direct connection; waits for it. */
  told(): Promise<string>;
  tell(text: string): Promise<void>;
}

/** Options of {@linkcode RoomPage.open}. */
export interface RoomPageOptions {
  tone?: number;
  colour?: string;
  /** Sections for others' sound and pictures. */
  audio?: number;
  video?: number;
}

const SCRIPT = `
${TAPE}
const room = window.room = (() => {
  let pc, channel, context, destination, oscillator, straight, line, taped;
  const sounds = new Map(), pictures = new Map(), messages = [], waiting = [];
  const seen = () => [pc, straight].map((one) => [one?.connectionState, one?.iceConnectionState, one?.iceGatheringState]);
  const until = (target, event, done) => new Promise((resolve, reject) => {
    const look = () => done() && (target.removeEventListener(event, look), resolve());
    target.addEventListener(event, look);
    look();
    // Whoever waits for the page is told what it saw, so it gives up before.
    const complain = () => reject(new Error("Waited in vain for " + event + ": " + JSON.stringify(seen())));
    setTimeout(complain, ${PATIENCE_MS / 2});
  });
  const gathered = async (one) => {
    await until(one, "icegatheringstatechange", () => one.iceGatheringState === "complete");
    return one.localDescription.sdp;
  };
  const canvasOf = (colour) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 240 });
    const pen = canvas.getContext("2d");
    setInterval(() => {
      pen.fillStyle = colour;
      pen.fillRect(0, 0, 320, 240);
    }, 100);
    return canvas.captureStream(10).getVideoTracks()[0];
  };
  const listen = (one) => {
    line = one;
    line.onmessage = ({ data }) => waiting.length > 0 ? waiting.shift()(data) : messages.push(data);
  };
  return {
    async open({ tone = 0, colour, audio = 3, video = 2 }) {
      context = new AudioContext();
      await context.resume();
      destination = context.createMediaStreamDestination();
      oscillator = new OscillatorNode(context, { frequency: tone });
      const volume = new GainNode(context, { gain: tone > 0 ? 0.3 : 0 });
      oscillator.connect(volume).connect(destination);
      oscillator.start();
      pc = new RTCPeerConnection();
      pc.ontrack = ({ track, transceiver }) => {
        const stream = new MediaStream([track]);
        if (track.kind === "video") {
          const player = Object.assign(document.createElement("video"), { muted: true, srcObject: stream });
          document.body.append(player);
          player.play();
          pictures.set(transceiver, player);
          return;
        }
        const player = Object.assign(new Audio(), { srcObject: stream, muted: true });
        player.play();
        const analyser = new AnalyserNode(context, { fftSize: 8192, smoothingTimeConstant: 0 });
        context.createMediaStreamSource(stream).connect(analyser);
        sounds.set(transceiver, { analyser, stream });
      };
      pc.addTransceiver(destination.stream.getAudioTracks()[0], { direction: "sendrecv" });
      if (colour) pc.addTransceiver(canvasOf(colour), { direction: "sendonly" });
      for (let n = 0; n < audio; n++) pc.addTransceiver("audio", { direction: "recvonly" });
      for (let n = 0; n < video; n++) pc.addTransceiver("video", { direction: "recvonly" });
      channel = pc.createDataChannel("muxi");
      await pc.setLocalDescription(await pc.createOffer());
      return await gathered(pc);
    },
    async accept(sdp) {
      await pc.setRemoteDescription({ type: "answer", sdp });
      await until(pc, "connectionstatechange", () => pc.connectionState === "connected");
      await until(channel, "open", () => channel.readyState === "open");
    },
    mids() {
      const of = (kind) => pc.getTransceivers().find(({ sender }) => sender.track?.kind === kind)?.mid ?? null;
      return { audio: of("audio"), video: of("video") };
    },
    say: (message) => channel.send(JSON.stringify(message)),
    async play(name) {
      const answer = await fetch(name + ".wav");
      const sound = await context.decodeAudioData(await answer.arrayBuffer());
      const source = new AudioBufferSourceNode(context, { buffer: sound });
      source.connect(destination);
      source.start();
      return sound.duration;
    },
    async heard(tones, milliseconds) {
      const found = new Set();
      for (const end = performance.now() + milliseconds; performance.now() < end;) {
        for (const { analyser } of sounds.values()) {
          const bins = new Float32Array(analyser.frequencyBinCount);
          analyser.getFloatFrequencyData(bins);
          const bin = (tone) => Math.round(tone * analyser.fftSize / context.sampleRate);
          for (const tone of tones) if (Math.max(...bins.slice(bin(tone) - 2, bin(tone) + 3)) > -45) found.add(tone);
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      return [...found].sort((a, b) => a - b);
    },
    record() {
      const [[, { stream }]] = sounds;
      taped = tape(stream);
    },
    recorded: () => taped(),
    async seen() {
      const seen = {};
      for (const [{ mid }, player] of pictures) {
        const canvas = new OffscreenCanvas(1, 1), pen = canvas.getContext("2d");
        if (player.videoWidth > 0) pen.drawImage(player, 0, 0, 1, 1);
        const [red, green, blue] = pen.getImageData(0, 0, 1, 1).data;
        const most = Math.max(red, green, blue);
        seen[mid] = most < 100 ? null : most === red ? "red" : most === green ? "green" : "blue";
      }
      return seen;
    },
    async pictures() {
      const reports = [...(await pc.getStats()).values()].filter(({ type, kind }) => /-rtp$/.test(type) && kind === "video");
      const wanted = ["type", "mid", "packetsSent", "packetsReceived", "packetsLost", "framesPerSecond", "framesEncoded",
        "keyFramesEncoded", "framesReceived", "framesDecoded", "keyFramesDecoded", "pliCount", "nackCount", "targetBitrate"];
      const counted = reports.map((report) => Object.fromEntries(wanted.flatMap((name) => name in report ? [[name, report[name]]] : [])));
      return { states: [pc.connectionState, pc.iceConnectionState], counted };
    },
    async directOffer() {
      straight = new RTCPeerConnection();
      listen(straight.createDataChannel("direct"));
      await straight.setLocalDescription(await straight.createOffer());
      return await gathered(straight);
    },
    async directAnswer(sdp) {
      straight = new RTCPeerConnection();
      straight.ondatachannel = (event) => listen(event.channel);
      await straight.setRemoteDescription({ type: "offer", sdp });
      await straight.setLocalDescription(await straight.createAnswer());
      return await gathered(straight);
    },
    directAccept: (sdp) => straight.setRemoteDescription({ type: "answer", sdp }),
    told: () => messages.length > 0 ? Promise.resolve(messages.shift()) : new Promise((resolve) => waiting.push(resolve)),
    async tell(text) {
      await until(line, "open", () => line.readyState === "open");
      line.send(text);
    },
    leave: () => pc.close(),
  };
})();
`;

const HTML = `<!doctype html><meta charset="utf-8"><title>Room</title><link rel="icon" href="data:,">
<button>Join</button><script>${SCRIPT}</script>`;

/** Sound without a click; and addresses that two pages can reach each other at where no multicast is. */
const FLAGS = ["--autoplay-policy=no-user-gesture-required", "--disable-features=WebRtcHideLocalIpsWithMdns"];

/** Where pages of a room come from. */
export interface RoomSite extends AsyncDisposable {
  browser: TestBrowser;
  /** A page that may play sound; each has storage and clocks of its own. */
  newPage(): Promise<Page>;
}

/** Serves the page, and the sounds it plays, to a browser. */
export async function openRoomSite(sounds: Record<string, Uint8Array<ArrayBuffer>> = {}): Promise<RoomSite> {
  await using stack = new AsyncDisposableStack();
  const site = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const sound = sounds[new URL(request.url).pathname.slice(1, -".wav".length)];
    return sound ? new Response(sound) : new Response(HTML, { headers: { "content-type": "text/html" } });
  });
  stack.defer(() => site.shutdown());
  const browser = stack.use(await startBrowser(BROWSER!, { flags: FLAGS }));
  const parts = stack.move();
  return {
    browser,
    async newPage() {
      const { page } = await browser.newPage();
      await page.goto(`http://127.0.0.1:${site.addr.port}/`);
      await page.click("button");
      return page;
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

declare const room: RoomPage;

/** Somebody in a room. */
export interface Somebody {
  page: Page;
  story: CallStory;
  member_id: string;
  session_id: string;
}

/** Lets somebody join from a page of their own. */
export async function joinRoom(
  { server, site, room_id, stack, key }: {
    server: TestServer;
    site: RoomSite;
    room_id: string;
    stack: AsyncDisposableStack;
    key?: string;
  },
  { name, ...options }: RoomPageOptions & { name: string },
): Promise<Somebody> {
  const as = key === undefined ? {} : { key };
  const page = await site.newPage();
  const sdp = await page.evaluate((options) => room.open(options), options);
  const joined = await good<{ member: { id: string }; session: { id: string } }>(
    await server.request("POST", `/rtc/rooms/${room_id}/members`, { ...as, body: { name } }),
  );
  const session_id = joined.session.id;
  const story = stack.use(new CallStory(server, session_id, as));
  const answer = await good<{ sdp: string }>(
    await server.request("POST", "/rtc/offer", { ...as, body: { session_id, type: "offer", sdp } }),
  );
  await page.evaluate((sdp) => room.accept(sdp), answer.sdp);
  return { page, story, member_id: joined.member.id, session_id };
}
