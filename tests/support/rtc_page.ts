/**
 * A page that calls: it plays a sound into a peer connection, records what comes back, and holds a data channel. The
 * sound comes from an audio context, so that no browser needs a microphone.
 *
 * @module
 */
import type { Page } from "playwright-core";
import { LATENESS, type Lateness } from "./lateness.ts";
import { TAPE } from "./tape.ts";
import { PATIENCE_MS, within } from "./waiting.ts";

/** What the page can be asked for, as `rtc`. */
export interface RtcPage {
  /** Makes the connection; resolves with the offer, when all candidates are in it. */
  open(options?: RtcPageOptions): Promise<string>;
  /** Takes the answer. */
  accept(answer: string): Promise<void>;
  /** Takes a candidate that comes after the answer. */
  add(candidate: { candidate: string; sdp_mid?: string | null; sdp_m_line_index?: number | null }): Promise<void>;
  /** Takes an offer, of the connection there is if there is one; resolves with the answer. */
  answer(offer: string): Promise<string>;
  /** Resolves with the milliseconds since the answer was there. */
  connected(): Promise<number>;
  /** Resolves when the channel is open. */
  channelOpen(): Promise<void>;
  /** Plays the sound from its beginning, once; resolves with its seconds. */
  play(): Promise<number>;
  /** Begins to record what comes back. */
  record(): void;
  /** Ends that a little later; resolves with the file's bytes in base64. */
  recorded(): Promise<string>;
  /** Sends text; resolves with the next message that comes. */
  ask(text: string): Promise<string>;
  /** An offer that finds a new way. */
  restart(): Promise<string>;
  /** The pair in use, such as `udp prflx host`: transport, type here, type there; and its id. */
  path(): Promise<{ id: string; path: string } | null>;
  /** What has come of the other end's sound so far; it is watched from the first time on. */
  received(): Promise<Received>;
  /** The loudest of what comes, between 0 and 1, over some milliseconds. */
  loudness(milliseconds: number): Promise<number>;
  /** How the connection is, such as `connected`. */
  state(): string;
  close(): void;
}

/** What a browser counted of the sound it gets. */
export interface Received {
  /** When, by the page's clock, in milliseconds. */
  at: number;
  packets: number;
  lost: number;
  /** Since the time before; null at first. */
  lateness: Lateness | null;
}

/** Options of {@linkcode RtcPage.open}. */
export interface RtcPageOptions {
  /** The label of the channel; none is opened without. */
  channel?: string;
  /** Whether the browser's own (false) microphone is sent. */
  microphone?: boolean;
  /** Whether a moving picture is sent. */
  video?: boolean;
  /** Which candidates the offer may have. */
  keep?: "udp" | "tcp" | "none";
  ice_servers?: { urls: string | readonly string[]; username?: string | undefined; credential?: string | undefined }[];
  relay_only?: boolean;
}

