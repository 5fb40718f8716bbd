/**
 * The part of `/docs/call` about firewalls, routers and bad networks.
 *
 * @module
 */
import { html } from "@hono/hono/html";
import { type Html, table } from "./html.ts";

const WAYS = [
  ["`udp host`", "`rtc.port` is reached over UDP, which sounds best"],
  ["`tcp host`", "UDP is closed between the two, and the same port is reached over TCP (`rtc.tcp`)"],
  [
    "`udp relay`",
    "A relay (TURN) of `rtc.turn` or `rtc.ice_servers` is between them; callers may reach it over TCP as well",
  ],
] as const;

/** The text. */
export function callNetworks(op: (id: string) => string): Html {
  return html`
    <p>All calls share one port, <code>rtc.port</code>, for UDP and TCP. A firewall that lets it and the port of HTTP
    through is all that is needed; nobody’s browser needs an open port. Behind a router or in a container,
    <code>rtc.advertised_addresses</code> and <code>rtc.advertised_port</code> say what callers see. Where no port can be
    opened at all, both sides meet at a relay, such as coturn: with <code>rtc.turn.urls</code> and its
    <code>rtc.turn.secret</code>, callers get credentials that expire, from
    <a href="${op("rtc_ice_servers")}"><code>rtc_ice_servers</code></a>.</p>
    ${table(["Path of `stats`", "What it says"], WAYS)}
    <p>A call that finds no way ends as <code>connect_timeout</code> within <code>rtc.connect_timeout_seconds</code>, and an
    <code>error</code> before says at which addresses the caller was waited for. A caller of whom nothing is heard for
    <code>rtc.lost_seconds</code> is <code>lost</code>: the call waits <code>rtc.reattach_seconds</code> for a new offer or
    the old way. The server offers when it is asked to, by <a href="${op("rtc_offer")}"><code>rtc_offer</code></a> with
    <code>request</code>: the answer to that and the event <code>session.offer</code> hold the same offer. It is answered
    once, by <a href="${op("rtc_answer")}"><code>rtc_answer</code></a> or the message <code>answer</code>; the second
    is told 409, and whoever reads the event later finds <code>null</code> in it. Sound that comes out of order is put in order, lost sound is made up from what follows it, and sound
    later than <code>rtc.stale_audio_ms</code> is dropped; <code>packets_lost</code>, <code>packets_stale</code> and
    <code>frames_concealed</code> count it. What the agent says carries as much redundancy as the other end’s reports of
    loss want, <code>expected_loss_percent</code>.</p>
    <p>All datagrams wait in one queue of the system; what finds it full is lost. The server widens it to 1 MB, or as
    far as <code>net.core.rmem_max</code> lets it: on many Linux machines 416 KB, which lasts for some dozens of calls.
    <code>sysctl -w net.core.rmem_max=524288</code> before the start makes room, as <code>muxi doctor</code> says.</p>
  `;
}
