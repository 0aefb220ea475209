/**
 * Scores what every active host did in each window of 10 s, and what all did together, with Isolation Forests, and
 * reports the windows that are anomalous (model.ts says when).
 *
 * Live it learns first, then judges each window as it ends; windows that are anomalous, or of hosts that another finding
 * speaks of, are not learnt from. A file without a model is learnt from as a whole, and judged at its end (or when the
 * windows held for that are too many; from there on as live). A saved model is judged with at once.
 */
import { type Finding, WINDOW_US } from "../../records.ts";
import type { Detector, DetectorContext, LearningState } from "../detector.ts";
import { type Observation, ObservationKind } from "../observation.ts";
import { anomalyFinding } from "./anomaly_finding.ts";
import { AnomalyRate } from "./anomaly_rate.ts";
import { FEATURE_COUNT, fillFeatures } from "./features.ts";
import { Count, COUNT_WIDTH, HostActivity, PACKETS_MIN } from "./host_activity.ts";
import type { ScoredWindow } from "./judged_window.ts";
import { KeptWindow } from "./kept_window.ts";
import { Learner } from "./learner.ts";
import { isAnomalous, type Model, tellingFeature } from "./model.ts";
import { decodeModel, encodeModel, ModelFormatError } from "./model_file.ts";

/** Windows learnt from before the first is judged: live, and in a file; those of the link there. */
const liveWindowsMin = 256;
const fileWindowsMin = 16;
const fileLinkWindowsMin = 64;
/** Windows of a file held to be judged at its end. */
const heldMax = 16_384;
/** About what one of them takes. */
const heldBytes = 1000;
/** Findings of one window: of more flagged hosts those with the highest scores are told. */
const findingsPerWindowMax = 32;
/** Before that, who meets whom for the first time says nothing. */
const acquaintanceUs = 60_000_000;

export class AnomalyDetector implements Detector {
  readonly #context: DetectorContext;
  readonly #onScored: ((window: ScoredWindow) => void) | undefined;
  readonly #activity = new HostActivity();
  readonly #hosts: Learner;
  readonly #link: Learner;
  readonly #rate: AnomalyRate;
  readonly #vector = new Float64Array(FEATURE_COUNT);
  /** Windows of a file that wait for a model; null when none is waited for. */
  #held: KeptWindow[] | null;
  #firstWindowUs = Infinity;

  /** `onScored` is told every window that is judged. */
  constructor(context: DetectorContext, onScored?: (window: ScoredWindow) => void) {
    this.#context = context;
    this.#onScored = onScored;
    const { seed, anomalyQuantile: quantile, isLive } = context;
    const windowsMin = isLive ? liveWindowsMin : fileWindowsMin;
    const linkWindowsMin = isLive ? liveWindowsMin : fileLinkWindowsMin;
    this.#hosts = new Learner({ seed, quantile, windowsMin });
    this.#link = new Learner({ seed, quantile, windowsMin: linkWindowsMin });
    this.#rate = new AnomalyRate(!isLive);
    if (context.model !== null) this.#restore(context.model);
    this.#held = isLive || this.#hosts.model !== null ? null : [];
  }

  get stateBytes(): number {
    return this.#activity.stateBytes + this.#hosts.reservoir.stateBytes +
      this.#link.reservoir.stateBytes + (this.#held?.length ?? 0) * heldBytes;
  }

  get forgottenCount(): number {
    return this.#activity.forgottenCount;
  }

  observe(observation: Observation): void {
    if (observation.kind === ObservationKind.windowEnd) this.#endWindow(observation.timestampUs);
    else this.#activity.observe(observation);
  }

  advance(): void {}

