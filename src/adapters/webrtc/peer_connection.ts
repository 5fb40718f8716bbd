/**
 * How a connection of werift is set up.
 *
 * @module
 */
import type { PeerOptions } from "../../ports/peers.ts";
import type { PeerConnection, WeriftModule } from "./insides.ts";

/** Options for {@linkcode createConnection}. */
export interface ConnectionOptions {
  werift: WeriftModule;
  options: PeerOptions;
  lite: boolean;
  max_message_bytes: number;
}

/** Opus and VP8, one bundle, and no server of werift's own choice. */
export function createConnection({ werift, options, lite, max_message_bytes }: ConnectionOptions): PeerConnection {
  const { useOPUS, useVP8, useNACK, usePLI, useREMB, useSdesMid, useAudioLevelIndication, useAbsSendTime } = werift;
  return new werift.RTCPeerConnection({
    // The feedback that Chromium prefers, transport-wide congestion control, is wrong in werift and left out.
    codecs: { audio: [useOPUS()], video: [useVP8({ rtcpFeedback: [useNACK(), usePLI(), useREMB()] })] },
    headerExtensions: {
      audio: [useSdesMid(), useAudioLevelIndication()],
      video: [useSdesMid(), useAbsSendTime()],
    },
    iceServers: lite ? [] : options.ice_servers.flatMap(({ urls, username, credential }) =>
      urls.map((url) => ({
        urls: url,
        ...username !== undefined && { username },
        ...credential !== undefined && { credential },
      }))
    ),
    iceLite: lite,
    iceTransportPolicy: options.relay_only ? "relay" : "all",
    bundlePolicy: "max-bundle",
    maxMessageSize: max_message_bytes,
  });
}
