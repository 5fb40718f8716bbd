/**
 * The settings of calls.
 *
 * @module
 */
import { z } from "zod";
import { IceServer } from "../domain/rtc_signal.ts";
import { amount, count, flag, httpUrl, list, secret, text } from "./fields.ts";

const IceUrl = z.string().regex(/^(stun|turns?):\S+$/, "an address such as turn:turn.example.org:3478");

const Turn = z.strictObject({
  urls: list("TURN servers that share a secret with MUXI (coturn's use-auth-secret)", IceUrl),
  secret: secret("That secret; callers get credentials made with it, which expire"),
  ttl_seconds: count("How long such credentials hold", 3600, { min: 60 }),
});

const VoiceSettings = z.strictObject({
  turn_detection: z.enum(["silence", "semantic"]).default("silence")
    .describe("Who decides that a caller has finished: silence, or a model that judges what was said"),
  end_ms: count("How much silence ends a turn", 500, { min: 100, max: 10_000 }),
  max_end_ms: count("How much silence ends a turn that seems unfinished", 2500, { min: 100, max: 30_000 }),
  max_turn_seconds: count("How long a caller may speak at a stretch", 60, { max: 600 }),
  vad_threshold_db: amount("How loud speech is at least, in dBFS", -45, { min: -100, max: 0 }),
  min_interrupt_ms: count("How much speech interrupts an agent", 600, { min: 100, max: 10_000 }),
  min_interrupt_words: count("How many words interrupt it as well, where they are understood at once", 2, { max: 20 }),
  typed_interrupts: flag("Whether typed text interrupts an agent, too", true),
  echo_guard: flag("Whether an agent's own voice, coming back from the caller's loudspeaker, is left out", true),
  preemptive: flag(
    "Whether an answer is begun while it is judged if the caller has finished, which may ask a model in vain",
    true,
  ),
  bitrate: count("Bits a second of what is sent", 32_000, { min: 6000, max: 128_000 }),
  waiting_phrase: text("Said when a person has to decide before an answer goes on", "One moment: I need your consent."),
  failed_phrase: text("Said when there is no answer", "Sorry, something went wrong."),
});

const Recording = z.strictObject({
  allowed: flag("Whether calls may be recorded; who is in one is told", true),
  encrypt: flag("Whether recordings are encrypted, with database.encryption_key or a key of their own", false),
  max_bytes: count("Bytes of one recording", 2_000_000_000, { max: 1_000_000_000_000 }),
  max_seconds: count("How long one recording may be", 14_400, { max: 1_000_000 }),
  max_live: count("Calls that are recorded at the same time", 20),
});

const LookSettings = z.strictObject({
  consent: z.enum(["ask", "always", "never"]).default("ask")
    .describe("Whether callers are asked before agents look; always: unless they object; never: nobody looks"),
  ask_seconds: count("How long a caller has to answer; who doesn't has said no", 30, { max: 600 }),
  timeout_seconds: count("How long a picture may take to come", 5, { max: 60 }),
  max_per_minute: count("Looks in a minute of one call", 12, { max: 600 }),
  keep: flag("Whether pictures are kept, as files of the conversation", false),
});

const Rooms = z.strictObject({
  max_rooms: count("Rooms at the same time; one more is answered 503", 100, { max: 10_000 }),
  max_members: count("People of one room", 8, { max: 100 }),
  follow_up_seconds: count("How soon after an answer its listener may go on without the agent's name", 8, { max: 120 }),
  idle_seconds: count("How long a room may be empty before it ends", 600, { max: 2_000_000 }),
});

