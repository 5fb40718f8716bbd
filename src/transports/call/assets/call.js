// deno-fmt-ignore-file
// deno-lint-ignore-file
// Made from console/call/call.ts by tools/call_page.ts.
// console/call/agent_names.ts
function agentNames(call, alone) {
  const agents = call.place?.room.members.filter(({ role }) => role === "agent");
  if (!agents) return () => alone;
  const runs = /* @__PURE__ */ new Map();
  let speaking;
  call.on("run.event", ({ run_id, event, data }) => {
    if (event === "run.started") runs.set(run_id, data.agent_id);
  });
  call.on("room.speaker", ({ member_id }) => {
    speaking = agents.find(({ id }) => id === member_id)?.id ?? speaking;
  });
  return (run_id) => {
    const meant = agents.filter(({ agent_id }) => agent_id === runs.get(run_id ?? ""));
    const found = meant.length === 1 ? meant[0] : agents.find(({ id }) => id === speaking) ?? meant[0] ?? agents[0];
    return found?.name ?? "Agent";
  };
}

// console/call/element.ts
function byId(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`Cannot find "#${id}" in the page`);
  return found;
}
function el(name, attributes = {}, ...inside) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...inside);
  return element;
}
function button(text, onClick, attributes = {}) {
  const made = el("button", {
    type: "button",
    ...attributes
  }, text);
  made.addEventListener("click", onClick);
  return made;
}
function show(element, text) {
  element.textContent = text;
  element.hidden = text === "";
}
function drawLevel(element, level) {
  element.style.setProperty("--level", level.toFixed(2));
}

