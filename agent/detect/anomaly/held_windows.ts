/**
 * The windows of a file that wait to be judged at its end: of what can be anomalous in them, what is to be told. What they
 * teach has been learnt as they came.
 */
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
  readonly windows: HeldWindow[] = [];
  #describedCount = 0;

  get stateBytes(): number {
    return this.#describedCount * describedBytes;
  }

  add(window: HeldWindow): void {
    this.windows.push(window);
    this.#describedCount += window.described.length;
  }
}
