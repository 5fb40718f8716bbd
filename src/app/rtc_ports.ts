/**
 * What calls need of the world, opened as the settings say.
 *
 * @module
 */
import type { Speech } from "../adapters/speech/engines.ts";
import type { WebRtcPeers } from "../adapters/webrtc/peers.ts";
import type { CallMedia } from "../core/calls/call_media.ts";
import { AppError } from "../domain/error.ts";
import type { Clock } from "../kit/clock.ts";
import type { Log } from "../kit/log.ts";
import type { Peers } from "../ports/peers.ts";
import type { Settings } from "../settings/schema.ts";
import { lazy } from "./lazy.ts";

/** What {@linkcode createRtcPorts} needs. */
export interface RtcPortsDeps {
  clock: Clock;
  log: Log;
  /** The environment, of which speech programs see a part. */
  variables: Readonly<Record<string, string>>;
  given: GivenMedia;
}

/** Parts that are there already. */
export type GivenMedia = Partial<Omit<CallMedia, "peers">> & { peers?: Pick<Peers, "create" | "lateness"> };

/** Ports of calls. Disposing them closes what was opened. */
export interface RtcPorts extends AsyncDisposable {
  /** Opens them, once. Rejects with `UnavailableError`, and may be tried again. */
  open(): Promise<CallMedia>;
  /** The same, and what is only made once is made before the first caller waits for it. */
  warmUp(): Promise<void>;
  /** How long media waits until it is read, in milliseconds. */
  lateness(): number;
}

const SECOND = 1000;
/** A little more than the call itself waits, which knows better why. */
const GRACE_MS = 1000;

/** Nothing is loaded before it is opened. */
export function createRtcPorts(settings: Settings, { clock, log, variables, given }: RtcPortsDeps): RtcPorts {
  let peers: WebRtcPeers | undefined;
  let opening: Promise<unknown> | undefined;
  let closed = false;
  const open = lazy(async (): Promise<CallMedia> => {
    if (!settings.rtc.enabled) throw new AppError("UnavailableError", "Cannot take calls: rtc.enabled is false");
    const [{ createVoiceActivity }, { createOpusCodec }] = await Promise.all([
      import("../adapters/fvad/voice_activity.ts"),
      import("../adapters/opus/codec.ts"),
    ]);
    const codec = given.codec ?? createOpusCodec();
    const activity = given.activity ?? createVoiceActivity();
    const [speech] = await Promise.all([openEngines(settings, { clock, variables }), codec.load(), activity.load()]);
    const lacking = [speech.stt, speech.tts].flatMap(({ engine, detail }) => engine ? [] : [detail]);
    // Callers are told what that means for them; how to mend it is for who runs the server.
    if (lacking.length > 0) log.info("Calls are taken, but in part as text", { missing: lacking });
    return {
      codec,
      activity,
      stt: speech.stt.engine ?? undefined,
      tts: speech.tts.engine ?? undefined,
      upstream: {
        engine: speech.upstream.engine ?? undefined,
        usual: settings.speech.realtime.default,
        fallback: settings.speech.realtime.fallback,
      },
      missing: [
        ...speech.stt.engine ? [] : ["The agent can't hear you: write to it"],
        ...speech.tts.engine ? [] : ["The agent can't speak: it answers in text"],
      ],
      peers: given.peers ?? (peers = await openPeers(settings, { clock, log })),
      ...given,
    };
  });
  const ports: RtcPorts = {
    open() {
      if (closed) return Promise.reject(new AppError("UnavailableError", "Cannot take calls: the server is stopping"));
      const opened = open();
      opening = opened.catch(() => {});
      return opened;
    },
    async warmUp() {
      await ports.open();
      await peers?.warmUp();
    },
    lateness: () => (given.peers ?? peers)?.lateness() ?? 0,
    async [Symbol.asyncDispose]() {
      closed = true;
      await opening;
      await peers?.[Symbol.asyncDispose]();
    },
  };
  return ports;
}

/** Opens the ports of media. Rejects with `UnavailableError` naming what is in the way. */
export async function openPeers(
  { rtc, server }: Settings,
  { clock, log }: { clock: Clock; log: Log },
): Promise<WebRtcPeers> {
  const { WebRtcPeers } = await import("../adapters/webrtc/peers.ts");
  const peers = new WebRtcPeers({
    host: rtc.host || server.host,
    port: rtc.port,
    tcp: rtc.tcp,
    ipv6: rtc.ipv6,
    advertised_addresses: rtc.advertised_addresses,
    advertised_port: rtc.advertised_port,
    lite: rtc.ice_lite === "auto" ? "auto" : rtc.ice_lite === "yes",
    connect_timeout_ms: rtc.connect_timeout_seconds * SECOND + GRACE_MS,
    lost_ms: rtc.lost_seconds * SECOND,
    stale_audio_ms: rtc.stale_audio_ms,
    max_message_bytes: rtc.max_message_bytes,
    clock,
    log,
  });
  try {
    await peers.open();
    return peers;
  } catch (cause) {
    await peers[Symbol.asyncDispose]();
    const { message } = AppError.from(cause);
    throw new AppError("UnavailableError", `Cannot take calls: ${message}`, { cause });
  }
}

/** Looks for the engines of speech. */
export async function openEngines(
  { speech: { stt, tts, realtime }, providers: { openai } }: Settings,
  { clock, variables }: { clock: Clock; variables: Readonly<Record<string, string>> },
): Promise<Speech> {
  const { openSpeech } = await import("../adapters/speech/engines.ts");
  // A key of OpenAI's own is good for speech as well; that of another server is for models.
  const api_key = openai.base_url === "" ? openai.api_key : "";
  const usual = (engine: { api_key: string; base_url: string }) =>
    engine.api_key === "" && engine.base_url === "" ? { api_key } : {};
  return await openSpeech({
    stt: { ...stt, ...usual(stt), stream: stt.stream === "auto" ? "auto" : stt.stream === "yes" },
    tts: { ...tts, ...usual(tts) },
    realtime: { ...realtime, ...usual(realtime) },
  }, { env: variables, clock });
}
