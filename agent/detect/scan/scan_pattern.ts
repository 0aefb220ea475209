/**
 * Whether the probes kept of a source look like a scan and not like peer-to-peer traffic or a bad day of the network:
 * the failures must be enough for the direction, and pile up on one host's ports or on few ports of many hosts.
 */
import { Outcome } from "./judged_probe.ts";
import type { ScanOptions } from "./options.ts";
import { isSweep, Trait } from "./probe_family.ts";
import {
  RING_LENGTH,
  RING_OUTCOME,
  RING_PORTS,
  RING_TRAITS,
  RING_WORDS,
  type SourceEvidence,
} from "./source_evidence.ts";

const pileMin = 3;
/** Share of all that one port must hold. */
const pileShare = 0.1;
const rawTargetsMin = 5;

/** Failures that a source of these traits needs. */
export function evidenceMin(options: ScanOptions, family: number, traits: number): number {
  if (isSweep(family)) return options.sweepEvidenceMin;
  if ((traits & Trait.isDestinationLocal) === 0) return options.outboundEvidenceMin;
  return (traits & Trait.isSourceLocal) !== 0
    ? options.internalEvidenceMin
    : options.inboundEvidenceMin;
}

/** What of a slot's kept probes counts, and how it piles up; filled again by each look. */
export class ScanPattern {
  /** Probes that count as evidence. */
  evidence = 0;
  #distinctPorts = 0;
  #portsOfHost = 0;
  #hostsOfPort = 0;
  #targetsOfSourcePort = 0;

  look(source: SourceEvidence, slot: number): void {
    this.evidence = 0;
    this.#distinctPorts = 0;
    this.#portsOfHost = 0;
    this.#hostsOfPort = 0;
    this.#targetsOfSourcePort = 0;
    const count = source.count(slot);
    const base = slot * RING_LENGTH * RING_WORDS;
    for (let index = 0; index < count; index++) {
      if (source.ring[base + index * RING_WORDS + RING_OUTCOME] !== Outcome.neutral) {
        this.#lookAt(source.ring, base, index, count);
      }
    }
  }

  /** Whether the evidence piles up as that of scans does. */
  isScan(): boolean {
    if (this.#portsOfHost >= pileMin) return true;
    if (this.#targetsOfSourcePort >= rawTargetsMin) return true;
    const isPile = this.#hostsOfPort >= Math.max(pileMin, this.evidence * pileShare);
    return isPile && this.#distinctPorts <= (this.evidence + 1) / 2;
  }

  #lookAt(ring: Int32Array, base: number, index: number, count: number): void {
    const at = base + index * RING_WORDS;
    const port = ring[at + RING_PORTS] >>> 16;
    let portsOfHost = 0;
    let hostsOfPort = 0;
    let targetsOfSourcePort = 0;
    let isFirstOfPort = true;
    for (let other = 0; other < count; other++) {
      const otherAt = base + other * RING_WORDS;
      if (ring[otherAt + RING_OUTCOME] === Outcome.neutral) continue;
      if (isSameTarget(ring, at, otherAt)) portsOfHost++;
      const isUnresolved = (ring[otherAt + RING_TRAITS] & Trait.isResolved) === 0;
      if (ring[otherAt + RING_PORTS] >>> 16 === port) {
        if (isUnresolved) hostsOfPort++;
        if (other < index) isFirstOfPort = false;
      }
      const isSameSourcePort = (ring[otherAt + RING_PORTS] & 0xffff) ===
        (ring[at + RING_PORTS] & 0xffff);
      if (isSameSourcePort && (ring[otherAt + RING_TRAITS] & Trait.isRaw) !== 0) {
        targetsOfSourcePort++;
      }
    }
    const isResolved = (ring[at + RING_TRAITS] & Trait.isResolved) !== 0;
    if (isResolved && portsOfHost < pileMin) return;
    this.evidence++;
    if (isFirstOfPort) this.#distinctPorts++;
    this.#portsOfHost = Math.max(this.#portsOfHost, portsOfHost);
    this.#hostsOfPort = Math.max(this.#hostsOfPort, hostsOfPort);
    this.#targetsOfSourcePort = Math.max(this.#targetsOfSourcePort, targetsOfSourcePort);
  }
}

function isSameTarget(ring: Int32Array, at: number, otherAt: number): boolean {
  return ring[at + 3] === ring[otherAt + 3] && ring[at + 2] === ring[otherAt + 2] &&
    ring[at + 1] === ring[otherAt + 1] && ring[at] === ring[otherAt];
}
