/** The last line of `run` and `replay`: what became of the packets, and what did not get through or is gone again. */
import { counted, formatCount } from "../text/amounts.ts";
import type { LiveState } from "../live_state.ts";

/**
 * As "5 packets seen, 5 written to capture files, 9 rows to the database, 2 findings; nothing was lost." `hasGivenUp`:
 * the end came before all in flight was written, so that nobody counted it.
 */
export function tally(live: LiveState, hasGivenUp: boolean): string {
  const captured = live.sources.reduce((sum, { packets }) => sum + packets, 0);
  const decoded = live.snapshot?.packets ?? 0;
  const drops = live.drops();
  const undecoded = Math.max(0, captured - drops.queue - decoded);
  const losses = [
    ...Object.entries({
      ...drops,
      detection: live.detection.observationsShed,
      eve: live.eve.linesLost,
      undecoded,
    })
      .filter(([, count]) => count > 0)
      .map(([place, count]) => `${place} ${formatCount(count)}`),
    ...hasGivenUp ? ["what was in flight at the end, which is not counted"] : [],
  ];
  const ends = [
    losses.length > 0 ? `lost: ${losses.join(", ")}` : "nothing was lost on the way",
    ...removals(live),
  ];
  if (losses.length === 0 && ends.length === 1) ends[0] = "nothing was lost";
  return `${counted(Math.max(captured, decoded), "packet")} seen, ` +
    `${formatCount(live.recorder.packetsWritten)} written to capture files, ` +
    `${counted(live.store.rowsWritten, "row")} to the database, ` +
    `${counted(live.detection.findings, "finding")}; ${ends.join("; ")}.`;
}

/** What was written and had to make room since. */
function removals({ store, recorder }: LiveState): string[] {
  const texts: string[] = [];
  if (store.rowsRemoved > 0) {
    const found = store.findingsRemoved > 0
      ? ` (${counted(store.findingsRemoved, "finding")} among them)`
      : "";
    texts.push(
      `--retention-days and --retention-mb removed ${
        counted(store.rowsRemoved, "old row")
      }${found}`,
    );
  }
  if (recorder.bytesWritten > recorder.sizeBytes && recorder.files > 0) {
    texts.push("older packets in the capture files were overwritten by --pcap-files");
  }
  return texts;
}
