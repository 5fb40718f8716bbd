/**
 * Pictures that a provider doesn't read.
 *
 * @module
 */
import type { ModelMessage, ModelPart, ModelRequest } from "../../ports/model.ts";
import type { Target } from "./source.ts";

/** Whether `target` reads pictures of a format, as far as the settings say. */
export function readsPicture({ pictures = [] }: Target, media_type: string): boolean {
  return pictures.length === 0 || pictures.includes(media_type);
}

/** `request` as `target` can read it: in the place of a picture that it can't, the model is told so. */
export function withReadable(request: ModelRequest, target: Target): ModelRequest {
  if ((target.pictures ?? []).length === 0) return request;
  return { ...request, messages: request.messages.map((message) => toReadable(message, target)) };
}

function toReadable(message: ModelMessage, target: Target): ModelMessage {
  if (message.role !== "user" && message.role !== "tool") return message;
  return message.parts ? { ...message, parts: message.parts.map((part) => toPart(part, target)) } : message;
}

function toPart(part: ModelPart, target: Target): ModelPart {
  if (part.type !== "image" || readsPicture(target, part.media_type)) return part;
  const { provider, pictures = [] } = target;
  const text = `(a picture you can't see: it is ${part.media_type}, and "${provider}" reads ${pictures.join(", ")})`;
  return { type: "text", name: "picture", text };
}
