/**
 * Calls, wired.
 *
 * @module
 */
import type { Agents } from "../core/agents/agents.ts";
import { Admission } from "../core/calls/admission.ts";
import type { TurnsOf } from "../core/calls/call_media.ts";
import { type CallOptions, Calls } from "../core/calls/calls.ts";
import { LookRecords } from "../core/calls/look_records.ts";
import type { CallRecorder } from "../core/calls/call_tap.ts";
import { CallSecrets } from "../core/calls/secrets.ts";
import { type RoomOptions, Rooms } from "../core/rooms/rooms.ts";
import type { Conversations } from "../core/conversations/conversations.ts";
import type { Files } from "../core/files/files.ts";
import type { Audit } from "../core/identity/audit.ts";
import type { Keys } from "../core/identity/keys.ts";
import type { Limits } from "../core/identity/limits.ts";
import type { Slots } from "../core/identity/slots.ts";
import type { Completions } from "../core/orchestrator/completions.ts";
import type { Preview } from "../core/orchestrator/preview.ts";
import type { Runs } from "../core/runs/runs.ts";
import { SemanticTurns } from "../core/voice/semantic_turns.ts";
import { SilenceTurns } from "../core/voice/silence_turns.ts";
import { Viewers } from "../core/viewers/viewers.ts";
import { VOICE_LIMITS } from "../core/voice/voice_limits.ts";
import { AppError } from "../domain/error.ts";
import type { GivenMessage } from "../domain/message.ts";
import type { Clock } from "../kit/clock.ts";
import { SECRET_OPERATIONS } from "../operations/rtc_secrets.ts";
import { WATCHING_OPERATIONS } from "../operations/rtc_viewers.ts";
import type { Settings } from "../settings/schema.ts";
import type { Ports } from "./ports.ts";
import { createRtcPorts } from "./rtc_ports.ts";

/** What {@linkcode createCalls} needs. */
export interface CallsPartsDeps {
  ports: Ports;
  variables: Readonly<Record<string, string>>;
  agents: Agents;
  conversations: Conversations;
  runs: Runs;
  completions: Completions;
  preview: Preview;
  keys: Keys;
  limits: Limits;
  slots: Slots;
  recorder: CallRecorder;
  files: Files;
  audit: Audit;
  instance_id: string;
}

/** Calls, and what they need. Disposing ends them and closes their ports. */
export interface CallsPart extends AsyncDisposable {
  calls: Calls;
  looks: LookRecords;
  secrets: CallSecrets;
  rooms: Rooms;
  viewers: Viewers;
  /** Opens the ports of media before the first call waits for it. What is in the way is a warning. */
  warmUp(): Promise<void>;
}

const SECOND = 1000;
/** How long a model may take to judge whether somebody has finished. */
const JUDGE_MS = 1000;

function toOptions({ rtc }: Settings): CallOptions {
  const { voice } = rtc;
  return {
    ice: { servers: rtc.ice_servers, turn: rtc.turn },
    relay_only: rtc.relay_only,
    watchdog: {
      connect_ms: rtc.connect_timeout_seconds * SECOND,
      reattach_ms: rtc.reattach_seconds * SECOND,
      max_call_ms: rtc.max_call_seconds * SECOND,
      idle_ms: rtc.idle_seconds * SECOND,
    },
    voice: {
      ...VOICE_LIMITS,
      vad_threshold_db: voice.vad_threshold_db,
      max_end_ms: voice.max_end_ms,
      max_turn_ms: voice.max_turn_seconds * SECOND,
      min_interrupt_ms: voice.min_interrupt_ms,
      min_interrupt_words: voice.min_interrupt_words,
      typed_interrupts: voice.typed_interrupts,
      echo_guard: voice.echo_guard,
      preemptive: voice.preemptive,
      bitrate: voice.bitrate,
    },
    look: {
      consent: rtc.look.consent,
      ask_ms: rtc.look.ask_seconds * SECOND,
      timeout_ms: rtc.look.timeout_seconds * SECOND,
      max_per_minute: rtc.look.max_per_minute,
    },
    phrases: { waiting: voice.waiting_phrase, failed: voice.failed_phrase },
  };
}

function toRoomOptions({ rtc: { rooms } }: Settings): RoomOptions {
  return {
    max_rooms: rooms.max_rooms,
    max_members: rooms.max_members,
    follow_up_ms: rooms.follow_up_seconds * SECOND,
    idle_ms: rooms.idle_seconds * SECOND,
  };
}

/** Wires them. Nothing is opened yet. */
export function createCalls(settings: Settings, deps: CallsPartsDeps): CallsPart {
  const { ports, variables, slots, completions, files, audit } = deps;
  const { clock, log } = ports;
  const media = createRtcPorts(settings, { clock, log, variables, given: ports.media ?? {} });
  const looks = new LookRecords({ store: ports.store, clock, files, audit, keep: settings.rtc.look.keep });
  const calls = new Calls({
    ...deps,
    store: ports.store,
    model: ports.model,
    clock,
    log,
    admission: new Admission({
      slots,
      clock,
      max_lag_ms: settings.rtc.max_lag_ms,
      lateness: () => media.lateness(),
    }),
    looks,
    openMedia: () => media.open(),
    turnsOf: createTurns(settings, { completions, clock }),
    default_agent: settings.agents.default,
    options: toOptions(settings),
  });
  const rooms = new Rooms({ ...deps, store: ports.store, clock, log, calls, options: toRoomOptions(settings) });
  return {
    calls,
    looks,
    rooms,
    viewers: new Viewers({
      ...deps,
      store: ports.store,
      clock,
      log,
      calls,
      rooms,
      default_agent: settings.agents.default,
      max_viewers: settings.rtc.max_viewers,
    }),
    secrets: new CallSecrets({
      store: ports.store,
      clock,
      operations: SECRET_OPERATIONS,
      watching: WATCHING_OPERATIONS,
    }),
    async warmUp() {
      if (!settings.rtc.enabled) return;
      try {
        await media.warmUp();
      } catch (error) {
        log.warn("Cannot take calls", { error: AppError.from(error).message });
      }
    },
    async [Symbol.asyncDispose]() {
      rooms.close();
      await calls.close();
      await media[Symbol.asyncDispose]();
    },
  };
}

/** Silence alone, or the agent's own model, decides that a turn is over. */
function createTurns(
  { rtc: { voice } }: Settings,
  { completions, clock }: { completions: Completions; clock: Clock },
): TurnsOf {
  return ({ turn_detection: usual = voice.turn_detection }, { principal, agent }) => (how) => {
    const { turn_detection = usual, end_ms = voice.end_ms, max_end_ms = voice.max_end_ms } = how;
    const silence = new SilenceTurns({ end_ms });
    if (turn_detection === "silence") return silence;
    return new SemanticTurns({
      clock,
      timeout_ms: JUDGE_MS,
      done_ms: Math.min(end_ms, VOICE_LIMITS.pause_ms),
      wait_ms: max_end_ms,
      fallback: silence,
      async ask({ instruction, text }, { signal }) {
        const messages: GivenMessage[] = [{ role: "user", content: text, attachments: [] }];
        const request = { agent_id: agent.id, messages, options: { instructions: instruction, max_output_tokens: 16 } };
        let said = "";
        for await (const { type, data } of await completions.open(principal, request, signal)) {
          if (type === "model.delta") said += JSON.parse(data).text;
        }
        return said;
      },
    });
  };
}
