/**
 * Joins findings into incidents: one story for all that one actor did, without a pause of INCIDENT_QUIET_US, and what it
 * did to others. Driven by the findings' own times; the same findings in the same order give the same incidents.
 *
 * A finding goes to the incident of its actor. For a distributed scan or a flood from many sources that is the victim;
 * scans that are each other's decoys stay together. A window that is unusual by what others did to its host belongs to
 * whoever did it, whichever of the two was told first.
 */
import {
  type AnomalyDetails,
  type Finding,
  type FindingRole,
  type Incident,
  INCIDENT_QUIET_US,
  type IncidentNews,
} from "../records.ts";
import { isSoughtAfter, SOUGHT_AFTER } from "../finding_ends.ts";
import { areClose, hostOf, isAmong, isWeak, type Member, subjectOf, victimKey } from "./kinship.ts";
import { findOrigin } from "./origin.ts";
import { type Story, summarize } from "./story.ts";

interface IncidentBookOptions {
  /** A number for a new incident. */
  readonly nextId: () => number;
  /** The name of a host; "" when none is known. */
  readonly nameOf: (address: string) => string;
  readonly report: (news: IncidentChange) => void;
}

/** News of an incident whose words are made when they are wanted; they tell its state at that moment. */
interface IncidentChange extends Omit<IncidentNews, "incident"> {
  readonly id: number;
  readonly describe: () => Incident;
}

/** An incident of an earlier run that may go on: ids of its findings must not meet those of this run. */
export interface OpenIncident {
  readonly incident: Incident;
  readonly members: readonly Member[];
}

/** Most incidents that are open at a time; the one that has been quiet longest is closed to make room. */
const openMax = 1024;
/** Findings that an incident holds in memory; more are told as its own, and no longer change its words. */
const membersMax = 256;
/** An unusual window is told up to so long before or after what explains it. */
const windowSlackUs = 30_000_000;

class Entry implements Story {
  readonly id: number;
  readonly keys: Set<string>;
  readonly members = new Map<number, Member>();
  actor: string | null;
  detectedUs: number;
  origin: Incident["origin"] = null;
  findingCount = 0;
  firstUs = Infinity;
  lastUs = -Infinity;
  #newest: Finding | undefined;

  constructor(id: number, key: string, actor: string | null, detectedUs: number) {
    this.id = id;
    this.keys = new Set([key]);
    this.actor = actor;
    this.detectedUs = detectedUs;
  }

  get causes(): Finding[] {
    return [...this.members.values()].filter(({ role, finding }) =>
      role === "cause" && !isWeak(finding)
    ).map(({ finding }) => finding);
  }

