// deno-fmt-ignore-file
// deno-lint-ignore-file
// Made from console/call/session_client.ts by tools/call_page.ts.
// console/call/api.ts
var CallError = class extends Error {
  /** The class of the error, such as `UnauthorizedError`. */
  error;
  status;
  /** After how many seconds trying again makes sense, where the server said so. */
  retry_after;
  constructor(message, { error, status, retry_after, cause }) {
    super(message, {
      cause
    });
    this.name = "CallError";
    this.error = error;
    this.status = status;
    this.retry_after = retry_after;
  }
};
var ANSWER_MS = 2e4;
var Api = class {
  #base;
  #credentials;
  constructor({ base_url, ...credentials }) {
    this.#base = base_url.replace(/\/$/, "");
    this.#credentials = credentials;
  }
  /** The JSON of an answer; undefined when there is none. */
  async ask(method, path, options = {}) {
    const response = await this.send(method, path, options);
    return response.status === 204 ? void 0 : await response.json();
  }
  /** An answer that succeeded. */
  async send(method, path, { body, headers, signal, keepalive } = {}) {
    const url = new URL(`${this.#base}/api/v1${path}`, location.href);
    const { key, ticket } = this.#credentials;
    if (ticket !== void 0) url.searchParams.set("ticket", await ticket());
    const sent = this.#withUser(url, body);
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), ANSWER_MS);
    try {
      const response = await fetch(url, {
        method,
        headers: {
          ...key !== void 0 && {
            authorization: `Bearer ${key}`
          },
          ...body !== void 0 && {
            "content-type": "application/json"
          },
          ...headers
        },
        ...sent !== void 0 && {
          body: JSON.stringify(sent)
        },
        ...keepalive === true && {
          keepalive
        },
        signal: signal ? AbortSignal.any([
          signal,
          late.signal
        ]) : late.signal
      });
      if (!response.ok) throw await toError(response);
      return response;
    } catch (cause) {
      if (cause instanceof CallError) throw cause;
      signal?.throwIfAborted();
      throw new CallError("Cannot reach the server", {
        error: "UnreachableError",
        status: 0,
        cause
      });
    } finally {
      clearTimeout(timer);
    }
  }
  /** A WebSocket at `path`. */
  async connect(path, query, { signal }) {
    const url = new URL(`${this.#base}/api/v1${path}`, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    this.#withUser(url, void 0);
    url.searchParams.set("ticket", await this.#ticket(signal));
    return new WebSocket(url);
  }
  /** An address below the prefix that needs no key, for an hour. */
  async ticketed(path) {
    const url = new URL(`${this.#base}/api/v1${path}`, location.href);
    url.searchParams.set("ticket", (await this.ask("POST", "/tickets", {
      body: {
        path
      }
    })).ticket);
    return url.href;
  }
  /** What is sent, with the person in it; where nothing is, the person goes into the address. */
  #withUser(url, body) {
    const { user_id } = this.#credentials;
    if (user_id === void 0) return body;
    if (body !== void 0) return {
      ...body,
      user_id
    };
    url.searchParams.set("user_id", user_id);
  }
  /** WebSockets can't carry a key. */
  async #ticket(signal) {
    if (this.#credentials.ticket !== void 0) return await this.#credentials.ticket();
    return (await this.ask("POST", "/tickets", {
      body: {},
      signal
    })).ticket;
  }
};
async function toError(response) {
  const { status, headers } = response;
  const retry_after = Number(headers.get("retry-after")) || void 0;
  try {
    const { error, message } = await response.json();
    return new CallError(message, {
      error,
      status,
      retry_after
    });
  } catch (cause) {
    return new CallError(`The server answered ${status}`, {
      error: "InternalError",
      status,
      retry_after,
      cause
    });
  }
}

// console/call/begin_session.ts
var MODALITIES = [
  "audio",
  "text",
  "camera",
  "screen"
];
async function beginSession(api, { room, agent_id, conversation_id, voice, metadata, record, modalities = MODALITIES }) {
  if (room) {
    const path = `/rtc/rooms/${room.id}/members`;
    const body2 = {
      name: room.name,
      modalities,
      ...metadata && {
        metadata
      }
    };
    const { session, ...place } = await api.ask("POST", path, {
      body: body2
    });
    return {
      session,
      place
    };
  }
  const body = {
    ...agent_id !== void 0 && {
      agent_id
    },
    ...conversation_id !== void 0 && {
      conversation_id
    },
    ...voice && {
      voice
    },
    ...metadata && {
      metadata
    },
    ...record && {
      record
    },
    modalities
  };
  return {
    session: await api.ask("POST", "/rtc/sessions", {
      body
    }),
    place: void 0
  };
}

// console/call/call_recordings.ts
var CallRecordings = class {
  /** Whether any of it can be used: not by those who were invited. */
  allowed;
  #api;
  #of;
  constructor(api, { of, allowed }) {
    this.#api = api;
    this.#of = of;
    this.allowed = allowed;
  }
  /** Begins to record; everybody is told. */
  start() {
    return this.#api.ask("POST", this.#path, {
      body: {}
    });
  }
  /** Ends that; the file is made afterwards. */
  stop() {
    return this.#api.ask("DELETE", this.#path);
  }
  /** The recording `id`; undefined where it is gone or somebody else's. */
  async find(id) {
    const query = new URLSearchParams({
      ...this.#of,
      limit: "100",
      order: "desc"
    });
    const { data } = await this.#api.ask("GET", `/rtc/recordings?${query}`);
    return data.find((recording) => recording.id === id);
  }
  /** The file of a recording that is ready. */
  async file(id) {
    return await (await this.#api.send("GET", `/rtc/recordings/${id}/content`)).arrayBuffer();
  }
  /** What was said in it, as WebVTT. */
  async words(id) {
    return await (await this.#api.send("GET", `/rtc/recordings/${id}/transcript`)).blob();
  }
  /** Where the file can be had without a key, for an hour. */
  address(id) {
    return this.#api.ticketed(`/rtc/recordings/${id}/content`);
  }
  get #path() {
    return "room_id" in this.#of ? `/rtc/rooms/${this.#of.room_id}/recording` : `/rtc/sessions/${this.#of.session_id}/recording`;
  }
};

