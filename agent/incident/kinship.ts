/** Who a finding is about, and whether an unusual window was done by its host or to it. */
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

export function subjectOf(finding: Finding): Subject {
  const { sources, sourceCount, targets, scan } = finding;
  const isOfMany = scan?.kind === "distributed" || finding.kind !== "anomaly" && sourceCount > 1;
  const [source] = sources;
  if (source !== undefined && !(isOfMany && targets.length > 0)) {
    return { key: source, actor: source };
  }
  return { key: `victim ${targets[0] ?? ""}`, actor: null };
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