// console/call/answer_fields.ts
function answerFields(schema) {
  const properties = Object.entries(schema.properties ?? {});
  const required = schema.required ?? [];
  const fields = properties.map(([name, property]) => {
    const field = fieldOf(property);
    field.name = name;
    if (property.type !== "boolean") field.required = required.includes(name);
    return [
      name,
      property,
      field
    ];
  });
  const labels = fields.map(([name, { title, description }, field]) => el("label", {
    class: "field"
  }, title ?? description ?? name, field));
  const form = el("form", {}, ...labels);
  form.addEventListener("submit", (event) => event.preventDefault());
  return {
    form,
    read: () => Object.fromEntries(fields.map(([name, property, field]) => [
      name,
      valueOf(property, field)
    ]).filter(([, value]) => value !== void 0))
  };
}
function fieldOf({ type, enum: values, default: value, minimum, maximum, maxLength }) {
  if (values) {
    const list = el("select", {}, ...values.map((one) => el("option", {}, one)));
    if (typeof value === "string") list.value = value;
    return list;
  }
  const input = el("input");
  if (type === "boolean") {
    input.type = "checkbox";
    input.checked = value === true;
    return input;
  }
  const isNumber = type === "number" || type === "integer";
  input.type = isNumber ? "number" : "text";
  if (isNumber) input.step = type === "integer" ? "1" : "any";
  if (minimum !== void 0) input.min = String(minimum);
  if (maximum !== void 0) input.max = String(maximum);
  if (maxLength !== void 0) input.maxLength = maxLength;
  if (value !== void 0) input.value = String(value);
  return input;
}
function valueOf({ type }, field) {
  if (type === "boolean") return field.checked;
  if (field.value === "") return void 0;
  return type === "number" || type === "integer" ? Number(field.value) : field.value;
}

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
async function beginSession(api, { room: room2, agent_id, conversation_id, voice, metadata, record, modalities = MODALITIES }) {
  if (room2) {
    const path = `/rtc/rooms/${room2.id}/members`;
    const body2 = {
      name: room2.name,
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
    return data.find((recording2) => recording2.id === id);
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
  ].some((end2) => end2?.candidateType === "relay");
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
    const ms2 = now - this.#spoke;
    const heard = this.#over && this.#sides.agent() > SPEECH;
    if (heard) this.#onHeard(this.#turn, Math.round(ms2));
    if (heard || ms2 > MAX_MS) this[Symbol.dispose]();
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
async function pause(ms2, signal) {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers();
  const stop = () => resolve();
  const timer = setTimeout(stop, ms2);
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
    this.#heard = new HeardClock(sides, (turn_id, ms2) => {
      this.#link.send({
        type: "heard",
        turn_id,
        ms: ms2
      });
      this.#emit("heard", {
        turn_id,
        ms: ms2
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

// console/call/devices.ts
var KINDS = {
  microphone: "audioinput",
  speaker: "audiooutput",
  camera: "videoinput"
};
var GONE2 = {
  microphone: "The microphone is gone. The system\u2019s choice is used instead.",
  speaker: "The speaker is gone. The system\u2019s choice is used instead.",
  camera: "The camera is gone. The next one you share is the system\u2019s choice."
};
var Devices = class {
  #lists = {
    microphone: byId("microphone"),
    speaker: byId("speaker"),
    camera: byId("camera")
  };
  #all = byId("devices");
  #check = byId("check");
  #level = byId("check-level");
  #notice = byId("device-notice");
  #onUnseen;
  #checking;
  #inCall = false;
  /** `onUnseen` is told what there is to say while the lists are not shown. */
  constructor({ onUnseen }) {
    this.#onUnseen = onUnseen;
    byId("speaker-field").hidden = !("setSinkId" in HTMLMediaElement.prototype);
    this.#check.addEventListener("click", () => void (this.#checking ? this.stopCheck() : this.#startCheck()));
    this.onChange("microphone", () => this.#checking && void this.#startCheck());
    this.#all.addEventListener("change", () => show(this.#notice, ""));
    navigator.mediaDevices?.addEventListener("devicechange", () => void this.refresh());
    void this.refresh();
  }
  /** The device that was chosen, as a constraint; anything where none was. */
  chosen(kind) {
    const { value } = this.#lists[kind];
    return value === "" ? true : {
      deviceId: {
        exact: value
      }
    };
  }
  /** The chosen speaker's id; empty: the browser's own choice. */
  get speaker() {
    return this.#lists.speaker.value;
  }
  /** Whether the lists are among a call's controls, which has a level of its own to show. */
  set inCall(inCall) {
    this.#inCall = inCall;
    const panel = byId("call-devices");
    panel.hidePopover();
    (inCall ? panel : byId("setup-devices")).append(this.#all);
    show(this.#notice, "");
    this.#paint();
  }
  /** How loud the call's microphone is. */
  set level(level) {
    drawLevel(this.#level, level);
  }
  /** Calls `listener` when another device is chosen, or the chosen one is `lost`. */
  onChange(kind, listener) {
    this.#lists[kind].addEventListener("change", () => listener(false));
    this.#lists[kind].addEventListener("lost", () => listener(true));
  }
  /** Falls back to the system's choice, and says so: the device is gone. */
  lose(kind) {
    this.#lists[kind].value = "";
    this.#say(GONE2[kind]);
    this.#lists[kind].dispatchEvent(new Event("lost"));
  }
  /** Says why a device can't be used, and shows the one that is. */
  refuse(kind, why, used) {
    choose(this.#lists[kind], used);
    this.#say(why);
  }
  /** Reads the devices again: their names are told only once the person has allowed one. */
  async refresh() {
    const devices2 = await navigator.mediaDevices?.enumerateDevices().catch(() => []) ?? [];
    for (const kind of Object.keys(KINDS)) {
      const list = this.#lists[kind];
      const { value } = list;
      const there = devices2.filter((one) => one.kind === KINDS[kind]);
      if (value !== "" && there.some(({ label }) => label === "")) continue;
      const named = there.filter(({ label, deviceId }) => label !== "" && ![
        "",
        "default"
      ].includes(deviceId));
      list.replaceChildren(el("option", {
        value: ""
      }, "The system\u2019s choice"), ...named.map(({ deviceId, label }) => el("option", {
        value: deviceId
      }, label)));
      if (!choose(list, value)) this.lose(kind);
    }
  }
  /** Lets the microphone go. */
  stopCheck() {
    const checking = this.#checking;
    this.#checking = void 0;
    checking?.meter?.[Symbol.dispose]();
    release(checking?.stream);
    this.#paint();
  }
  async #startCheck() {
    this.stopCheck();
    const checking = this.#checking = {};
    this.#paint();
    try {
      const stream = await navigator.mediaDevices.getUserMedia({
        audio: this.chosen("microphone")
      });
      if (checking !== this.#checking) return release(stream);
      Object.assign(checking, {
        stream,
        meter: new LevelMeter(stream)
      });
      void this.refresh();
      this.#draw(checking);
    } catch (error) {
      if (checking !== this.#checking) return;
      this.stopCheck();
      this.#say(describeFault(error));
    }
  }
  #say(text) {
    const seen = this.#all.checkVisibility();
    show(this.#notice, seen ? text : "");
    if (!seen) this.#onUnseen(text);
  }
  #paint() {
    const on = this.#checking !== void 0;
    this.#check.hidden = this.#inCall;
    this.#check.setAttribute("aria-pressed", String(on));
    this.#check.textContent = on ? "Stop" : "Check";
    this.#level.hidden = !on && !this.#inCall;
  }
  #draw(checking) {
    if (checking !== this.#checking) return;
    this.level = checking.meter?.read() ?? 0;
    requestAnimationFrame(() => this.#draw(checking));
  }
};
function choose(list, id) {
  list.value = id;
  if (list.selectedIndex >= 0) return true;
  list.value = "";
  return false;
}
function release(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}
var FAULTS = {
  NotAllowedError: "The browser was not allowed to use the device. Allow it beside the address, and try again.",
  NotFoundError: "There is no such device here.",
  NotReadableError: "Another program is using the device.",
  OverconstrainedError: "The device that was chosen is not there any more.",
  SecurityError: "Browsers give microphone and camera only to pages that came over HTTPS, or from this machine."
};
function describeFault(error) {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof CallError) {
    return error.retry_after === void 0 ? error.message : `${error.message}. Try again in ${error.retry_after} s.`;
  }
  if (navigator.mediaDevices === void 0) return FAULTS.SecurityError;
  return FAULTS[error.name] ?? error.message;
}

// console/call/asks.ts
var SEEN_MS = 4e3;
var Asks = class {
  #place = byId("asks");
  #eye = byId("looking");
  #cards = /* @__PURE__ */ new Map();
  #allowed = /* @__PURE__ */ new Set();
  #call;
  #seen;
  /** Follows a call. */
  follow(call, share) {
    this.#call = call;
    call.on("run.event", ({ run_id, event, data }) => {
      const { tool_call_id } = data;
      if (event === "tool.call.approval_required") this.#askTool(run_id, data);
      else if (tool_call_id !== void 0 && event !== "tool.call.started") this.#remove(tool_call_id);
      else if (/^run\.(completed|failed|cancelled)$/.test(event)) this.#removeOf(run_id);
    });
    const nameOf = agentNames(call, "the agent");
    call.onLookAsked((asked) => this.#askLook({
      ...asked,
      who: nameOf(asked.run_id),
      share
    }));
    call.on("look.consent", ({ source, state }) => {
      if (state === "call" || state === "settings") this.#allowed.add(source);
      else this.#allowed.delete(source);
      this.#paint();
    });
    call.on("look.refused", ({ look_id }) => this.#remove(look_id));
    call.on("look.done", ({ look_id, source }) => {
      this.#remove(look_id);
      this.#showSeen(source);
    });
    call.on("media", () => this.#paint());
  }
  /** Takes everything back. */
  clear() {
    clearTimeout(this.#seen);
    this.#cards.clear();
    this.#allowed.clear();
    this.#place.replaceChildren();
    this.#eye.hidden = true;
  }
  #askTool(run_id, asked) {
    const { tool_call_id, tool, arguments: given, reason, question } = asked;
    const call = {
      run_id,
      tool_call_id
    };
    const fields = question?.schema ? answerFields(question.schema) : void 0;
    const decide = (approve) => {
      if (approve && fields && !fields.form.reportValidity()) return;
      if (approve) this.#call?.approve(call, fields ? {
        arguments: fields.read()
      } : {});
      else this.#call?.deny(call);
      this.#remove(tool_call_id);
    };
    const link = question?.url !== void 0 && /^https?:/.test(question.url) ? [
      el("p", {}, el("a", {
        href: question.url,
        target: "_blank",
        rel: "noopener noreferrer"
      }, question.url))
    ] : [];
    const shown = question ? [
      ...link,
      ...fields ? [
        fields.form
      ] : []
    ] : [
      el("pre", {
        tabindex: "0",
        "aria-label": "Arguments"
      }, JSON.stringify(given, null, 2))
    ];
    this.#add(tool_call_id, {
      title: question ? question.message : `May the agent use ${tool}?`,
      text: reason,
      inside: shown,
      buttons: [
        button(question ? "Answer" : "Approve", () => decide(true), {
          class: "main"
        }),
        button(question ? "Decline" : "Deny", () => decide(false))
      ]
    }).dataset.run = run_id;
  }
  #askLook({ look_id, source, reason, who, share }) {
    const isShared = this.#call?.stream(source) !== null;
    const allow = async (until) => {
      try {
        if (this.#call?.stream(source) === null) await share(source);
      } catch (error) {
        return void card.append(el("p", {
          class: "notice bad",
          role: "alert"
        }, describeFault(error)));
      }
      this.#call?.answerLook({
        source,
        look_id
      }, until);
      this.#remove(look_id);
    };
    const refuse = () => {
      this.#call?.answerLook({
        source
      }, "no");
      this.#remove(look_id);
    };
    const verb = isShared ? "Allow" : `Share the ${source}, allow`;
    const card = this.#add(look_id, {
      title: `May ${who} look at your ${source}?`,
      text: reason,
      inside: [],
      buttons: [
        button(`${verb} once`, () => void allow("once"), {
          class: "main"
        }),
        button("Until the call ends", () => void allow("call")),
        button("No", refuse)
      ]
    });
  }
  #add(id, { title, text, inside, buttons }) {
    this.#remove(id);
    const heading = el("h2", {
      id: `ask-${id}`
    }, title);
    const said = text === "" ? [] : [
      el("p", {
        class: "soft"
      }, text)
    ];
    const row = el("div", {
      class: "buttons"
    }, ...buttons);
    const card = el("section", {
      class: "ask",
      role: "group",
      "aria-labelledby": heading.id
    }, heading, ...said);
    card.append(...inside, row);
    this.#cards.set(id, card);
    this.#place.append(card);
    card.scrollIntoView({
      block: "nearest"
    });
    byId("asked").textContent = title;
    return card;
  }
  #remove(id) {
    const card = this.#cards.get(id);
    if (!card) return;
    if (card.contains(document.activeElement)) byId("text").focus();
    card.remove();
    this.#cards.delete(id);
    if (this.#cards.size === 0) byId("asked").textContent = "";
  }
  #removeOf(run_id) {
    for (const [id, { dataset }] of this.#cards) if (dataset.run === run_id) this.#remove(id);
  }
  #showSeen(source) {
    clearTimeout(this.#seen);
    this.#paint(`The agent is looking at your ${source}`);
    this.#seen = setTimeout(() => this.#paint(), SEEN_MS);
  }
  /** Says at any time what can be seen. */
  #paint(now = "") {
    const shared2 = [
      "camera",
      "screen"
    ].filter((source) => this.#call?.stream(source));
    const free = shared2.filter((source) => this.#allowed.has(source));
    const list = (sources) => sources.join(" and ");
    const text = now !== "" ? now : free.length > 0 ? `The agent may look at your ${list(free)} until the call ends` : shared2.length > 0 ? `Your ${list(shared2)} ${shared2.length > 1 ? "are" : "is"} on. The agent asks before it looks` : "";
    show(this.#eye, text);
    this.#eye.classList.toggle("active", now !== "");
    if (free.length > 0 && now === "") this.#eye.append(" ", button("Take back", () => this.#takeBack()));
  }
  #takeBack() {
    for (const source of this.#allowed) this.#call?.answerLook({
      source
    }, "no");
  }
};

