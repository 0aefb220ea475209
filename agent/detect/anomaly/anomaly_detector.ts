/**
 * Scores what every active host did in each window of 10 s, and what all did together, with Isolation Forests, and
 * reports the windows that are anomalous (model.ts says when); those that follow each other as one finding (window_runs.ts).
 *
 * Live it learns first, then judges each window as it ends; windows that are anomalous, or of hosts that another finding
 * speaks of, are not learnt from. A file without a model is learnt from as a whole, and judged at its end (or when the
 * windows held for that are too many; from there on as live). A saved model is judged with at once.
 */
import { type Finding, type JudgedWindows, WINDOW_US } from "../../records.ts";
import type { Detector, DetectorContext, LearningState } from "../detector.ts";
import { type Observation, ObservationKind } from "../observation.ts";
import { anomalyFinding, linkEntity } from "./anomaly_finding.ts";
import { AnomalyRate } from "./anomaly_rate.ts";
import { FEATURE_COUNT, fillFeatures } from "./features.ts";
import { COUNT_WIDTH, FLOWS_KEPT, PACKETS_MIN, PEER_WORDS, PEERS_KEPT } from "./activity_layout.ts";
import { type HeldWindow, HeldWindows } from "./held_windows.ts";
import { Count, HostActivity } from "./host_activity.ts";
import type { JudgedWindow, ScoredWindow } from "./judged_window.ts";
import { Learner } from "./learner.ts";
import { canBeAnomalous, isAnomalous, type Model, tellingFeature } from "./model.ts";
import { WindowRuns } from "./window_runs.ts";
import { decodeModel, encodeModel, ModelFormatError } from "./model_file.ts";

/** Windows learnt from before the first is judged: live, and in a file; those of the link there. */
const liveWindowsMin = 256;
const fileWindowsMin = 16;
const fileLinkWindowsMin = 64;
/** Windows of a file held to be judged at its end. */
const heldMax = 16_384;
/** Before that, who meets whom for the first time says nothing. */
const acquaintanceUs = 60_000_000;

export class AnomalyDetector implements Detector {
  /** All else comes in bulk. */
  readonly interests = [{ kind: ObservationKind.windowEnd, marks: 0 }];
  readonly #context: DetectorContext;
  readonly #onScored: ((window: ScoredWindow) => void) | undefined;
  readonly #activity = new HostActivity();
  readonly #hosts: Learner;
  readonly #link: Learner;
  readonly #rate: AnomalyRate;
  readonly #runs: WindowRuns;
  readonly #vector = new Float64Array(FEATURE_COUNT);
  /** Windows of a file that wait for a model; null when none is waited for. */
  #held: HeldWindows | null;
  #firstWindowUs = Infinity;
  /** Time of the first row. */
  #firstRowUs = Infinity;

  /**
   * `onScored` is told every window that is judged. Without it only those are scored that can be anomalous, which is
   * far cheaper and finds the same.
   */
  constructor(context: DetectorContext, onScored?: (window: ScoredWindow) => void) {
    this.#context = context;
    this.#onScored = onScored;
    const { seed, anomalyQuantile: quantile, isLive } = context;
    const windowsMin = isLive ? liveWindowsMin : fileWindowsMin;
    const linkWindowsMin = isLive ? liveWindowsMin : fileLinkWindowsMin;
    this.#hosts = new Learner({ seed, quantile, windowsMin });
    this.#link = new Learner({ seed, quantile, windowsMin: linkWindowsMin });
    this.#rate = new AnomalyRate(!isLive);
    this.#runs = new WindowRuns((finding) => context.report(finding));
    if (context.model !== null) this.#restore(context.model);
    this.#held = isLive || this.#hosts.model !== null ? null : new HeldWindows();
  }

  get stateBytes(): number {
    return this.#activity.stateBytes + this.#hosts.reservoir.stateBytes +
      this.#link.reservoir.stateBytes + (this.#held?.stateBytes ?? 0);
  }

  get forgottenCount(): number {
    return this.#activity.forgottenCount;
  }