/** The page's script. Everything in it runs in the browser. */
const SCRIPT = `
${TAPE}
${LATENESS}
const rtc = window.rtc = (() => {
  let pc, channel, destination, context, sound, incoming, analyser, answered, element, voice, taped, late;
  const waiting = [], messages = [];
  const seen = async () => {
    const pairs = [...(await pc.getStats()).values()].filter(({ type }) => type === "candidate-pair");
    const candidates = [pc.localDescription, pc.remoteDescription].map((description) =>
      description?.sdp.split("\\r\\n").filter((line) => line.startsWith("a=candidate:")));
    return JSON.stringify({
      connection: pc.connectionState,
      signaling: pc.signalingState,
      gathering: pc.iceGatheringState,
      ice: pc.iceConnectionState,
      dtls: pc.getSenders().map(({ transport }) => transport?.state),
      channel: channel?.readyState,
      pairs: pairs.map(({ state, nominated, bytesSent, bytesReceived }) =>
        [state, nominated && "nominated", bytesSent, bytesReceived].join(" ")),
      candidates,
    });
  };
  const until = (target, event, done) => new Promise((resolve, reject) => {
    // Whoever waits for the page is told what it saw, so it gives up before.
    const timer = setTimeout(async () => {
      reject(new Error("Waited in vain for " + event + ": " + await seen().catch(String)));
    }, ${PATIENCE_MS / 2});
    const look = () => {
      if (!done()) return;
      clearTimeout(timer);
      target.removeEventListener(event, look);
      resolve();
    };
    target.addEventListener(event, look);
    look();
  });
  // What a connection that has failed can't bring any more is an error, not a wait without an end.
  const unlessOver = (wanted) => {
    const isOver = () => ["failed", "closed"].includes(pc.connectionState);
    const over = until(pc, "connectionstatechange", isOver).then(() => {
      throw new Error("The connection is " + pc.connectionState + ", ICE " + pc.iceConnectionState);
    });
    return Promise.race([wanted, over]);
  };
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
  // Firefox starts no audio context without a loudspeaker; there an element's sound is sent while it plays.
  const captures = "mozCaptureStream" in HTMLMediaElement.prototype;
  const capture = () => {
    element = new Audio("sound.wav");
    element.mozCaptureStream().onaddtrack = ({ track }) => voice.replaceTrack(track);
    return new MediaStream();
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
    const spoken = await (microphone ? navigator.mediaDevices.getUserMedia({ audio: true })
      : captures ? capture() : instrument());
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
    const streams = [spoken, ...video ? [picture()] : []];
    if (element) voice = pc.addTransceiver("audio", { direction: "sendrecv" }).sender;
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
      if (pc === undefined) {
        const { tracks } = await make({});
        for (const { track, stream } of tracks) pc.addTrack(track, stream);
      }
      await pc.setRemoteDescription({ type: "offer", sdp: offer });
      answered = performance.now();
      await pc.setLocalDescription(await pc.createAnswer());
      return await described();
    },
    async accept(sdp) {
      answered = performance.now();
      await pc.setRemoteDescription({ type: "answer", sdp });
    },
    async add({ candidate, sdp_mid, sdp_m_line_index }) {
      await pc.addIceCandidate({ candidate, sdpMid: sdp_mid, sdpMLineIndex: sdp_m_line_index });
    },
    async connected() {
      await unlessOver(until(pc, "connectionstatechange", () => pc.connectionState === "connected"));
      return performance.now() - answered;
    },
    async channelOpen() {
      await unlessOver(until(pc, "datachannel", () => channel !== undefined));
      await unlessOver(until(channel, "open", () => channel.readyState === "open"));
    },
    async play() {
      if (element) {
        element.currentTime = 0;
        await element.play();
        return element.duration;
      }
      const source = context.createBufferSource();
      source.buffer = sound;
      source.connect(destination);
      source.start();
      return sound.duration;
    },
    record() {
      taped = tape(incoming);
    },
    recorded: () => taped(),
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
    async received() {
      const { packetsReceived: packets, packetsLost: lost } = await inboundOf(pc);
      late ??= lateness(() => pc);
      return { at: performance.now(), packets, lost, lateness: await late.look() };
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
    close() {
      late?.end();
      pc.close();
    },
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
  /** Where the page does what {@linkcode RtcSite.evaluate} tells it, for browsers that nothing else drives. */
  driven: string;
  /** As a page's of Playwright. */
  evaluate: Page["evaluate"];
  /** The page will do nothing more: whoever waits for it is told why. */
  end(why: string): void;
}

/** Serves the page, and the sound it plays. */
export function serveRtcPage({ sound, answer }: RtcSiteOptions = {}): RtcSite {
  const { promise: result, resolve, reject } = Promise.withResolvers<unknown>();
  result.catch(() => {});
  const jobs = new Jobs();
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
      case "/next":
        return Response.json(await jobs.next());
      case "/done":
        jobs.take(await request.json());
        return new Response(null, { status: 204 });
    }
    return new Response(null, { status: 404 });
  });
  const url = `http://127.0.0.1:${server.addr.port}/`;
  const auto = (script: string) => `${url}?${new URLSearchParams({ script })}`;
  return {
    url,
    auto,
    result,
    driven: auto(DRIVEN),
    evaluate: (fn: unknown, argument?: unknown) => jobs.give(`(${fn})(${JSON.stringify(argument) ?? ""})`),
    end: (why) => jobs.end(why),
    async [Symbol.asyncDispose]() {
      jobs.end("The page is closed");
      await server.shutdown();
    },
  };
}

/** Asks for the next thing to do until there is nothing more, and tells how each went. */
const DRIVEN = `
  for (;;) {
    const { id, job } = await (await fetch("next", { method: "POST" })).json();
    if (job === undefined) return;
    eval(\`(async () => \${job})()\`).then((value) => ({ id, value }), (error) => ({ id, error: String(error) }))
      .then((told) => fetch("done", { method: "POST", body: JSON.stringify(told) }));
  }`;

/** What a page is told to do. */
class Jobs {
  readonly #jobs: { job: string; done: PromiseWithResolvers<never> }[] = [];
  #given = 0;
  /** How often the page has asked what to do. */
  #visits = 0;
  #asked = Promise.withResolvers<void>();
  #over: string | undefined;

  /** Has `job` done. */
  give(job: string): Promise<never> {
    const done = Promise.withResolvers<never>();
    this.#jobs.push({ job, done });
    if (this.#over !== undefined) done.reject(new Error(this.#over));
    this.#asked.resolve();
    const seen = () => `the page has asked ${this.#visits} times, and was given ${this.#given} of ${this.#jobs.length}`;
    const wanted = within(`the page to do ${job}`, done.promise, { seen });
    // Not everything that a page is told to do is waited for.
    wanted.catch(() => {});
    return wanted;
  }

  /** Resolves with the next. */
  async next(): Promise<{ id: number; job: string } | { id?: undefined }> {
    this.#visits++;
    while (this.#given >= this.#jobs.length && this.#over === undefined) {
      await this.#asked.promise;
      this.#asked = Promise.withResolvers();
    }
    const id = this.#given++;
    const next = this.#jobs[id];
    return next === undefined || this.#over !== undefined ? {} : { id, job: next.job };
  }

  /** Takes how one went. */
  take({ id, value, error }: { id: number; value?: never; error?: string }): void {
    const { resolve, reject } = this.#jobs[id]!.done;
    if (error === undefined) resolve(value!);
    else reject(new Error(error));
  }

  /** None will be done any more; why is told to whoever waits. */
  end(why: string): void {
    this.#over ??= why;
    for (const { done } of this.#jobs) done.reject(new Error(this.#over));
    this.#asked.resolve();
  }
}

function autoScript(script: string): string {
  if (script === "") return "";
  return `<script>
const report = (body) => fetch("result", { method: "POST", body: JSON.stringify(body) });
const exchange = async (body) => (await fetch("offer", { method: "POST", body })).text();
(async () => { ${script} })().then((value) => report({ value }), (error) => report({ error: String(error) }));
</script>`;
}
