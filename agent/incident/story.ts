/** What an incident comes to, in numbers and words, from its findings. */
import {
  ADDRESSES_LISTED_MAX,
  COURSE_MAX,
  type Finding,
  type Incident,
  type IncidentStep,
  SEVERITIES,
  type Severity,
} from "../records.ts";
import { tacticOf } from "./attack.ts";
import { detailOf } from "./detail.ts";
import { headlineOf, type Names, processOfCauses } from "./headline.ts";
import { isWeak, type Member } from "./kinship.ts";

/** As much of an open incident as its story needs. */
export interface Story extends Pick<Incident, "id" | "actor" | "detectedUs" | "origin"> {
  readonly members: ReadonlyMap<number, Member>;
  readonly findingCount: number;
  readonly firstUs: number;
  readonly lastUs: number;
}

/** So many windows of ten seconds without a pause of more than one weigh as much as the gravest of them says. */
const lastingUs = 30_000_000;

export function summarize(
  story: Story,
  { isOpen, nameOf }: { readonly isOpen: boolean; readonly nameOf: Names },
): Incident {
  const members = [...story.members.values()].sort((a, b) =>
    a.finding.firstUs - b.finding.firstUs || a.finding.id - b.finding.id
  );
  const causes = members.filter(({ role }) => role === "cause").map(({ finding }) => finding);
  const sources = distinct(causes.flatMap((finding) => finding.sources));
  const targets = distinct(causes.flatMap((finding) => finding.targets));
  const ordered = story.actor === null ? sources : distinct([story.actor, ...sources]);
  const techniques = distinct(
    causes.map(({ attackId }) => attackId).filter((attackId) => attackId !== ""),
  );
  const tactics = distinct(techniques.map(tacticOf).filter((tactic) => tactic !== ""));
  const hasSucceeded = causes.some(succeeded);
  const process = processOfCauses(causes);
  const told = { actor: story.actor, sources: ordered, causes, members, nameOf };
  return {
    id: story.id,
    actor: story.actor,
    actorName: story.actor === null ? "" : nameOf(story.actor),
    severity: severityOf(causes, { hasSucceeded, tacticCount: tactics.length }),
    isOpen,
    sources: ordered.slice(0, ADDRESSES_LISTED_MAX),
    sourceCount: Math.max(ordered.length, ...causes.map(({ sourceCount }) => sourceCount)),
    targets: targets.slice(0, ADDRESSES_LISTED_MAX),
    targetCount: Math.max(targets.length, ...causes.map(({ targetCount }) => targetCount)),
    tactics,
    techniques,
    kinds: [...new Set(causes.map(({ kind }) => kind))],
    ports: distinct(causes.map(({ scan, ports }) => scan?.ports ?? ports ?? "")),
    firstUs: story.firstUs,
    lastUs: story.lastUs,
    detectedUs: story.detectedUs,
    headline: headlineOf(told),
    detail: detailOf(told),
    course: courseOf(members),
    amount: causes.reduce((sum, { amount }) => sum + amount, 0),
    hasSucceeded,
    origin: story.origin,
    findingCount: story.findingCount,
    ...(process && { process }),
  };
}

function succeeded({ hasSucceeded, scan }: Finding): boolean {
  return hasSucceeded === true || scan !== undefined && scan.cameBack.length > 0;
}

/** That of the gravest cause; one more when it reached what it tried for, or when two tactics meet in one actor. */
function severityOf(
  causes: readonly Finding[],
  { hasSucceeded, tacticCount }: { readonly hasSucceeded: boolean; readonly tacticCount: number },
): Severity {
  const isOfWeak = causes.every(isWeak);
  const highest = Math.max(
    ...causes.map((finding) => isOfWeak ? windowRank(finding) : rank(finding)),
  );
  const more = !isOfWeak && (hasSucceeded || tacticCount > 1) ? 1 : 0;
  return SEVERITIES[Math.min(highest + more, SEVERITIES.length - 1)]!;
}

/** What is only unusual is told quietly, unless it lasts. */
function windowRank(finding: Finding): number {
  const isLasting = finding.lastUs - finding.firstUs >= lastingUs;
  return isLasting ? rank(finding) : Math.min(rank(finding), SEVERITIES.indexOf("low"));
}

function rank({ severity }: Finding): number {
  return SEVERITIES.indexOf(severity);
}

function courseOf(members: readonly Member[]): IncidentStep[] {
  return members.filter(({ role }) => role !== "effect").slice(0, COURSE_MAX)
    .map(({ finding: { firstUs, attackId, reason } }) => ({
      tsUs: firstUs,
      tactic: tacticOf(attackId),
      technique: attackId,
      text: reason,
    }));
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
