/**
 * The thread that writes the EVE log: takes lines from the pipeline and from the main thread, and answers each message at
 * once, written or not, so that nobody waits for a disk.
 */
/// <reference lib="deno.worker" />
import { collectGarbage } from "../collect_garbage.ts";
import type { EveLinesMessage, EveOptions, EveToMain, MainToEve } from "../messages.ts";
import { EveFile } from "./eve_file.ts";
import { inTurns } from "../turns.ts";

const tickMs = 1000;
let file: EveFile | null = null;
let ticker: number | undefined;
let told = "";

collectGarbage();

self.onmessage = ({ data }: MessageEvent<MainToEve>) => {
  if (data.type === "start") start(data.options);
  else if (data.type === "pipeline") join(data.port);
  else if (data.type === "disk") file?.hold(data.step > 0);
  else if (data.type === "lines") take(data, () => tell({ type: "taken" }));
  else stop();
};

function start(options: EveOptions): void {
  file = new EveFile(options, {
    note: (severity, text) => tell({ type: "note", severity, text }),
    now: () => performance.now(),
  });
  file.start();
  tellState();
  ticker = setInterval(() => {
    file!.tick();
    tellState();
  }, tickMs);
}

function join(port: MessagePort): void {
  const takeInTurns = inTurns((lines: EveLinesMessage) =>
    take(lines, () => port.postMessage({ type: "taken" }))
  );
  port.onmessage = ({ data }: MessageEvent<EveLinesMessage>) => takeInTurns(data);
}

function take({ text, count, shed }: EveLinesMessage, answer: () => void): void {
  file!.write(text, count, shed);
  answer();
  if (file!.state.state !== told) tellState();
}

function stop(): void {
  clearInterval(ticker);
  file?.close();
  if (file !== null) tellState();
  tell({ type: "stopped" });
}

function tellState(): void {
  const { state } = file!;
  told = state.state;
  tell({ type: "state", state });
}

function tell(message: EveToMain): void {
  self.postMessage(message);
}
