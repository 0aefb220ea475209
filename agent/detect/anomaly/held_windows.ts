/**
 * The windows of a file that wait to be judged at its end: the features of all that was active in them, and of what can be
 * anomalous what is to be told.
 */
import { FEATURE_COUNT } from "./features.ts";
import type { JudgedWindow } from "./judged_window.ts";

/** About what a described window takes. */
const describedBytes = 1000;

/** Of all hosts in ten seconds, and of the link. */
export interface HeldWindow {
  readonly tsUs: number;
  readonly hostCount: number;
  /** Of those that can be anomalous; the link is the last. */
  readonly described: readonly JudgedWindow[];
}

export class HeldWindows {
  readonly hosts = new HeldRows();
  readonly link = new HeldRows();
  readonly windows: HeldWindow[] = [];
  #describedCount = 0;

  /** Rows of features. */
  get count(): number {
    return this.hosts.count + this.link.count;
  }

  get stateBytes(): number {
    return this.hosts.stateBytes + this.link.stateBytes + this.#describedCount * describedBytes;
  }

  add(window: HeldWindow): void {
    this.windows.push(window);
    this.#describedCount += window.described.length;
  }
}

/** Features of hosts, or of the link, as they are learnt. */
export class HeldRows {
  #count = 0;
  #rows = new Float64Array(1024 * FEATURE_COUNT);

  get count(): number {
    return this.#count;
  }

  get stateBytes(): number {
    return this.#rows.byteLength;
  }

  /** All rows, one after the other; valid until the next add(). */
  get rows(): Float64Array {
    return this.#rows.subarray(0, this.#count * FEATURE_COUNT);
  }

  /** Holds a copy of the row. */
  add(row: Float64Array): void {
    const at = this.#count++ * FEATURE_COUNT;
    if (at === this.#rows.length) this.#grow();
    this.#rows.set(row, at);
  }

  #grow(): void {
    const rows = new Float64Array(this.#rows.length * 2);
    rows.set(this.#rows);
    this.#rows = rows;
  }
}