// console/call/together.ts
var MAX_DRIFT = 0.08;
function playTogether(leader, others) {
  const on = (types, act) => {
    for (const type of types) leader.addEventListener(type, () => others.forEach((other) => void act(other)));
  };
  const align = (other) => {
    if (Math.abs(other.currentTime - leader.currentTime) > MAX_DRIFT) other.currentTime = leader.currentTime;
  };
  on([
    "play",
    "playing"
  ], (other) => {
    align(other);
    return other.play().catch(() => {
    });
  });
  on([
    "pause",
    "waiting",
    "ended"
  ], (other) => other.pause());
  on([
    "seeking",
    "seeked",
    "timeupdate"
  ], align);
  on([
    "ratechange"
  ], (other) => other.playbackRate = leader.playbackRate);
  on([
    "volumechange"
  ], (other) => {
    other.volume = leader.volume;
    other.muted = leader.muted;
  });
}

// console/call/webm_tracks.ts
var SEGMENT = 408125543;
var TRACKS = 374648427;
var CLUSTER = 524531317;
var TRACK_ENTRY = 174;
var TRACK_NUMBER = 215;
var TRACK_TYPE = 131;
var SIMPLE_BLOCK = 163;
var BLOCK_GROUP = 160;
var BLOCK = 161;
var VOID = 236;
var KINDS2 = {
  1: "video",
  2: "audio"
};
var INSIDE = [
  SEGMENT,
  TRACKS,
  CLUSTER
];
function splitTracks(buffer) {
  const bytes = new Uint8Array(buffer);
  const parts = [];
  const kinds = /* @__PURE__ */ new Map();
  read(bytes, {
    start: 0,
    end: bytes.length
  }, {
    parts,
    kinds
  });
  const numbers = [
    ...kinds.keys()
  ];
  const first = [
    "video",
    "audio"
  ].flatMap((kind) => numbers.find((one) => kinds.get(one) === kind) ?? []);
  const rest = numbers.filter((number) => !first.includes(number));
  return [
    first,
    ...rest.map((number) => [
      number
    ])
  ].map((kept) => {
    for (const { at, id, track } of parts) bytes[at] = kept.includes(track) ? id : VOID;
    return {
      kind: kinds.get(kept[0]) ?? "audio",
      file: new Blob([
        bytes
      ], {
        type: "video/webm"
      })
    };
  });
}
function read(bytes, { start: start2, end: end2 }, found) {
  for (const one of elements(bytes, start2, end2)) {
    const { id, at } = one;
    if (INSIDE.includes(id)) read(bytes, one, found);
    else if (id === SIMPLE_BLOCK) found.parts.push({
      at,
      id,
      track: numberAt(bytes, one.start).value
    });
    else if (id === BLOCK_GROUP) {
      const block = elements(bytes, one.start, one.end).find((inner) => inner.id === BLOCK);
      if (block) found.parts.push({
        at,
        id,
        track: numberAt(bytes, block.start).value
      });
    } else if (id === TRACK_ENTRY) {
      const fields = new Map(elements(bytes, one.start, one.end).map((inner) => [
        inner.id,
        bytes[inner.end - 1]
      ]));
      const track = fields.get(TRACK_NUMBER);
      const kind = KINDS2[fields.get(TRACK_TYPE)];
      found.parts.push({
        at,
        id,
        track
      });
      if (kind) found.kinds.set(track, kind);
    }
  }
}
function elements(bytes, start2, end2) {
  const list = [];
  for (let at = start2; at < end2; ) {
    const id = numberAt(bytes, at, {
      marked: true
    });
    const size = numberAt(bytes, at + id.length);
    const inside = at + id.length + size.length;
    const next = Math.min(inside + size.value, end2);
    list.push({
      id: id.value,
      at,
      start: inside,
      end: next
    });
    at = next;
  }
  return list;
}
function numberAt(bytes, at, { marked = false } = {}) {
  const first = bytes[at] ?? 0;
  const length = Math.min(Math.clz32(first) - 23, 8);
  let value = marked ? first : first & 255 >> length;
  for (let n = 1; n < length; n++) value = value * 256 + (bytes[at + n] ?? 0);
  return {
    value,
    length
  };
}

// console/call/recording_player.ts
var ASK_MS = 500;
var ASK_MAX_MS = 1e4;
var END_MS = 5e3;
var MAX_PLAYED = 25e7;
var pause2 = (ms2) => new Promise((resolve) => setTimeout(resolve, ms2));
var RecordingPlayer = class {
  #view = byId("recorded");
  #play = byId("play");
  #download = byId("download");
  #player = byId("player");
  #urls = [];
  #recordings;
  #id;
  constructor() {
    this.#play.addEventListener("click", () => void this.#do((recordings, made) => this.#open(recordings, made)));
    this.#download.addEventListener("click", () => void this.#do(async (recordings, { id }) => {
      this.#say("The call was recorded.");
      el("a", {
        href: await recordings.address(id),
        download: `${id}.webm`
      }).click();
    }));
  }
  /** Offers recording `id`. */
  show(recordings, id) {
    this.clear();
    this.#recordings = recordings;
    this.#id = id;
    this.#view.hidden = false;
    for (const one of [
      this.#play,
      this.#download
    ]) one.hidden = !recordings.allowed;
    this.#say("The call was recorded.");
  }
  /** Takes everything back. */
  clear() {
    for (const url of this.#urls.splice(0)) URL.revokeObjectURL(url);
    this.#player.replaceChildren();
    this.#player.hidden = true;
    this.#view.hidden = true;
    this.#recordings = this.#id = void 0;
  }
  /** Does something with the recording when it is made. */
  async #do(act) {
    const [recordings, id] = [
      this.#recordings,
      this.#id
    ];
    if (!recordings || id === void 0) return;
    this.#busy = true;
    try {
      const made = await this.#made(recordings, id);
      if (made && this.#id === id) await act(recordings, made);
    } catch (error) {
      if (this.#id === id) this.#say(describeFault(error));
    } finally {
      this.#busy = false;
    }
  }
  async #made(recordings, id) {
    const until = performance.now() + END_MS;
    let wait = ASK_MS;
    while (this.#id === id) {
      const found = await recordings.find(id);
      if (!found) this.#say("The recording is not there: it was deleted, or belongs to somebody else.");
      else if (found.state === "failed") this.#say("The recording failed: there is no file of it.");
      else if (found.size === 0) this.#say("Nothing was said or shown while it was recorded.");
      else if (found.state === "ready") return found;
      else if (found.state === "finishing" || performance.now() < until) {
        this.#say("The recording is being made into a file\u2026");
        await pause2(wait);
        wait = Math.min(2 * wait, ASK_MAX_MS);
        continue;
      } else this.#say("The room is still being recorded. Try again when that has ended.");
      return void 0;
    }
  }
  async #open(recordings, { id, size, tracks }) {
    if (size > MAX_PLAYED) return this.#say("The recording is too large to be played here: download it.");
    this.#say("The recording is being loaded\u2026");
    const [file, words] = await Promise.all([
      recordings.file(id),
      recordings.words(id)
    ]);
    if (this.#id !== id) return;
    const [leader, ...rest] = splitTracks(file);
    const video = el("video", {
      controls: "",
      playsinline: "",
      "aria-label": "The recording"
    });
    video.src = this.#urlOf(leader.file);
    const captions = el("track", {
      kind: "captions",
      label: "What was said",
      srclang: "und",
      default: ""
    });
    captions.src = this.#urlOf(words);
    video.append(captions);
    const others = rest.map(({ kind, file: file2 }) => {
      const other = el(kind === "video" ? "video" : "audio", kind === "video" ? {
        playsinline: ""
      } : {});
      other.src = this.#urlOf(file2);
      return other;
    });
    playTogether(video, others);
    this.#player.replaceChildren(video, ...others);
    this.#player.hidden = false;
    this.#play.hidden = true;
    show(byId("recorded-text"), `Recorded: ${tracks.map(({ name }) => name).join(", ")}`);
    video.focus();
    await video.play().catch(() => {
    });
  }
  #urlOf(blob) {
    const url = URL.createObjectURL(blob);
    this.#urls.push(url);
    return url;
  }
  set #busy(busy) {
    this.#play.disabled = this.#download.disabled = busy;
  }
  #say(text) {
    byId("recorded-text").textContent = text;
  }
};

