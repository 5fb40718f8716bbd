// Runs inside the box, before the program: relays connections to the proxy's socket,
// since programs speak to proxies by TCP only. It ends with the program, and the box with it.
const { socket, pins, env, line } = JSON.parse(Deno.readTextFileSync(Deno.args[0]));

async function relay(from, opening) {
  let to;
  try {
    to = await Deno.connect({ transport: "unix", path: socket });
    if (opening !== undefined) await open(to, opening);
    await Promise.all([pipe(from, to), pipe(to, from)]);
  } catch {
    // Either side may leave at any time.
  }
  for (const side of [from, to]) {
    try {
      side?.close();
    } catch {
      // It is closed.
    }
  }
}

async function pipe(from, to) {
  const chunk = new Uint8Array(65536);
  for (;;) {
    const count = await from.read(chunk);
    if (count === null) return await to.closeWrite();
    for (let at = 0; at < count;) at += await to.write(chunk.subarray(at, count));
  }
}

// Asks the proxy for a tunnel, on behalf of a program that knows nothing of it.
async function open(to, host) {
  await to.write(new TextEncoder().encode(`CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n`));
  const byte = new Uint8Array(1);
  let head = "";
  while (!head.endsWith("\r\n\r\n")) {
    if (head.length > 4096 || await to.read(byte) === null) throw new Error("Cannot read the proxy's answer");
    head += String.fromCharCode(byte[0]);
  }
  if (!/^HTTP\/1\.1 200 /.test(head)) throw new Error("Refused by the proxy");
}

async function serve(hostname, port, opening) {
  for await (const conn of Deno.listen({ hostname, port })) relay(conn, opening);
}

serve("127.0.0.1", 3128);
for (const { address, port, host } of pins) serve(address, port, host);

// Meant for the launcher alone.
Deno.env.delete("DENO_NO_UPDATE_CHECK");
const [command, ...args] = line;
const child = new Deno.Command(command, { args, env }).spawn();
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) Deno.addSignalListener(signal, () => child.kill(signal));
const { code } = await child.status;
Deno.exit(code);
