/** Learns what is usual for one kind of entity (the hosts, or the link as a whole), and keeps its model fresh. */
import { Prng } from "../common/prng.ts";
import { fitModel, type Model } from "./model.ts";
import { Reservoir } from "./reservoir.ts";

interface LearnerOptions {
  readonly seed: number;
  readonly quantile: number;
  /** Windows needed for the first model. */
  readonly windowsMin: number;
}

/** What is saved of a learner. */
export interface SavedLearner {
  readonly model: Model;
  readonly seenCount: number;
  readonly rows: Float32Array;
}

/** Windows learnt between two fits, once there are many. */
const refitEvery = 1024;

export class Learner {
  model: Model | null = null;
  readonly reservoir: Reservoir;
  readonly #options: LearnerOptions;
  #fitAt: number;
  #fits = 0;

  constructor(options: LearnerOptions) {
    this.#options = options;
    this.#fitAt = options.windowsMin;
    this.reservoir = new Reservoir(new Prng(options.seed));
  }

  /** Windows learnt from so far. */
  get seenCount(): number {
    return this.reservoir.seenCount;
  }

  /** Learns from a window's features, which are copied. */
  learn(row: Float64Array): void {
    this.reservoir.add(row);
  }

  /** Fits anew when enough has been learnt since the last time: twice as much, at most 1,024 windows more. */
  refresh(nowUs: number): void {
    if (this.seenCount >= this.#fitAt) this.fit(nowUs, false);
  }

  /** Fits to what has been learnt; `isOfItself` as in ModelOptions. */
  fit(nowUs: number, isOfItself: boolean): void {
    const { seed, quantile } = this.#options;
    const { rows, seenCount } = this.reservoir;
    this.model = fitModel(rows, {
      seed: seed + this.#fits++,
      quantile,
      fittedUs: nowUs,
      isOfItself,
    });
    this.#fitAt = seenCount + Math.min(seenCount, refitEvery);
  }

  restore({ model, seenCount, rows }: SavedLearner): void {
    this.model = model;
    this.reservoir.restore(rows, seenCount);
    this.#fitAt = seenCount + Math.min(seenCount, refitEvery);
  }

  /** Null while there is no model. */
  save(): SavedLearner | null {
    if (this.model === null) return null;
    const { seenCount, rows } = this.reservoir;
    return { model: this.model, seenCount, rows: Float32Array.from(rows) };
  }
}
