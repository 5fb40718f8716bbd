import { strict as assert } from "node:assert";
import { AppError } from "../../src/domain/error.ts";
import { readWhipOffer } from "../../src/transports/rtc/whip_offer.ts";
import { toWhipResponse } from "../../src/transports/rtc/whip_refusal.ts";
import { CAMERA, sampleOffer, VOICE } from "../support/whip_offer.ts";

/** The status of the refusal of `sdp`, and what it says. */
async function refused(sdp: string): Promise<{ status: number; detail: string }> {
  try {
    readWhipOffer(sdp);
  } catch (thrown) {
    const response = toWhipResponse(AppError.from(thrown));
    assert.equal(response.headers.get("content-type"), "application/problem+json");
    return await response.json();
  }
  throw new Error("The offer was taken");
}

Deno.test("one microphone and one camera can be offered, and a data channel beside them", () => {
  const channel = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\na=sctp-port:5000\r\n";
  const offer = readWhipOffer(sampleOffer([VOICE, CAMERA]) + channel);
  assert.deepEqual(offer.modalities, ["audio", "camera", "text"]);
  assert.deepEqual(readWhipOffer(sampleOffer([VOICE])).modalities, ["audio", "text"]);
});

Deno.test("who offers to hear as well is answered as one who only sends", () => {
  const { sdp } = readWhipOffer(sampleOffer([{ ...VOICE, direction: "sendrecv" }]));
  assert.match(sdp, /^a=sendonly\r$/m);
  assert.doesNotMatch(sdp, /sendrecv/);
});

Deno.test("what is no description is refused with 400", async () => {
  for (const text of ["hello", "v=0\r\n", "{}", sampleOffer([VOICE]).replace("v=0", "v=1")]) {
    assert.equal((await refused(text)).status, 400, text.slice(0, 20));
  }
  assert.equal((await refused(sampleOffer([{ ...VOICE, kind: "smell" }]))).status, 400);
});

Deno.test("what can't be taken as a whole is refused with 422 that says why", async () => {
  const rows: [string, RegExp][] = [
    [sampleOffer([VOICE, { ...VOICE, mid: "1" }]), /2 sections of audio/],
    [sampleOffer([CAMERA, { ...CAMERA, mid: "2" }]), /2 sections of video/],
    [sampleOffer([VOICE, { ...CAMERA, stream: "screen" }]), /2 streams/],
    [sampleOffer([{ ...VOICE, codecs: ["PCMU/8000"] }]), /pcmu, expected opus/],
    [sampleOffer([VOICE, { ...CAMERA, codecs: ["H264/90000", "AV1/90000"] }]), /h264, av1, expected vp8/],
    [sampleOffer([{ ...VOICE, direction: "recvonly" }]), /"recvonly"/],
    [sampleOffer([VOICE, { ...CAMERA, direction: "inactive" }]), /"inactive"/],
  ];
  for (const [sdp, words] of rows) {
    const { status, detail } = await refused(sdp);
    assert.equal(status, 422, detail);
    assert.match(detail, words);
  }
});
