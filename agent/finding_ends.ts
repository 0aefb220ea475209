/** Who did what a finding tells, and to whom it was done. Pure; safe for the browser. */
import type { Finding, FindingKind, Incident, TopFeature } from "./records.ts";

/** Features of a host (agent/detect/anomaly/features.ts) that others bring about. */
const inboundFeatures = new Set(["packets_in", "sources", "ports_in", "failed_in"]);

/** It goes both ways: more comes in, more goes out in answer. */
const neutralFeatures = new Set(["out_in_ratio"]);

/** Whether a window stands out by what others did to the host, rather than by what it did: by the weight of its features. */
export function isSoughtAfter({ anomaly }: Finding): boolean {
  let balance = 0;
  for (const { name, contribution } of anomaly?.topFeatures ?? []) {
    if (neutralFeatures.has(name)) continue;
    balance += inboundFeatures.has(name) ? contribution : -contribution;
  }
  return balance > 0;
}

/** Tells that of a window whose features are not kept. */
export const SOUGHT_AFTER: TopFeature = {
  name: "sources",
  value: null,
  typical: [0, 0],
  contribution: 1,
};

/** Whether a host has scanned itself, for which there is no technique of an attack. */
export function isOfItself({ scan, attackId }: Pick<Finding, "scan" | "attackId">): boolean {
  return scan !== undefined && attackId === "";
}

/** One end of what a finding tells. */
export interface Ends {
  readonly addresses: readonly string[];
  readonly count: number;
  /** More than one are an estimate; see ESTIMATE_MAX. */
  readonly isEstimate: boolean;
}

/** Who did it, and whom it was done to. */
export interface BothEnds {
  readonly from: Ends;
  readonly to: Ends;
}

/** Who did it and whom it was done to: a host that was sought after is where others went, though it is the one told. */
export function endsOf(finding: Finding): BothEnds {
  const { sources, sourceCount, targets, targetCount, anomaly } = finding;
  const told = sources.length > 0 ? sources : anomaly ? [anomaly.entity] : [];
  const isEstimate = isEstimated([finding.kind]);
  const own = { addresses: told, count: Math.max(sourceCount, told.length), isEstimate };
  const others = { addresses: targets, count: targetCount, isEstimate };
  return isSoughtAfter(finding) ? { from: others, to: own } : { from: own, to: others };
}

/** The same of an incident, by its causes. */
export function endsOfIncident(
  { sources, sourceCount, targets, targetCount, kinds }: Pick<
    Incident,
    "sources" | "sourceCount" | "targets" | "targetCount" | "kinds"
  >,
  causes: readonly Finding[],
): BothEnds {
  const isEstimate = isEstimated(kinds);
  const own = { addresses: sources, count: sourceCount, isEstimate };
  const others = { addresses: targets, count: targetCount, isEstimate };
  const isVictim = causes.length > 0 && causes.every(isSoughtAfter);
  return isVictim ? { from: others, to: own } : { from: own, to: others };
}

/** Hosts that take part in floods and reflected traffic are counted by estimate. */
function isEstimated(kinds: readonly FindingKind[]): boolean {
  return kinds.some((kind) => kind === "flood" || kind === "reflection");
}
