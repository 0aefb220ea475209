/**
 * Sends what the spool holds of one channel, some batches at a time and the oldest first. A batch that was not answered is sent
 * again under the same id; when the engine refuses (its stream is full, or not there) all wait, each time longer, with jitter.
 */
import type { Channel } from "./streams.ts";
import type { Spool, SpooledBatch } from "./spool.ts";

/** What the engine said to a batch: its number in the stream, or a refusal. Rejects when no answer came. */
export type Publish = (
  batch: SpooledBatch,
) => Promise<{ readonly streamSeq: number } | { readonly refusal: string }>;

export interface SenderOptions {
  readonly channel: Channel;
  readonly spool: Spool;
  readonly publish: Publish;
  /** 0 to 1. */
  readonly random: () => number;
  readonly nowMs: () => number;
}

const windowMax = 8;
const firstPauseMs = 500;
const longestPauseMs = 60_000;

export class Sender {
  readonly #options: SenderOptions;
  readonly #underWay = new Set<number>();
  #acknowledged: { batch: SpooledBatch; streamSeq: number }[] = [];
  #pauseMs = firstPauseMs;
  #pausedUntilMs = 0;
  #refusals = 0;
  #refusal = "";

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  get refusals(): number {
    return this.#refusals;
  }

  /** Why the engine refuses at present; "" when it does not. */
  get refusal(): string {
    return this.#refusal;
  }

  get isIdle(): boolean {
    return this.#underWay.size === 0;
  }

  /** Sends what may be sent now; call it often, and whenever there is news. */
  pump(): void {
    const { channel, spool, nowMs } = this.#options;
    if (nowMs() < this.#pausedUntilMs || this.#underWay.size >= windowMax) return;
    const acknowledged = new Set(this.#acknowledged.map(({ batch }) => batch.id));
    const limit = 2 * windowMax + acknowledged.size;
    for (const id of spool.waiting(channel, limit)) {
      if (this.#underWay.size >= windowMax) return;
      if (this.#underWay.has(id) || acknowledged.has(id)) continue;
      const batch = spool.batch(id);
      if (batch !== null) this.#send(batch);
    }
  }

  /** Tells the spool what the engine has acknowledged. */
  flush(): void {
    this.#options.spool.stored(this.#acknowledged);
    this.#acknowledged = [];
  }

  /** A new connection: what stood against the last is over. */
  resume(): void {
    this.#pausedUntilMs = 0;
    this.#pauseMs = firstPauseMs;
    this.#refusal = "";
  }

  async #send(batch: SpooledBatch): Promise<void> {
    this.#underWay.add(batch.id);
    try {
      const answer = await this.#options.publish(batch);
      if ("refusal" in answer) {
        this.#refusals++;
        this.#refusal = answer.refusal;
        this.#pause();
      } else {
        this.#refusal = "";
        this.#pauseMs = firstPauseMs;
        this.#acknowledged.push({ batch, streamSeq: answer.streamSeq });
      }
    } catch {
      this.#pause();
    }
    this.#underWay.delete(batch.id);
    try {
      if (this.#acknowledged.length >= windowMax) this.flush();
      this.pump();
    } catch {
      // Of the disk, or of a spool that is closed: whoever calls next is told.
    }
  }

  /** Once for all that are under way. */
  #pause(): void {
    const { random, nowMs } = this.#options;
    if (nowMs() < this.#pausedUntilMs) return;
    this.#pausedUntilMs = nowMs() + this.#pauseMs * (0.5 + random() / 2);
    this.#pauseMs = Math.min(longestPauseMs, this.#pauseMs * 2);
  }
}
