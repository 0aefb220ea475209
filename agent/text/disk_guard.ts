/**
 * What may still grow as the disk fills up: captures stop first, then packet rows, then flow rows; findings and alerts never.
 * Pure.
 *
 *     free: |<-- 1/4 -->|<-- 1/2 -->|<----- --min-free-mb ----->|
 *     step:      3            2                  1                    0
 */
import { formatCount } from "./amounts.ts";

/** How much has stopped growing: nothing, captures, packet rows too, flow rows too. */
export type DiskStep = 0 | 1 | 2 | 3;

export interface DiskState {
  /** Where results go; null when it cannot be told. */
  readonly freeBytes: number | null;
  /** What is to stay free; 0 lets everything grow. */
  readonly minFreeBytes: number;
  readonly step: DiskStep;
}

/** Shares of the bytes to be left free at which a step begins. */
const beginShares = [1, 1 / 2, 1 / 4] as const;
/** A step is over when a quarter more is free than at its beginning. */
const endFactor = 1.25;

export class DiskGuard {
  readonly #minFreeBytes: number;
  #step: DiskStep = 0;

  constructor(minFreeBytes: number) {
    this.#minFreeBytes = minFreeBytes;
  }

  /** What cannot be told changes nothing. */
  look(freeBytes: number | null): DiskState {
    if (freeBytes !== null) this.#step = this.#stepAt(freeBytes);
    return { freeBytes, minFreeBytes: this.#minFreeBytes, step: this.#step };
  }

  #stepAt(freeBytes: number): DiskStep {
    const bytes = beginShares.map((share, index) =>
      share * this.#minFreeBytes * (index < this.#step ? endFactor : 1)
    );
    return bytes.filter((bound) => freeBytes < bound).length as DiskStep;
  }
}

const stopped = [
  "",
  "capture files",
  "capture files and packet rows",
  "capture files, packet rows and flow rows",
] as const;

/** "Less than 500 MB are free (480 MB): capture files do not grow …"; "" while all may grow. */
export function diskSentence({ step, freeBytes, minFreeBytes }: DiskState): string {
  if (step === 0) return "";
  const free = freeBytes === null ? "" : `, ${megabytes(freeBytes)} are free`;
  return `The disk is nearly full${free}: ${stopped[step]} do not grow until ${
    megabytes(minFreeBytes * beginShares[step - 1]! * endFactor)
  } are. Make room, or lower --pcap-files, --pcap-file-mb, --retention-mb or --min-free-mb.`;
}

function megabytes(bytes: number): string {
  return `${formatCount(bytes / 1e6)} MB`;
}
