/** The highest second of a stretch, number by number. */
import type { StatsSecond } from "../agent/records.ts";

export type Peaks = Pick<StatsSecond, "inBytes" | "outBytes" | "packets" | "newFlows">;

/** Highest of the seconds and of `earlier`; zeros without any. */
export function highestOf(seconds: readonly Peaks[], earlier: Peaks | null): Peaks {
  let highest = earlier ?? { inBytes: 0, outBytes: 0, packets: 0, newFlows: 0 };
  for (const second of seconds) {
    highest = {
      inBytes: Math.max(highest.inBytes, second.inBytes),
      outBytes: Math.max(highest.outBytes, second.outBytes),
      packets: Math.max(highest.packets, second.packets),
      newFlows: Math.max(highest.newFlows, second.newFlows),
    };
  }
  return highest;
}