  set(finding: Finding, role: FindingRole): void {
    if (!this.members.has(finding.id)) this.findingCount++;
    if (this.members.has(finding.id) || this.members.size < membersMax) {
      this.#newest = kept(finding, this.#newest);
      this.members.set(finding.id, { finding: this.#newest, role });
    }
    this.firstUs = Math.min(this.firstUs, finding.firstUs);
    this.lastUs = Math.max(this.lastUs, finding.lastUs);
  }

  get hasOpenFinding(): boolean {
    return [...this.members.values()].some(({ finding }) => finding.isOpen);
  }
}

export class IncidentBook {
  readonly #options: IncidentBookOptions;
  readonly #open = new Set<Entry>();
  readonly #byKey = new Map<string, Entry>();
  readonly #byFinding = new Map<number, Entry>();

  constructor(options: IncidentBookOptions) {
    this.#options = options;
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** Whether an incident is open that a finding is in, or that is about the same actor or victim. */
  holds(finding: Finding): boolean {
    return this.#byFinding.has(finding.id) || this.#byKey.has(subjectOf(finding).key);
  }

  /** Takes up incidents where an earlier run left them. */
  restore(incidents: readonly OpenIncident[]): void {
    for (const { incident, members } of incidents) {
      const at = members[0]?.finding ?? {};
      const key = incident.actor === null
        ? victimKey(incident.targets[0], at)
        : hostOf(incident.actor, at);
      const entry = new Entry(incident.id, key, incident.actor, incident.detectedUs);
      entry.origin = incident.origin;
      for (const { finding, role } of members) this.#join(entry, finding, role);
      entry.findingCount = incident.findingCount;
      entry.firstUs = incident.firstUs;
      entry.lastUs = incident.lastUs;
      this.#add(entry);
    }
  }

  /** Takes a finding that is new, has grown or is over. */
  take(finding: Finding): void {
    const known = this.#byFinding.get(finding.id);
    const entry = known ?? this.#placeFor(finding);
    const role = known?.members.get(finding.id)?.role ?? this.#roleIn(entry, finding);
    const joined = new Map<number, Member>();
    if (!known) joined.set(finding.id, { finding, role });
    this.#join(entry, finding, role);
    if (!isWeak(finding)) this.#register(entry, subjectOf(finding).key);
    const absorbed = isWeak(finding) ? [] : this.#absorb(entry);
    for (const member of this.#demoteWeak(entry)) joined.set(member.finding.id, member);
    for (const other of absorbed) {
      for (const member of this.#take(entry, other)) joined.set(member.finding.id, member);
    }
    this.#settleActor(entry);
    this.#tell(entry, { joined: [...joined.values()], absorbedIds: absorbed.map(({ id }) => id) });
  }

  /** Traffic time has passed. */
  advance(nowUs: number): void {
    for (const entry of this.#open) {
      const isQuiet = Math.abs(nowUs - entry.lastUs) > INCIDENT_QUIET_US;
      if (isQuiet && !entry.hasOpenFinding) this.#close(entry);
    }
  }

  /** The input has ended. */
  finish(): void {
    for (const entry of [...this.#open]) this.#close(entry);
  }

  #placeFor(finding: Finding): Entry {
    const { key, actor } = subjectOf(finding);
    const place = this.#causeOf(finding) ?? this.#fellowDecoy(finding) ?? this.#byKey.get(key) ??
      this.#sharedVictim(finding);
    if (place) {
      // What comes after the pause is another story, even if nobody said meanwhile that time had passed.
      if (areClose(place, finding, INCIDENT_QUIET_US) || place.hasOpenFinding) return place;
      this.#close(place);
    }
    if (this.#open.size >= openMax) this.#close(longestQuiet(this.#open));
    const entry = new Entry(this.#options.nextId(), key, actor, finding.detectedUs);
    if (!isWeak(finding)) entry.origin = findOrigin(finding, this.#open);
    return this.#add(entry);
  }

  #add(entry: Entry): Entry {
    this.#open.add(entry);
    for (const key of entry.keys) this.#byKey.set(key, entry);
    return entry;
  }

  /** What this subject does from now on belongs to `entry`, unless it has an incident of its own. */
  #register(entry: Entry, key: string): void {
    if (this.#byKey.has(key)) return;
    entry.keys.add(key);
    this.#byKey.set(key, entry);
  }

  #roleIn(entry: Entry, finding: Finding): FindingRole {
    if (!isWeak(finding)) return "cause";
    if (this.#byKey.get(subjectOf(finding).key) !== entry) return "effect";
    return entry.causes.length > 0 ? "support" : "cause";
  }

  /** The incident whose doing an inbound window is. */
  #causeOf(finding: Finding): Entry | undefined {
    if (!isSoughtAfter(finding)) return undefined;
    for (const entry of this.#open) if (hasEffect(entry, finding)) return entry;
  }

  #fellowDecoy(finding: Finding): Entry | undefined {
    if (!finding.scan?.hasDecoys) return undefined;
    for (const entry of this.#open) {
      if (entry.causes.some((other) => areDecoys(other, finding))) return entry;
    }
  }

  /** The distributed scan that a scan of one of its sources is part of. */
  #sharedVictim(finding: Finding): Entry | undefined {
    const entry = this.#byKey.get(victimKey(finding.targets[0], finding));
    return entry?.causes.some((whole) => isPartOf(finding, whole)) ? entry : undefined;
  }

  #join(entry: Entry, finding: Finding, role: FindingRole): void {
    entry.set(finding, role);
    this.#byFinding.set(finding.id, entry);
  }

  /** Windows and first contacts that were an incident by themselves are support of what has turned out to be the cause. */
  #demoteWeak(entry: Entry): Member[] {
    if (entry.causes.length === 0) return [];
    const changed: Member[] = [];
    for (const [id, { finding, role }] of entry.members) {
      if (role !== "cause" || !isWeak(finding)) continue;
      const member: Member = { finding, role: "support" };
      entry.members.set(id, member);
      changed.push(member);
    }
    return changed;
  }

  /** Open incidents that turn out to be part of `entry`. */
  #absorb(entry: Entry): Entry[] {
    const causes = entry.causes;
    return [...this.#open].filter((other) => {
      if (other === entry) return false;
      const members = [...other.members.values()];
      if (members.every(({ finding }) => isSoughtAfter(finding) && hasEffect(entry, finding))) {
        return true;
      }
      const theirs = other.causes;
      return theirs.length > 0 &&
        theirs.every((finding) =>
          causes.some((cause) => areDecoys(cause, finding) || isPartOf(finding, cause))
        );
    });
  }

  /** Moves what `other` holds into `entry`; returns it. */
  #take(entry: Entry, other: Entry): Member[] {
    const moved: Member[] = [];
    const hasCauses = other.causes.length > 0;
    for (const { finding, role: before } of other.members.values()) {
      const role = hasCauses ? before : "effect";
      this.#join(entry, finding, role);
      moved.push({ finding, role });
    }
    entry.detectedUs = Math.min(entry.detectedUs, other.detectedUs);
    entry.findingCount += other.findingCount - moved.length;
    this.#forget(other);
    if (hasCauses) { for (const key of other.keys) this.#register(entry, key); }
    return moved;
  }

  /** Of decoys, the one who came back is the true one; as long as nobody did, none is. */
  #settleActor(entry: Entry): void {
    const decoys = entry.causes.filter(({ scan }) => scan?.hasDecoys);
    if (decoys.length < 2) return;
    const real = decoys.find(({ scan }) => scan!.cameBack.length > 0);
    entry.actor = real?.sources[0] ?? null;
  }

  #close(entry: Entry): void {
    this.#tell(entry, { isOpen: false });
    this.#forget(entry);
  }

