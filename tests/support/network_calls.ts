/**
 * Callers on other machines: how far the network goes, both ends are real.
 *
 * @module
 */
import type { Page } from "playwright-core";
import { BROWSER, type Calling, SPEAKS } from "./calls.ts";
import { type Coturn, startCoturn } from "./coturn.ts";
import { findFirefox, startFirefox } from "./firefox.ts";
import { connect, HAS_NETWORKS, Machine } from "./netns.ts";
import { serveRtcPage } from "./rtc_page.ts";
import { until } from "./story.ts";

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
  Deno.test({
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
  { program, host }: { program: string; host: string },
): Promise<Coturn> {
  using _ = machine.enter();
  return stack.use(await startCoturn(await machine.script(program), { host }));
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
