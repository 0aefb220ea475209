/**
 * Whether the probes kept of a source look like a scan and not like peer-to-peer traffic or a bad day of the network:
 * the failures must be enough for the direction, and pile up on one host's ports or on few ports of many hosts.
 */
import {
  K_OUTCOME,
  K_PORTS,
  K_TRAITS,
  OUTCOME_NEUTRAL,
  TRAIT_IS_RAW,
  TRAIT_IS_RESOLVED,
} from "../contact_layout";
import { keptAt, keptOf } from "./sources";

const pileMin: i32 = 3;
/** Share of all that one port must hold. */
const pileShare: f64 = 0.1;
const rawTargetsMin: i32 = 5;

/** Of the source looked at last: probes that count as evidence. */
export let evidenceCount: i32 = 0;
let distinctPorts: i32 = 0;
let portsOfHostMost: i32 = 0;
let hostsOfPortMost: i32 = 0;
let targetsOfSourcePortMost: i32 = 0;

/** Whether the evidence against a source piles up as that of scans does. */
export function looksLikeScan(source: usize): bool {
  evidenceCount = 0;
  distinctPorts = 0;
  portsOfHostMost = 0;
  hostsOfPortMost = 0;
  targetsOfSourcePortMost = 0;
  const count = keptOf(source);
  for (let index = 0; index < count; index++) {
    if (isEvidence(keptAt(source, index))) lookAt(source, index, count);
  }
  if (portsOfHostMost >= pileMin || targetsOfSourcePortMost >= rawTargetsMin) return true;
  const isPile = <f64> hostsOfPortMost >= Math.max(pileMin, <f64> evidenceCount * pileShare);
  return isPile && distinctPorts * 2 <= evidenceCount + 1;
}

function lookAt(source: usize, index: i32, count: i32): void {
  const kept = keptAt(source, index);
  const ports = load<u32>(kept, K_PORTS << 2);
  let portsOfHost = 0;
  let hostsOfPort = 0;
  let targetsOfSourcePort = 0;
  let isFirstOfPort = true;
  for (let at = 0; at < count; at++) {
    const other = keptAt(source, at);
    if (!isEvidence(other)) continue;
    if (isSameTarget(kept, other)) portsOfHost++;
    const otherPorts = load<u32>(other, K_PORTS << 2);
    const traits = load<i32>(other, K_TRAITS << 2);
    if (otherPorts >> 16 == ports >> 16) {
      if ((traits & TRAIT_IS_RESOLVED) == 0) hostsOfPort++;
      if (at < index) isFirstOfPort = false;
    }
    const isSameSourcePort = (otherPorts & 0xffff) == (ports & 0xffff);
    if (isSameSourcePort && (traits & TRAIT_IS_RAW) != 0) targetsOfSourcePort++;
  }
  const isResolved = (load<i32>(kept, K_TRAITS << 2) & TRAIT_IS_RESOLVED) != 0;
  if (isResolved && portsOfHost < pileMin) return;
  evidenceCount++;
  if (isFirstOfPort) distinctPorts++;
  portsOfHostMost = max(portsOfHostMost, portsOfHost);
  hostsOfPortMost = max(hostsOfPortMost, hostsOfPort);
  targetsOfSourcePortMost = max(targetsOfSourcePortMost, targetsOfSourcePort);
}

@inline
function isEvidence(kept: usize): bool {
  return load<i32>(kept, K_OUTCOME << 2) != OUTCOME_NEUTRAL;
}

@inline
function isSameTarget(kept: usize, other: usize): bool {
  return load<i64>(kept, 8) == load<i64>(other, 8) && load<i64>(kept) == load<i64>(other);
}