  #forget(entry: Entry): void {
    this.#open.delete(entry);
    for (const key of entry.keys) if (this.#byKey.get(key) === entry) this.#byKey.delete(key);
    for (const id of entry.members.keys()) {
      if (this.#byFinding.get(id) === entry) this.#byFinding.delete(id);
    }
  }

  #tell(
    entry: Entry,
    { isOpen = true, joined = [], absorbedIds = [] }:
      & { readonly isOpen?: boolean }
      & Partial<Omit<IncidentNews, "incident">>,
  ): void {
    const { nameOf, report } = this.#options;
    const describe = () => summarize(entry, { isOpen, nameOf });
    report({ id: entry.id, joined, absorbedIds, describe });
  }
}

/**
 * A finding as a story needs it, in less than half of its memory; the whole is in the database. Words that `like` has too are
 * held once.
 */
function kept(finding: Finding, like: Finding | undefined): Finding {
  const { anomaly } = finding;
  return {
    ...finding,
    kind: same(finding.kind, like?.kind),
    severity: same(finding.severity, like?.severity),
    attackId: same(finding.attackId, like?.attackId),
    sources: sameList(finding.sources, like?.sources),
    targets: sameList(finding.targets, like?.targets),
    flowIds: none,
    ...(anomaly && { anomaly: keptAnomaly(anomaly, isSoughtAfter(finding), like?.anomaly) }),
  };
}

function keptAnomaly(
  anomaly: AnomalyDetails,
  isSoughtAfter: boolean,
  like: AnomalyDetails | undefined,
): AnomalyDetails {
  return {
    ...anomaly,
    entity: same(anomaly.entity, like?.entity),
    topFeatures: isSoughtAfter ? [SOUGHT_AFTER] : none,
  };
}

const none: readonly never[] = [];

function same<T extends string>(text: T, other: T | undefined): T {
  return text === other ? other : text;
}

function sameList(list: readonly string[], other: readonly string[] | undefined) {
  const isSame = list.length === other?.length && list.every((text, i) => text === other[i]);
  return isSame ? other : list;
}

/** Whether an inbound window is what the causes of `entry` did to its host. */
function hasEffect(entry: Entry, window: Finding): boolean {
  const host = window.anomaly!.entity;
  return entry.causes.some((cause) =>
    areClose(cause, window, windowSlackUs) && !isAmong(host, window, "sources", cause) &&
    (isAmong(host, window, "targets", cause) ||
      cause.sources.some((source) => isAmong(source, cause, "targets", window)))
  );
}

function areDecoys(a: Finding, b: Finding): boolean {
  return a.scan !== undefined && b.scan !== undefined && a.scan.hasDecoys && b.scan.hasDecoys &&
    a.scan.probe === b.scan.probe && victimKey(a.targets[0], a) === victimKey(b.targets[0], b) &&
    areClose(a, b, windowSlackUs);
}

/** Whether a scan of one host is a share of a distributed one, which need not know all that have their share. */
function isPartOf(part: Finding, whole: Finding): boolean {
  const { scan, sources, targets, targetCount, ...span } = part;
  if (!scan || whole.scan?.kind !== "distributed") return false;
  const victim = victimKey(targets[0], part);
  if (
    targetCount !== 1 || victim !== victimKey(whole.targets[0], whole) ||
    scan.probe !== whole.scan.probe
  ) {
    return false;
  }
  return isAmong(sources[0]!, part, "sources", whole)
    ? areClose(span, whole, windowSlackUs)
    : areClose(span, whole);
}

function longestQuiet(entries: Iterable<Entry>): Entry {
  return [...entries].reduce((a, b) => b.lastUs < a.lastUs ? b : a);
}