// console/call/call_end.ts
var REASONS = {
  hung_up: "You hung up.",
  deleted: "The call was ended elsewhere.",
  lost: "The connection was lost.",
  connect_timeout: "No way for sound was found between here and the server.",
  idle: "Nobody said anything for a long time.",
  too_long: "The call reached its longest time.",
  key_revoked: "The key is not valid any more.",
  failed: "Something went wrong on the server.",
  left: "You were taken out of the room.",
  room_ended: "The room has ended.",
  shutdown: "The server is shutting down.",
  process_ended: "The server was restarted."
};
var CallEnd = class {
  #player = new RecordingPlayer();
  #again = byId("again");
  #next = "again";
  constructor({ onNext }) {
    this.#again.addEventListener("click", () => {
      this.#player.clear();
      onNext(this.#next);
    });
  }
  /** Shows why `call` ended, and what can be done now; `recording_id` is what was recorded of it. */
  show(call, recording_id) {
    const reason = call.reason ?? "lost";
    const isOver = reason === "room_ended";
    this.#next = isOver ? "new_room" : "again";
    this.#again.hidden = isOver && !call.invites;
    this.#again.textContent = isOver ? "Make a new room" : reason === "key_revoked" ? "Use another key" : call.place ? "Join again" : "Call again";
    byId("over-text").textContent = this.#again.hidden ? `${REASONS[reason]} For another one, ask whoever invited you.` : REASONS[reason];
    this.#player.clear();
    if (recording_id !== void 0) this.#player.show(call.recordings, recording_id);
    byId(this.#again.hidden ? "over-text" : "again").focus();
  }
};

// console/call/controls.ts
var KEYS = {
  KeyM: "mute",
  KeyC: "share-camera",
  KeyS: "share-screen",
  KeyH: "hold"
};
var Controls = class {
  #devices;
  #transcript;
  #call;
  #captions = false;
  #using = Promise.resolve();
  constructor({ devices: devices2, transcript: transcript2 }) {
    this.#devices = devices2;
    this.#transcript = transcript2;
    byId("share-screen").hidden = !("getDisplayMedia" in (navigator.mediaDevices ?? {}));
    this.#on("mute", (call) => call.muted.caller ? call.unmute() : call.mute());
    this.#on("hold", (call) => call.held ? call.resume() : call.hold());
    this.#on("share-camera", (call) => this.#toggle(call, "camera"));
    this.#on("share-screen", (call) => this.#toggle(call, "screen"));
    this.#on("interrupt", (call) => call.interrupt());
    this.#on("listen", async (call) => {
      await call.player?.play();
      byId("listen").hidden = true;
    });
    this.#on("hang-up", (call) => call.hangUp());
    byId("caption").addEventListener("click", () => {
      this.#transcript.captions = this.#captions = !this.#captions;
      this.#paint();
    });
    byId("compose").addEventListener("submit", (event) => {
      event.preventDefault();
      const field = byId("text");
      if (field.value.trim() === "") return;
      this.#call?.sendText(field.value.trim());
      field.value = "";
    });
    addEventListener("keydown", (event) => this.#hearKey(event));
    for (const kind of [
      "microphone",
      "speaker",
      "camera"
    ]) {
      devices2.onChange(kind, (lost) => this.#use(kind, lost));
    }
  }
  /** Serves a call until it ends. */
  follow(call) {
    this.#call = call;
    show(byId("notice"), "");
    call.on("media", ({ source, open }) => {
      if (open && source !== "screen") this.#watch(source, call.stream(source));
      if (source !== "microphone") this.#showView(source, call.stream(source));
      this.#paint();
    });
    call.on("session.state", () => this.#paint());
    call.on("agent.speaking", () => byId("interrupt").disabled = false);
    for (const type of [
      "agent.done",
      "agent.interrupted"
    ]) {
      call.on(type, () => byId("interrupt").disabled = true);
    }
    call.on("sound", () => void this.#offerSound(call));
    this.#paint();
    this.#draw();
  }
  /** Sends a camera or screen. Rejects with the browser's `DOMException`. */
  async share(source) {
    await this.#call?.share(source, source === "camera" ? this.#devices.chosen("camera") : true);
  }
  async #toggle(call, source) {
    if (call.stream(source)) await call.stop(source);
    else await this.share(source);
  }
  /** Takes into the call what is chosen when its turn has come: whoever goes through a list stays with the last. */
  #use(kind, lost) {
    this.#using = this.#using.then(async () => {
      const call = this.#call;
      if (!call || call.connection === "ended") return;
      const before = usedBy(call, kind);
      try {
        if (kind === "speaker") await call.setSpeaker(this.#devices.speaker);
        else if (kind === "microphone") await call.share(kind, this.#devices.chosen(kind));
        else if (call.stream(kind)) await (lost ? call.stop(kind) : this.share(kind));
      } catch (error) {
        if (kind !== "speaker" && before !== "" && call.stream(kind) === null) {
          await call.share(kind, {
            deviceId: {
              exact: before
            }
          }).catch(() => {
          });
        }
        const heard = kind !== "microphone" || call.stream(kind) !== null;
        this.#devices.refuse(kind, `${describeFault(error)}${heard ? "" : " You are not heard."}`, usedBy(call, kind));
      }
    });
  }
  /** A track that ends by itself has lost its device. */
  #watch(kind, stream) {
    for (const track of stream?.getTracks() ?? []) track.addEventListener("ended", () => this.#devices.lose(kind));
  }
  #on(id, act) {
    byId(id).addEventListener("click", async () => {
      const call = this.#call;
      if (!call || call.connection === "ended") return;
      try {
        await act(call);
        show(byId("notice"), "");
      } catch (error) {
        show(byId("notice"), id === "share-screen" ? "" : describeFault(error));
      }
      this.#paint();
    });
  }
  #hearKey(event) {
    const call = this.#call;
    if (!call || call.connection === "ended") return;
    const id = event.altKey && !event.ctrlKey ? KEYS[event.code] : void 0;
    if (event.key === "Escape") {
      if (!byId("call-devices").matches(":popover-open")) call.interrupt();
    } else if (id !== void 0) {
      event.preventDefault();
      byId(id).click();
    }
  }
  #paint() {
    const call = this.#call;
    const press = (id, on) => byId(id).setAttribute("aria-pressed", String(on));
    press("mute", call?.muted.caller ?? false);
    press("hold", call?.held ?? false);
    press("share-camera", call?.stream("camera") ? true : false);
    press("share-screen", call?.stream("screen") ? true : false);
    press("caption", this.#captions);
    document.body.toggleAttribute("data-held", call?.held ?? false);
  }
  #showView(source, stream) {
    const view2 = byId(`${source}-view`);
    view2.querySelector("video").srcObject = stream;
    view2.hidden = stream === null;
    byId("views").hidden = byId("camera-view").hidden && byId("screen-view").hidden;
  }
  /** Browsers play nothing to a person who hasn't touched the page. */
  async #offerSound(call) {
    await call.setSpeaker(this.#devices.speaker).catch(() => {
    });
    byId("listen").hidden = await call.player?.play().then(() => true, (error) => error.name !== "NotAllowedError") ?? true;
  }
  #draw() {
    const call = this.#call;
    if (!call || call.connection === "ended") return;
    const level = call.muted.caller || call.held ? 0 : call.level("caller");
    drawLevel(byId("my-level"), level);
    this.#devices.level = level;
    drawLevel(byId("orb"), call.level("agent"));
    requestAnimationFrame(() => this.#draw());
  }
};
function usedBy(call, kind) {
  if (kind === "speaker") return call.player?.sinkId ?? "";
  return call.stream(kind)?.getTracks()[0]?.getSettings().deviceId ?? "";
}

