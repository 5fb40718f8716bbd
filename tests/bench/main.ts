/**
 * Every walk, measured beside its bare baseline in the same run.
 *
 * @module
 */
import { fanout } from "./fanout.ts";
import { reply } from "./reply.ts";
import { stall } from "./stall.ts";
import { start } from "./start.ts";
import { store } from "./store.ts";
import { runWalks } from "./support/report.ts";

await runWalks({ reply, start, fanout, stall, store });