  observe({ timestampUs }: Observation): void {
    this.#endWindow(timestampUs);
  }

  takeRows(words: Int32Array, from: number, to: number): void {
    if (this.#firstRowUs === Infinity) this.#firstRowUs = timeAt(words, from);
    this.#activity.takeRows(words, from, to);
  }

  advance(): void {}

  finish(): void {
    if (this.#held !== null) this.#judgeHeld(this.#held);
    this.#runs.finish();
  }

  learning(): LearningState {
    const { model } = this.#hosts;
    const windowsNeeded = this.#context.isLive ? liveWindowsMin : fileWindowsMin;
    return {
      state: model === null ? "learning" : "ready",
      windowsLearnt: this.#held === null ? this.#hosts.seenCount : this.#heldCount,
      windowsNeeded,
      ...this.#rate.state(),
      modelFittedUs: model?.fittedUs ?? null,
    };
  }

  takeJudged(): JudgedWindows[] {
    return this.#rate.takeJudged();
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

  #hold(tsUs: number, slots: readonly number[], held: HeldWindows): void {
    const described: JudgedWindow[] = [];
    for (const slot of slots) this.#holdRow(slot, tsUs, this.#hosts, described);
    this.#holdRow(this.#activity.linkSlot, tsUs, this.#link, described);
    held.add({ tsUs, hostCount: slots.length, described });
    if (this.#heldCount >= heldMax) this.#judgeHeld(held);
  }

  /** Windows that have been learnt from, and are not judged yet. */
  get #heldCount(): number {
    return this.#hosts.seenCount + this.#link.seenCount;
  }

  #holdRow(slot: number, tsUs: number, learner: Learner, described: JudgedWindow[]): void {
    this.#fill(slot, tsUs);
    learner.learn(this.#vector);
    const isTold = this.#onScored !== undefined || canBeAnomalous(this.#vector);
    if (isTold) described.push(this.#describe(slot, tsUs));
  }

  /** Judges what is held by what all of it has taught; from now on as live. */
  #judgeHeld({ windows }: HeldWindows): void {
    this.#held = null;
    const endUs = (windows.at(-1)?.tsUs ?? 0) + WINDOW_US;
    if (this.#hosts.seenCount >= fileWindowsMin) this.#hosts.fit(endUs, true);
    if (this.#link.seenCount >= fileLinkWindowsMin) this.#link.fit(endUs, true);
    for (const window of windows) this.#judgeHeldWindow(window);
  }

  #judgeHeldWindow({ tsUs, hostCount, described }: HeldWindow): void {
    const flagged = [];
    for (const window of described) {
      const { model } = window.address === null ? this.#link : this.#hosts;
      if (model === null || !this.#isWorthScoring(window.vector, model)) continue;
      const verdict = this.#score(window, model);
      if (verdict.isAnomalous) flagged.push(verdict);
    }
    this.#tell(tsUs, this.#hosts.model === null ? 0 : hostCount, flagged);
  }

  /** Judges the hosts and the link, and learns from those that are usual. */
  #judgeWindow(tsUs: number, slots: readonly number[]): void {
    const flagged = [];
    for (const slot of slots) {
      const verdict = this.#judgeSlot(slot, tsUs, this.#hosts.model);
      if (verdict !== null) flagged.push(verdict);
      if (verdict !== null || this.#isSuspect(slot)) continue;
      this.#hosts.learn(this.#vector);
    }
    const verdict = this.#judgeSlot(this.#activity.linkSlot, tsUs, this.#link.model);
    if (verdict !== null) flagged.push(verdict);
    if (flagged.length === 0) this.#link.learn(this.#vector);
    this.#tell(tsUs, this.#hosts.model === null ? 0 : slots.length, flagged);
    this.#hosts.refresh(tsUs + WINDOW_US);
    this.#link.refresh(tsUs + WINDOW_US);
  }

  /** The slot's window if it is anomalous, else null. */
  #judgeSlot(slot: number, tsUs: number, model: Model | null): ScoredWindow | null {
    this.#fill(slot, tsUs);
    if (model === null || !this.#isWorthScoring(this.#vector, model)) return null;
    const verdict = this.#score(this.#describe(slot, tsUs), model);
    return verdict.isAnomalous ? verdict : null;
  }

  /** False where the score cannot make the window anomalous, and nobody asks for it. */
  #isWorthScoring(vector: Float64Array, model: Model): boolean {
    return this.#onScored !== undefined || tellingFeature(model.ranges, vector, 0) >= 0;
  }

  #score(window: JudgedWindow, model: Model): ScoredWindow {
    const score = model.forest.score(window.vector);
    const { threshold } = model;
    const verdict = {
      ...window,
      score,
      threshold,
      isAnomalous: isAnomalous(model, score, window.vector),
    };
    this.#onScored?.(verdict);
    return verdict;
  }

  #isSuspect(slot: number): boolean {
    const word = (index: number) => this.#activity.addressWord(slot, index);
    return this.#context.isSuspect(word(0), word(1), word(2), word(3));
  }

  #fill(slot: number, tsUs: number): void {
    const knowsPeers = tsUs - this.#firstWindowUs >= acquaintanceUs;
    fillFeatures(this.#activity.counts, slot * COUNT_WIDTH, this.#vector, knowsPeers);
  }

  /** Reports what is anomalous of one window, in which that many hosts were judged, and counts it. */
  #tell(tsUs: number, hostCount: number, flagged: ScoredWindow[]): void {
    this.#rate.addJudged(tsUs, hostCount, flagged.filter((window) => window.address !== null));
    flagged.sort((a, b) => b.score - a.score);
    const unusual = flagged.map((window) => ({
      entity: this.#entityOf(window),
      describe: () => this.#finding(window),
    }));
    this.#runs.take(unusual, { startUs: tsUs, endUs: tsUs + WINDOW_US });
  }

