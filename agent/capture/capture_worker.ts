/**
 * The capture worker: one device, from "start" to "stopped" (see agent/messages.ts). It talks to the main thread
 * through its global scope and hands batches to the pipeline through the port that "start" brings. After "fatal"
 * it answers only "stop". The main thread terminates it after "stopped".
 */
import { collectGarbage } from "../collect_garbage.ts";
import { CAP_NET_RAW, withCapability } from "../../ffi/linux/capability.ts";
import type { CaptureHandle, HandleOptions } from "../../ffi/capture/capture_handle.ts";
import type { CaptureOptions, MainToCapture, ReturnMessage, SourceToMain } from "../messages.ts";
import { chooseCapture } from "./capture_method.ts";
import { liveFailure, openCapture } from "./live_open.ts";
import { LiveOutbox } from "./live_outbox.ts";
import { watchLink } from "./link_state.ts";
import { LiveSource } from "./live_source.ts";

/** 160 MiB a device, taken from the system as they are needed; a buffer holds the longest record many times. */
const bufferBytes = 4 << 20;
const bufferCountMax = 40;

let source: LiveSource | null = null;
let running: Promise<void> = Promise.resolve();

collectGarbage();

self.onmessage = async ({ data }: MessageEvent<MainToCapture>) => {
  if (data.type === "start") {
    running = run(data.options, data.pipeline);
    return;
  }
  if (data.type === "abandon") {
    source?.abandon();
    return;
  }
  source?.stop();
  await running;
  tell({ type: "stopped" });
};

// The device is lent to the process, not to this thread: it would stay open.
self.addEventListener("error", (event) => {
  if (source === null) return;
  event.preventDefault();
  source.abandon();
  source = null;
  const crash = () => {
    throw event.error;
  };
  running.then(crash, crash);
});

async function run(options: CaptureOptions, pipeline: MessagePort): Promise<void> {
  const outbox = new LiveOutbox({
    interfaceId: options.interfaceId,
    bufferBytes,
    bufferCountMax: Math.ceil(bufferCountMax / (options.share?.count ?? 1)),
    send: (message, transfer) => pipeline.postMessage(message, transfer),
  });
  pipeline.onmessage = ({ data }: MessageEvent<ReturnMessage>) => outbox.giveBack(data.buffer);
  const linkTrouble = watchLink(options.device);
  source = new LiveSource(options, { open: () => open(options), outbox, tell, linkTrouble, pause });
  try {
    await source.run();
  } catch (error) {
    const failure = liveFailure(error, options);
    if (failure === null) throw error;
    tell({ type: "fatal", message: failure.message, exitCode: failure.exitCode });
  }
}

function open(options: CaptureOptions): Promise<CaptureHandle> {
  const { open } = chooseCapture(options.capture);
  // A ring that grows is opened again while packets come.
  const openIt = Deno.build.os === "linux"
    ? (handle: HandleOptions) => withCapability(CAP_NET_RAW, () => open(handle))
    : open;
  const warn = (text: string) =>
    tell({ type: "note", severity: "warning", text: `${options.device}: ${text}` });
  return openCapture(options, openIt, warn);
}

function tell(message: SourceToMain): void {
  self.postMessage(message);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}