// console/call/figures.ts
var EVERY_MS = 2e3;
var Figures = class {
  #place = byId("figures");
  #rows = /* @__PURE__ */ new Map();
  #timer;
  /** Follows a call until it ends. */
  follow(call) {
    this.#set("Call", call.id);
    call.on("agent.done", ({ latency: { turn_ms, transcript_ms, first_token_ms, first_sound_ms } }) => {
      this.#set("Your turn was over after", ms(turn_ms));
      this.#set("Transcript after", ms(transcript_ms));
      this.#set("First word of the model after", ms(first_token_ms));
      this.#set("First sound sent after", ms(first_sound_ms));
    });
    call.on("heard", (heard) => this.#set("You heard the answer after", ms(heard.ms)));
    call.on("connection", ({ state }) => state === "ended" && clearInterval(this.#timer));
    this.#timer = setInterval(() => void this.#look(call), EVERY_MS);
    void this.#look(call);
  }
  /** Begins anew. */
  clear() {
    clearInterval(this.#timer);
    this.#rows.clear();
    this.#place.replaceChildren();
  }
  async #look(call) {
    const { round_trip_ms, jitter_ms, packets_received, packets_lost, path } = await call.statistics();
    const all = packets_received + packets_lost;
    this.#set("Way", path ?? "\u2013");
    this.#set("Round trip", ms(round_trip_ms));
    this.#set("Jitter", ms(jitter_ms));
    this.#set("Lost", all === 0 ? "\u2013" : `${(100 * packets_lost / all).toFixed(1)} % of ${all} packets`);
  }
  #set(name, value) {
    let row = this.#rows.get(name);
    if (!row) {
      row = el("dd");
      this.#rows.set(name, row);
      this.#place.append(el("div", {}, el("dt", {}, name), row));
    }
    row.textContent = value;
  }
};
function ms(value) {
  return value === null ? "\u2013" : `${Math.round(value)} ms`;
}

// console/call/recording_mark.ts
var STOPPED = {
  stopped: "The recording has stopped.",
  call_ended: "The recording has stopped.",
  too_long: "The recording has stopped: it reached its longest time.",
  too_large: "The recording has stopped: it reached its largest size.",
  disk_full: "The recording has stopped: the server\u2019s disk is full.",
  failed: "The recording has stopped: the server can\u2019t write it.",
  deleted: "The recording has stopped and was deleted.",
  shutdown: "The recording has stopped: the server is shutting down.",
  process_ended: "The recording has stopped."
};
var RecordingMark = class {
  #mark = byId("recording");
  #button = byId("record");
  #options;
  #call;
  #newest;
  /** The line that says it is going on. */
  #line;
  constructor(options) {
    this.#options = options;
    this.#button.addEventListener("click", () => void this.#toggle());
  }
  /** The newest recording of the call, if it was recorded. */
  get newest() {
    return this.#newest;
  }
  /** Follows another call. */
  follow(call) {
    this.#call = call;
    this.#newest = call.session.recording_id ?? void 0;
    this.#button.hidden = !this.#options.offered || !call.recordings.allowed;
    this.#on = this.#newest !== void 0;
    call.on("recording.started", ({ recording_id }) => {
      this.#newest = recording_id;
      this.#on = true;
      this.#line = this.#options.say("This call is being recorded.");
    });
    call.on("recording.stopped", ({ recording_id, reason }) => {
      if (reason === "deleted" && this.#newest === recording_id) this.#newest = void 0;
      this.#end();
      this.#options.say(STOPPED[reason]);
    });
    call.on("connection", ({ state }) => {
      if (state !== "ended") return;
      this.#end();
      this.#button.hidden = true;
    });
  }
  /** What is over isn't said to go on. */
  #end() {
    this.#on = false;
    if (this.#line) this.#line.textContent = "From here the call was recorded.";
    this.#line = void 0;
  }
  async #toggle() {
    const call = this.#call;
    if (!call) return;
    this.#button.disabled = true;
    try {
      await (this.#mark.hidden ? call.recordings.start() : call.recordings.stop());
      show(byId("notice"), "");
    } catch (error) {
      show(byId("notice"), describeFault(error));
    } finally {
      this.#button.disabled = false;
    }
  }
  set #on(on) {
    this.#mark.hidden = !on;
    this.#button.textContent = on ? "Stop recording" : this.#call?.place ? "Record the room" : "Record the call";
  }
};

// console/call/retry.ts
var BUSY2 = [
  429,
  503
];
var SECOND = 1e3;
var Retry = class {
  #view = byId("retry");
  #end;
  constructor() {
    byId("retry-now").addEventListener("click", () => this.#end?.(true));
    byId("retry-cancel").addEventListener("click", () => this.#end?.(false));
  }
  /** Does `task` until there is a place for it. Rejects with what else is wrong, and when the person gives up. */
  async run(task) {
    this.#end?.(false);
    for (; ; ) {
      try {
        return await task();
      } catch (error) {
        const seconds = error instanceof CallError && BUSY2.includes(error.status) ? error.retry_after : void 0;
        if (seconds === void 0 || !await this.#wait(error.message, seconds)) throw error;
      }
    }
  }
  /** Resolves with whether to try again. */
  async #wait(message, seconds) {
    const { promise, resolve } = Promise.withResolvers();
    const until = performance.now() + seconds * SECOND;
    const tick = () => {
      const left = Math.ceil((until - performance.now()) / SECOND);
      byId("retry-left").textContent = String(left);
      if (left <= 0) resolve(true);
    };
    this.#end = resolve;
    this.#view.hidden = false;
    const said = el("span", {
      class: "hidden"
    }, ` Trying again in ${seconds} seconds.`);
    byId("retry-text").replaceChildren(`${message}.`, said);
    if (document.activeElement?.matches("body, :disabled")) byId("retry-cancel").focus();
    tick();
    const ticking = setInterval(tick, SECOND / 4);
    const again = await promise;
    clearInterval(ticking);
    this.#end = void 0;
    this.#view.hidden = true;
    return again;
  }
};

// console/call/invitation.ts
var INVITED_SECONDS = 7200;
function invitationTo({ base: base2, room_id, secret }) {
  const address = new URL(`${base2}/call?room=${room_id}`, location.href);
  address.hash = `secret=${secret}`;
  return address.href;
}

// console/call/room_view.ts
var RoomView = class {
  #options;
  #view = byId("room");
  #people = /* @__PURE__ */ new Map();
  #tiles = /* @__PURE__ */ new Map();
  #voices = [];
  #invite = byId("invite");
  #call;
  constructor(options) {
    this.#options = options;
    this.#invite.addEventListener("click", () => void this.#copyInvitation());
  }
  /** Follows a call; without a room there is nothing to show. */
  follow(call) {
    this.#clear();
    const { place } = call;
    this.#view.hidden = place === void 0;
    if (!place) return;
    this.#call = call;
    this.#invite.hidden = !call.invites;
    call.on("room.joined", (member) => this.#join(member, place));
    call.on("room.left", (member) => this.#leave(member));
    call.on("room.said", ({ name, text }) => this.#options.say(text, name));
    call.on("room.speaker", ({ member_id }) => {
      for (const [id, { item }] of this.#people) item.toggleAttribute("data-speaking", id === member_id);
    });
    call.on("room.tracks", ({ slots }) => this.#show(slots));
    call.on("other", ({ mid, track }) => track.kind === "audio" ? this.#hear(track) : this.#see(mid, track));
    call.on("session.state", ({ held }) => {
      for (const voice of this.#voices) voice.muted = held;
    });
    call.on("connection", ({ state }) => {
      if (state === "ended") this.#clear();
    });
  }
  /** Plays the others on the speaker that is chosen now, where the browser can. */
  async useSpeaker() {
    const speaker = this.#options.speaker();
    await Promise.all(this.#voices.map((voice) => voice.setSinkId?.(speaker)));
  }
  #join({ member_id, name, role }, place) {
    const own = member_id === place.member.id;
    const label = own ? `${name} (you)` : name;
    const item = el("li", {}, label, ...role === "agent" ? [
      " ",
      el("small", {}, "agent")
    ] : []);
    this.#people.set(member_id, {
      item,
      name
    });
    byId("people").append(item);
    if (!own && this.#people.has(place.member.id)) this.#options.say(`${name} has joined.`);
  }
  #leave({ member_id, name }) {
    this.#people.get(member_id)?.item.remove();
    this.#people.delete(member_id);
    this.#options.say(`${name} has left.`);
  }
  /** A voice that belongs to nobody yet is silent. */
  #hear(track) {
    const voice = new Audio();
    voice.srcObject = new MediaStream([
      track
    ]);
    void voice.play().catch(() => addEventListener("pointerdown", () => void voice.play(), {
      once: true
    }));
    this.#voices.push(voice);
    void this.useSpeaker().catch(() => {
    });
  }
  #see(mid, track) {
    const caption = el("figcaption");
    const video = el("video", {
      playsinline: "",
      autoplay: ""
    });
    video.muted = true;
    video.srcObject = new MediaStream([
      track
    ]);
    const figure = el("figure", {
      hidden: ""
    }, video, caption);
    this.#tiles.set(mid, {
      figure,
      video,
      caption
    });
    byId("tiles").append(figure);
  }
  #show(slots) {
    for (const [mid, { figure, video, caption }] of this.#tiles) {
      const slot = slots[mid] ?? null;
      const name = slot && this.#people.get(slot.member_id)?.name;
      figure.hidden = !name;
      if (!name) continue;
      caption.textContent = slot.source === "screen" ? `${name}\u2019s screen` : name;
      video.setAttribute("aria-label", caption.textContent);
      figure.toggleAttribute("data-screen", slot.source === "screen");
      void video.play().catch(() => {
      });
    }
  }
  async #copyInvitation() {
    const { place } = this.#call;
    let address = "";
    try {
      const secret = await this.#call.invite({
        expires_seconds: INVITED_SECONDS
      });
      address = invitationTo({
        base: this.#options.base,
        room_id: place.room.id,
        secret
      });
      await navigator.clipboard.writeText(address);
      this.#options.say("The invitation is copied. It lets people in for two hours.");
    } catch (error) {
      if (address === "") return void this.#options.say(describeFault(error));
      prompt("The invitation, good for two hours", address);
    }
  }
  #clear() {
    this.#view.hidden = this.#invite.hidden = true;
    for (const voice of this.#voices.splice(0)) voice.srcObject = null;
    for (const { figure } of this.#tiles.values()) figure.remove();
    for (const { item } of this.#people.values()) item.remove();
    this.#tiles.clear();
    this.#people.clear();
  }
};

// console/call/room_setup.ts
var STORED = "muxi.name";
var RoomSetup = class {
  /** What an invitation carries in place of a key: behind the `#`, where no server sees it. */
  secret = new URLSearchParams(location.hash.slice(1)).get("secret") ?? void 0;
  #name = byId("name");
  #link = byId("invitation-link");
  #id = new URLSearchParams(location.search).get("room") ?? void 0;
  #room;
  constructor() {
    this.#name.value = localStorage.getItem(STORED) ?? "";
    byId("copy-invitation").addEventListener("click", async () => {
      this.#link.select();
      await navigator.clipboard?.writeText(this.#link.value).then(() => this.#hint("Copied."), () => {
      });
    });
  }
  /** The room that is to be joined; undefined: none is. */
  get id() {
    return this.#id;
  }
  /** The room as it was found; undefined until then. */
  get found() {
    return this.#room;
  }
  /** What the call is begun with. */
  get chosen() {
    if (this.#id === void 0) return {};
    const name = this.#name.value.trim();
    localStorage.setItem(STORED, name);
    return {
      room: {
        id: this.#id,
        name
      }
    };
  }
  /** Looks whether the room is there. */
  async load(api) {
    this.#room = await api.ask("GET", `/rtc/rooms/${this.#id}`);
  }
  /** Makes a room, which is to be joined then. */
  async make(api, { name, agent_id }) {
    const agents = agent_id === "" ? [] : [
      {
        agent_id
      }
    ];
    const room2 = this.#room = await api.ask("POST", "/rtc/rooms", {
      body: {
        name,
        agents
      }
    });
    this.#id = room2.id;
    history.replaceState(null, "", `?room=${room2.id}`);
  }
  /** Shows the link that lets others in. */
  async invite(api, { base: base2 }) {
    const room_id = this.#id;
    const body = {
      room_id,
      expires_seconds: INVITED_SECONDS
    };
    const made = await api.ask("POST", "/rtc/secrets", {
      body
    });
    this.#link.value = invitationTo({
      base: base2,
      room_id,
      secret: made.secret
    });
    const time = new Date(made.expires_at).toLocaleTimeString([], {
      hour: "2-digit",
      minute: "2-digit"
    });
    this.#hint(`Whoever has this link can join without a key, until ${time}.`);
    byId("invitation").hidden = false;
  }
  /** Forgets the room. */
  leave() {
    this.#id = this.#room = void 0;
    history.replaceState(null, "", location.pathname);
    byId("invitation").hidden = true;
  }
  #hint(text) {
    byId("invitation-hint").textContent = text;
  }
};

