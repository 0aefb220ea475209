/**
 * The recorder thread: writes the batches that the pipeline sends into the capture ring and gives every buffer back,
 * written or not. It never waits for anyone; the pipeline counts what it could not hand over.
 *
 * "stop" closes the file and is answered with "stopped". Main sends it once the pipeline has stopped, so nothing is
 * under way by then.
 */
/// <reference lib="deno.worker" />
import type { MainToRecorder, RecorderToMain, RecordMessage } from "../messages.ts";
import { RingWriter } from "./ring_writer.ts";

const stateIntervalMs = 1000;
let stop = () => tell({ type: "stopped" });
let ring: RingWriter | null = null;

self.onmessage = ({ data }: MessageEvent<MainToRecorder>) => {
  if (data.type === "start") stop = record(data);
  else if (data.type === "disk") ring?.hold(data.step > 0);
  else stop();
};

/** Starts recording; the result ends it. */
function record({ options, pipelines }: Extract<MainToRecorder, { type: "start" }>): () => void {
  const writer = ring = new RingWriter(options, {
    note: (severity, text) => tell({ type: "note", severity, text }),
    now: () => performance.now(),
  });
  let told = "";
  const tellState = () => tell({ type: "state", state: writer.state });
  const tellChange = () => {
    if (writer.state.state !== told) tellState();
    told = writer.state.state;
  };
  writer.start();
  tellChange();
  const ticker = setInterval(tellState, stateIntervalMs);
  for (const port of pipelines) {
    port.onmessage = ({ data: { batch } }: MessageEvent<RecordMessage>) => {
      writer.write(batch);
      port.postMessage({ type: "return", buffer: batch.buffer }, [batch.buffer]);
      tellChange();
    };
  }
  return () => {
    clearInterval(ticker);
    writer.close();
    tellState();
    tell({ type: "stopped" });
    stop = () => tell({ type: "stopped" });
  };
}

function tell(message: RecorderToMain): void {
  self.postMessage(message);
}
