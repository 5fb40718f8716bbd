import { strict as assert } from "node:assert";
import { readSdpSections } from "../../src/kit/sdp_section.ts";

Deno.test("a section with port 0 is rejected unless it goes with another, and one that only receives sends nothing", () => {
  const sdp = [
    "v=0",
    "a=group:BUNDLE 0 1 2",
    "m=audio 9 UDP/TLS/RTP/SAVPF 111",
    "a=mid:0",
    "a=sendrecv",
    "m=video 0 UDP/TLS/RTP/SAVPF 96",
    "a=mid:1",
    "a=bundle-only",
    "m=video 0 UDP/TLS/RTP/SAVPF 96",
    "a=mid:2",
    "a=sendonly",
    "m=video 9 UDP/TLS/RTP/SAVPF 96",
    "a=recvonly",
    "",
  ];
  for (const end of ["\r\n", "\n"]) {
    const read = readSdpSections(sdp.join(end)).map(({ text: _, ...section }) => section);
    assert.deepEqual(read, [
      { kind: "audio", mid: "0", rejected: false, sends: true },
      { kind: "video", mid: "1", rejected: false, sends: true },
      { kind: "video", mid: "2", rejected: true, sends: false },
      { kind: "video", mid: undefined, rejected: false, sends: false },
    ]);
  }
});
