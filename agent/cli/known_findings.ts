/**
 * Findings that an earlier run has left in the database are known again by their kind, actor, target and time: when a file is
 * replayed again, or a live run begins in the middle of a beacon. They go on in the row that they have, which never says less
 * than before.
 */
import { subjectOf } from "../incident/kinship.ts";
import { type Finding, INCIDENT_QUIET_US, SEVERITIES } from "../records.ts";

interface KnownFindingsOptions {
  /** Findings in the database that may be the same, with the numbers of their rows. */
  readonly find: (finding: Finding, fromUs: number, toUs: number) => readonly Finding[];
  /** Rows from this number on are this run's own. */
  readonly firstOwnRow: () => number;
}

/** The longest pause after which a finding may be taken up again. */
const pauseMaxUs = 86_400_000_000;

export class KnownFindings {
  readonly #options: KnownFindingsOptions;
  /** By the finding's number: the state of its row in the database, or null without one. */
  readonly #known = new Map<number, Finding | null>();
  /** Rows that findings of this run go on in. */
  readonly #taken = new Set<number>();

  constructor(options: KnownFindingsOptions) {
    this.#options = options;
  }

  /** The finding as its row is to say it; `isNews` is false when the row says all that already. */
  recognise(finding: Finding): { readonly finding: Finding; readonly isNews: boolean } {
    const known = this.#known.has(finding.id) ? this.#known.get(finding.id)! : this.#find(finding);
    const next = known === null ? finding : join(known, finding);
    if (finding.isOpen) this.#known.set(finding.id, known === null ? null : next);
    else this.#known.delete(finding.id);
    return { finding: next, isNews: next !== known };
  }

  #find(finding: Finding): Finding | null {
    const { find, firstOwnRow } = this.#options;
    const { firstUs, lastUs } = finding;
    const ownFrom = firstOwnRow();
    const candidates = find(finding, firstUs - pauseMaxUs, lastUs + pauseMaxUs)
      .filter((other) => other.id < ownFrom && !this.#taken.has(other.id))
      .filter((other) => isSame(other, finding))
      .sort((a, b) => Math.abs(a.firstUs - firstUs) - Math.abs(b.firstUs - firstUs));
    const [known = null] = candidates;
    if (known !== null) this.#taken.add(known.id);
    return known;
  }
}

/** Whether a finding of an earlier run and one of this run are about the same. */
export function isSame(known: Finding, finding: Finding): boolean {
  if (known.kind !== finding.kind || known.scan?.probe !== finding.scan?.probe) return false;
  if (known.kind === "anomaly") {
    return known.anomaly?.entity === finding.anomaly?.entity &&
      known.anomaly?.tsUs === finding.anomaly?.tsUs;
  }
  const isSameActor = subjectOf(known).key === subjectOf(finding).key ||
    known.sources.includes(finding.sources[0] ?? "");
  if (!isSameActor) return false;
  // The same traffic, read again: it grows as it did.
  if (known.firstUs === finding.firstUs) return true;
  const areSweeps = known.targetCount > 1 && finding.targetCount > 1;
  const pauseUs = pauseOf(known);
  return (areSweeps || known.targets.includes(finding.targets[0] ?? "")) &&
    finding.firstUs <= known.lastUs + pauseUs && known.firstUs <= finding.lastUs + pauseUs;
}

/** How long it may have been quiet between the two: an incident's pause, and twice what lies between two calls of a beacon. */
function pauseOf({ kind, amount, firstUs, lastUs }: Finding): number {
  const periodUs = kind === "beacon" && amount > 1 ? (lastUs - firstUs) / (amount - 1) : 0;
  return Math.min(Math.max(INCIDENT_QUIET_US, 2 * periodUs), pauseMaxUs);
}

/** What the row of `known` is to say now; `known` itself when it says that already. */
function join(known: Finding, finding: Finding): Finding {
  const { id, firstUs, detectedUs, lastUs } = known;
  // Open it is only once this run has written it: then each further state is news.
  const isMore = known.isOpen || finding.lastUs > lastUs || finding.amount > known.amount;
  if (!isMore) return known;
  // Read again, or grown larger than what is known: its own words say more.
  const isLarger = finding.amount >= known.amount;
  const severity = SEVERITIES[
    Math.max(SEVERITIES.indexOf(known.severity), SEVERITIES.indexOf(finding.severity))
  ];
  return {
    ...(isLarger ? finding : known),
    id,
    severity,
    firstUs: Math.min(firstUs, finding.firstUs),
    detectedUs: Math.min(detectedUs, finding.detectedUs),
    lastUs: Math.max(lastUs, finding.lastUs),
    isOpen: finding.isOpen,
  };
}
