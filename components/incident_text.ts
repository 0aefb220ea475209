/** The words for incidents: roles, circumstances, why they are as grave as they are, and why they stand out. Pure. */
import type { Finding, FindingKind, FindingRole, Incident } from "../agent/records.ts";
import { endsOfIncident } from "../agent/finding_ends.ts";
import { endText, kindLabels, severityLabels } from "./finding_text.ts";
import { severityRank } from "./findings.ts";
import { formatCount, formatDuration } from "./format.ts";

export const roleLabels: Readonly<Record<FindingRole, string>> = {
  cause: "cause",
  support: "also unusual",
  effect: "effect on a target",
};

/** A finding of an incident. */
export interface Member {
  readonly finding: Finding;
  readonly role: FindingRole;
}

export function causesOf(members: readonly Member[]): Finding[] {
  return members.filter(({ role }) => role === "cause").map(({ finding }) => finding);
}

export function kindsText({ kinds }: Pick<Incident, "kinds">): string {
  return kinds.map((kind) => kindLabels[kind] ?? kind).join(", ");
}

/** The second line of an incident: who and whom, what, for how long. */
export function circumstances(incident: Incident): string {
  const { firstUs, lastUs, hasSucceeded, kinds } = incident;
  const { from, to } = endsOfIncident(incident, []);
  // Of an unusual window its host is told first, whoever brought it about.
  const link = kinds.every((kind) => kind === "anomaly") ? " with " : " to ";
  const ends = [from, to].map(endText).filter((text) => text !== "").join(link);
  const lasted = (lastUs - firstUs) / 1e6;
  return [
    ends,
    kindsText(incident),
    lasted >= 1 && `in ${formatDuration(lasted)}`,
    hasSucceeded && "reached what it tried for",
    incident.origin?.text,
  ].filter(Boolean).join(", ");
}

/** Why an incident is graver than the gravest of its causes; "" when it is not. */
export function raisedText(incident: Incident, members: readonly Member[]): string {
  const causes = causesOf(members);
  if (causes.length === 0) return "";
  const highest = causes.reduce((a, b) =>
    severityRank(b.severity) > severityRank(a.severity) ? b : a
  );
  if (severityRank(incident.severity) <= severityRank(highest.severity)) return "";
  const why = [
    causes.some(({ hasSucceeded }) => hasSucceeded) && "guessing ended in a session",
    causes.some(({ scan }) => scan && scan.cameBack.length > 0) &&
    "a port that was found open was used afterwards",
    incident.tactics.length > 1 && "one actor followed several tactics of ATT&CK",
  ].filter(Boolean).join(", and ");
  const [from, to] = [highest.severity, incident.severity].map((level) =>
    severityLabels[level].toLowerCase()
  );
  return `Raised from ${from} to ${to}${why === "" ? "" : `: ${why}`}.`;
}

/** What each kind of cause stands out by, one sentence each; unusual windows say it themselves. */
export function standsOutTexts(members: readonly Member[]): readonly string[] {
  const causes = causesOf(members);
  const texts = causes.map((finding) => finding.scan ? scanText(finding) : reasonOf[finding.kind]);
  return [...new Set(texts.filter((text) => text !== ""))];
}

function scanText({ scan }: Finding): string {
  if (!scan || scan.attempts === 0) return "";
  const failed = Math.max(0, scan.attempts - scan.answered);
  return `${formatCount(failed)} of ${formatCount(scan.attempts)} first contacts failed: ` +
    "who knows where to go does not miss so often.";
}

const reasonOf: Readonly<Record<FindingKind, string>> = {
  scan: "",
  anomaly: "",
  brute_force: "So many log-ins in so short a time are made by a program, not by a person.",
  flood: "So much to one host that nothing answers is no ordinary use of a service.",
  reflection: "Answers came that nobody here had asked for.",
  arp_spoof: "Two hardware addresses claimed one IP address at the same time.",
  dns_tunnel: "Names that are long, random and never asked twice carry data, not addresses.",
  beacon: "Calls at even intervals are made by a program: people are not that regular.",
  blocklist: "A list that you gave names this address, name or program.",
  exfiltration:
    "A device that sends little, to few, has no use for so much at once to somebody new.",
  first_contact: "This device had not done it before; that alone is no alarm.",
  fleet_scan:
    "One source that knocks at so many agents' hosts, and is hardly answered, looks for what is open.",
  lateral_movement:
    "A host that has just been logged in to logs in elsewhere, where it has never been.",
  first_seen: "No agent of the fleet has met it before.",
  agent_silent: "An agent reports every half minute, also when nothing happens.",
  agent_cloned: "Two spools report under one credential: one of them is a copy.",
};
