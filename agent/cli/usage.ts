/** Keeps the live state's figure of processor time up to date. */
import process from "node:process";
import type { LiveState } from "../live_state.ts";

const periodMs = 2000;

/** Measures every two seconds until the returned function is called, and calls `onMeasured`. */
export function watchUsage(live: LiveState, onMeasured = () => {}): () => void {
  let last = process.cpuUsage();
  let lastMs = performance.now();
  const timer = setInterval(() => {
    const usage = process.cpuUsage();
    const nowMs = performance.now();
    const usedUs = usage.user + usage.system - last.user - last.system;
    live.cpuCores = usedUs / 1000 / (nowMs - lastMs);
    last = usage;
    lastMs = nowMs;
    onMeasured();
  }, periodMs);
  return () => clearInterval(timer);
}