// console/call/call_statistics.ts
async function readStatistics(pc) {
  const reports = [];
  (await pc.getStats()).forEach((report) => reports.push(report));
  const find = (id) => reports.find((one) => one.id === id);
  const transport = reports.find(({ type }) => type === "transport");
  const pair = find(transport?.selectedCandidatePairId) ?? reports.find(({ type, selected, nominated, state }) => type === "candidate-pair" && (selected || nominated && state === "succeeded"));
  const [local, remote] = [
    find(pair?.localCandidateId),
    find(pair?.remoteCandidateId)
  ];
  const inbound = reports.find(({ type, kind }) => type === "inbound-rtp" && kind === "audio");
  const toMs = (seconds) => seconds === void 0 ? null : Math.round(seconds * 1e3);
  const isRelayed = [
    local,
    remote
  ].some((end) => end?.candidateType === "relay");
  return {
    round_trip_ms: toMs(pair?.currentRoundTripTime),
    jitter_ms: toMs(inbound?.jitter),
    packets_received: inbound?.packetsReceived ?? 0,
    packets_lost: inbound?.packetsLost ?? 0,
    bytes_received: pair?.bytesReceived ?? 0,
    bytes_sent: pair?.bytesSent ?? 0,
    path: local && remote ? `${local.protocol} ${isRelayed ? "relay" : remote.candidateType}` : null
  };
}

// console/call/heard_clock.ts
var LOOK_MS = 20;
var SPEECH = 0.35;
var MAX_MS = 6e4;
var HeardClock = class {
  #sides;
  #onHeard;
  #timer;
  #spoke = 0;
  #turn = "";
  #over = false;
  constructor(sides, onHeard) {
    this.#sides = sides;
    this.#onHeard = onHeard;
  }
  /** The caller began to speak. Until the turn is over, what is heard is an answer to something before. */
  begin(turn_id) {
    this.#turn = turn_id;
    this.#over = false;
    this.#spoke = performance.now();
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS);
  }
  /** The caller's turn is over: what is heard from now on answers it. */
  end() {
    this.#over = true;
  }
  [Symbol.dispose]() {
    clearInterval(this.#timer);
    this.#timer = void 0;
  }
  #look() {
    const now = performance.now();
    if (this.#sides.caller() > SPEECH) this.#spoke = now;
    const ms = now - this.#spoke;
    const heard = this.#over && this.#sides.agent() > SPEECH;
    if (heard) this.#onHeard(this.#turn, Math.round(ms));
    if (heard || ms > MAX_MS) this[Symbol.dispose]();
  }
};

// console/call/level_meter.ts
var FLOOR_DB = -60;
var shared;
var LevelMeter = class {
  #source;
  #analyser;
  #samples;
  constructor(stream) {
    shared ??= new AudioContext();
    if (shared.state === "suspended") void shared.resume();
    this.#analyser = new AnalyserNode(shared, {
      fftSize: 512
    });
    this.#source = new MediaStreamAudioSourceNode(shared, {
      mediaStream: stream
    });
    this.#source.connect(this.#analyser);
    this.#samples = new Float32Array(this.#analyser.fftSize);
  }
  /** From 0 (silence) to 1 (as loud as can be). */
  read() {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    let sum = 0;
    for (const sample of this.#samples) sum += sample * sample;
    const db = 10 * Math.log10(sum / this.#samples.length + 1e-12);
    return Math.min(1, Math.max(0, 1 - db / FLOOR_DB));
  }
  [Symbol.dispose]() {
    this.#source.disconnect();
  }
};

// console/call/connection.ts
var LABEL = "muxi";
var MAX_WAITING = 1e6;
var Connection = class {
  pc;
  #exchange;
  #channel;
  #senders = /* @__PURE__ */ new Map();
  #early = [];
  #turn = Promise.resolve();
  constructor({ ice_servers, events, others, exchange }) {
    this.#exchange = exchange;
    const pc = this.pc = new RTCPeerConnection({
      iceServers: ice_servers,
      bundlePolicy: "max-bundle"
    });
    pc.onconnectionstatechange = () => events.onState(pc.connectionState);
    pc.onicecandidate = ({ candidate }) => events.onCandidate(candidate);
    const channel = this.#channel = pc.createDataChannel(LABEL);
    channel.onopen = () => events.onChannel(true);
    channel.onclose = () => events.onChannel(false);
    channel.onmessage = ({ data }) => typeof data === "string" && events.onMessage(data);
    const voice = pc.addTransceiver("audio", {
      direction: "recvonly"
    });
    this.#senders.set("microphone", voice);
    pc.ontrack = ({ track, transceiver }) => {
      if (transceiver === voice) events.onSound(track);
      else if (transceiver.mid !== null) events.onOther(transceiver.mid, track);
    };
    for (const kind of [
      "audio",
      "video"
    ]) {
      for (let n = 0; n < others; n++) pc.addTransceiver(kind, {
        direction: "recvonly"
      });
    }
  }
  /** Whether text can be sent. */
  get open() {
    return this.#channel.readyState === "open";
  }
  /** What each section of the description carries, by its `mid`. */
  get tracks() {
    const entries = [
      ...this.#senders
    ].filter(([, { mid, sender }]) => mid !== null && sender.track !== null);
    return Object.fromEntries(entries.map(([source, { mid }]) => [
      mid,
      source
    ]));
  }
  /** Sends a track, or nothing any more. Resolves with whether both ends must agree on it before it flows. */
  async put(source, track) {
    const known = this.#senders.get(source);
    if (known === void 0) {
      if (track === null) return false;
      this.#senders.set(source, this.pc.addTransceiver(track, {
        direction: "sendonly"
      }));
      return true;
    }
    await known.sender.replaceTrack(track);
    if (track === null || known.direction !== "recvonly") return false;
    known.direction = "sendrecv";
    return true;
  }
  /** Makes an offer and takes the server's answer to it; with `restart`, over a new path. */
  agree({ restart = false } = {}) {
    return this.#inTurn(async () => {
      const { pc } = this;
      await pc.setLocalDescription(await pc.createOffer({
        iceRestart: restart
      }));
      const { type, sdp } = pc.localDescription;
      try {
        await pc.setRemoteDescription({
          type: "answer",
          sdp: await this.#exchange(sdp)
        });
      } catch (error) {
        if (type === "offer" && pc.signalingState === "have-local-offer") {
          await pc.setLocalDescription({
            type: "rollback"
          });
        }
        throw error;
      }
      for (const candidate of this.#early.splice(0)) await this.#apply(candidate);
    });
  }
  /** Answers an offer of the server. */
  answer(offer) {
    return this.#inTurn(async () => {
      await this.pc.setRemoteDescription({
        type: "offer",
        sdp: offer
      });
      await this.pc.setLocalDescription();
      return this.pc.localDescription.sdp;
    });
  }
  /** Takes a candidate of the server. */
  async add(candidate) {
    if (this.pc.remoteDescription === null) this.#early.push(candidate);
    else await this.#apply(candidate);
  }
  /** Sends text, if it can be sent now. */
  send(text) {
    const { readyState, bufferedAmount } = this.#channel;
    if (readyState !== "open" || bufferedAmount > MAX_WAITING) return false;
    try {
      this.#channel.send(text);
      return true;
    } catch {
      return false;
    }
  }
  [Symbol.dispose]() {
    const { pc } = this;
    pc.onconnectionstatechange = pc.onicecandidate = pc.ontrack = null;
    this.#channel.onopen = this.#channel.onclose = this.#channel.onmessage = null;
    pc.close();
  }
  /** One that can't be used leads nowhere, which others may not. */
  async #apply(candidate) {
    await this.pc.addIceCandidate(candidate).catch(() => {
    });
  }
  /** Descriptions are agreed on one after the other. */
  #inTurn(task) {
    const result = this.#turn.then(task);
    this.#turn = result.catch(() => {
    });
    return result;
  }
};

