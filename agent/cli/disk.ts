/** Looks after the room on the disk where results go. */
import { statfsSync } from "node:fs";
import { DiskGuard, diskSentence } from "../text/disk_guard.ts";
import type { LiveState } from "../live_state.ts";
import type { Notes } from "./notes.ts";

const periodMs = 1000;

interface DiskWatchOptions {
  readonly folder: string;
  readonly minFreeMb: number;
  readonly live: LiveState;
  readonly notes: Notes;
  /** Other things may grow than before. */
  readonly onStep: () => void;
}

/** Keeps the live state's figure up to date, from now on until the returned function is called. */
export function watchDisk(
  { folder, minFreeMb, live, notes, onStep }: DiskWatchOptions,
): () => void {
  const guard = new DiskGuard(minFreeMb * 1e6);
  const look = () => {
    const before = live.disk.step;
    live.disk = guard.look(freeBytesOf(folder));
    const { step } = live.disk;
    if (step === before) return;
    const text = diskSentence(live.disk) || "There is room on the disk again; all is written.";
    notes.note(step > before ? "warning" : "info", text);
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
