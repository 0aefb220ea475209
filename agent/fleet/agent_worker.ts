/** The thread of a fleet's agent: a shell around FleetAgent that carries its messages and gives it the time. */
import { collectGarbage } from "../collect_garbage.ts";
import type { FleetToMain, MainToFleet } from "../messages.ts";
import { FleetAgent } from "./agent.ts";

declare const self: DedicatedWorkerGlobalScope;

const tickMs = 250;

let agent: FleetAgent | null = null;
let ticker = 0;

collectGarbage();

self.onmessage = ({ data }: MessageEvent<MainToFleet>) => {
  if (data.type === "start") {
    agent = new FleetAgent(data.options, post);
    ticker = setInterval(() => agent?.tick(), tickMs);
  } else if (data.type === "figures") agent?.setFigures(data.figures);
  else if (data.type === "disk") agent?.setDiskStep(data.step);
  else if (data.type === "reload") agent?.reload(data.changes);
  else stop();
};

async function stop(): Promise<void> {
  clearInterval(ticker);
  await agent?.stop();
  agent = null;
  post({ type: "stopped" });
}

function post(message: FleetToMain): void {
  self.postMessage(message);
}
