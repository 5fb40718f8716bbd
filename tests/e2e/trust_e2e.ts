/**
 * Whom the built file believes when it speaks TLS.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { findTool, openPlace } from "./support/place.ts";
import { story } from "./support/story.ts";

await story("an authority that SSL_CERT_FILE names is trusted, a stranger is not", {
  box: true,
  tools: ["openssl"],
}, async () => {
  await using place = await openPlace();
  const [key, cert] = [`${place.root}/key.pem`, `${place.root}/cert.pem`];
  const line = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost ` +
    `-addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE -keyout ${key} -out ${cert}`;
  const made = await new Deno.Command((await findTool("openssl"))!, { args: line.split(" ") }).output();
  assert.ok(made.success, new TextDecoder().decode(made.stderr));
  await using server = Deno.serve({
    hostname: "localhost",
    port: 0,
    key: await Deno.readTextFile(key),
    cert: await Deno.readTextFile(cert),
    onListen: () => {},
  }, () => Response.json({ status: "ok" }));
  const args = ["health", "live", "--url", `https://localhost:${server.addr.port}`];
  const known = await place.run(args, { env: { SSL_CERT_FILE: cert } });
  assert.equal(known.code, 0, known.stderr);
  assert.match(known.stdout, /ok/);
  const unknown = await place.run(args);
  assert.equal(unknown.code, 69);
  // A machine that has no authorities of its own speaks TLS all the same.
  const none = { SSL_CERT_FILE: "/nonexistent", SSL_CERT_DIR: "/nonexistent" };
  const named = await place.run(args, { env: { ...none, NODE_EXTRA_CA_CERTS: cert } });
  assert.equal(named.code, 0, named.stderr);
});
