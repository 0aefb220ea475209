/**
 * Findings of this host whose process is not known yet wait for it a moment before they are told, because what is told first (a mail, a
 * line of the EVE log) is told once. What is told of a waiting one meanwhile takes its place.
 */
import type { Finding } from "../records.ts";

interface UnnamedFindingsOptions {
  /** Whether the process of a finding is not known, but may be in a moment. */
  readonly awaitsProcess: (finding: Finding) => boolean;
  readonly tell: (finding: Finding) => void;
  readonly waitMs?: number | undefined;
}

/** Longer than a busy detect worker is behind, and than it tries once more. */
const waitMs = 2000;
const waitingMax = 256;

export class UnnamedFindings {
  readonly #options: UnnamedFindingsOptions;
  readonly #waiting = new Map<number, { found: Finding; readonly timer: number }>();

  constructor(options: UnnamedFindingsOptions) {
    this.#options = options;
  }

  /** Tells a finding, at once or later. `isFirst` when nothing has been told of it. */
  take(found: Finding, isFirst: boolean): void {
    const { awaitsProcess, tell } = this.#options;
    const waiting = this.#waiting.get(found.id);
    if (waiting !== undefined) waiting.found = found;
    else if (isFirst && this.#waiting.size < waitingMax && awaitsProcess(found)) this.#wait(found);
    else tell(found);
  }

  /** More processes are known now. */
  look(): void {
    for (const { found } of [...this.#waiting.values()]) {
      if (!this.#options.awaitsProcess(found)) this.#end(found.id);
    }
  }

  /** Tells all that wait. */
  endAll(): void {
    for (const id of [...this.#waiting.keys()]) this.#end(id);
  }

  #wait(found: Finding): void {
    const timer = setTimeout(() => this.#end(found.id), this.#options.waitMs ?? waitMs);
    this.#waiting.set(found.id, { found, timer });
  }

  #end(id: number): void {
    const { found, timer } = this.#waiting.get(id)!;
    clearTimeout(timer);
    this.#waiting.delete(id);
    this.#options.tell(found);
  }
}
