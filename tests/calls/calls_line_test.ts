/**
 * A call over a WebSocket alone, in our own words: sound is among the texts. It is recorded and watched like every other.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { aloud, good, pipe, speechSettings } from "../support/calls.ts";
import { startProvider } from "../support/provider.ts";
import { inRealTime, joined, silence, spoken, toPieces, understoodIn } from "../support/realtime_sound.ts";
import { startServer, type TestServer, USER_KEY } from "../support/server.ts";
import { speechEnv, writeGrammar } from "../support/speech.ts";
import { Waiting, within } from "../support/waiting.ts";

const ASKED = "what is the weather in london today";
const NONE = { engine: "none" };

// deno-lint-ignore no-explicit-any -- tests look into events of every type
type Told = any;

/** A client that notes everything. */
class LineClient implements Disposable {
  readonly told: Told[] = [];
  readonly #closed: Promise<number>;
  readonly #socket: WebSocket;
  readonly #waiting = new Waiting();
  #over = false;
  #complaint = "";

  static async open(server: TestServer, query = "agent_id=assistant"): Promise<LineClient> {
    const url = `${server.url.replace("http", "ws")}/api/v1/rtc/converse?${query}`;
    const client = new LineClient(new WebSocket(url, { headers: { authorization: `Bearer ${USER_KEY}` } }));
    await client.until(({ type }) => type === "session.started");
    return client;
  }

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    const { promise, resolve } = Promise.withResolvers<number>();
    this.#closed = promise;
    socket.onclose = ({ code }) => {
      this.#over = true;
      resolve(code);
      this.#waiting.told();
    };
    socket.onerror = (event) => this.#complaint = (event as ErrorEvent).message;
    socket.onmessage = ({ data }) => {
      this.told.push(JSON.parse(data));
      this.#waiting.told();
    };
  }

  get closed(): Promise<number> {
    return within("the end of the connection", this.#closed);
  }

  get id(): string {
    return this.told[0].data.session.id;
  }

  get sound(): Uint8Array {
    return joined(this.told.flatMap(({ type, data }) => type === "sound" ? [Uint8Array.fromBase64(data)] : []));
  }

  say(message: unknown): void {
    this.#socket.send(JSON.stringify(message));
  }

  async speak(pcm: Uint8Array): Promise<void> {
    await inRealTime(toPieces(pcm), (data) => this.say({ type: "sound", data }));
  }

  until(fits: (told: Told) => boolean): Promise<Told> {
    const seen = () => this.told.map(({ type }) => type);
    return this.#waiting.until(`an event: ${fits}`, () => {
      const found = this.told.find(fits);
      if (found === undefined && this.#over) throw new Error(`The connection is closed: ${this.#complaint}`);
      return found;
    }, { seen });
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

aloud("it is heard and answered, recorded on two tracks, and ends with the connection", async () => {
  await using stack = new AsyncDisposableStack();
  const grammar = stack.use(await writeGrammar());
  const provider = stack.use(await startProvider({ script: { tokens: ["Your order is ready."] } }));
  const settings = { rtc: { host: "127.0.0.1", port: 0 }, ...speechSettings(grammar.path) };
  const server = stack.use(await startServer({ provider: provider.url, variables: speechEnv(), settings }));
  const client = stack.use(await LineClient.open(server, "agent_id=assistant&record=true"));
  await client.until(({ type }) => type === "recording.started");
  await client.speak(joined([await spoken(ASKED), silence(1500)]));
  const { data } = await client.until(({ type }) => type === "transcript.final");
  assert.equal(data.text, ASKED);
  await client.until(({ type }) => type === "agent.done");
  assert.deepEqual(await understoodIn(client.sound, grammar.path), ["your order is ready"]);
  const { id } = client;
  client[Symbol.dispose]();
  let shown: Told;
  do {
    await new Promise((resolve) => setTimeout(resolve, 50));
    shown = await good<Told>(await server.request("GET", `/rtc/sessions/${id}/recording`));
  } while (shown.state !== "ready" && shown.state !== "failed");
  assert.deepEqual(shown.tracks.map(({ name }: Told) => name).toSorted(), ["agent", "caller"]);
  const file = await (await server.request("GET", `/rtc/recordings/${shown.id}/content`)).bytes();
  for (const [name, words] of [["caller", ASKED], ["agent", "your order is ready"]] as const) {
    const at = shown.tracks.findIndex((track: Told) => track.name === name);
    const track = ["ffmpeg", "-v", "error", "-i", "pipe:0", "-map", `0:a:${at}`, "-ar", "24000", "-ac", "1"];
    const pcm = await pipe([...track, "-f", "s16le", "pipe:1"], file);
    assert.deepEqual(await understoodIn(pcm, grammar.path), [words], name);
  }
  const { state, reason } = await good<Told>(await server.request("GET", `/rtc/sessions/${id}`));
  assert.deepEqual([state, reason], ["ended", "hung_up"]);
});

Deno.test("sound that is none, offers, and what nobody understands are told of, and the call goes on", async () => {
  await using provider = await startProvider({ script: { tokens: ["Hello."] } });
  const settings = { rtc: { host: "127.0.0.1", port: 0 }, speech: { stt: NONE, tts: NONE } };
  await using server = await startServer({ provider: provider.url, settings });
  using client = await LineClient.open(server);
  const complaints = () => client.told.filter(({ type }: Told) => type === "error").length;
  const before = complaints();
  client.say({ type: "sound", data: "AAAA" });
  client.say({ type: "sound", data: "§" });
  client.say({ type: "sound" });
  client.say({ type: "offer", sdp: "v=0" });
  client.say({ type: "commit" });
  client.say({ type: "nonsense" });
  await client.until(() => complaints() === before + 6);
  client.say({ type: "text", text: "Hello?" });
  const { data } = await client.until(({ type }) => type === "agent.speaking");
  assert.deepEqual([data.text, data.aloud], ["Hello.", false]);
  for (const body of [{ session_id: client.id, request: true }, { session_id: client.id, sdp: "v=0" }]) {
    const response = await server.request("POST", "/rtc/offer", { body });
    assert.equal(response.status, 409, await response.text());
  }
  await server.request("DELETE", `/rtc/sessions/${client.id}`).then((response) => response.body?.cancel());
  await client.closed;
});
