/**
 * The thread of the store: a shell around StoreService that carries its messages and gives it the time. It is the only
 * thread that writes the database.
 */
import { collectGarbage } from "../collect_garbage.ts";
import type { MainToStore, RowsMessage, StoreToMain, StoreToPipeline } from "../messages.ts";
import { setGeoFiles } from "../geo/places.ts";
import { UsageError } from "../errors.ts";
import { VERSION } from "../version.ts";
import { StoreService } from "./store_service.ts";
import { inTurns } from "../turns.ts";

declare const self: DedicatedWorkerGlobalScope;

const tickMs = 1000;
/** At the end, so many more tries to write what waits, with this pause: another program's lock may pass. */
const lastTries = 4;
const lastTryMs = 250;

let service: StoreService | null = null;
/** Of each message of rows, whose it is, and its number there. */
const senders = new Map<number, { readonly port: MessagePort; readonly sequence: number }>();
let pipelines: readonly MessagePort[] = [];
let lastSequence = 0;
let ticker = 0;

collectGarbage();

self.onmessage = ({ data }: MessageEvent<MainToStore>) => {
  if (data.type === "start") start(data);
  else if (data.type === "findings") service?.takeFindings(data);
  else if (data.type === "alerts") service?.takeAlerts(data);
  else if (data.type === "windows") service?.takeWindows(data);
  else if (data.type === "fed") service?.setFedThrough(data.throughId);
  else if (data.type === "geo") setGeoFiles(data.files);
  else if (data.type === "disk") service?.setDiskStep(data.step);
  else stop(lastTries);
};

function start({ options, pipelines: ports }: MainToStore & { type: "start" }): void {
  leave();
  pipelines = ports;
  if (service) service.beginRun();
  else if (!open(options)) return;
  for (const port of ports) port.onmessage = ({ data }) => takeInTurns({ port, message: data });
}

/** What came for a run that is over is left. */
const takeInTurns = inTurns(({ port, message }: { port: MessagePort; message: RowsMessage }) => {
  if (pipelines.includes(port)) take(port, message);
});

function take(port: MessagePort, message: RowsMessage): void {
  const sequence = ++lastSequence;
  senders.set(sequence, { port, sequence: message.sequence });
  service?.take({ ...message, sequence });
}

function acknowledge(joint: number): void {
  const sender = senders.get(joint);
  senders.delete(joint);
  if (sender) tell(sender.port, { type: "ack", sequence: sender.sequence });
}

function leave(): void {
  for (const port of pipelines) port.close();
  pipelines = [];
  senders.clear();
}

function open(options: (MainToStore & { type: "start" })["options"]): boolean {
  service = new StoreService({
    ...options,
    toolVersion: VERSION,
    post,
    ack: acknowledge,
    tellKnown: (packets) => pipelines.forEach((port) => tell(port, { type: "known", packets })),
    nowUs: () => Date.now() * 1000,
    elapsedUs: () => performance.now() * 1000,
  });
  try {
    service.open();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    service = null;
    post({ type: "fatal", message: error.message, exitCode: error.exitCode });
    return false;
  }
  ticker = setInterval(() => service?.tick(), tickMs);
  return true;
}

function stop(triesLeft: number): void {
  clearInterval(ticker);
  service?.flush();
  if (service?.isFailing && triesLeft > 0) {
    setTimeout(() => stop(triesLeft - 1), lastTryMs);
    return;
  }
  service?.close();
  service = null;
  leave();
  post({ type: "stopped" });
}

function tell(port: MessagePort, message: StoreToPipeline): void {
  port.postMessage(message);
}

function post(message: StoreToMain): void {
  self.postMessage(message);
}
