/**
 * A program that uses the codec and the voice activity detection, to be bundled by a test.
 *
 * @module
 */
import { createVoiceActivity } from "../../src/adapters/fvad/voice_activity.ts";
import { createOpusCodec } from "../../src/adapters/opus/codec.ts";

const voices = createVoiceActivity();
await voices.load();
using stream = voices.open();
const codec = createOpusCodec();
using encoder = await codec.createEncoder({ rate: 48_000, bitrate: 32_000 });
using decoder = await codec.createDecoder({ rate: 16_000 });
const frame = decoder.decode(encoder.encode(new Int16Array(960)));
const text = stream.isSpeech(frame) ? "Silence is heard" : `Opus and voices: ${frame.length / 16} ms`;
await Deno.stdout.write(new TextEncoder().encode(`${text}\n`));