// console/call/event_stream.ts
async function* readFrames(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (; ; ) {
      const { done, value } = await reader.read();
      if (done) return;
      text += value;
      const blocks = text.split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) {
        const frame = toFrame(block);
        if (frame.data !== "") yield frame;
      }
    }
  } finally {
    await reader.cancel().catch(() => {
    });
  }
}
function toFrame(block) {
  const frame = {
    id: "",
    event: "message",
    data: ""
  };
  for (const line of block.split("\n")) {
    const [, name, value = ""] = /^(id|event|data): ?(.*)$/.exec(line) ?? [];
    if (name !== void 0) frame[name] = value;
  }
  return frame;
}

// console/call/event_feed.ts
var MAX_WAIT_MS = 5e3;
var FINAL_STATUS = [
  400,
  401,
  403,
  404
];
var EventFeed = class {
  #options;
  #reading;
  constructor(options) {
    this.#options = options;
  }
  /** Reads, if it doesn't yet. */
  start() {
    if (this.#reading) return;
    this.#reading = new AbortController();
    void this.#read(this.#reading.signal);
  }
  /** Reads no more. */
  [Symbol.dispose]() {
    this.#reading?.abort();
    this.#reading = void 0;
  }
  async #read(signal) {
    const { api, session_id, last, onEvent, onGap, onEnd } = this.#options;
    for (let tries = 0; !signal.aborted; tries++) {
      try {
        const known = last();
        const response = await api.send("GET", `/rtc/sessions/${session_id}/events`, {
          headers: {
            accept: "text/event-stream",
            ...known > 0 && {
              "last-event-id": String(known)
            }
          },
          signal
        });
        if (response.status === 204 || response.body === null) return onEnd(void 0);
        for await (const { id, event, data } of readFrames(response.body)) {
          if (signal.aborted) return;
          if (id === "") continue;
          tries = 0;
          onEvent({
            seq: Number(id),
            type: event,
            data: JSON.parse(data)
          });
        }
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof CallError && error.status === 410) onGap();
        else if (error instanceof CallError && FINAL_STATUS.includes(error.status)) return onEnd(error);
      }
      await pause(Math.min(MAX_WAIT_MS, 250 * 2 ** tries), signal);
    }
  }
};
async function pause(ms, signal) {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers();
  const stop = () => resolve();
  const timer = setTimeout(stop, ms);
  signal.addEventListener("abort", stop);
  await promise;
  clearTimeout(timer);
  signal.removeEventListener("abort", stop);
}

