/**
 * Callers on other machines: how far the network goes, both ends are real.
 *
 * @module
 */
import type { Page } from "playwright-core";
import type { IceServer } from "../../src/domain/rtc_signal.ts";
import { BROWSER, type Calling, CallStory, good, SPEAKS } from "./calls.ts";
import { type Coturn, type CoturnOptions, startCoturn } from "./coturn.ts";
import { findFirefox, startFirefox } from "./firefox.ts";
import { type FirefoxTab, openFirefoxTab } from "./firefox_tab.ts";
import { connect, HAS_NETWORKS, Machine } from "./netns.ts";
import { realTime } from "./real_time.ts";
import { type RtcPage, serveRtcPage } from "./rtc_page.ts";
import type { TestServer } from "./server.ts";
import { until } from "./story.ts";

declare const rtc: RtcPage;

const FIREFOX = findFirefox();

/** The addresses of {@linkcode twoMachines}. */
export const SERVER = "10.77.0.1";
/** See {@linkcode SERVER}. */
export const CALLER = "10.77.0.2";

/** A test with machines and browsers on them, and `program` if it is asked for. */
export function onNetworks(
  name: string,
  fn: (stack: AsyncDisposableStack) => Promise<void>,
  program: { path: string | undefined } = { path: BROWSER },
): void {
  const programs = [BROWSER, FIREFOX, program.path];
  realTime({
    name,
    ignore: !HAS_NETWORKS || !SPEAKS || programs.includes(undefined),
    async fn() {
      await using stack = new AsyncDisposableStack();
      await fn(stack);
    },
  });
}

/** A server's machine and a caller's, with a cable between them. */
export async function twoMachines(stack: AsyncDisposableStack): Promise<{ server: Machine; caller: Machine }> {
  const [server, caller] = [stack.use(await Machine.start()), stack.use(await Machine.start())];
  await connect(
    { machine: server, name: "eth0", address: `${SERVER}/24` },
    { machine: caller, name: "eth0", address: `${CALLER}/24` },
  );
  // Firefox tries the address that leads out of the house only.
  await caller.ip(`route add default via ${SERVER}`);
  return { server, caller };
}

/** Another address of the caller's. */
export const MOVED = "10.77.0.3";

/** Counts on `machine` what comes from {@linkcode MOVED}; resolves, when called, once that is more than by chance. */
export async function countMoved(machine: Machine): Promise<() => Promise<unknown>> {
  await machine.rules(`
    counter moved { }
    chain input { type filter hook input priority 0; policy accept; ip saddr ${MOVED} meta l4proto udp counter name moved; }
  `);
  const came = async () => await machine.counted("moved") >= 50;
  return () => until("packets come from the new address", came, { every_ms: 100 });
}

/** The address of {@linkcode machineBehind}. */
export const HIDDEN = "10.78.0.2";

/** A machine that only `router` knows, with nothing but it between the machine and all others. */
export async function machineBehind(stack: AsyncDisposableStack, router: Machine): Promise<Machine> {
  const machine = stack.use(await Machine.start());
  await connect(
    { machine: router, name: "eth1", address: "10.78.0.1/24" },
    { machine, name: "eth0", address: `${HIDDEN}/24` },
  );
  await machine.ip("route add default via 10.78.0.1");
  await router.route();
  return machine;
}

/** Starts the relay at `program` on `machine`, at its address `host`. */
export async function relayOn(
  stack: AsyncDisposableStack,
  machine: Machine,
  { program, ...options }: CoturnOptions & { program: string },
): Promise<Coturn> {
  using _ = machine.enter();
  return stack.use(await startCoturn(await machine.script(program), options));
}

/** The address of what both of {@linkcode twoHomes} reach. */
export const OUTSIDE = "192.0.2.1";

/** Two homes, each behind a router of its own, and what is between them. */
export interface Homes {
  /** The caller's machine. */
  caller: Machine;
  /** The server's machine, at {@linkcode HIDDEN}. */
  server: Machine;
  /** What both reach, at {@linkcode OUTSIDE}. */
  outside: Machine;
  /** Both routers let through from inside what is `open`, in nft's words, and the answers to it. */
  open(open: string): Promise<void>;
}

