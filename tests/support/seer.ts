/**
 * A model that looks: it asks for the tool, and says which colour it sees.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import type { ProviderRequest } from "./provider.ts";
import type { Step } from "./provider_reply.ts";
import type { Json } from "./story.ts";
import { ffmpeg } from "./vp8.ts";

/** A picture that the model was given. */
export interface Given {
  width: number;
  height: number;
  /** On average, as red, green and blue. */
  colour: number[];
}

/** The pictures in a request, decoded. */
export async function picturesIn({ body }: ProviderRequest): Promise<Given[]> {
  const parts = body.messages.flatMap(({ content }: Json) => Array.isArray(content) ? content : []);
  const urls: string[] = parts.filter(({ type }: Json) => type === "image_url").map(({ image_url }: Json) =>
    image_url.url
  );
  return await Promise.all(urls.map(async (url) => {
    const [head = "", data = ""] = url.split(",");
    assert.equal(head, "data:image/webp;base64");
    const webp = Uint8Array.fromBase64(data);
    const view = new DataView(webp.buffer);
    const [width, height] = [view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff];
    const pixels = await ffmpeg("-f webp_pipe -i - -f rawvideo -pix_fmt rgb24 -".split(" "), webp);
    assert.equal(pixels.length, width * height * 3);
    const sums = [0, 0, 0];
    pixels.forEach((value, n) => sums[n % 3]! += value);
    return { width, height, colour: sums.map((sum) => Math.round(sum / width / height)) };
  }));
}

/** Answers with what it sees, once it was allowed to look; otherwise with why not. */
export function seer(looks: readonly Json[]): (request: ProviderRequest) => Promise<Step> {
  let asked = 0;
  return async (request) => {
    const last = request.body.messages.at(-1);
    const told = request.body.messages.findLast(({ role }: Json) => role === "tool");
    const isAnswer = last.role === "tool" || Array.isArray(last.content);
    if (!isAnswer) return { tool_calls: [{ name: "look", arguments: looks[asked++]! }] };
    const { error } = JSON.parse(told.content);
    if (error !== undefined) return { tokens: [`Not seen: ${error}`] };
    const [red = 0, green = 0, blue = 0] = (await picturesIn(request)).at(-1)!.colour;
    const name = blue > red && blue > green ? "blue" : green > red ? "green" : "red";
    return { tokens: [`It is ${name}`] };
  };
}