// console/call/event_order.ts
var MOST = 512;
var EventOrder = class {
  #deliver;
  #waiting = /* @__PURE__ */ new Map();
  #last = 0;
  /** Whether what comes next is taken wherever it stands. */
  #adrift = false;
  constructor(deliver) {
    this.#deliver = deliver;
  }
  /** Behind which place events are asked for: the last one that was delivered; 0 where what is kept is to be had. */
  get last() {
    return this.#adrift ? 0 : this.#last;
  }
  /** Whether something is missing before what came. */
  get lacks() {
    return this.#waiting.size > 0;
  }
  /** Takes an event, whatever way it came. */
  take(event) {
    if (event.seq <= this.#last || this.#waiting.has(event.seq)) return;
    this.#waiting.set(event.seq, event);
    if (this.#adrift || this.#waiting.size > MOST) this.skip();
    for (let next = this.#next(); next !== void 0; next = this.#next()) {
      this.#waiting.delete(next.seq);
      this.#last = next.seq;
      this.#deliver(next);
    }
  }
  /** Waits no longer for what is missing: the server doesn't have it any more. */
  skip() {
    this.#adrift = this.#waiting.size === 0;
    if (!this.#adrift) this.#last = Math.min(...this.#waiting.keys()) - 1;
  }
  #next() {
    return this.#waiting.get(this.#last + 1);
  }
};

// console/call/outbox.ts
var MAX_WAITING2 = 64;
var MAX_TEXT = 1e5;
var LONG = 1024;
var ID_BYTES = 12;
var Outbox = class {
  #onGivenUp;
  #waiting = /* @__PURE__ */ new Map();
  /** `onGivenUp` is told why something will not be sent again. */
  constructor({ onGivenUp }) {
    this.#onGivenUp = onGivenUp;
  }
  /** Whether everything is acknowledged. */
  get empty() {
    return this.#waiting.size === 0;
  }
  /** What is to be sent now, and again over each new way: nothing behind the first long one. */
  get texts() {
    const texts = [
      ...this.#waiting.values()
    ];
    const long = texts.findIndex(isLong);
    return long < 0 ? texts : texts.slice(0, long + 1);
  }
  /** Keeps a message until it is acknowledged; returns what is to be sent now, if anything is. */
  add(message) {
    if (message.type === "text" && message.text.length > MAX_TEXT) {
      this.#tellTooLong();
      return void 0;
    }
    const id = createId();
    const text = JSON.stringify({
      ...message,
      id
    });
    const mustWait = this.#long !== void 0;
    this.#waiting.set(id, text);
    if (this.#waiting.size > MAX_WAITING2) {
      this.#waiting.delete(this.#waiting.keys().next().value);
      const why = `Cannot send a message: ${MAX_WAITING2} after it wait as well`;
      this.#onGivenUp({
        error: "UnavailableError",
        message: why
      });
    }
    return mustWait ? void 0 : text;
  }
  /** The server has done a message, or refused it. Returns whether what was behind it may be sent now. */
  acknowledge(id) {
    const text = this.#waiting.get(id);
    this.#waiting.delete(id);
    return text !== void 0 && isLong(text);
  }
  /** The server doesn't take the long one that was sent: sent again, it would end each way. */
  giveUpLong() {
    if (this.#long !== void 0 && this.#waiting.delete(this.#long)) this.#tellTooLong();
  }
  /** The id of the first long one. */
  get #long() {
    for (const [id, text] of this.#waiting) if (isLong(text)) return id;
    return void 0;
  }
  #tellTooLong() {
    const message = "Cannot send the message: it is longer than the server takes";
    this.#onGivenUp({
      error: "PayloadTooLargeError",
      message
    });
  }
};
function isLong(text) {
  return text.length > LONG;
}
function createId() {
  const bytes = crypto.getRandomValues(new Uint8Array(ID_BYTES));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// console/call/side_way.ts
var MAX_WAIT_MS2 = 5e3;
var TOO_BIG = 1009;
var SideWay = class {
  #options;
  #open;
  #socket;
  constructor(options) {
    this.#options = options;
  }
  /** Joins, if it hasn't yet. */
  start() {
    if (this.#open) return;
    this.#open = new AbortController();
    void this.#keepOpen(this.#open.signal);
  }
  /** Sends text, if it can be sent now. */
  send(text) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(text);
    return true;
  }
  /** Leaves. */
  [Symbol.dispose]() {
    this.#open?.abort();
    this.#open = void 0;
    this.#socket?.close();
    this.#socket = void 0;
  }
  async #keepOpen(signal) {
    for (let tries = 0; !signal.aborted; tries++) {
      if (await this.#join(signal).catch(() => false)) tries = 0;
      await pause(Math.min(MAX_WAIT_MS2, 500 * 2 ** tries), signal);
    }
  }
  /** Resolves, once it is over, with whether it ever was open. */
  async #join(signal) {
    const { api, session_id, last, onEvent, onOpen, onTooLong } = this.#options;
    const known = last();
    const query = known > 0 ? {
      starting_after: String(known)
    } : {};
    const socket = await api.connect(`/rtc/sessions/${session_id}/attach`, query, {
      signal
    });
    if (signal.aborted) {
      socket.close();
      return false;
    }
    this.#socket = socket;
    let opened = false;
    const { promise, resolve } = Promise.withResolvers();
    socket.onopen = () => {
      opened = true;
      onOpen();
    };
    socket.onmessage = ({ data }) => onEvent(JSON.parse(data));
    socket.onclose = ({ code }) => {
      if (code === TOO_BIG && this.#socket === socket) onTooLong();
      resolve(opened);
    };
    return await promise;
  }
};

// console/call/link.ts
var CONNECT_MS = 1e4;
var BLINK_MS = 1500;
var GAP_MS = 300;
var MAX_WAIT_MS3 = 8e3;
var MAX_CANDIDATES = 64;
var GONE = [
  401,
  403,
  404,
  409,
  410
];
var MOMENTARY = [
  "interrupt"
];
var Link = class {
  #options;
  #order;
  #feed;
  #side;
  #outbox;
  #closed = new AbortController();
  #connection;
  #candidates = [];
  #mending = false;
  /** Whether the first way is still looked for: what failed then is told to whoever waits for it. */
  #opening = true;
  #blink;
  #gap;
  #posting = false;
  /** Whether the server has our description, without which it can't take our candidates. */
  #known = false;
  constructor(options) {
    this.#options = options;
    const { api, session_id, events } = options;
    this.#order = new EventOrder(events.onEvent);
    const reading = {
      api,
      session_id,
      last: () => this.#order.last,
      onEvent: (event) => this.#take(event)
    };
    this.#outbox = new Outbox({
      onGivenUp: events.onGivenUp
    });
    this.#side = new SideWay({
      ...reading,
      onOpen: () => this.#flush(),
      onTooLong: () => {
        this.#outbox.giveUpLong();
        this.#leaveSideWay();
      }
    });
    this.#feed = new EventFeed({
      ...reading,
      onGap: () => this.#order.skip(),
      onEnd: () => events.onLost()
    });
    this.#connection = this.#connect(options.ice_servers);
  }
  /** The connection, for its figures. */
  get pc() {
    return this.#connection.pc;
  }
  /** Connects for the first time. */
  async open() {
    this.#feed.start();
    addEventListener("online", () => this.mend(), {
      signal: this.#closed.signal
    });
    for (const [source, track] of this.#options.tracks()) await this.#connection.put(source, track);
    await this.#connection.agree();
    const found = await this.#settled(this.#connection);
    this.#opening = false;
    if (!found) {
      throw new CallError("Cannot find a way to the server for media", {
        error: "TimeoutError",
        status: 0
      });
    }
  }
  /** Says something to the server, now or as soon as it can be, until it is acknowledged. */
  send(message) {
    if (this.#closed.signal.aborted) return;
    const text = MOMENTARY.includes(message.type) ? JSON.stringify(message) : this.#outbox.add(message);
    if (text !== void 0) this.#post(text);
  }
  /** Sends a track, or nothing any more. */
  async put(source, track) {
    if (await this.#connection.put(source, track)) await this.#connection.agree();
    this.#tellTracks();
  }
  /** Takes what the server says of the connection, and of what was said over it. */
  async hear(event) {
    if (event.type === "message.acknowledged") {
      if (this.#outbox.acknowledge(event.data.id)) this.#flush();
      this.#leaveSideWay();
    } else if (event.type === "session.candidate") {
      const { candidate, sdp_mid, sdp_m_line_index, username_fragment } = event.data.candidate;
      await this.#connection.add({
        candidate,
        sdpMid: sdp_mid ?? null,
        sdpMLineIndex: sdp_m_line_index ?? null,
        usernameFragment: username_fragment ?? null
      });
    } else if (event.type === "session.offer" && event.data.sdp !== null) {
      const { api, session_id } = this.#options;
      const sdp = await this.#connection.answer(event.data.sdp);
      await api.ask("POST", "/rtc/answer", {
        body: {
          session_id,
          type: "answer",
          sdp
        }
      });
    }
  }
  /** Finds a new way in place of the first, again and again, until there is one or it has taken too long. */
  mend() {
    if (this.#opening || this.#mending || this.#closed.signal.aborted) return;
    this.#mending = true;
    void this.#keepMending().finally(() => {
      this.#mending = false;
      this.#leaveSideWay();
    });
  }
  [Symbol.dispose]() {
    this.#closed.abort();
    clearTimeout(this.#blink);
    clearTimeout(this.#gap);
    this.#feed[Symbol.dispose]();
    this.#side[Symbol.dispose]();
    this.#connection[Symbol.dispose]();
  }
  #connect(ice_servers) {
    const { api, session_id, others, events } = this.#options;
    this.#known = false;
    this.#candidates = [];
    return new Connection({
      ice_servers,
      others,
      exchange: async (sdp) => {
        const body = {
          session_id,
          type: "offer",
          sdp
        };
        const answer = await api.ask("POST", "/rtc/offer", {
          body,
          signal: this.#closed.signal
        });
        this.#known = true;
        void this.#postCandidates();
        return answer.sdp;
      },
      events: {
        onState: (state) => this.#hearState(state),
        onSound: events.onSound,
        onOther: events.onOther,
        onMessage: (text) => this.#take(JSON.parse(text)),
        onChannel: (open) => this.#hearChannel(open),
        onCandidate: (candidate) => {
          if (candidate === null) return;
          this.#candidates.push({
            candidate: candidate.candidate,
            sdp_mid: candidate.sdpMid,
            sdp_m_line_index: candidate.sdpMLineIndex
          });
          void this.#postCandidates();
        }
      }
    });
  }
  #take(event) {
    this.#order.take(event);
    clearTimeout(this.#gap);
    if (this.#closed.signal.aborted) return;
    if (this.#order.lacks) this.#gap = setTimeout(() => this.#feed.start(), GAP_MS);
    else if (this.#connection.open) this.#feed[Symbol.dispose]();
  }
  #hearState(state) {
    clearTimeout(this.#blink);
    if (state === "connected") this.#useChannel();
    if (state === "failed") this.mend();
    else if (state === "disconnected") this.#blink = setTimeout(() => this.mend(), BLINK_MS);
    if (state !== "connecting") this.#options.events.onConnected(state === "connected");
  }
  #hearChannel(open) {
    if (!open) {
      this.#blink = setTimeout(() => this.mend(), BLINK_MS);
      return this.#takeSideWay();
    }
    this.#tellTracks();
    this.#useChannel();
  }
  /** Speaks over the channel, if it is open, and no longer over the side way. */
  #useChannel() {
    if (!this.#connection.open) return;
    this.#side[Symbol.dispose]();
    this.#flush();
  }
  /** The side way has done what it was for. */
  #leaveSideWay() {
    const isMended = !this.#mending && this.pc.connectionState === "connected";
    if (isMended && this.#outbox.empty) this.#useChannel();
  }
  #takeSideWay() {
    this.#feed.start();
    this.#side.start();
  }
  /** Says again what the server may not have heard, before anything else is said over a way. */
  #flush() {
    for (const text of this.#outbox.texts) this.#post(text);
  }
  #post(text) {
    if (this.#side.send(text) || this.#connection.send(text)) return;
    if (this.#connection.open) this.#takeSideWay();
  }
  #tellTracks() {
    this.#connection.send(JSON.stringify({
      type: "tracks",
      tracks: this.#connection.tracks
    }));
  }
  async #postCandidates() {
    if (this.#posting || !this.#known) return;
    this.#posting = true;
    const { api, session_id } = this.#options;
    const { signal } = this.#closed;
    while (this.#candidates.length > 0) {
      const body = {
        session_id,
        candidates: this.#candidates.splice(0, MAX_CANDIDATES)
      };
      await api.ask("POST", "/rtc/ice-candidate", {
        body,
        signal
      }).catch(() => {
      });
    }
    this.#posting = false;
  }
  /** Resolves with whether a way was found. */
  async #settled(connection) {
    const timer = AbortSignal.timeout(CONNECT_MS);
    const { promise, resolve } = Promise.withResolvers();
    const look = () => [
      "connected",
      "failed",
      "closed"
    ].includes(connection.pc.connectionState) && resolve();
    const over = AbortSignal.any([
      timer,
      this.#closed.signal
    ]);
    connection.pc.addEventListener("connectionstatechange", look, {
      signal: over
    });
    over.addEventListener("abort", () => resolve(), {
      once: true
    });
    look();
    await promise;
    return connection.pc.connectionState === "connected";
  }
  async #keepMending() {
    const { signal } = this.#closed;
    const { reattach_ms, events } = this.#options;
    const until = performance.now() + reattach_ms;
    if (this.pc.connectionState !== "connected" || !this.#connection.open) events.onConnected(false);
    this.#takeSideWay();
    for (let tries = 0; !signal.aborted && performance.now() < until; tries++) {
      try {
        if (tries % 2 === 0 && this.#connection.open) await this.#connection.agree({
          restart: true
        });
        else await this.#replace();
        if (await this.#settled(this.#connection)) return events.onConnected(true);
      } catch (error) {
        if (error instanceof CallError && GONE.includes(error.status)) break;
      }
      await pause(Math.min(MAX_WAIT_MS3, 500 * 2 ** tries), signal);
    }
    if (!signal.aborted) events.onLost();
  }
  /** Connects anew. The old connection goes when the server has taken the new one: without either the call would end. */
  async #replace() {
    const old = this.#connection;
    const asked = this.#options.api.ask("GET", "/rtc/ice-servers", {
      signal: this.#closed.signal
    });
    const { ice_servers } = await asked;
    const next = this.#connect(ice_servers);
    try {
      for (const [source, track] of this.#options.tracks()) await next.put(source, track);
      await next.agree();
      this.#closed.signal.throwIfAborted();
    } catch (error) {
      next[Symbol.dispose]();
      throw error;
    }
    this.#connection = next;
    old[Symbol.dispose]();
  }
};

