/**
 * Files: up, down, and before a model's eyes.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { startProvider } from "../support/provider.ts";
import { startServer, type TestServer, USER_KEY } from "../support/server.ts";
import { ask, type Json } from "../support/story.ts";

const PNG = Uint8Array.from(
  atob("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="),
  (c) => c.charCodeAt(0),
);

/** Pseudo-random bytes, the same ones every time. */
function bytesOf(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  for (let i = 0, state = 42; i < size; i++) bytes[i] = (state = Math.imul(state, 1664525) + 1013904223 | 0) >>> 24;
  return bytes;
}

function post(
  server: TestServer,
  path: string,
  body: BodyInit,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${server.url}/api/v1${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${USER_KEY}`, ...headers },
    body,
  });
}

async function upload(server: TestServer, name: string, media_type: string, bytes: BodyInit): Promise<Json> {
  const response = await post(server, `/files?name=${encodeURIComponent(name)}`, bytes, { "content-type": media_type });
  assert.equal(response.status, 201);
  return await response.json();
}

async function download(server: TestServer, id: string): Promise<{ response: Response; bytes: Uint8Array }> {
  const response = await server.request("GET", `/files/${id}/content`);
  return { response, bytes: new Uint8Array(await response.arrayBuffer()) };
}

Deno.test("bytes go up plain or in a form, and come down as they were", async () => {
  await using server = await startServer();
  const bytes = bytesOf(3_000_000);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const plain = await upload(server, "data.bin", "application/octet-stream", bytes);
  assert.deepEqual([plain.name, plain.size, plain.sha256], ["data.bin", bytes.length, sha256]);
  const form = new FormData();
  form.append("note", "ignored");
  form.append("file", new File([bytes], "näme.bin", { type: "application/x-own" }));
  const response = await post(server, "/files", form);
  const formed = await response.json();
  assert.deepEqual([formed.name, formed.media_type, formed.sha256], ["näme.bin", "application/x-own", sha256]);
  for (const { id, name } of [plain, formed]) {
    const { response, bytes: got } = await download(server, id);
    assert.deepEqual(got, bytes);
    assert.equal(response.headers.get("content-length"), `${bytes.length}`);
    assert.match(
      decodeURIComponent(response.headers.get("content-disposition") ?? ""),
      new RegExp(`^attachment.*${name}`),
    );
  }
  assert.deepEqual(await ask(server, `GET /files/${plain.id}`), plain);
  await ask(server, `DELETE /files/${plain.id}`, { status: 204 });
  await ask(server, `GET /files/${plain.id}/content`, { status: 404 });
});

Deno.test("a form whose client knows no type is told by the file's name", async () => {
  await using server = await startServer();
  for (
    const [name, type, media_type] of [
      ["a.txt", "", "text/plain"],
      ["b.pdf", "application/octet-stream", "application/pdf"],
      ["c.unheard-of", "", "application/octet-stream"],
      ["d.txt", "text/markdown", "text/markdown"],
    ] as const
  ) {
    const form = new FormData();
    form.append("file", new File(["words"], name, { type }));
    assert.equal((await (await post(server, "/files", form)).json()).media_type, media_type, name);
  }
});

Deno.test("an upload is stored as it comes", async () => {
  await using server = await startServer();
  const rest = Promise.withResolvers<void>();
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      controller.enqueue(bytesOf(200_000));
      await rest.promise;
      controller.enqueue(bytesOf(1000));
      controller.close();
    },
  });
  const response = post(server, "/files", body, { "content-type": "text/plain" });
  const partial = async () => {
    let size = 0;
    for await (const { name } of Deno.readDir(`${server.data_dir}/files`)) {
      size += (await Deno.stat(`${server.data_dir}/files/${name}`)).size;
    }
    return size;
  };
  while (await partial() < 100_000) await new Promise((resolve) => setTimeout(resolve, 5));
  rest.resolve();
  assert.equal((await (await response).json()).size, 201_000);
});

Deno.test("a file that is too large is refused, however it comes, and nothing of it stays", async () => {
  await using server = await startServer({ settings: { server: { max_upload_bytes: 100_000 } } });
  const bytes = bytesOf(100_001);
  const form = (size: number) => {
    const form = new FormData();
    form.append("file", new File([bytesOf(size)], "big"));
    return form;
  };
  const slowly = (size: number) => new Blob([bytesOf(size)]).stream();
  const bodies: [string, BodyInit][] = [
    ["a little, plain", bytes],
    ["a little, without a length", slowly(100_001)],
    ["a little, in a form", form(100_001)],
    ["much, plain", bytesOf(1_000_000)],
    ["much, without a length", slowly(1_000_000)],
    ["much, in a form", form(1_000_000)],
  ];
  for (const [how, body] of bodies) {
    const response = await post(server, "/files", body);
    const error = await response.json();
    assert.deepEqual([response.status, error.error], [413, "PayloadTooLargeError"], how);
  }
  assert.deepEqual(await Array.fromAsync(Deno.readDir(`${server.data_dir}/files`)), []);
  assert.equal((await upload(server, "most", "text/plain", bytesOf(100_000))).size, 100_000);
});

Deno.test("attached pictures and texts reach the model; what it can't read is named", async () => {
  await using provider = await startProvider({ script: { tokens: 1 } });
  await using server = await startServer({ provider: provider.url });
  const files = [
    await upload(server, "dot.png", "image/png", PNG),
    await upload(server, "notes.md", "text/markdown", "# Buy milk"),
    await upload(server, "data.bin", "application/octet-stream", bytesOf(100)),
    await upload(server, "gone.txt", "text/plain", "secret plan"),
  ];
  const attachments = files.map(({ id }) => ({ file_id: id }));
  const { conversation_id } = await ask(server, "POST /chat", { body: { message: "Look", attachments } });
  const parts = provider.requests[0]!.body.messages.at(-1).content as Json[];
  const image = parts.find(({ type }) => type === "image_url");
  assert.equal(image.image_url.url, `data:image/png;base64,${PNG.toBase64()}`);
  const text = parts.filter(({ type }) => type === "text").map(({ text }) => text).join("\n");
  assert.match(text, /Look/);
  assert.match(text, /notes\.md[^]*# Buy milk/);
  assert.match(text, /data\.bin[^]*application\/octet-stream, 100 bytes/);
  assert.match(text, /secret plan/);
  await ask(server, `DELETE /files/${files[3].id}`);
  // Bytes that a disk has lost must not spoil the conversation for ever.
  for await (const { name } of Deno.readDir(`${server.data_dir}/files`)) {
    if (name.includes(files[1].id)) await Deno.remove(`${server.data_dir}/files/${name}`);
  }
  await ask(server, "POST /chat", { body: { message: "Again", conversation_id } });
  const later = JSON.stringify(provider.requests[1]!.body.messages);
  assert.ok(!later.includes("secret plan") && !later.includes("Buy milk"));
  assert.match(later, /this file was deleted/);
});

Deno.test("a message can't name a file that isn't there", async () => {
  await using server = await startServer();
  const body = { message: "Look", attachments: [{ file_id: "file_0" }] };
  const error = await ask(server, "POST /chat", { body, status: 404 });
  assert.equal(error.error, "FileNotFoundError");
});
