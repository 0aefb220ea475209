/** How far back the capture files reach, and what to give when that is short. Safe in browsers. */
import type { RecorderState } from "../records.ts";
import { formatPeriod, formatSize } from "./amounts.ts";

type Ring = Pick<RecorderState, "oldestUs" | "sizeBytes" | "bytesMax" | "filesMax">;

const hourUs = 3600e6;
/** Shorter than this, and an alert that somebody reads after lunch has no packets any more. */
const enoughUs = 24 * hourUs;
/** A ring that holds less tells nothing of how fast it fills. */
const minUs = 60e6;

/** Microseconds from the oldest packet kept to `nowUs`; null without one. */
function ringReachUs({ oldestUs, sizeBytes }: Ring, nowUs: number): number | null {
  return oldestUs === null || sizeBytes === 0 ? null : Math.max(0, nowUs - oldestUs);
}

/** "last 25 min"; "" without a packet. */
export function reachText(ring: Ring, nowUs: number): string {
  const reachUs = ringReachUs(ring, nowUs);
  return reachUs === null ? "" : `last ${formatPeriod(Math.max(reachUs, 1e6))}`;
}

/** What a day would take, when the ring turns over faster; "" when it does not, or that cannot be told yet. */
export function reachAdvice(ring: Ring, nowUs: number): string {
  const reachUs = ringReachUs(ring, nowUs);
  if (reachUs === null || reachUs < minUs || ring.filesMax === 0) return "";
  const fullUs = reachUs * ring.bytesMax / ring.sizeBytes;
  if (fullUs >= enoughUs) return "";
  const files = Math.ceil(enoughUs / fullUs * ring.filesMax);
  const bytes = files * ring.bytesMax / ring.filesMax;
  return `At this rate the capture files hold ${
    formatPeriod(fullUs)
  }. For a day: --pcap-files ${files} (${
    formatSize(bytes)
  }), or fewer of them with a larger --pcap-file-mb.`;
}
