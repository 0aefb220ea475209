/** Who a finding is about, and whether an unusual window was done by its host or to it. */
import { addressAt } from "../decode/addresses.ts";
import type { Finding, FindingRole } from "../records.ts";

/** A finding in an incident. */
export interface Member {
  readonly finding: Finding;
  readonly role: FindingRole;
}

/** What one thing a finding is about: an actor, or the victim of many whose own addresses say little. */
export interface Subject {
  /** Tells subjects apart. */
  readonly key: string;
  /** Null for a victim's. */
  readonly actor: string | null;
}

/** An address of a finding as it tells hosts apart. */
export function hostOf(address: string, { site = "" }: Pick<Finding, "site">): string {
  return addressAt(address, site);
}

/** Whether an address of one finding is among those of another. */
export function isAmong(
  address: string,
  of: Finding,
  others: "sources" | "targets",
  finding: Finding,
): boolean {
  return finding[others].includes(address) && hostOf(address, of) === hostOf(address, finding);
}

export function subjectOf(finding: Finding): Subject {
  const { sources, sourceCount, targets, scan } = finding;
  const isOfMany = scan?.kind === "distributed" || finding.kind !== "anomaly" && sourceCount > 1;
  const [source] = sources;
  if (source !== undefined && !(isOfMany && targets.length > 0)) {
    return { key: hostOf(source, finding), actor: source };
  }
  return { key: victimKey(targets[0], finding), actor: null };
}

export function victimKey(address: string | undefined, finding: Pick<Finding, "site">): string {
  return `victim ${hostOf(address ?? "", finding)}`;
}

export function isAnomaly({ kind }: Finding): boolean {
  return kind === "anomaly";
}

export function isFirstContact({ kind }: Finding): boolean {
  return kind === "first_contact";
}

/** What is only unusual, or only new, stands behind what an actor did else: it joins its incident, and explains nothing. */
export function isWeak(finding: Finding): boolean {
  return isAnomaly(finding) || isFirstContact(finding);
}

/** Whether two stretches of time overlap or are less than `slackUs` apart. */
export function areClose(
  a: Pick<Finding, "firstUs" | "lastUs">,
  b: Pick<Finding, "firstUs" | "lastUs">,
  slackUs = 0,
): boolean {
  return a.firstUs <= b.lastUs + slackUs && b.firstUs <= a.lastUs + slackUs;
}