// console/call/setup.ts
var STORED2 = "muxi.key";
var TYPED_MS = 400;
var WORDS = {
  agent: {
    title: "Talk to an agent",
    lead: "It hears you, answers aloud, and every word stays in the conversation.",
    start: "Start the call",
    busy: "Connecting\u2026"
  },
  new_room: {
    title: "Meet in a room",
    lead: "Several people speak with each other, and with an agent that answers when it is called by name.",
    start: "Make the room",
    busy: "Making it\u2026"
  },
  join: {
    title: "Join",
    lead: "Everybody hears everybody, and every word stays in the conversation.",
    start: "Join",
    busy: "Connecting\u2026"
  }
};
var Setup = class {
  #options;
  #room = new RoomSetup();
  #key = byId("key");
  #agent = byId("agent");
  #start = byId("start");
  #mode = this.#room.id === void 0 ? "agent" : "join";
  #agents = [];
  #asked = 0;
  #typed;
  constructor(options) {
    this.#options = options;
    this.#key.value = this.#room.secret ?? sessionStorage.getItem(STORED2) ?? "";
    this.#key.addEventListener("input", () => {
      clearTimeout(this.#typed);
      this.#typed = setTimeout(() => void this.load(), TYPED_MS);
    });
    byId("mode-agent").addEventListener("change", () => this.#become("agent"));
    byId("mode-room").addEventListener("change", () => this.#become("new_room"));
    byId("setup").addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#isOver) this.newRoom();
      else if (this.#mode === "new_room") void this.#makeRoom();
      else options.onStart();
    });
    this.#become(this.#mode);
    void this.load();
  }
  /** What was chosen. */
  get chosen() {
    const conversation_id = new URLSearchParams(location.search).get("conversation");
    const key = this.#key.value.trim();
    if (this.#mode === "join") return {
      key,
      agent_name: this.#room.found?.name ?? "",
      ...this.#room.chosen
    };
    return {
      key,
      agent_id: this.#agent.value,
      agent_name: this.#agent.selectedOptions[0]?.textContent ?? this.#agent.value,
      ...conversation_id !== null && {
        conversation_id
      }
    };
  }
  /** Whether something is being started. */
  set busy(busy) {
    const { start: start2, busy: doing } = WORDS[this.#mode];
    const ready = this.#mode === "join" ? this.#room.found !== void 0 && (!this.#isOver || this.#room.secret === void 0) : this.#agents.length > 0;
    this.#start.disabled = busy || !ready;
    this.#start.textContent = busy ? doing : this.#isOver && ready ? "Make a new room" : start2;
  }
  /** Says what is wrong; empty: nothing. */
  set fault(text) {
    show(byId("setup-error"), text);
  }
  /** Lets the person make a room, called as the one before. */
  newRoom() {
    byId("room-name").value = this.#room.found?.name ?? "";
    byId("mode-room").checked = true;
    this.#room.leave();
    this.fault = "";
    this.#become("new_room");
    void this.load();
    byId("room-name").focus();
  }
  /** Asks for the room, or the agents, that the key may use. */
  async load() {
    const asked = ++this.#asked;
    const key = this.#key.value.trim();
    if (key === "") return this.#fill([]);
    try {
      const api = this.#api();
      const { retry: retry2 } = this.#options;
      const page = this.#mode === "join" ? await retry2.run(() => this.#room.load(api)) : await retry2.run(() => api.ask("GET", "/agents?limit=100"));
      if (asked !== this.#asked) return;
      if (this.#room.secret === void 0) sessionStorage.setItem(STORED2, key);
      if (page) this.#fill(page.data);
      else this.#become("join");
      this.fault = page?.data.length === 0 ? "There is no agent yet." : this.#isOver ? this.#over : "";
    } catch (error) {
      if (asked !== this.#asked) return;
      if (error instanceof CallError && error.status === 401) sessionStorage.removeItem(STORED2);
      this.#fill([]);
      this.fault = describeFault(error);
    }
  }
  get #isOver() {
    return this.#mode === "join" && typeof this.#room.found?.ended_at === "string";
  }
  get #over() {
    return `The room has ended.${this.#room.secret === void 0 ? "" : " Ask whoever invited you for another one."}`;
  }
  #api() {
    return new Api({
      base_url: this.#options.base,
      key: this.#key.value.trim()
    });
  }
  async #makeRoom() {
    const { base: base2, retry: retry2 } = this.#options;
    const wanted = {
      name: byId("room-name").value.trim(),
      agent_id: this.#agent.value
    };
    const api = this.#api();
    this.fault = "";
    this.busy = true;
    try {
      await retry2.run(() => this.#room.make(api, wanted));
      this.#become("join");
      await retry2.run(() => this.#room.invite(api, {
        base: base2
      }));
      byId("copy-invitation").focus();
    } catch (error) {
      this.fault = describeFault(error);
      this.busy = false;
    }
  }
  /** Shows the fields that the chosen kind of call needs. */
  #become(mode) {
    this.#mode = mode;
    const { title, lead } = WORDS[mode];
    const { found, secret } = this.#room;
    const ask = (id, ...modes) => {
      const asked = modes.includes(mode);
      byId(`${id}-field`).hidden = !asked;
      return asked;
    };
    byId("modes").hidden = mode === "join";
    byId("name").required = ask("name", "join");
    byId("room-name").required = ask("room-name", "new_room");
    ask("agent", "agent", "new_room");
    byId("key-field").hidden = secret !== void 0;
    byId("devices").hidden = mode === "new_room";
    byId("setup-title").textContent = mode === "join" && found ? `Join ${found.name}` : title;
    const there = mode === "join" ? found?.members.map(({ name }) => name) ?? [] : [];
    byId("lead").textContent = there.length > 0 ? `${lead} In it now: ${there.join(", ")}.` : lead;
    this.#fill(this.#agents);
  }
  #fill(agents) {
    this.#agents = agents;
    const wanted = this.#agent.value || new URLSearchParams(location.search).get("agent");
    const options = agents.map(({ id, name }) => el("option", {
      value: id
    }, name || id));
    if (options.length > 0 && this.#mode === "new_room") options.push(el("option", {
      value: ""
    }, "No agent"));
    this.#agent.replaceChildren(...options.length > 0 ? options : [
      el("option", {
        value: ""
      }, "Enter a key first")
    ]);
    if (agents.some(({ id }) => id === wanted)) this.#agent.value = wanted;
    this.#agent.disabled = agents.length === 0;
    this.busy = false;
  }
};

