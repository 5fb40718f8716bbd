/**
 * A page that calls: it plays a sound into a peer connection, records what comes back, and holds a data channel. The
 * sound comes from an audio context, so that no browser needs a microphone.
 *
 * @module
 */

/** What the page can be asked for, as `rtc`. */
export interface RtcPage {
  /** Makes the connection; resolves with the offer, when all candidates are in it. */
  open(options?: RtcPageOptions): Promise<string>;
  /** Takes the answer. */
  accept(answer: string): Promise<void>;
  /** Takes an offer; resolves with the answer. */
  answer(offer: string): Promise<string>;
  /** Resolves with the milliseconds since the answer was there. */
  connected(): Promise<number>;
  /** Resolves when the channel is open. */
  channelOpen(): Promise<void>;
  /** Plays the sound from its beginning, once; resolves with its seconds. */
  play(): Promise<number>;
  /** Records what comes back; resolves with the file's bytes in base64. */
  record(milliseconds: number): Promise<string>;
  /** Sends text; resolves with the next message that comes. */
  ask(text: string): Promise<string>;
  /** An offer that finds a new way. */
  restart(): Promise<string>;
  /** The pair in use, such as `udp prflx host`: transport, type here, type there; and its id. */
  path(): Promise<{ id: string; path: string } | null>;
  /** The loudest of what comes, between 0 and 1, over some milliseconds. */
  loudness(milliseconds: number): Promise<number>;
  /** How the connection is, such as `connected`. */
  state(): string;
  close(): void;
}

/** Options of {@linkcode RtcPage.open}. */
export interface RtcPageOptions {
  /** The label of the channel; none is opened without. */
  channel?: string;
  /** Whether the browser's own (false) microphone is sent, for browsers that play no sound without a loudspeaker. */
  microphone?: boolean;
  /** Whether a moving picture is sent. */
  video?: boolean;
  /** Which candidates the offer may have. */
  keep?: "udp" | "tcp" | "none";
  ice_servers?: { urls: string; username?: string; credential?: string }[];
  relay_only?: boolean;
}

/** The page's script. Everything in it runs in the browser. */
const SCRIPT = `
const rtc = window.rtc = (() => {
  let pc, channel, destination, context, sound, incoming, analyser, answered;
  const waiting = [], messages = [];
  const until = (target, event, done) => new Promise((resolve) => {
    const look = () => done() && (target.removeEventListener(event, look), resolve());
    target.addEventListener(event, look);
    look();
  });
  const listen = (one) => {
    channel = one;
    channel.onmessage = ({ data }) => waiting.length > 0 ? waiting.shift()(data) : messages.push(data);
  };
  const described = async (keep) => {
    await until(pc, "icegatheringstatechange", () => pc.iceGatheringState === "complete");
    const lines = pc.localDescription.sdp.split("\\r\\n");
    return lines.filter((line) => !line.startsWith("a=candidate:") || keep === undefined ||
      line.split(" ")[2].toLowerCase() === keep).join("\\r\\n");
  };
  const picture = () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 480 });
    const pen = canvas.getContext("2d");
    let n = 0;
    setInterval(() => {
      pen.fillStyle = ["#d33", "#3d3", "#33d"][n++ % 3];
      pen.fillRect(0, 0, 640, 480);
    }, 100);
    return canvas.captureStream(10);
  };
  const instrument = async () => {
    context = new AudioContext();
    await context.resume();
    destination = context.createMediaStreamDestination();
    // Silence, too, is sent, as from a microphone.
    const silence = new ConstantSourceNode(context, { offset: 0 });
    silence.connect(destination);
    silence.start();
    const answer = await fetch("sound.wav");
    sound = answer.ok ? await context.decodeAudioData(await answer.arrayBuffer()) : undefined;
    return destination.stream;
  };
  const make = async ({ channel: label, microphone, video, ice_servers = [], relay_only = false }) => {
    const voice = await (microphone ? navigator.mediaDevices.getUserMedia({ audio: true }) : instrument());
    pc = new RTCPeerConnection({ iceServers: ice_servers, iceTransportPolicy: relay_only ? "relay" : "all" });
    pc.ontrack = ({ track }) => {
      if (track.kind !== "audio") return;
      incoming = new MediaStream([track]);
      // Chromium decodes nothing that isn't also played.
      const player = new Audio();
      player.srcObject = incoming;
      player.muted = true;
      player.play();
      if (context === undefined) return;
      analyser = context.createAnalyser();
      context.createMediaStreamSource(incoming).connect(analyser);
    };
    pc.ondatachannel = (event) => listen(event.channel);
    const streams = [voice, ...video ? [picture()] : []];
    return { label, tracks: streams.flatMap((stream) => stream.getTracks().map((track) => ({ track, stream }))) };
  };
  return {
    async open(options = {}) {
      const { label, tracks } = await make(options);
      for (const { track, stream } of tracks) pc.addTransceiver(track, { direction: "sendrecv", streams: [stream] });
      if (label !== undefined) listen(pc.createDataChannel(label));
      await pc.setLocalDescription(await pc.createOffer());
      return await described(options.keep);
    },
    async answer(offer) {
      const { tracks } = await make({});
      for (const { track, stream } of tracks) pc.addTrack(track, stream);
      await pc.setRemoteDescription({ type: "offer", sdp: offer });
      answered = performance.now();
      await pc.setLocalDescription(await pc.createAnswer());
      return await described();
    },
    async accept(sdp) {
      answered = performance.now();
      await pc.setRemoteDescription({ type: "answer", sdp });
    },
    async connected() {
      await until(pc, "connectionstatechange", () => pc.connectionState === "connected");
      return performance.now() - answered;
    },
    async channelOpen() {
      await until(pc, "datachannel", () => channel !== undefined);
      await until(channel, "open", () => channel.readyState === "open");
    },
    async play() {
      const source = context.createBufferSource();
      source.buffer = sound;
      source.connect(destination);
      source.start();
      return sound.duration;
    },
    async record(milliseconds) {
      const recorder = new MediaRecorder(incoming), parts = [];
      recorder.ondataavailable = ({ data }) => parts.push(data);
      recorder.start();
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
      const stopped = new Promise((resolve) => recorder.onstop = resolve);
      recorder.stop();
      await stopped;
      const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
      let text = "";
      for (const byte of bytes) text += String.fromCharCode(byte);
      return btoa(text);
    },
    ask(text) {
      const next = messages.length > 0
        ? Promise.resolve(messages.shift())
        : new Promise((resolve) => waiting.push(resolve));
      channel.send(text);
      return next;
    },
    async restart() {
      await pc.setLocalDescription(await pc.createOffer({ iceRestart: true }));
      return await described();
    },
    async path() {
      const stats = [...(await pc.getStats()).values()];
      const transport = stats.find(({ type }) => type === "transport");
      const pair = stats.find(({ id, type, nominated, state, selected }) => transport?.selectedCandidatePairId
        ? id === transport.selectedCandidatePairId
        : type === "candidate-pair" && (selected || (nominated && state === "succeeded")));
      if (pair === undefined) return null;
      const here = stats.find(({ id }) => id === pair.localCandidateId);
      const there = stats.find(({ id }) => id === pair.remoteCandidateId);
      return { id: pair.id, path: [here.protocol, here.candidateType, there.candidateType].join(" ") };
    },
    async loudness(milliseconds) {
      const samples = new Float32Array(analyser.fftSize);
      let loudest = 0;
      for (const end = performance.now() + milliseconds; performance.now() < end;) {
        analyser.getFloatTimeDomainData(samples);
        for (const sample of samples) loudest = Math.max(loudest, Math.abs(sample));
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return loudest;
    },
    state: () => pc.connectionState,
    close: () => pc.close(),
  };
})();
`;