// console/call/local_media.ts
var CAMERA = {
  width: {
    ideal: 1280
  },
  height: {
    ideal: 720
  },
  frameRate: {
    ideal: 15
  }
};
var SCREEN = {
  frameRate: {
    ideal: 5,
    max: 10
  }
};
var BUSY = [
  "NotReadableError",
  "AbortError"
];
var LocalMedia = class {
  #events;
  #open = /* @__PURE__ */ new Map();
  #closing = /* @__PURE__ */ new Map();
  constructor(events) {
    this.#events = events;
  }
  /** What is sent, to be shown. */
  stream(source) {
    return this.#open.get(source)?.stream ?? null;
  }
  /** The tracks that are open. */
  get tracks() {
    return [
      ...this.#open
    ].map(([source, { track }]) => [
      source,
      track
    ]);
  }
  /** Opens a source; one that is open already is closed. Rejects with the browser's `DOMException`. */
  async open(source, wanted) {
    const given = wanted instanceof MediaStreamTrack;
    const stream = given ? new MediaStream([
      wanted
    ]) : await this.#request(source, wanted);
    const [track] = stream.getTracks();
    if (track === void 0) throw new DOMException(`There is no ${source}`, "NotFoundError");
    this.close(source);
    if (source === "screen") track.contentHint = "detail";
    const closing = new AbortController();
    track.addEventListener("ended", () => this.#events.onEnded(source), {
      signal: closing.signal
    });
    this.#closing.set(source, closing);
    this.#open.set(source, {
      stream,
      track,
      owned: !given
    });
    return track;
  }
  /** Closes a source. A track that was given stays its owner's. */
  close(source) {
    const found = this.#open.get(source);
    this.#closing.get(source)?.abort();
    this.#open.delete(source);
    if (found?.owned) found.track.stop();
  }
  /** Lets the microphone be heard, or not. */
  set silent(silent) {
    const track = this.#open.get("microphone")?.track;
    if (track) track.enabled = !silent;
  }
  [Symbol.dispose]() {
    for (const source of [
      ...this.#open.keys()
    ]) this.close(source);
  }
  /** Many phones, and some browsers, open only one device of a kind: where another is refused, the one in use goes first. */
  async #request(source, wanted) {
    try {
      return await request(source, wanted);
    } catch (error) {
      const used = this.#open.get(source);
      if (!used?.owned || !(error instanceof DOMException) || !BUSY.includes(error.name)) throw error;
      used.track.stop();
    }
    try {
      return await request(source, wanted);
    } catch (error) {
      this.#events.onEnded(source);
      throw error;
    }
  }
};
function request(source, wanted) {
  const chosen = typeof wanted === "object" ? wanted : {};
  const { mediaDevices } = navigator;
  if (mediaDevices === void 0) {
    throw new DOMException(`Cannot use the ${source}: the page must come over HTTPS`, "SecurityError");
  }
  if (source === "screen") return mediaDevices.getDisplayMedia({
    video: {
      ...SCREEN,
      ...chosen
    }
  });
  if (source === "camera") return mediaDevices.getUserMedia({
    video: {
      ...CAMERA,
      ...chosen
    }
  });
  return mediaDevices.getUserMedia({
    audio: {
      echoCancellation: true,
      noiseSuppression: true,
      autoGainControl: true,
      ...chosen
    }
  });
}

