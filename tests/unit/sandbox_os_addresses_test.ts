import assert from "node:assert/strict";
import { isInternal, isNamed, readHostPort, readHostRule, toAddress } from "../../src/adapters/sandbox/addresses.ts";
import { pinHosts } from "../../src/adapters/sandbox/launcher.ts";

Deno.test("addresses of this machine, its networks and its provider are internal, however they are written", () => {
  const internal = [
    ["127.0.0.1", "127.9.9.9", "0.0.0.0", "::1", "::"],
    ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "fd00::1", "fec0::1"],
    ["169.254.169.254", "fe80::1", "fe80::1%eth0", "fd00:ec2::254"],
    ["224.0.0.1", "255.255.255.255", "ff02::1", "198.18.0.1", "203.0.113.7", "2001:db8::1"],
    ["::ffff:127.0.0.1", "::ffff:a00:1", "::127.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b::7f00:1"],
    ["2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:0:4136:e378::", "64:ff9b:1::1"],
    ["", "localhost", "127.1", "0x7f.1", "2130706433", "1.2.3.4:80"],
  ];
  for (const address of internal.flat()) assert.equal(isInternal(address), true, address);
  const outside = ["1.1.1.1", "8.8.8.8", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"];
  for (const address of outside) assert.equal(isInternal(address), false, address);
});

Deno.test("an address is written in one way", () => {
  assert.equal(toAddress("::ffff:10.0.0.1"), "10.0.0.1");
  assert.equal(toAddress("0:0:0:0:0:0:0:1"), "::1");
  assert.equal(toAddress("fe80::1%eth0"), undefined);
  assert.equal(toAddress("010.0.0.1"), undefined);
});

Deno.test("a host and its port are read, and nothing else is", () => {
  assert.deepEqual(readHostPort("a.example:80"), { host: "a.example", port: 80 });
  assert.deepEqual(readHostPort("[::1]:80"), { host: "::1", port: 80 });
  assert.deepEqual(readHostPort("::1"), { host: "::1" });
  for (const text of ["", "a b", "a:0", "a:65536", "a:b", "user@a", "http://a", "[::1", "a:80:90"]) {
    assert.equal(readHostPort(text), undefined, text);
  }
});

Deno.test("a policy names hosts, ports, what is below a host, and addresses", () => {
  const net = ["One.example", "two.example:8443", "*.three.example", "10.0.0.5:5432", "[fd00::1]", "not a host"];
  const named = (host: string, port: number) => isNamed(net, { host, port });
  assert(named("one.example", 80) && named("ONE.example.", 443));
  assert(named("two.example", 8443) && !named("two.example", 443));
  assert(named("a.three.example", 1) && named("a.b.three.example", 1));
  assert(!named("three.example", 1) && !named("evilthree.example", 1) && !named("three.example.evil", 1));
  assert(named("10.0.0.5", 5432) && named("::ffff:10.0.0.5", 5432) && !named("10.0.0.5", 22));
  assert(named("fd00:0::1", 9) && !named("fd00::2", 9));
  assert.equal(readHostRule("*.1.2.3.4"), undefined);
  assert.equal(readHostRule("*"), undefined);
});

Deno.test("hosts with their port get an address inside, those of this machine keep theirs", () => {
  const pins = pinHosts(["db.example:5432", "db.example:5433", "localhost:8080", "127.0.0.9:9000", "web.example:443"]);
  assert.deepEqual(pins.map(({ host, address }) => `${host} ${address}`), [
    "db.example:5432 127.0.1.1",
    "db.example:5433 127.0.1.1",
    "localhost:8080 127.0.0.1",
    "127.0.0.9:9000 127.0.0.9",
  ]);
  assert.deepEqual(pinHosts(["*.example:5432", "any.example", "10.0.0.5:5432", "127.0.0.1:3128"]), []);
});