// console/call/theme.ts
var THEMES = {
  "": "as the system",
  light: "light",
  dark: "dark"
};
var STORED3 = "muxi.theme";
function startTheme() {
  const names = Object.keys(THEMES);
  const button2 = byId("theme");
  const paint = (theme) => {
    document.documentElement.dataset.theme = theme;
    button2.setAttribute("aria-label", `Colours: ${THEMES[theme]}`);
  };
  paint(names.find((name) => name === localStorage.getItem(STORED3)) ?? "");
  button2.addEventListener("click", () => {
    const now = names.findIndex((name) => name === document.documentElement.dataset.theme);
    const next = names[(now + 1) % names.length];
    paint(next);
    localStorage.setItem(STORED3, next);
  });
}

// console/call/transcript.ts
var MAX_ENTRIES = 500;
var MAX_ANNOUNCED = 20;
var MAX_SHOWN = 4e3;
var Transcript = class {
  #view = byId("said");
  #list = byId("transcript");
  #partial = byId("partial");
  #captions = byId("captions");
  #announced = byId("announced");
  #entries = /* @__PURE__ */ new Map();
  #tools = /* @__PURE__ */ new Map();
  /** Who answers, by the run. */
  #nameOf = () => "Agent";
  #captioned = false;
  /** Whether the newest is in view. Who reads something further up is left alone. */
  #isAtEnd = true;
  #top = 0;
  constructor() {
    const view2 = this.#view;
    view2.addEventListener("scroll", () => {
      const isAtEnd = view2.scrollHeight - view2.scrollTop - view2.clientHeight < 60;
      this.#isAtEnd = isAtEnd || this.#isAtEnd && view2.scrollTop >= this.#top;
      this.#top = view2.scrollTop;
    });
    const sizes = new ResizeObserver(() => this.#keepInView());
    for (const part of [
      view2,
      ...view2.children
    ]) sizes.observe(part);
  }
  /** Follows a call, in which `nameOf` tells who answers in a run. */
  follow(call, nameOf) {
    this.#nameOf = nameOf;
    call.on("transcript.partial", ({ text }) => this.#hear(text));
    call.on("transcript.final", ({ turn_id, text }) => {
      this.#hear("");
      this.#set(this.#entry(`caller ${turn_id}`), text);
    });
    call.on("agent.speaking", ({ turn_id, run_id, text, aloud }) => {
      const entry = this.#entry(`agent ${run_id ?? turn_id}`, run_id);
      if (!entry.written) this.#set(entry, `${entry.text.textContent} ${text}`.trim());
      this.#caption(call.place ? `${nameOf(run_id)}: ${text}` : text);
      if (!aloud || this.#captioned || call.muted.agent) this.#announce(`${nameOf(run_id)}: ${text}`);
    });
    call.on("agent.interrupted", ({ turn_id, run_id, heard }) => {
      const entry = this.#entry(`agent ${run_id ?? turn_id}`, run_id);
      this.#set(entry, heard);
      entry.item.classList.add("cut");
      this.#caption("");
    });
    call.on("agent.done", () => this.#caption(""));
    call.on("look.done", ({ source }) => this.note(`The agent looked at your ${source}.`));
    call.on("look.refused", ({ source }) => this.note(`The agent didn't see your ${source}.`));
    call.on("error", ({ message }) => this.note(message));
    call.on("run.event", ({ run_id, event, data }) => this.#run(run_id, event, data));
  }
  /** Adds a line of the page's own, or what somebody else in the room said. */
  note(text, name) {
    const said = name === void 0 ? text : `${name}: ${text}`;
    const item = name === void 0 ? el("li", {
      class: "note"
    }, text) : el("li", {
      class: "agent"
    }, el("b", {}, name), el("p", {}, text));
    this.#add(item);
    if (name !== void 0) this.#caption(said);
    if (name === void 0 || this.#captioned) this.#announce(said);
    return item;
  }
  /** Shows what others say in large letters, or not. */
  set captions(on) {
    this.#captioned = on;
    this.#captions.hidden = !on || this.#captions.textContent === "";
  }
  /** Begins anew. */
  clear() {
    this.#list.replaceChildren();
    this.#entries.clear();
    this.#tools.clear();
    this.#announced.replaceChildren();
    this.#hear("");
    this.#caption("");
  }
  #run(run_id, event, data) {
    const key = `agent ${run_id}`;
    if (event === "model.delta") {
      const entry = this.#entry(key, run_id);
      const before = entry.written ? entry.text.textContent : "";
      entry.written = true;
      this.#set(entry, before + data.text);
    } else if (event === "step.restarted") {
      const entry = this.#entries.get(key);
      if (entry) this.#set(entry, "");
    } else if (event === "message.completed") {
      const { message } = data;
      if (message.content === "") return;
      this.#set(this.#entry(key, run_id), message.content);
      this.#entries.delete(key);
    } else if (event === "tool.call.started") this.#startTool(data);
    else if (event === "tool.call.result") this.#endTool(data);
    else if (event === "run.failed") this.note(data.error.message);
  }
  #startTool({ tool_call_id, tool, arguments: given }) {
    const state = el("span", {
      class: "soft"
    }, "running");
    const parts = el("div", {}, ...json("Arguments", given));
    const details = el("details", {}, el("summary", {}, el("code", {}, tool), " ", state), parts);
    this.#tools.set(tool_call_id, details);
    this.#add(el("li", {
      class: "tool"
    }, details));
  }
  #endTool({ tool_call_id, result, error, duration_ms }) {
    const details = this.#tools.get(tool_call_id);
    if (!details) return;
    details.querySelector("summary span").textContent = error ? "failed" : `done in ${Math.round(duration_ms)} ms`;
    details.classList.toggle("bad", error !== void 0);
    details.lastElementChild.append(...json(error ? "Error" : "Result", error?.message ?? result));
  }
  /** What an agent says in a run, or what the caller does. */
  #entry(key, run_id) {
    const known = this.#entries.get(key);
    if (known) return known;
    const text = el("p");
    const [who, name] = run_id === void 0 ? [
      "caller",
      "You"
    ] : [
      "agent",
      this.#nameOf(run_id)
    ];
    const item = el("li", {
      class: who
    }, el("b", {}, name), text);
    const entry = {
      item,
      text,
      written: false
    };
    this.#entries.set(key, entry);
    this.#add(item);
    return entry;
  }
  #set(entry, text) {
    entry.text.textContent = text;
  }
  #add(item) {
    this.#list.append(item);
    if (this.#list.childElementCount > MAX_ENTRIES) this.#list.firstElementChild.remove();
  }
  #announce(text) {
    this.#announced.append(el("p", {}, text));
    if (this.#announced.childElementCount > MAX_ANNOUNCED) this.#announced.firstElementChild.remove();
  }
  #keepInView() {
    if (this.#isAtEnd) this.#view.scrollTop = this.#view.scrollHeight;
  }
  #hear(text) {
    this.#partial.textContent = text;
  }
  #caption(text) {
    show(this.#captions, text);
    this.captions = this.#captioned;
  }
};
function json(title, value) {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2) ?? "";
  return [
    el("h3", {}, title),
    el("pre", {
      tabindex: "0",
      "aria-label": title
    }, text.slice(0, MAX_SHOWN))
  ];
}