// console/call/session_client.ts
var INVITED = "ek_";
var MAX_OTHERS = 7;
var Call = class _Call {
  /** The call's id, `rtc_…`. */
  id;
  /** The session as it was made. */
  session;
  /** The room it is in, and as whom. */
  place;
  /** Whether {@linkcode Call.invite} can be used: not by those who were invited themselves. */
  invites;
  /** What is recorded of it, or of its room. */
  recordings;
  /** The agent's voice. */
  sound = new MediaStream();
  /** What plays it, if anything does. */
  player;
  #api;
  #link;
  #media;
  #heard;
  #meters = /* @__PURE__ */ new Map();
  #listeners = /* @__PURE__ */ new Map();
  #state = "connecting";
  #reason = null;
  #muted = {
    caller: false,
    agent: false
  };
  #held = false;
  /** What was told before anybody could listen. */
  #early = [];
  /** Starts a call. Rejects with {@linkcode CallError}, or the browser's `DOMException` for a device. */
  static async start(options) {
    const { base_url = "", key, ticket, user_id } = options;
    const api = new Api({
      base_url,
      ...key !== void 0 && {
        key
      },
      ...ticket && {
        ticket
      },
      ...user_id !== void 0 && {
        user_id
      }
    });
    const wanted = [
      [
        "microphone",
        options.audio ?? true
      ],
      [
        "camera",
        options.camera
      ],
      [
        "screen",
        options.screen
      ]
    ].filter((one) => one[1] !== void 0 && one[1] !== false);
    let call;
    const media = new LocalMedia({
      onEnded: (source) => void call?.stop(source)
    });
    try {
      for (const [source, how] of wanted) await media.open(source, how);
      const { ice_servers } = await api.ask("GET", "/rtc/ice-servers");
      const { session, place } = await beginSession(api, options);
      call = new _Call({
        api,
        session,
        place,
        ice_servers,
        media,
        options
      });
      await call.#begin();
      setTimeout(() => call.#tellEarly());
      return call;
    } catch (error) {
      media[Symbol.dispose]();
      await call?.hangUp();
      throw error;
    }
  }
  constructor({ api, session, place, ice_servers, media, options }) {
    this.#api = api;
    this.place = place;
    const own = !options.key?.startsWith(INVITED);
    this.invites = place !== void 0 && own;
    const of = place ? {
      room_id: place.room.id
    } : {
      session_id: session.id
    };
    this.recordings = new CallRecordings(api, {
      of,
      allowed: own
    });
    this.session = session;
    this.id = session.id;
    this.#media = media;
    if (options.play !== false) {
      this.player = new Audio();
      this.player.srcObject = this.sound;
    }
    this.#link = new Link({
      api,
      session_id: session.id,
      ice_servers,
      others: place ? Math.min(place.room.max_members - 1, MAX_OTHERS) : 0,
      reattach_ms: (options.reattach_seconds ?? 60) * 1e3,
      tracks: () => media.tracks,
      events: {
        onEvent: (event) => this.#receive(event),
        onSound: (track) => this.#hearSound(track),
        onOther: (mid, track) => this.#emit("other", {
          mid,
          track
        }),
        onConnected: (connected) => this.#become(connected ? "connected" : "reconnecting"),
        onGivenUp: (error) => this.#emit("error", error),
        onLost: () => void this.#learnEnd()
      }
    });
    const sides = {
      caller: () => this.level("caller"),
      agent: () => this.level("agent")
    };
    this.#heard = new HeardClock(sides, (turn_id, ms) => {
      this.#link.send({
        type: "heard",
        turn_id,
        ms
      });
      this.#emit("heard", {
        turn_id,
        ms
      });
    });
  }
  /** Where the call is. */
  get connection() {
    return this.#state;
  }
  /** Why it ended. */
  get reason() {
    return this.#reason;
  }
  /** Who isn't heard. */
  get muted() {
    return this.#muted;
  }
  /** Whether both sides wait. */
  get held() {
    return this.#held;
  }
  /** What is sent, to be shown to the person; null when it isn't open. */
  stream(source) {
    return this.#media.stream(source);
  }
  /** Calls `listener` at each event of a type; returns how to stop that. */
  on(type, listener) {
    const listeners = this.#listeners.get(type) ?? /* @__PURE__ */ new Set();
    this.#listeners.set(type, listeners.add(listener));
    return () => void listeners.delete(listener);
  }
  /** Says something by writing. */
  sendText(text) {
    this.#link.send({
      type: "text",
      text
    });
  }
  /** Ends what the agent says. */
  interrupt() {
    this.#link.send({
      type: "interrupt"
    });
  }
  /** Lets one side not be heard: the caller, or the agent, which goes on in writing. */
  mute(who = "caller") {
    this.#setMuted(who, true);
  }
  /** Lets one side be heard again. */
  unmute(who = "caller") {
    this.#setMuted(who, false);
  }
  /** Lets both sides wait. */
  hold() {
    this.#setHeld(true);
  }
  /** Goes on after {@linkcode Call.hold}. */
  resume() {
    this.#setHeld(false);
  }
  /** Lets a tool call that waits for a person go on, with other arguments if given. */
  approve(call, { arguments: given } = {}) {
    const { run_id, tool_call_id } = call;
    this.#link.send({
      type: "approval",
      run_id,
      tool_call_id,
      decision: "approve",
      ...given && {
        arguments: given
      }
    });
  }
  /** Refuses a tool call that waits for a person. */
  deny({ run_id, tool_call_id }, { reason } = {}) {
    this.#link.send({
      type: "approval",
      run_id,
      tool_call_id,
      decision: "deny",
      ...reason !== void 0 && {
        reason
      }
    });
  }
  /** Lets the agent look, once or until the call ends, or not. */
  consent(source, { allow, until = "once", look_id }) {
    this.#link.send({
      type: "consent",
      source,
      allow,
      until,
      ...look_id !== void 0 && {
        look_id
      }
    });
  }
  /** Calls `listener` when the agent wants to look, until what is returned is called. Without an answer it doesn't. */
  onLookAsked(listener) {
    return this.on("look.asked", listener);
  }
  /** Answers an agent that wants to look; `"no"` takes back what was allowed before, at any time. */
  answerLook({ source, look_id }, answer) {
    const given = {
      allow: answer !== "no",
      until: answer === "no" ? "once" : answer
    };
    this.consent(source, {
      ...given,
      ...look_id !== void 0 && {
        look_id
      }
    });
  }
  /** Changes how the agent speaks. */
  setVoice(voice) {
    this.#link.send({
      type: "voice",
      ...voice
    });
  }
  /** Sends a source; one that is sent already is replaced. Rejects with the browser's `DOMException`. */
  async share(source, wanted = true) {
    const track = await this.#media.open(source, wanted);
    if (this.#state === "ended") return this.#media.close(source);
    this.#media.silent = this.#muted.caller || this.#held;
    this.#measure("caller", this.#media.stream("microphone"));
    this.#emit("media", {
      source,
      open: true
    });
    await this.#link.put(source, track);
  }
  /** Sends a source no more. */
  async stop(source) {
    this.#media.close(source);
    this.#measure("caller", this.#media.stream("microphone"));
    await this.#link.put(source, null);
    this.#emit("media", {
      source,
      open: false
    });
  }
  /** Plays the agent's voice on another device, where the browser can. */
  async setSpeaker(device_id) {
    await this.player?.setSinkId?.(device_id);
  }
  /** How loud a side is now, from 0 to 1. */
  level(who) {
    return this.#meters.get(who)?.read() ?? 0;
  }
  /** What the browser counts. */
  statistics() {
    return readStatistics(this.#link.pc);
  }
  /** Makes a secret that joins the room of the call in place of a key. */
  async invite({ expires_seconds }) {
    const body = {
      room_id: this.place?.room.id,
      expires_seconds
    };
    return (await this.#api.ask("POST", "/rtc/secrets", {
      body
    })).secret;
  }
  /** Finds a new path at once, as after a change of the network. */
  reconnect() {
    this.#link.mend();
  }
  /** Ends the call. */
  async hangUp() {
    if (this.#state === "ended") return;
    this.#end("hung_up");
    await this.#api.ask("DELETE", `/rtc/sessions/${this.id}`, {
      keepalive: true
    }).catch(() => {
    });
  }
  async #begin() {
    this.#measure("caller", this.#media.stream("microphone"));
    for (const [source] of this.#media.tracks) this.#emit("media", {
      source,
      open: true
    });
    await this.#link.open();
  }
  #receive(event) {
    if (event.type === "speech.started") this.#heard.begin(event.data.turn_id);
    else if (event.type === "speech.stopped") this.#heard.end();
    else if (event.type === "session.state" && event.data.state === "ended") this.#end(event.data.reason ?? "lost");
    else void this.#link.hear(event).catch(() => {
    });
    this.#emit("event", event);
    this.#emit(event.type, event.data);
  }
  #tellEarly() {
    const early = this.#early ?? [];
    this.#early = void 0;
    for (const tell of early) tell();
  }
  #hearSound(track) {
    for (const old of this.sound.getTracks()) this.sound.removeTrack(old);
    this.sound.addTrack(track);
    this.#measure("agent", this.sound);
    void this.player?.play().catch(() => {
    });
    this.#emit("sound", {
      stream: this.sound
    });
  }
  #measure(who, stream) {
    this.#meters.get(who)?.[Symbol.dispose]();
    this.#meters.delete(who);
    if (stream && stream.getAudioTracks().length > 0) this.#meters.set(who, new LevelMeter(stream));
  }
  #setMuted(who, muted) {
    this.#muted = {
      ...this.#muted,
      [who]: muted
    };
    this.#applyQuiet();
    this.#link.send({
      type: muted ? "mute" : "unmute",
      who
    });
  }
  #setHeld(held) {
    this.#held = held;
    this.#applyQuiet();
    this.#link.send({
      type: held ? "hold" : "resume"
    });
  }
  /** Silence begins here, not when the server has heard of it. */
  #applyQuiet() {
    this.#media.silent = this.#muted.caller || this.#held;
    if (this.player) this.player.muted = this.#muted.agent || this.#held;
  }
  #become(state) {
    if (this.#state === state || this.#state === "ended" || this.#state === "connecting" && state === "reconnecting") {
      return;
    }
    this.#state = state;
    this.#emit("connection", {
      state,
      reason: this.#reason
    });
  }
  /** Asks why the call is over, which nobody could say while there was no way to us. */
  async #learnEnd() {
    const session = await this.#api.ask("GET", `/rtc/sessions/${this.id}`).catch(() => void 0);
    this.#end(session?.reason ?? "lost");
  }
  #end(reason) {
    if (this.#state === "ended") return;
    this.#reason = reason;
    const open = this.#media.tracks.map(([source]) => source);
    this.#link[Symbol.dispose]();
    this.#heard[Symbol.dispose]();
    this.#media[Symbol.dispose]();
    for (const who of [
      "caller",
      "agent"
    ]) this.#measure(who, null);
    this.player?.pause();
    for (const source of open) this.#emit("media", {
      source,
      open: false
    });
    this.#become("ended");
  }
  #emit(type, data) {
    if (this.#early) return void this.#early.push(() => this.#emit(type, data));
    for (const listener of this.#listeners.get(type) ?? []) listener(data);
  }
};
export {
  Call,
  CallError,
  LevelMeter
};
