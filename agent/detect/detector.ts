/**
 * What a detector is. Detectors are pure: they know no clock, no file and no randomness but what they are given, and
 * see the traffic as observations in order of arrival. Adding one means one file and one line in detectors.ts.
 */
import type { DetectionState, Finding, JudgedWindows } from "../records.ts";
import type { BlockLists } from "./blocklist/block_lists.ts";
import type { Observation } from "./observation.ts";

/** Observations that a detector takes: those of a kind that have one of the marks, or all of it where `marks` is 0. */
export interface Interest {
  /** One of ObservationKind. */
  readonly kind: number;
  /** Bits of Mark. */
  readonly marks: number;
  /** Bits of Mark that each of them has, besides. */
  readonly all?: number;
  /** Bits of Mark that none of them has. */
  readonly without?: number;
  /** Whether the row at `at` tells nothing new; asked of each, so quickly. */
  skips?(words: Int32Array, at: number): boolean;
}

export interface Detector {
  /** What it takes, if not everything: it is not called for the rest. Asked for once. */
  readonly interests?: readonly Interest[];
  /** Takes one observation (a detector has this, takeRows() or both); `observation` is filled again for the next one. Traffic never makes it throw. */
  observe?(observation: Observation): void;
  /**
   * For rows in bulk, besides `interests`: takes those from words[from] up to words[to], of any kind but tick and
   * windowEnd: all that came since the last of these. They come before the same rows are observed one by one, and before
   * advance() of the tick, or observe() of the windowEnd, that follows them. `words` is only lent.
   */
  takeRows?(words: Int32Array, from: number, to: number): void;
  /**
   * Traffic time has passed; called after each second of it and before finish(). Goes back only where files are joined
   * whose times do not follow each other.
   */
  advance(nowUs: number): void;
  /** The input has ended: judge what is pending and close what is open. */
  finish(nowUs: number): void;
  /** Bytes of its tables at present. */
  readonly stateBytes: number;
  /** Entries that a full table forgot. */
  readonly forgottenCount: number;
  /** Only the one that knows whether one direction of the traffic is missing. */
  readonly isOneWay?: boolean;
  /** Only the one that asks block lists. */
  readonly blocklists?: DetectionState["blocklists"];
  /** Only the one that learns: how far it is, and its model for the next run (null while there is none). */
  learning?(): LearningState;
  takeJudged?(): JudgedWindows[];
  saveModel?(): Uint8Array | null;
}

/** See the fields of the same name in DetectionState. */
export type LearningState = Pick<
  DetectionState,
  | "state"
  | "windowsLearnt"
  | "windowsNeeded"
  | "windows"
  | "windowsFlagged"
  | "anomalyRatePct"
  | "modelFittedUs"
>;

/** What a detector may ask of, and tell to, the detection around it. */
export interface DetectorContext {
  /** A number for a new finding. */
  nextId(): number;
  /** Tells a finding: new, grown or over, by its id. */
  report(finding: Finding): void;
  /** Text of an address. */
  formatAddress(word0: number, word1: number, word2: number, word3: number): string;
  /** Whether an address is a source of a finding that is open (anomalies excepted). */
  isSuspect(word0: number, word1: number, word2: number, word3: number): boolean;
  /** Whether an address, as text, is one of the host that captures; never while a file is read. */
  isOwn(address: string): boolean;
  /** What saveModel() of an earlier run gave; null without one. */
  readonly model: Uint8Array | null;
  /** Quantile of the forest's held-out scores above which a window is anomalous. */
  readonly anomalyQuantile: number;
  /** Seed of whatever is drawn at random. */
  readonly seed: number;
  /** A sentence for the log: a model that cannot be used, and why. */
  note(text: string): void;
  /** The block lists, which may be others each time; null without any. */
  readonly blockLists: (() => BlockLists) | null;
  /** Windows are judged as they come, by what was learnt before; else those of a file at its end, by all of it. */
  readonly isLive: boolean;
}

export type DetectorFactory = (context: DetectorContext) => Detector;