  #entityOf({ address }: ScoredWindow): string {
    return address === null
      ? linkEntity
      : this.#context.formatAddress(address[0], address[1], address[2], address[3]);
  }

  #finding(window: ScoredWindow): Finding {
    const learner = window.address === null ? this.#link : this.#hosts;
    return anomalyFinding(window, this.#entityOf(window), learner.model!, this.#context);
  }

  /** What is kept of a slot's window, with a copy of the vector just filled. */
  #describe(slot: number, tsUs: number): JudgedWindow {
    const activity = this.#activity;
    const { counts, flowIds, flowCounts, linkSlot } = activity;
    const base = slot * COUNT_WIDTH;
    const flowsAt = slot * FLOWS_KEPT;
    const endUs = tsUs + WINDOW_US;
    return {
      tsUs: Math.max(tsUs, Math.min(this.#firstRowUs, endUs)),
      endUs,
      lastUs: Math.min(endUs, activity.newestUs),
      address: slot === linkSlot ? null : activity.address(slot),
      vector: this.#vector.slice(),
      packets: packetsAt(counts, base),
      flowIds: Array.from(flowIds.subarray(flowsAt, flowsAt + flowCounts[slot])),
      peers: this.#peersOf(slot),
      connections: counts[base + Count.opened] + counts[base + Count.received],
    };
  }

  #peersOf(slot: number): JudgedWindow["peers"] {
    const peers = [];
    for (let index = 0; index < PEERS_KEPT; index++) {
      const at = (slot * PEERS_KEPT + index) * PEER_WORDS;
      const connections = this.#activity.peers[at + 4];
      if (connections > 0) {
        peers.push({ address: this.#activity.peers.slice(at, at + 4), connections });
      }
    }
    return peers.sort((a, b) => b.connections - a.connections);
  }
}

/** Time of the row at a place. */
function timeAt(words: Int32Array, at: number): number {
  return (words[at + 1] >>> 0) * 1e6 + words[at + 2];
}

function packetsAt(counts: Float64Array, base: number): number {
  return counts[base + Count.packetsOut] + counts[base + Count.packetsIn] +
    counts[base + Count.arpOut] + counts[base + Count.arpIn];
}
