/**
 * When the packets of findings are copied (evidence_keeper.ts): soon after a finding is told, then again and again while findings go
 * on, but a quarter of the time at most.
 */
import type { EvidenceKeeper } from "./evidence_keeper.ts";

/** Between two passes at least; before the first one of a finding, of which there may be several at once. */
const pauseMinMs = 1000;
const firstPauseMs = 20;
/** Of a pass's own time. */
const pauseFactor = 3;

export class EvidencePasses {
  readonly #keeper: Pick<EvidenceKeeper, "isBusy" | "pass">;
  #timer: number | undefined;
  #pass: Promise<void> | null = null;
  #isStopping = false;
  /** When the timer is due. */
  #dueMs = Infinity;
  #passEndMs = -Infinity;
  #passMs = 0;

  constructor(keeper: Pick<EvidenceKeeper, "isBusy" | "pass">) {
    this.#keeper = keeper;
  }

  /** A finding has been told. */
  hurry(): void {
    this.#schedule(Math.max(firstPauseMs, this.#restAfter(pauseFactor * this.#passMs)));
  }

  /** Call it now and then: what was held back may be taken again. */
  goOn(): void {
    this.#schedule(this.#restAfter(Math.max(pauseMinMs, pauseFactor * this.#passMs)));
  }

  /** The last pass, for which nothing more comes. */
  async finish(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#timer);
    await this.#pass;
    await this.#keeper.pass(true);
  }

  /** What is left of a pause since the last pass. */
  #restAfter(pauseMs: number): number {
    return Math.max(0, this.#passEndMs + pauseMs - performance.now());
  }

  /** A pass in `ms`, unless one is under way; one that is due later is put forward. */
  #schedule(ms: number): void {
    if (this.#pass !== null || this.#isStopping || !this.#keeper.isBusy) return;
    const atMs = performance.now() + ms;
    if (atMs >= this.#dueMs) return;
    clearTimeout(this.#timer);
    this.#dueMs = atMs;
    this.#timer = setTimeout(() => {
      const startMs = performance.now();
      this.#dueMs = Infinity;
      this.#pass = this.#keeper.pass().then(() => {
        this.#pass = null;
        this.#passEndMs = performance.now();
        this.#passMs = this.#passEndMs - startMs;
        this.goOn();
      });
    }, ms);
  }
}
