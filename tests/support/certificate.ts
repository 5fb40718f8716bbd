/**
 * A certificate for this machine that nobody has signed.
 *
 * @module
 */

/** Its files, until disposed. */
export interface TestCertificate extends AsyncDisposable {
  cert_file: string;
  key_file: string;
}

/** Makes one, by openssl. */
export async function makeCertificate(): Promise<TestCertificate> {
  const folder = await Deno.makeTempDir({ prefix: "muxi-tls-" });
  const [cert_file, key_file] = [`${folder}/cert.pem`, `${folder}/key.pem`];
  const args = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const { success } = await new Deno.Command("openssl", {
    args: [...args, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
      .concat("-addext", "basicConstraints=critical,CA:FALSE", "-keyout", key_file, "-out", cert_file),
    stdout: "null",
    stderr: "null",
  }).output();
  if (!success) throw new Error("Cannot make a certificate");
  return { cert_file, key_file, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}