/** Calls. */
export const Rtc = z.strictObject({
  enabled: flag("Whether calls are taken", true),
  host: text("The address for media, UDP and TCP; empty: that of server.host"),
  port: count("The port for media, UDP and TCP alike; 0 takes any that is free", 8001, { min: 0, max: 65_535 }),
  tcp: flag("Whether media may come over TCP, where UDP is closed", true),
  ipv6: flag("Whether addresses of IPv6 are used", true),
  advertised_addresses: list("Addresses that callers see in place of the machine's, as behind NAT or in a container"),
  advertised_port: count("The port they see with those; 0: the port itself", 0, { min: 0, max: 65_535 }),
  ice_lite: z.enum(["auto", "yes", "no"]).default("auto")
    .describe("Whether callers find the way alone; auto: unless there are STUN or TURN servers"),
  ice_servers: z.array(IceServer).max(8).default([])
    .meta({ description: "STUN and TURN servers with lasting credentials, if any", secret: true }),
  turn: Turn.prefault({}).describe("TURN servers with expiring credentials"),
  relay_only: flag("Whether media goes over TURN only", false),
  max_calls: count("Calls at the same time; one more is answered 503", 50),
  max_calls_per_key: count("Calls that one key may have at the same time", 20),
  max_viewers: count("Viewers that one call, or room, may have, of which who is in it is told; 0: nobody watches", 10, {
    min: 0,
  }),
  max_lag_ms: count("How late the event loop may be, or media be read, before further calls are answered 503", 20),
  connect_timeout_seconds: count("How long media may take to flow", 15, { max: 600 }),
  lost_seconds: count("How long nothing may be heard of a caller before the call counts as lost", 8, { max: 60 }),
  reattach_seconds: count("How long a call waits for its first description, and a lost one for its caller", 60, {
    max: 86_400,
  }),
  max_call_seconds: count("How long a call may last", 14_400, { max: 2_000_000 }),
  idle_seconds: count("How long nobody may say a word; 0: for ever", 0, { min: 0, max: 2_000_000 }),
  stale_audio_ms: count("How late sound may come and still be heard", 200, { min: 20 }),
  max_message_bytes: count("The largest message of a data channel", 65_536, { min: 1024, max: 1_048_576 }),
  recording: Recording.prefault({}).describe("Recordings"),
  look: LookSettings.prefault({}).describe("Looking at cameras and screens"),
  rooms: Rooms.prefault({}).describe("Rooms of several people and agents"),
  voice: VoiceSettings.prefault({}).describe("Turns and sound"),
});

const engineShape = (what: string) => ({
  engine: z.enum(["auto", "openai", "command", "none"]).default("auto")
    .describe("auto: a server if one is set, else OpenAI's if its key is, else a program of this machine"),
  base_url: httpUrl("The address of a server that speaks OpenAI's protocol; empty: OpenAI's own"),
  api_key: secret("The key of that server; empty: that of providers.openai, where nothing else is set"),
  model: text("The server's name of the model, or the file of the program's; empty: the usual one"),
  command: list(`A program and its arguments that ${what}; no shell is between`),
  language: text("The language of agents and callers who name none; empty: the engine's usual one"),
  timeout_seconds: count("How long it may take", 30),
  retries: count("Attempts after a failure that may pass", 1, { min: 0, max: 10 }),
});

/** Engines of speech. */
export const Speech = z.strictObject({
  stt: z.strictObject({
    ...engineShape("writes down the sound on its standard input"),
    input: z.enum(["wav", "raw"]).default("wav").describe("What the program reads"),
    prompt: text("Words that are likely to be said"),
    stream: z.enum(["auto", "yes", "no"]).default("auto")
      .describe("Whether a server is asked for text while it is being made; auto: if its model can"),
  }).prefault({}).describe("Listening"),
  tts: z.strictObject({
    ...engineShape("says the text on its standard input"),
    output: z.enum(["wav", "raw"]).default("wav").describe("What the program writes"),
    rate: count("Samples a second of raw output", 22_050, { min: 8000, max: 48_000 }),
    voice: text("The engine's name of the voice of agents that name none"),
    instructions: text("How to speak, for models that can be told"),
  }).prefault({}).describe("Speaking"),
  realtime: z.strictObject({
    base_url: httpUrl("A server that speaks OpenAI's Realtime protocol; empty: OpenAI's own, if there is a key"),
    api_key: secret("The key of that server; empty: that of providers.openai, where nothing else is set"),
    model: text("The model that hears, thinks and speaks; empty: gpt-realtime"),
    transcription_model: text("The model that writes down what was heard; empty: the usual one"),
    voice: text("The voice of agents that name none"),
    language: text("The language of agents and callers who name none; empty: the model finds out"),
    default: flag("Whether agents speak by it that don't say so with voice.upstream", false),
    fallback: flag("Whether the engines above and the agent's own model take over while it can't be reached", false),
    renew_seconds: count("After how long a connection is replaced, before the server ends it", 3300, { min: 10 }),
    timeout_seconds: count("How long it may say nothing while it answers", 30),
  }).prefault({}).describe("Somebody who hears, thinks and speaks in place of the engines and the agent's model"),
});
