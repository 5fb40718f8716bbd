/**
 * What `muxi doctor` finds out about calls.
 *
 * @module
 */
import { AppError } from "../domain/error.ts";
import { systemClock } from "../kit/clock.ts";
import { createLog } from "../kit/log.ts";
import { measureQueue, WANTED_BYTES, WANTED_QUEUE } from "../adapters/webrtc/udp_queue.ts";
import type { Settings } from "../settings/schema.ts";
import type { Check } from "../transports/cli/check.ts";

/** How long an engine of speech may take to answer. */
const CHECK_MS = 10_000;

/** An engine that can say whether it works. */
interface Checked {
  check(signal: AbortSignal): Promise<{ ok: boolean; detail: string }>;
}

/** Looks at the ports of media, unless a process has them, and at the engines of speech. */
export async function checkCalls(
  settings: Settings,
  { pid, env }: { pid: unknown; env: Readonly<Record<string, string>> },
): Promise<Check[]> {
  if (!settings.rtc.enabled) return [{ name: "calls", status: "off", detail: "Switched off by rtc.enabled" }];
  const { openEngines, openPeers } = await import("./rtc_ports.ts");
  const [{ stt, tts, upstream }, ports] = await Promise.all([
    openEngines(settings, { clock: systemClock, variables: env }),
    pid === undefined ? checkPorts(settings, openPeers) : {
      name: "calls",
      status: "ok",
      detail: `Port ${settings.rtc.port} is for the server that runs (process ${pid})`,
    } satisfies Check,
  ]);
  return [
    ports,
    ...checkQueue(await measureQueue()),
    await checkEngine("hearing", "Callers have to type", stt),
    await checkEngine("speaking", "Agents answer in text", tts),
    await checkEngine("realtime voice", "No agent speaks by another's voice", upstream),
  ];
}

/** Whether the system keeps `bytes` enough of datagrams that come faster than they are read; nothing where it can't say. */
export function checkQueue(bytes: number | undefined): Check[] {
  if (bytes === undefined) return [];
  const name = "calls' queue";
  const detail = `The system keeps ${Math.floor(bytes / 1024)} KB of datagrams for the port of calls`;
  if (bytes >= WANTED_QUEUE) return [{ name, status: "ok", detail }];
  return [{
    name,
    status: "warn",
    detail: `${detail}; of many calls at once it drops what comes in bursts`,
    remedy: `sysctl -w net.core.rmem_max=${WANTED_BYTES}, and in /etc/sysctl.d to keep it`,
  }];
}

async function checkPorts(
  settings: Settings,
  openPeers: typeof import("./rtc_ports.ts").openPeers,
): Promise<Check> {
  const name = "calls";
  const log = createLog({ level: "error", format: "json", write: () => {} });
  try {
    await using peers = await openPeers(settings, { clock: systemClock, log });
    const { addresses } = await peers.open();
    return { name, status: "ok", detail: `Media would flow through ${addresses.join(", ")}` };
  } catch (error) {
    const remedy = "Choose another port with rtc.port, or switch calls off with rtc.enabled";
    return { name, status: "warn", detail: AppError.from(error).message, remedy };
  }
}

async function checkEngine(
  name: string,
  without: string,
  { engine, detail }: { engine: Checked | null; detail: string },
): Promise<Check> {
  if (engine === null) return { name, status: "off", detail: `${without}: ${detail}` };
  try {
    const found = await engine.check(AbortSignal.timeout(CHECK_MS));
    return { name, status: found.ok ? "ok" : "fail", detail: found.detail };
  } catch (error) {
    return { name, status: "fail", detail: AppError.from(error).message };
  }
}
