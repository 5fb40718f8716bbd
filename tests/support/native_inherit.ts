/**
 * A process of its own that starts the program of its arguments in a box, and shows its output.
 *
 * @module
 */
import { startBoxed } from "./native_box.ts";

const [command = "", ...args] = Deno.args;
await using boxed = await startBoxed({ command, args });
await boxed.process.stdout.pipeTo(Deno.stdout.writable);
await boxed.process.exited;
