/**
 * The replay thread: waits for "start", plays the file, and answers a "stop" (also one that comes after the end)
 * with "stopped".
 */
/// <reference lib="deno.worker" />
import { collectGarbage } from "../collect_garbage.ts";
import type { MainToReplay, SourceToMain } from "../messages.ts";
import { Replay } from "./replay.ts";

const tell = (message: SourceToMain) => self.postMessage(message);
let replay: Replay | null = null;
let isDone = false;

collectGarbage();

self.onmessage = ({ data }: MessageEvent<MainToReplay>) => {
  if (data.type === "start") {
    replay = new Replay(data.options, data.pipeline, tell);
    replay.run().finally(() => isDone = true);
  } else if (replay === null || isDone) {
    tell({ type: "stopped" });
  } else {
    replay.stop();
  }
};
