/** Looks after the room on the disk where results go. */
import { statfsSync } from "node:fs";
import { DiskGuard, diskSentence } from "../text/disk_guard.ts";
import type { LiveState } from "../live_state.ts";
import type { Log } from "../log.ts";

const periodMs = 1000;

interface DiskWatchOptions {
  readonly folder: string;
  readonly minFreeMb: number;
  readonly live: LiveState;
  readonly log: Log;
  /** Other things may grow than before. */
  readonly onStep: () => void;
}

/** Keeps the live state's figure up to date, from now on until the returned function is called. */
export function watchDisk({ folder, minFreeMb, live, log, onStep }: DiskWatchOptions): () => void {
  const guard = new DiskGuard(minFreeMb * 1e6);
  const look = () => {
    const before = live.disk.step;
    live.disk = guard.look(freeBytesOf(folder));
    const { step } = live.disk;
    if (step === before) return;
    const severity = step > before ? "warning" : "info";
    const text = diskSentence(live.disk) || "There is room on the disk again; all is written.";
    live.note(severity, text);
    log.write(severity, text);
    onStep();
  };
  look();
  const timer = setInterval(look, periodMs);
  return () => clearInterval(timer);
}

/** Free bytes for this user; null when that cannot be told. */
export function freeBytesOf(folder: string): number | null {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return Number(bavail) * Number(bsize);
  } catch {
    return null; // doctor says why
  }
}
