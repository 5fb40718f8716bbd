/**
 * How long a browser waits for a call: from the beginning of its offer until sound can flow. The page is the server's
 * own, the browser a real Chromium.
 *
 * @module
 */
import { DEVICES, findBrowser, startBrowser } from "../support/browser.ts";
import { BENCH_KEY, openFolder, startMuxi } from "./support/child.ts";
import { median, runWalks, type Walk } from "./support/report.ts";

const CALLS = 8;

/** Milliseconds from the beginning of a call. */
interface Times {
  offered: number;
  answered: number;
  connected: number;
  /** Until the data channel is open. */
  open: number;
}

/** Calls once; runs in the page. */
const toScript = (key: string) =>
  `(async () => {
  const microphone = await navigator.mediaDevices.getUserMedia({ audio: true });
  const started = performance.now();
  const since = () => performance.now() - started;
  const pc = new RTCPeerConnection();
  const channel = pc.createDataChannel("muxi");
  for (const track of microphone.getTracks()) pc.addTrack(track, microphone);
  const opened = new Promise((resolve) => channel.onopen = () => resolve(since()));
  const connected = new Promise((resolve) => {
    pc.onconnectionstatechange = () => pc.connectionState === "connected" && resolve(since());
  });
  await pc.setLocalDescription();
  const offered = since();
  const response = await fetch("/api/v1/rtc/offer", {
    method: "POST",
    headers: { authorization: "Bearer ${key}", "content-type": "application/json" },
    body: JSON.stringify({ sdp: pc.localDescription.sdp }),
  });
  const { sdp } = await response.json();
  const answered = since();
  await pc.setRemoteDescription({ type: "answer", sdp });
  const times = { offered, answered, connected: await connected, open: await opened };
  pc.close();
  for (const track of microphone.getTracks()) track.stop();
  return times;
})()`;

/** See the module. */
export const callsConnect: Walk = async ({ note }) => {
  // Where every part must be installed, its absence is an error.
  const path = findBrowser();
  if (path === undefined) {
    note("  not measured: Chromium is missing");
    return [];
  }
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await openFolder());
  const muxi = stack.use(await startMuxi({ data_dir: folder.path, env: { MUXI_RTC_PORT: "0" } }));
  const browser = stack.use(await startBrowser(path, { flags: DEVICES }));
  const { page } = await browser.newPage();
  await page.goto(`${muxi.url}/call`);
  const seen: Times[] = [];
  for (let i = 0; i <= CALLS; i++) {
    const times = await page.evaluate<Times>(toScript(BENCH_KEY));
    seen.push(times);
    const told = Object.entries(times).map(([stage, ms]) => `${stage} ${ms.toFixed(0)}`);
    note(`  call ${i + 1}: ${told.join(", ")} ms`);
  }
  const [first, ...later] = seen;
  const middle = (stage: keyof Times) => median(later.map((times) => times[stage]));
  return [
    {
      name: "offer to connected in Chromium",
      unit: "ms",
      product: middle("connected"),
      goal: { most: 100, of: "figure" },
    },
    { name: "the first call", unit: "ms", product: first!.connected },
    { name: "of it: making the offer", unit: "ms", product: middle("offered") },
    { name: "of it: until the answer is there", unit: "ms", product: middle("answered") },
    { name: "until the data channel is open", unit: "ms", product: middle("open") },
  ];
};

if (import.meta.main) await runWalks({ calls_connect: callsConnect });
