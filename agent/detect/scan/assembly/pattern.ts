/**
 * Whether the probes kept of a source look like a scan and not like peer-to-peer traffic, a server's packets to its
 * clients or a bad day of the network: the failures must be enough for the direction, and pile up on one host's ports or
 * on few ports of many hosts.
 */
import { TRANSPORT_TCP, TRANSPORT_UDP } from "../../common/row_layout";
import {
  FAMILY_ODD_ACK,
  FAMILY_TCP,
  FAMILY_UDP,
  K_OUTCOME,
  K_PORTS,
  K_TRAITS,
  OUTCOME_ANSWERED,
  OUTCOME_FAILED,
  S_FAILURES,
  S_FAMILY,
  S_REPLIES,
  TRAIT_IS_CLIENT_LIKE,
  TRAIT_IS_DESTINATION_LOCAL,
  TRAIT_IS_DISCOVERY,
  TRAIT_IS_RAW,
  TRAIT_IS_REPLY_LIKE,
  TRAIT_IS_RESOLVED,
} from "../contact_layout";
import { isAmongReached, missedAround } from "./peers";
import { isBare } from "./probes";
import { keptAt, keptOf } from "./sources";

const pileMin: i32 = 3;
/** Share of all that one port must hold. */
const pileShare: f64 = 0.1;
/** Ports of one public host that no peer has. */
const plainPorts: i32 = 8;
const rawTargetsMin: i32 = 5;
const plainPile: i32 = 10;
/** Hosts asked on a port that programs get, not choose. */
const replyHostsMin: i32 = 5;
/** Clients ask that many servers of a kind at most: STUN relays and time servers come in dozens. */
const clientHostsMin: u32 = 128;
/** Of all contacts in which a source could be a server, the share that must be none. */
const probeShare: f64 = 0.25;
const firstDynamicPort: u32 = 32_768;

/** Of the source looked at last: probes that count as evidence. */
export let evidenceCount: i32 = 0;
let distinctPorts: i32 = 0;
let distinctHosts: i32 = 0;
let portsOfHostMost: i32 = 0;
let hostsOfPortMost: i32 = 0;
let targetsOfSourcePortMost: i32 = 0;
let areAllLocal: bool = true;

/** Whether they pile up so high that what the source does elsewhere cannot speak for it. */
export function isPlain(): bool {
  return portsOfHostMost >= plainPile || hostsOfPortMost >= plainPile;
}

/** Whether the evidence against a source piles up as that of scans does. */
export function looksLikeScan(source: usize): bool {
  evidenceCount = 0;
  distinctPorts = 0;
  distinctHosts = 0;
  portsOfHostMost = 0;
  hostsOfPortMost = 0;
  targetsOfSourcePortMost = 0;
  areAllLocal = true;
  const count = keptOf(source);
  for (let index = 0; index < count; index++) {
    if (isEvidence(keptAt(source, index))) lookAt(source, index, count);
  }
  return targetsOfSourcePortMost >= rawTargetsMin || isVertical(source) || isHorizontal();
}

/** Peers with several ports are common, and far apart; hosts of one's own network with several that fail are not. */
function isVertical(source: usize): bool {
  if (portsOfHostMost < pileMin) return false;
  const replies = <f64> load<i32>(source, S_REPLIES << 2);
  const failures = load<f64>(source, S_FAILURES << 2);
  if (isBare(load<i32>(source, S_FAMILY << 2)) && failures < (failures + replies) * probeShare) {
    return false;
  }
  return areAllLocal || portsOfHostMost >= plainPorts || distinctHosts * 2 <= evidenceCount + 1;
}

function isHorizontal(): bool {
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
  let isFirstOfHost = true;
  for (let at = 0; at < count; at++) {
    const other = keptAt(source, at);
    if (!isEvidence(other)) continue;
    const traits = load<i32>(other, K_TRAITS << 2);
    if (isSameTarget(kept, other)) {
      if ((traits & TRAIT_IS_REPLY_LIKE) == 0) portsOfHost++;
      if (at < index) isFirstOfHost = false;
    }
    const otherPorts = load<u32>(other, K_PORTS << 2);
    if (otherPorts >> 16 == ports >> 16) {
      if ((traits & TRAIT_IS_RESOLVED) == 0) hostsOfPort++;
      if (at < index) isFirstOfPort = false;
    }
    const isSameSourcePort = (otherPorts & 0xffff) == (ports & 0xffff);
    if (isSameSourcePort && (traits & TRAIT_IS_RAW) != 0) targetsOfSourcePort++;
  }
  const traits = load<i32>(kept, K_TRAITS << 2);
  const isSweeping = isOfSweep(source, kept, traits);
  if (!isSweeping && portsOfHost < pileMin) return;
  if ((traits & TRAIT_IS_REPLY_LIKE) != 0 && hostsOfPort < replyHostsMin) return;
  evidenceCount++;
  if (isFirstOfPort) distinctPorts++;
  if (isFirstOfHost) distinctHosts++;
  if ((traits & TRAIT_IS_DESTINATION_LOCAL) == 0) areAllLocal = false;
  portsOfHostMost = max(portsOfHostMost, portsOfHost);
  if (isSweeping) hostsOfPortMost = max(hostsOfPortMost, hostsOfPort);
  targetsOfSourcePortMost = max(targetsOfSourcePortMost, targetsOfSourcePort);
}

/** Whether a probe speaks for a search among hosts: its source had no other reason to try this one. */
function isOfSweep(source: usize, kept: usize, traits: i32): bool {
  if ((traits & (TRAIT_IS_RESOLVED | TRAIT_IS_DISCOVERY)) != 0) return false;
  const port = load<u32>(kept, K_PORTS << 2);
  if (isBackscatter(source, port)) return false;
  const family = load<i32>(source, S_FAMILY << 2);
  if (family != FAMILY_TCP && family != FAMILY_UDP) return true;
  const isInside = (traits & TRAIT_IS_DESTINATION_LOCAL) != 0;
  const ports = port & 0xffff0000 | (family == FAMILY_TCP ? TRANSPORT_TCP : TRANSPORT_UDP);
  if (isAmongReached(source, kept, isInside, ports)) return false;
  return (traits & TRAIT_IS_CLIENT_LIKE) == 0 ||
    missedAround(source, kept, isInside, ports) >= clientHostsMin;
}

/** A SYN-ACK from a port that can be a server's: answers to forged SYNs of one source port come to all hosts of a network. */
function isBackscatter(source: usize, ports: u32): bool {
  return load<i32>(source, S_FAMILY << 2) == FAMILY_ODD_ACK && (ports & 0xffff) < firstDynamicPort;
}

@inline
function isEvidence(kept: usize): bool {
  const outcome = load<i32>(kept, K_OUTCOME << 2);
  return outcome == OUTCOME_FAILED || outcome == OUTCOME_ANSWERED;
}

@inline
function isSameTarget(kept: usize, other: usize): bool {
  return load<i64>(kept, 8) == load<i64>(other, 8) && load<i64>(kept) == load<i64>(other);
}
