import { strict as assert } from "node:assert";
import { AppError } from "../../src/domain/error.ts";
import { frameOf, readFragment, writeFragment } from "../../src/transports/rtc/sdp_fragment.ts";
import { readIfMatch, toEtag, toLinks } from "../../src/transports/rtc/whip_headers.ts";

function statusOf(work: () => unknown): unknown {
  try {
    work();
  } catch (thrown) {
    return AppError.from(thrown).details?.status;
  }
}

const HOST = "candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw network-id 1";
const TCP = "candidate:3471623853 1 tcp 1518280447 2001:db8::1 9 typ host tcptype active";

Deno.test("candidates are taken by the credentials, whatever the section is called", () => {
  const text = [
    "a=group:BUNDLE 0 1",
    "a=ice-ufrag:EsAw",
    "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1",
    "m=audio 9 RTP/AVP 0",
    "a=mid:video0",
    `a=${HOST}`,
    `a=${TCP}`,
    `a=${HOST}`,
    "a=end-of-candidates",
    "",
  ].join("\r\n");
  assert.deepEqual(readFragment(text), {
    ufrag: "EsAw",
    pwd: "P2uYro0UCOQ4zxjKXaWCBui1",
    candidates: [HOST, TCP],
  });
  assert.deepEqual(readFragment("a=end-of-candidates\n").candidates, []);
});

Deno.test("candidates of unknown transports and names are left out without a word", () => {
  const text = [
    "m=audio 9 UDP/TLS/RTP/SAVPF 0",
    "a=candidate:1 1 sctp 2122260223 192.0.2.1 61764 typ host",
    "a=candidate:2 1 udp 2122260223 4a1f.local 61764 typ host",
    "a=candidate:3 1 udp 2122260223 media.example.org 61764 typ host",
    "a=candidate:4 1 udp",
    `a=${HOST}`,
  ].join("\r\n");
  assert.deepEqual(readFragment(text).candidates, [HOST]);
});

Deno.test("what is no fragment is refused with 400", () => {
  const texts = [
    "",
    "hello",
    '{"candidate":""}',
    "a=ice-ufrag:EsAw\r\n",
    "a=ice-ufrag:x y\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n",
    "m=audio 9 RTP/AVP 0\r\na=mid:0\r\n",
  ];
  for (const text of texts) assert.equal(statusOf(() => readFragment(text)), 400, text);
});

Deno.test("a new path is told with what the answer said of ICE, and each line ends as such lines do", () => {
  const answer = "v=0\r\na=ice-lite\r\na=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n" +
    "a=ice-options:trickle\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=ice-options:trickle\r\n";
  const text = writeFragment(
    { ufrag: "newfrag0", pwd: "newpassword0123456789ab", candidates: [HOST] },
    frameOf(answer),
  );
  assert.equal(
    text,
    "a=ice-lite\r\na=group:BUNDLE 0 1\r\na=ice-options:trickle\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n" +
      `a=ice-ufrag:newfrag0\r\na=ice-pwd:newpassword0123456789ab\r\na=${HOST}\r\na=end-of-candidates\r\n`,
  );
});

Deno.test("a missing tag is refused with 428, one that can't be ours with 412", () => {
  assert.equal(statusOf(() => readIfMatch(null)), 428);
  assert.equal(statusOf(() => readIfMatch(" ")), 428);
  for (const tag of ["xyzzy", 'W/"EsAw1234"', '"a b"', '"EsAw", "other"']) {
    assert.equal(statusOf(() => readIfMatch(tag)), 412, tag);
  }
  assert.equal(readIfMatch("*"), null);
  assert.equal(readIfMatch(toEtag("EsAw+/12")), "EsAw+/12");
});

Deno.test("servers are links, with their credentials", () => {
  assert.deepEqual(
    toLinks([
      { urls: ["stun:stun.example.net"] },
      { urls: ["turn:turn.example.net?transport=udp"], username: "1790000000:ann", credential: "c2VjcmV0" },
    ]),
    [
      '<stun:stun.example.net>; rel="ice-server"',
      '<turn:turn.example.net?transport=udp>; rel="ice-server"; username="1790000000:ann"; credential="c2VjcmV0"; ' +
      'credential-type="password"',
    ],
  );
});
