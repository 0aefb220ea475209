/**
 * All detectors together: observations in, findings out. Pure; the threads around it are detect_worker.ts (live, replay,
 * analyze) and whoever tests it.
 */
import { type DetectionState, type Finding, type JudgedWindows, WINDOW_US } from "../records.ts";
import type {
  Detector,
  DetectorContext,
  DetectorFactory,
  Interest,
  LearningState,
} from "./detector.ts";
import { BLOCKLIST_DETECTOR, DETECTORS } from "./detectors.ts";
import { Observation, ObservationKind } from "./observation.ts";

export interface DetectionOptions extends
  Pick<
    DetectorContext,
    "formatAddress" | "isLive" | "model" | "anomalyQuantile" | "seed" | "note"
  > {
  /** Default: none. */
  readonly blockLists?: DetectorContext["blockLists"];
  readonly onFinding: (finding: Finding) => void;
  /** Default: all of them. */
  readonly detectors?: readonly DetectorFactory[];
}

const nothingLearnt: LearningState = {
  state: "off",
  windowsLearnt: 0,
  windowsNeeded: 0,
  windows: 0,
  windowsFlagged: 0,
  anomalyRatePct: 0,
  modelFittedUs: null,
};

type ObservingDetector = Detector & Required<Pick<Detector, "observe">>;

/** Who takes the observations of one kind that have one of some marks, all of others, and none of a third sort. */
interface Taker {
  readonly detector: ObservingDetector;
  readonly marks: number;
  readonly all: number;
  readonly without: number;
  readonly skips: Interest["skips"];
}

/** A bit of no Mark, which every row is taken to have: the mark of who takes all of a kind. */
const anyRow = 1 << 31;

export class Detection {
  readonly #context: DetectorContext;
  #detectors: readonly Detector[] = [];
  /** By kind of observation. */
  #takers: readonly (readonly Taker[])[] = [];
  /** By kind: marks for which some taker takes a row, and those for which none does. Most rows are nobody's. */
  #wanted = new Int32Array(0);
  #unwanted = new Int32Array(0);
  /** Those that take rows in bulk. */
  #bulkTakers: readonly Detector[] = [];
  readonly #onFinding: (finding: Finding) => void;
  readonly #formatAddress: DetectorContext["formatAddress"];
  readonly #observation = new Observation();
  /** Findings that are open, by id. */
  readonly #open = new Map<number, Finding>();
  /** Open findings of each source. */
  readonly #suspects = new Map<string, number>();
  #own: ReadonlySet<string> = new Set();
  #nowUs = -Infinity;
  /** Time of the first row. */
  #beganUs = Infinity;
  #observations = 0;
  #findingCount = 0;
  #lastId = 0;

