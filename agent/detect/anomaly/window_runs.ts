/**
 * Unusual windows of one host that follow each other without a gap are one finding that grows: told with each of them, and once
 * more when the next window of the host is as usual. It says what the most unusual of them says.
 */
import {
  ADDRESSES_LISTED_MAX,
  type Finding,
  FLOWS_LINKED_MAX,
  SEVERITIES,
  type Severity,
} from "../../records.ts";

/** Findings of one window, new ones and such that grow: of more hosts those with the highest scores begin one. */
const toldPerWindowMax = 32;

/** Where a window lies in time, as all of that moment do. */
interface WindowSpan {
  readonly startUs: number;
  readonly endUs: number;
}

/** An unusual window; `describe` makes the finding that it is by itself. */
export interface UnusualWindow {
  readonly entity: string;
  readonly describe: () => Finding;
}

export class WindowRuns {
  readonly #report: (finding: Finding) => void;
  /** By entity: runs that the newest windows belong to, all of one end. */
  #open = new Map<string, Finding>();
  #endUs = -Infinity;

  constructor(report: (finding: Finding) => void) {
    this.#report = report;
  }

  /** Takes the unusual windows of a moment, the most unusual first; there may be none. */
  take(windows: readonly UnusualWindow[], { startUs, endUs }: WindowSpan): void {
    const before = startUs === this.#endUs ? this.#open : new Map<string, Finding>();
    if (startUs !== this.#endUs) this.finish();
    const going = new Map<string, Finding>();
    const grown = windows.filter(({ entity }) => before.has(entity));
    const others = windows.filter(({ entity }) => !before.has(entity))
      .slice(0, Math.max(0, toldPerWindowMax - grown.length));
    for (const { entity, describe } of grown) {
      going.set(entity, joined(before.get(entity)!, describe()));
    }
    for (const { entity, describe } of others) going.set(entity, { ...describe(), isOpen: true });
    for (const [entity, finding] of before) if (!going.has(entity)) this.#close(finding);
    this.#open = going;
    this.#endUs = endUs;
    for (const finding of going.values()) this.#report(finding);
  }

  /** No window comes any more, or none that follows. */
  finish(): void {
    for (const finding of this.#open.values()) this.#close(finding);
    this.#open = new Map();
  }

  #close(finding: Finding): void {
    this.#report({ ...finding, isOpen: false });
  }
}

/** `run`, which a window has been added to. */
function joined(run: Finding, window: Finding): Finding {
  const top = window.anomaly!.score > run.anomaly!.score ? window : run;
  const targets = [...new Set([...top.targets, ...run.targets, ...window.targets])];
  return {
    ...top,
    id: run.id,
    severity: graver(run.severity, window.severity),
    targets: targets.slice(0, ADDRESSES_LISTED_MAX),
    targetCount: Math.max(targets.length, run.targetCount, window.targetCount),
    firstUs: run.firstUs,
    lastUs: window.lastUs,
    detectedUs: run.detectedUs,
    isOpen: true,
    flowIds: [...new Set([...run.flowIds, ...window.flowIds])].slice(0, FLOWS_LINKED_MAX),
    amount: run.amount + 1,
    anomaly: { ...top.anomaly!, tsUs: run.anomaly!.tsUs },
  };
}

function graver(a: Severity, b: Severity): Severity {
  return SEVERITIES.indexOf(b) > SEVERITIES.indexOf(a) ? b : a;
}
