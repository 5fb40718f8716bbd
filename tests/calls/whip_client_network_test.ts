/**
 * Debian's whip-client publishes from another machine: its media goes over UDP, although TCP is offered as well.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import type { RtcStats } from "../../src/domain/rtc_session.ts";
import { CallStory, good } from "../support/calls.ts";
import type { Machine } from "../support/netns.ts";
import { CALLER, onNetworks, SERVER, twoMachines } from "../support/network_calls.ts";
import { startServer, USER_KEY } from "../support/server.ts";
import { findWhipClient, type WhipClient } from "../support/whip_client.ts";

const found = findWhipClient();

/** Starts the client on `machine`. */
async function publishFrom(machine: Machine, url: string): Promise<WhipClient> {
  using _ = machine.enter();
  return await found!({ url, token: USER_KEY });
}

onNetworks("Debian's whip-client publishes over UDP from another machine, and hangs up", async (stack) => {
  const { server: machine, caller } = await twoMachines(stack);
  await machine.rules(`
    counter media { }
    chain input { type filter hook input priority 0; policy accept; ip saddr ${CALLER} meta l4proto udp counter name media; }
  `);
  using _ = machine.enter();
  const server = stack.use(await startServer({ host: SERVER, settings: { rtc: { host: SERVER } } }));
  // What is opened later would be opened wherever this thread stands by then.
  await server.app.warmUp();
  const client = stack.use(await publishFrom(caller, `${server.url}/api/v1/rtc/whip/assistant`));
  const id = await client.session(server);
  const story = stack.use(new CallStory(server, id));
  await story.state("active");
  await story.until(({ type, data }) => type === "stats" && data.packets_received > 50);
  await client.hangUp();
  await story.over;
  const { state, stats } = await good<{ state: string; stats: RtcStats }>(
    await server.request("GET", `/rtc/sessions/${id}`),
  );
  assert.equal(state, "ended");
  assert.equal(stats.path, "udp host");
  assert.ok(stats.packets_received > 50, JSON.stringify(stats));
  assert.ok(await machine.counted("media") >= stats.packets_received);
}, { path: found && "whip-client" });
