/**
 * The evidence thread: keeps the packets of findings that the main thread names (evidence_keeper.ts). It works at most a
 * quarter of the time, so that it never takes much of a core.
 *
 * "stop" takes what is there, as far as time allows, and is answered with "stopped". Main sends it once the recorder has stopped.
 */
/// <reference lib="deno.worker" />
import type { EvidenceToMain, MainToEvidence } from "../messages.ts";
import { createPacketSorter } from "../pipeline/packet_filter.ts";
import { EvidenceKeeper } from "./evidence_keeper.ts";

const stateIntervalMs = 1000;
/** Between two passes at least; before the first one of a finding, of which there may be several at once. */
const pauseMinMs = 1000;
const firstPauseMs = 20;
/** Of a pass's own time. */
const pauseFactor = 3;

let keeper: EvidenceKeeper | null = null;
let timer: number | undefined;
let pass: Promise<void> | null = null;
let isStopping = false;
/** When `timer` is due. */
let dueMs = Infinity;
let passEndMs = -Infinity;
let passMs = 0;

self.onmessage = ({ data }: MessageEvent<MainToEvidence>) => {
  if (data.type === "start") start(data);
  else if (data.type === "disk") keeper?.hold(data.step > 0);
  else if (data.type === "finding") {
    keeper?.take(data.finding);
    schedule(Math.max(firstPauseMs, restAfter(pauseFactor * passMs)));
  } else void stop();
};

function start({ options }: Extract<MainToEvidence, { type: "start" }>): void {
  keeper = new EvidenceKeeper(options, {
    note: (severity, text) => tell({ type: "note", severity, text }),
    makeSorter: (findings) =>
      createPacketSorter(
        findings.map(({ hosts, peers }) => ({ hosts, peers })),
        options.vxlanPorts,
      ),
  });
  keeper.start();
  tellState();
  setInterval(() => {
    tellState();
    schedule(restAfter(Math.max(pauseMinMs, pauseFactor * passMs)));
  }, stateIntervalMs);
}

/** What is left of a pause since the last pass. */
function restAfter(pauseMs: number): number {
  return Math.max(0, passEndMs + pauseMs - performance.now());
}

/** A pass in `ms`, unless one is under way; one that is due later is put forward. */
function schedule(ms: number): void {
  if (pass !== null || isStopping || !keeper?.isBusy) return;
  const atMs = performance.now() + ms;
  if (atMs >= dueMs) return;
  clearTimeout(timer);
  dueMs = atMs;
  timer = setTimeout(() => {
    const startMs = performance.now();
    dueMs = Infinity;
    pass = keeper!.pass().then(() => {
      pass = null;
      passEndMs = performance.now();
      passMs = passEndMs - startMs;
      schedule(restAfter(Math.max(pauseMinMs, pauseFactor * passMs)));
    });
  }, ms);
}

async function stop(): Promise<void> {
  isStopping = true;
  clearTimeout(timer);
  await pass;
  await keeper?.pass(true);
  tellState();
  tell({ type: "stopped" });
}

function tellState(): void {
  if (keeper !== null) tell({ type: "state", state: keeper.state });
}

function tell(message: EvidenceToMain): void {
  self.postMessage(message);
}
