/**
 * A real nginx before a server, as people put it: it passes everything below a path on, WebSockets too.
 *
 * @module
 */
import { endChild } from "./end_child.ts";
import { until } from "./story.ts";
import { freePort } from "./free_port.ts";

/** The proxy at work. */
export interface Nginx extends AsyncDisposable {
  /** Such as `http://127.0.0.1:40123`. */
  url: string;
}

/** Starts it before `target`; whoever comes by it comes from 203.0.113.7, over TLS. */
export async function startNginx({ target, path }: { target: string; path: string }): Promise<Nginx> {
  await using stack = new AsyncDisposableStack();
  const dir = await Deno.makeTempDir({ prefix: "muxi-nginx-" });
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  const port = freePort();
  await Deno.writeTextFile(
    `${dir}/nginx.conf`,
    `daemon off; pid ${dir}/pid; error_log ${dir}/error.log; worker_processes 1;
    events { worker_connections 64; }
    http { access_log off; client_body_temp_path ${dir}/b; proxy_temp_path ${dir}/p; fastcgi_temp_path ${dir}/f;
      uwsgi_temp_path ${dir}/u; scgi_temp_path ${dir}/s;
      map $http_upgrade $connection_upgrade { default upgrade; "" ""; }
      server { listen 127.0.0.1:${port}; location ${path} { proxy_pass ${target}; proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
        proxy_set_header X-Forwarded-For 203.0.113.7; proxy_set_header X-Forwarded-Proto https; } } }`,
  );
  const child = new Deno.Command("nginx", {
    args: ["-e", `${dir}/error.log`, "-p", dir, "-c", `${dir}/nginx.conf`],
    stdout: "null",
    stderr: "null",
  }).spawn();
  stack.defer(() => endChild(child));
  const url = `http://127.0.0.1:${port}`;
  const passes = () => fetch(`${url}${path}`).then((r) => r.body?.cancel().then(() => r.status < 500), () => false);
  await until("nginx passes requests on", passes, { every_ms: 20 });
  const owned = stack.move();
  return { url, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