// console/call/viewers_mark.ts
var ViewersMark = class {
  #mark = byId("watched");
  #say;
  constructor({ say }) {
    this.#say = say;
  }
  /** Follows another call. */
  follow(call) {
    const watching = /* @__PURE__ */ new Set();
    show(this.#mark, "");
    call.on("session.viewer", ({ viewer_id, present }) => {
      if (present) watching.add(viewer_id);
      else watching.delete(viewer_id);
      const { size } = watching;
      show(this.#mark, size === 0 ? "" : size === 1 ? "Somebody is watching" : `${size} people are watching`);
      const left = size === 0 ? "Nobody watches this call any more." : "Somebody has stopped watching.";
      this.#say(present ? "Somebody watches and hears this call." : left);
    });
    call.on("connection", ({ state }) => {
      if (state === "ended") show(this.#mark, "");
    });
  }
};

// console/call/call.ts
var STATES = {
  connecting: "Connecting",
  connected: "Connected",
  reconnecting: "Reconnecting",
  ended: "Ended"
};
var { base = "", recording: records } = document.documentElement.dataset;
var transcript = new Transcript();
var figures = new Figures();
var asks = new Asks();
var recording = new RecordingMark({
  offered: records === "yes",
  say: (text) => transcript.note(text)
});
var viewers = new ViewersMark({
  say: (text) => transcript.note(text)
});
var room = new RoomView({
  base,
  say: (text, name) => transcript.note(text, name),
  speaker: () => devices.speaker
});
var retry = new Retry();
var setup = new Setup({
  base,
  retry,
  onStart: () => void start()
});
var end = new CallEnd({
  onNext: (next) => begin(next)
});
var devices = new Devices({
  onUnseen: (text) => show(byId("notice"), text)
});
var controls = new Controls({
  devices,
  transcript
});
devices.onChange("speaker", () => void room.useSpeaker().catch(() => {
}));
startTheme();
async function start() {
  const { agent_name, ...chosen } = setup.chosen;
  devices.stopCheck();
  setup.fault = "";
  setup.busy = true;
  try {
    const audio = devices.chosen("microphone");
    const call = await retry.run(() => Call.start({
      base_url: base,
      ...chosen,
      audio
    }));
    void devices.refresh();
    follow(call, agent_name);
  } catch (error) {
    setup.fault = describeFault(error);
  } finally {
    setup.busy = false;
  }
}
function follow(call, agent_name) {
  for (const part of [
    transcript,
    figures,
    asks
  ]) part.clear();
  transcript.follow(call, agentNames(call, agent_name));
  figures.follow(call);
  recording.follow(call);
  viewers.follow(call);
  room.follow(call);
  asks.follow(call, (source) => controls.share(source));
  controls.follow(call);
  byId("call-title").textContent = agent_name;
  view("call");
  const doing = (text, mood = "") => {
    byId("doing").textContent = text;
    byId("orb").dataset.mood = mood;
  };
  const paint = (state) => {
    show(byId("state"), STATES[state]);
    byId("state").dataset.state = state;
    if (state === "connected") doing(call.held ? "On hold" : "Listening");
    if (state === "reconnecting") doing("Looking for a new way to the server");
  };
  call.on("speech.started", () => doing("Hearing you", "hearing"));
  call.on("speech.stopped", () => doing("Thinking", "thinking"));
  call.on("transcript.final", ({ text }) => {
    if (byId("orb").dataset.mood === "speaking") return;
    if (text === "") doing("Listening");
    else doing("Thinking", "thinking");
  });
  for (const type of [
    "agent.speaking",
    "agent.resumed"
  ]) call.on(type, () => doing("Speaking", "speaking"));
  for (const type of [
    "agent.done",
    "agent.interrupted"
  ]) call.on(type, () => doing("Listening"));
  call.on("session.state", ({ held }) => {
    if (held) doing("On hold");
    else if (byId("doing").textContent === "On hold") doing("Listening");
  });
  call.on("connection", ({ state }) => {
    paint(state);
    if (state !== "ended") return;
    doing("The call is over");
    asks.clear();
    byId("captions").hidden = true;
    view("over");
    end.show(call, recording.newest);
  });
  paint(call.connection);
  const leave = () => void call.hangUp();
  addEventListener("pagehide", leave);
  call.on("connection", ({ state }) => state === "ended" && removeEventListener("pagehide", leave));
  byId("call-title").focus();
}
function view(name) {
  document.body.dataset.view = name;
  document.querySelector(".setup").hidden = name !== "setup";
  document.querySelector(".call").hidden = name === "setup";
  byId("over").hidden = name !== "over";
  byId("compose").hidden = name === "over";
  document.querySelector(".controls").hidden = name === "over";
  devices.inCall = name === "call";
}
function begin(next) {
  view("setup");
  if (next === "new_room") return setup.newRoom();
  void setup.load();
  byId("start").focus();
}