/** Makes them. */
export async function twoHomes(stack: AsyncDisposableStack): Promise<Homes> {
  const { server: callers, caller } = await twoMachines(stack);
  const [servers, outside] = [stack.use(await Machine.start()), stack.use(await Machine.start())];
  const server = await machineBehind(stack, servers);
  await outside.ip(`addr add ${OUTSIDE}/32 dev lo`);
  for (const [home, name, net] of [[callers, "eth0", "198.51.100"], [servers, "eth1", "203.0.113"]] as const) {
    await connect(
      { machine: home, name: "wan", address: `${net}.2/24` },
      { machine: outside, name, address: `${net}.1/24` },
    );
    await home.ip(`route add default via ${net}.1`);
    await home.route();
  }
  await outside.route();
  // Addresses of homes lead nowhere, without a word.
  await outside.ip("route add default via 198.51.100.2");
  const open = async (open: string) => {
    for (const home of [callers, servers]) await home.rules(routerOf(open));
  };
  return { caller, server, outside, open };
}

function routerOf(open: string): string {
  return `
    chain postrouting {
      type nat hook postrouting priority 100;
      oifname wan masquerade
    }
    chain forward {
      type filter hook forward priority 0; policy drop;
      ct state established,related accept
      iifname != wan oifname wan ${open} accept
    }
    chain input {
      type filter hook input priority 0; policy accept;
      iifname wan ct state new drop
    }
  `;
}

/** Opens the page that calls in Chromium on `machine`, which may also ask `hosts`. */
export async function chromiumOn(
  stack: AsyncDisposableStack,
  machine: Machine,
  { sound, hosts = [SERVER] }: { sound?: Uint8Array<ArrayBuffer>; hosts?: readonly string[] } = {},
): Promise<Page> {
  const site = stack.use(machine.within(() => serveRtcPage({ ...sound && { sound } })));
  const browser = stack.use(await machine.browser(BROWSER!, { hosts }));
  const { page } = await browser.newPage();
  await page.goto(site.url);
  await page.click("button");
  // Who has just come to a machine learns only a little later that there is a network, and then looks for new ways.
  await until("the browser is online", () => page.evaluate<boolean>("navigator.onLine"), { every_ms: 20 });
  return page;
}

/** Calls with the help of `ice_servers`. Candidates that the server finds late follow. */
export async function callWith(
  stack: AsyncDisposableStack,
  { page, server }: { page: Calling; server: TestServer },
  ice_servers: readonly IceServer[],
): Promise<CallStory & { id: string; answer: string }> {
  const sdp = await page.evaluate((ice_servers) => rtc.open({ channel: "muxi", ice_servers }), [...ice_servers]);
  const offered = { body: { type: "offer", sdp } };
  const { session_id: id, sdp: answer } = await good<{ session_id: string; sdp: string }>(
    await server.request("POST", "/rtc/offer", offered),
  );
  await page.evaluate((answer) => rtc.accept(answer), answer);
  const story = Object.assign(stack.use(new CallStory(server, id)), { id, answer });
  void (async () => {
    for (let from = 0;;) {
      const { seq, data } = await story.until(({ seq, type }) => type === "session.candidate" && seq > from);
      from = seq;
      if (data.candidate.candidate !== "") await page.evaluate((one) => rtc.add(one), data.candidate);
    }
  })().catch(() => {});
  return story;
}

/** Opens the page that calls in Firefox on `machine`. */
export async function firefoxOn(
  stack: AsyncDisposableStack,
  machine: Machine,
  { sound }: { sound?: Uint8Array<ArrayBuffer> } = {},
): Promise<Calling> {
  const site = stack.use(machine.within(() => serveRtcPage({ ...sound && { sound } })));
  const firefox = stack.use(await startFirefox(await machine.script(FIREFOX!), site.driven));
  void firefox.ended.then(({ code, signal }) => site.end(`Firefox has ended (${signal ?? code})`));
  return site;
}

/** Opens a tab in Firefox on `machine`, whose pages may come from {@linkcode SERVER}. */
export async function firefoxTabOn(stack: AsyncDisposableStack, machine: Machine): Promise<FirefoxTab> {
  // Where it is driven is on its own machine alone.
  using _ = machine.enter();
  return await openFirefoxTab(stack, FIREFOX!, { trusted: [SERVER] });
}
