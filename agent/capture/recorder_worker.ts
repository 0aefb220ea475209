/**
 * The recorder thread: writes the batches that the pipeline sends into the capture ring and gives every buffer back,
 * written or not. It never waits for anyone; the pipeline counts what it could not hand over. Between batches it copies the packets
 * of findings, which the main thread names, out of the ring: some milliseconds at a time, for which a batch waits.
 *
 * "stop" closes the file, takes what is there of findings, as far as time allows, and is answered with "stopped". Main sends it once
 * the pipeline has stopped, so nothing is under way by then.
 */
/// <reference lib="deno.worker" />
import { collectGarbage } from "../collect_garbage.ts";
import type { WriteContext } from "../failed_writes.ts";
import type { BatchMessage, MainToRecorder, RecorderToMain, RecordMessage } from "../messages.ts";
import { createPacketSorter } from "../pipeline/packet_filter.ts";
import { EvidenceKeeper } from "./evidence_keeper.ts";
import { EvidencePasses } from "./evidence_passes.ts";
import { RingWriter } from "./ring_writer.ts";
import { inTurns } from "../turns.ts";

type StartMessage = Extract<MainToRecorder, { type: "start" }>;

const stateIntervalMs = 1000;

class RecorderThread {
  readonly #ring: RingWriter;
  readonly #keeper: EvidenceKeeper;
  readonly #passes: EvidencePasses;
  readonly #ticker: number;
  #told = "";

  constructor({ options, evidence, pipelines }: StartMessage) {
    const note: WriteContext["note"] = (severity, text) => tell({ type: "note", severity, text });
    this.#ring = new RingWriter(options, { note, now: () => performance.now() });
    this.#keeper = new EvidenceKeeper(evidence, {
      note,
      makeSorter: (findings) =>
        createPacketSorter(
          findings.map(({ hosts, peers }) => ({ hosts, peers })),
          evidence.vxlanPorts,
        ),
    });
    this.#passes = new EvidencePasses(this.#keeper);
    this.#ring.start();
    this.#keeper.start();
    this.#tellStates();
    this.#ticker = setInterval(() => {
      this.#tellStates();
      this.#passes.goOn();
    }, stateIntervalMs);
    const record = inTurns(({ port, batch }: { port: MessagePort; batch: BatchMessage }) => {
      this.#ring.write(batch);
      port.postMessage({ type: "return", buffer: batch.buffer }, [batch.buffer]);
      if (this.#ring.state.state !== this.#told) this.#tellRing();
    });
    for (const port of pipelines) {
      port.onmessage = ({ data: { batch } }: MessageEvent<RecordMessage>) =>
        record({ port, batch });
    }
  }

  take(message: Exclude<MainToRecorder, { type: "start" | "stop" }>): void {
    if (message.type === "disk") {
      this.#ring.hold(message.step > 0);
      this.#keeper.hold(message.step > 0);
    } else {
      this.#keeper.take(message.finding);
      this.#passes.hurry();
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.#ticker);
    this.#ring.close();
    this.#tellRing();
    await this.#passes.finish();
    this.#tellStates();
  }

  #tellStates(): void {
    this.#tellRing();
    tell({ type: "evidence", state: this.#keeper.state });
  }

  #tellRing(): void {
    const { state } = this.#ring;
    this.#told = state.state;
    tell({ type: "state", state });
  }
}

let thread: RecorderThread | null = null;

collectGarbage();

self.onmessage = async ({ data }: MessageEvent<MainToRecorder>) => {
  if (data.type === "start") thread = new RecorderThread(data);
  else if (data.type !== "stop") thread?.take(data);
  else {
    const ending = thread;
    thread = null;
    await ending?.stop();
    tell({ type: "stopped" });
  }
};

function tell(message: RecorderToMain): void {
  self.postMessage(message);
}