/** The page. The button is there to be clicked: browsers play no sound before. */
export const RTC_PAGE = `<!doctype html><meta charset="utf-8"><title>Call</title><link rel="icon" href="data:,">
<button>Call</button><script>${SCRIPT}</script>`;

/** Options for {@linkcode serveRtcPage}. */
export interface RtcSiteOptions {
  /** A WAV file that the page plays. */
  sound?: Uint8Array<ArrayBuffer>;
  /** What answers an offer, for a page that nobody drives. */
  answer?(offer: string): Promise<string>;
}

/** The page, on this machine. */
export interface RtcSite extends AsyncDisposable {
  url: string;
  /**
   * Where the page does `script` on its own: the body of an async function, with `rtc` and `exchange(offer)`, which
   * resolves with the answer. What it returns is `result`.
   */
  auto(script: string): string;
  result: Promise<unknown>;
}

/** Serves the page, and the sound it plays. */
export function serveRtcPage({ sound, answer }: RtcSiteOptions = {}): RtcSite {
  const { promise: result, resolve, reject } = Promise.withResolvers<unknown>();
  result.catch(() => {});
  const html = { headers: { "content-type": "text/html" } };
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { pathname, searchParams } = new URL(request.url);
    switch (pathname) {
      case "/":
        return new Response(RTC_PAGE + autoScript(searchParams.get("script") ?? ""), html);
      case "/sound.wav":
        return sound ? new Response(sound) : new Response(null, { status: 404 });
      case "/offer":
        return new Response(await answer!(await request.text()));
      case "/result": {
        const { value, error } = await request.json();
        if (error === undefined) resolve(value);
        else reject(new Error(error));
        return new Response(null, { status: 204 });
      }
    }
    return new Response(null, { status: 404 });
  });
  const url = `http://127.0.0.1:${server.addr.port}/`;
  const auto = (script: string) => `${url}?${new URLSearchParams({ script })}`;
  return { url, auto, result, [Symbol.asyncDispose]: () => server.shutdown() };
}

function autoScript(script: string): string {
  if (script === "") return "";
  return `<script>
const report = (body) => fetch("result", { method: "POST", body: JSON.stringify(body) });
const exchange = async (body) => (await fetch("offer", { method: "POST", body })).text();
(async () => { ${script} })().then((value) => report({ value }), (error) => report({ error: String(error) }));
</script>`;
}