  constructor(options: DetectionOptions) {
    this.#onFinding = options.onFinding;
    this.#formatAddress = options.formatAddress;
    const { onFinding: _, detectors, ...asked } = options;
    const blockLists = options.blockLists ?? null;
    const context: DetectorContext = this.#context = {
      ...asked,
      blockLists,
      nextId: () => ++this.#lastId,
      report: (finding) => this.#report(finding),
      isSuspect: (...words) => this.#isSuspect(...words),
      isOwn: (address) => this.#own.has(address),
    };
    const usual = blockLists === null ? DETECTORS : [...DETECTORS, BLOCKLIST_DETECTOR];
    this.#setDetectors((detectors ?? usual).map((make) => make(context)));
  }

  /** From now on contacts with what is on these lists are told, too; of a Detection that was made without them. */
  watchBlockLists(blockLists: DetectorContext["blockLists"]): void {
    const detector = BLOCKLIST_DETECTOR({ ...this.#context, blockLists });
    this.#setDetectors([...this.#detectors, detector]);
  }

  #setDetectors(detectors: readonly Detector[]): void {
    this.#detectors = detectors;
    this.#takers = Array.from({ length: 256 }, (_, kind) => takersOf(kind, this.#detectors));
    this.#wanted = Int32Array.from(
      this.#takers,
      (takers) => takers.reduce((marks, taker) => marks | taker.marks, 0),
    );
    this.#unwanted = Int32Array.from(
      this.#takers,
      (takers) => takers.reduce((marks, taker) => marks & taker.without, -1),
    );
    this.#bulkTakers = this.#detectors.filter((detector) => detector.takeRows !== undefined);
  }

  /** Replaces the addresses of the host that captures. */
  setOwn(addresses: readonly string[]): void {
    this.#own = new Set(addresses);
  }

  /** Takes the rows in the first `length` words. */
  take(words: Int32Array, length: number): void {
    for (let from = 0; from < length;) {
      const to = this.#boundaryAfter(words, from, length);
      this.#takeRows(words, from, to);
      from = to < length ? this.#takeBoundary(words, to) : to;
    }
  }

  /** The input has ended. */
  finish(): void {
    if (this.#nowUs === -Infinity) return;
    for (const detector of this.#detectors) detector.advance(this.#nowUs);
    for (const detector of this.#detectors) detector.finish(this.#nowUs);
  }

  /** `observationsShed` is the caller's to fill in. */
  state(): Omit<DetectionState, "observationsShed"> {
    const learning = this.#detectors.find((detector) => detector.learning !== undefined);
    return {
      ...(learning?.learning?.() ?? nothingLearnt),
      observations: this.#observations,
      stateBytes: this.#sum((detector) => detector.stateBytes),
      forgotten: this.#sum((detector) => detector.forgottenCount),
      findings: this.#findingCount,
      findingsOpen: this.#open.size,
      blocklists: this.#detectors.find(({ blocklists }) => blocklists)?.blocklists ??
        { lists: 0, entries: 0, badLines: 0 },
      isOneWay: this.#detectors.some(({ isOneWay }) => isOneWay === true),
    };
  }

  /** Windows that were judged since the last call. */
  takeJudged(): JudgedWindows[] {
    return this.#detectors.flatMap((detector) => detector.takeJudged?.() ?? []);
  }

  /** The model of the detector that learns, for the next run; null while it has none. */
  saveModel(): Uint8Array | null {
    for (const detector of this.#detectors) {
      if (detector.saveModel) return detector.saveModel();
    }
    return null;
  }

  /** Place of the next tick or window's end from `from` on, or `length`; counts the rows on the way. */
  #boundaryAfter(words: Int32Array, from: number, length: number): number {
    let count = 0;
    let at = from;
    for (; at < length; at += words[at] >>> 16) {
      const kind = words[at] & 0xff;
      if (kind === ObservationKind.tick || kind === ObservationKind.windowEnd) break;
      count++;
    }
    this.#observations += count;
    return at;
  }

  #takeRows(words: Int32Array, from: number, to: number): void {
    if (from === to) return;
    if (this.#beganUs === Infinity) {
      this.#observation.read(words, from);
      this.#beganUs = this.#observation.timestampUs;
    }
    for (const detector of this.#bulkTakers) detector.takeRows!(words, from, to);
    const wanted = this.#wanted;
    const unwanted = this.#unwanted;
    for (let at = from; at < to; at += words[at] >>> 16) {
      const kind = words[at] & 0xff;
      const marks = words[at + 13] | anyRow;
      if ((marks & wanted[kind]) === 0 || (marks & unwanted[kind]) !== 0) continue;
      this.#takeRow(words, at);
    }
  }

  #takeRow(words: Int32Array, at: number): void {
    const takers = this.#takers[words[at] & 0xff];
    const marks = words[at + 13] | anyRow;
    let isRead = false;
    for (let index = 0; index < takers.length; index++) {
      const taker = takers[index];
      if ((marks & taker.marks) === 0 || (marks & taker.without) !== 0) continue;
      if ((marks & taker.all) !== taker.all) continue;
      if (taker.skips?.(words, at) === true) continue;
      if (!isRead) this.#observation.read(words, at);
      isRead = true;
      taker.detector.observe(this.#observation);
    }
  }

  /** Takes a tick or the end of a window; returns the place after it. */
  #takeBoundary(words: Int32Array, at: number): number {
    const next = this.#observation.read(words, at);
    if (this.#observation.kind === ObservationKind.tick) {
      this.#passTime(this.#observation.timestampUs);
    } else {
      this.#observations++;
      this.#takeRow(words, at);
    }
    return next;
  }

  #passTime(nowUs: number): void {
    this.#nowUs = nowUs;
    for (const detector of this.#detectors) detector.advance(nowUs);
  }

  #report(finding: Finding): void {
    const before = this.#open.get(finding.id);
    if (before) this.#forget(before);
    else this.#findingCount++;
    if (finding.isOpen) this.#remember(finding);
    this.#onFinding(this.#fromBeginning(finding));
  }

  /** Windows begin at multiples of their length; what is told of the first one does not begin before the traffic. */
  #fromBeginning(finding: Finding): Finding {
    const { firstUs } = finding;
    const isBefore = firstUs < this.#beganUs && firstUs > this.#beganUs - WINDOW_US;
    return isBefore ? { ...finding, firstUs: this.#beganUs } : finding;
  }

  #remember(finding: Finding): void {
    this.#open.set(finding.id, finding);
    if (finding.kind === "anomaly") return;
    for (const source of finding.sources) {
      this.#suspects.set(source, (this.#suspects.get(source) ?? 0) + 1);
    }
  }

  #forget(finding: Finding): void {
    this.#open.delete(finding.id);
    if (finding.kind === "anomaly") return;
    for (const source of finding.sources) {
      const left = this.#suspects.get(source)! - 1;
      if (left === 0) this.#suspects.delete(source);
      else this.#suspects.set(source, left);
    }
  }

  #isSuspect(word0: number, word1: number, word2: number, word3: number): boolean {
    return this.#suspects.size > 0 &&
      this.#suspects.has(this.#formatAddress(word0, word1, word2, word3));
  }

  #sum(value: (detector: Detector) => number): number {
    return this.#detectors.reduce((total, detector) => total + value(detector), 0);
  }
}

function takersOf(kind: number, detectors: readonly Detector[]): Taker[] {
  return detectors.filter(isObserving).flatMap((detector) => {
    const interests: readonly Interest[] = detector.interests ?? [{ kind, marks: 0 }];
    return interests.filter((interest) => interest.kind === kind)
      .map(({ marks, all = 0, without = 0, skips }) => ({
        detector,
        marks: marks || anyRow,
        all,
        without,
        skips,
      }));
  });
}

function isObserving(detector: Detector): detector is ObservingDetector {
  return detector.observe !== undefined;
}