  finish(): void {
    if (this.#held !== null) this.#judgeHeld(this.#held);
  }

  learning(): LearningState {
    const { model, reservoir } = this.#hosts;
    const windowsNeeded = this.#context.isLive ? liveWindowsMin : fileWindowsMin;
    return {
      state: model === null ? "learning" : "ready",
      windowsLearnt: this.#held?.length ?? reservoir.seenCount,
      windowsNeeded,
      ...this.#rate.state(),
      modelFittedUs: model?.fittedUs ?? null,
    };
  }

  saveModel(): Uint8Array | null {
    const hosts = this.#hosts.save();
    return hosts === null ? null : encodeModel({ hosts, link: this.#link.save() });
  }

  #restore(bytes: Uint8Array): void {
    try {
      const { hosts, link } = decodeModel(bytes);
      this.#hosts.restore(hosts);
      if (link !== null) this.#link.restore(link);
    } catch (error) {
      if (!(error instanceof ModelFormatError)) throw error;
      this.#context.note(`The saved model is not used: ${error.message}. Learning begins anew.`);
    }
  }

  #endWindow(tsUs: number): void {
    const activity = this.#activity;
    this.#firstWindowUs = Math.min(this.#firstWindowUs, tsUs);
    const link = activity.linkSlot * COUNT_WIDTH;
    activity.counts[link + Count.peersOut] = activity.hostCount;
    const packets = activity.counts[link + Count.packetsOut];
    if (packets > 0) this.#rate.addTraffic(tsUs, packets);
    const slots = this.#activeSlots();
    if (this.#held !== null) this.#hold(tsUs, slots, this.#held);
    else this.#judgeWindow(tsUs, slots);
    activity.clear();
  }

  #activeSlots(): number[] {
    const { counts, hostCount } = this.#activity;
    const slots = [];
    for (let index = 0; index < hostCount; index++) {
      const slot = this.#activity.slot(index);
      if (packetsAt(counts, slot * COUNT_WIDTH) >= PACKETS_MIN) slots.push(slot);
    }
    return slots;
  }

  #hold(tsUs: number, slots: readonly number[], held: KeptWindow[]): void {
    for (const slot of [...slots, this.#activity.linkSlot]) {
      this.#fill(slot, tsUs);
      held.push(this.#describe(slot, tsUs));
    }
    if (held.length >= heldMax) this.#judgeHeld(held);
  }

  /** Learns from all that is held and judges it; from now on as live. */
  #judgeHeld(held: readonly KeptWindow[]): void {
    this.#held = null;
    for (const { address, vector } of held) {
      (address === null ? this.#link : this.#hosts).learn(vector);
    }
    const lastUs = held.at(-1)?.tsUs ?? 0;
    const isEnough = this.#hosts.reservoir.count >= fileWindowsMin;
    if (isEnough) this.#hosts.fit(lastUs + WINDOW_US, true);
    if (this.#link.reservoir.count >= fileLinkWindowsMin) this.#link.fit(lastUs + WINDOW_US, true);
    for (let from = 0; from < held.length;) {
      let to = from + 1;
      while (to < held.length && held[to].tsUs === held[from].tsUs) to++;
      this.#tell(held[from].tsUs, held.slice(from, to).flatMap((window) => this.#score(window)));
      from = to;
    }
  }

  /** The window with its verdict; none where there is no model. */
  #score(window: KeptWindow): ScoredWindow[] {
    const { model } = window.address === null ? this.#link : this.#hosts;
    if (model === null) return [];
    window.threshold = model.threshold;
    // The forest is asked only where its answer counts.
    const isTelling = tellingFeature(model.ranges, window.vector, 0) >= 0;
    if (isTelling || this.#onScored !== undefined) {
      window.score = model.forest.score(window.vector);
      window.isAnomalous = isAnomalous(model, window.score, window.vector);
    }
    this.#onScored?.(window);
    return [window];
  }

  /** Judges the hosts and the link, and learns from those that are usual. */
  #judgeWindow(tsUs: number, slots: readonly number[]): void {
    const scored = [];
    for (const slot of slots) {
      const verdict = this.#judgeSlot(slot, tsUs, this.#hosts.model);
      if (verdict !== null) scored.push(verdict);
      if (verdict?.isAnomalous || this.#isSuspect(slot)) continue;
      this.#hosts.learn(this.#vector);
    }
    const verdict = this.#judgeSlot(this.#activity.linkSlot, tsUs, this.#link.model);
    if (verdict !== null) scored.push(verdict);
    if (!scored.some((one) => one.isAnomalous)) this.#link.learn(this.#vector);
    this.#tell(tsUs, scored);
    this.#hosts.refresh(tsUs + WINDOW_US);
    this.#link.refresh(tsUs + WINDOW_US);
  }

  #judgeSlot(slot: number, tsUs: number, model: Model | null): ScoredWindow | null {
    this.#fill(slot, tsUs);
    return model === null ? null : this.#score(this.#describe(slot, tsUs))[0];
  }

  #isSuspect(slot: number): boolean {
    const word = (index: number) => this.#activity.addressWord(slot, index);
    return this.#context.isSuspect(word(0), word(1), word(2), word(3));
  }

  #fill(slot: number, tsUs: number): void {
    const knowsPeers = tsUs - this.#firstWindowUs >= acquaintanceUs;
    fillFeatures(this.#activity.counts, slot * COUNT_WIDTH, this.#vector, knowsPeers);
  }

  /** Reports what is anomalous in one window and counts it. */
  #tell(tsUs: number, scored: readonly ScoredWindow[]): void {
    const flagged = scored.filter((window) => window.isAnomalous);
    const hosts = scored.filter((window) => window.address !== null);
    this.#rate.addJudged(tsUs, hosts.length, flagged.filter((window) => window.address !== null));
    flagged.sort((a, b) => b.score - a.score);
    for (const window of flagged.slice(0, findingsPerWindowMax)) {
      this.#context.report(this.#finding(window));
    }
  }

  #finding(window: ScoredWindow): Finding {
    const learner = window.address === null ? this.#link : this.#hosts;
    return anomalyFinding(window, learner.model!, this.#context);
  }

  /** What is kept of a slot's window, with a copy of the vector just filled. */
  #describe(slot: number, tsUs: number): KeptWindow {
    const { counts } = this.#activity;
    const base = slot * COUNT_WIDTH;
    return new KeptWindow(this.#activity, slot, {
      tsUs,
      vector: this.#vector.slice(),
      packets: packetsAt(counts, base),
      connections: counts[base + Count.opened] + counts[base + Count.received],
    });
  }
}

function packetsAt(counts: Float64Array, base: number): number {
  return counts[base + Count.packetsOut] + counts[base + Count.packetsIn] +
    counts[base + Count.arpOut] + counts[base + Count.arpIn];
}
