/**
 * The scans under way: opened when a source's evidence suffices, told again at tenfold growth, closed after quiet or at
 * the end. Sources that begin to probe the same ports of the same host together are marked as each other's decoys.
 */
import { PAUSE_US } from "../incident.ts";
import type { DetectorContext } from "../detector.ts";
import { type EndsHash, hashAddress0, hashAddress1, mix } from "./ends_hash.ts";
import { FingerprintSet } from "./fingerprint_set.ts";
import { Incident } from "./incident.ts";
import type { JudgedProbe } from "./judged_probe.ts";
import type { ScanOptions } from "./options.ts";
import { isSweep } from "./probe_family.ts";
import { incidentSummary, scanFinding } from "./scan_finding.ts";
import { evidenceMin } from "./scan_pattern.ts";
import {
  RING_FLOW,
  RING_LENGTH,
  RING_OUTCOME,
  RING_PORTS,
  RING_TRAITS,
  RING_WORDS,
  type SourceEvidence,
} from "./source_evidence.ts";

/** Open at a time; what comes beyond is counted, not told. */
const incidentsMax = 256;
/** Kept probes older than so many half-lives are no part of a scan that begins now. */
const evidenceHalfLives = 4;
const decoyPortsMin = 3;
const decoyStartUs = 10_000_000;
const dayUs = 24 * 3600 * 1e6;

export class ScanIncidents {
  /** Scans not told because too many were open. */
  forgottenCount = 0;
  readonly #context: DetectorContext;
  readonly #options: ScanOptions;
  readonly #evidence: SourceEvidence;
  readonly #open = new Map<number, Incident>();
  /** (target, incident) pairs, so that up to some 100,000 targets are counted without a list. */
  readonly #targets = new FingerprintSet({ capacity: 2 ** 17, periodUs: dayUs });

  constructor(context: DetectorContext, options: ScanOptions, evidence: SourceEvidence) {
    this.#context = context;
    this.#options = options;
    this.#evidence = evidence;
  }

  get stateBytes(): number {
    let incidents = 0;
    for (const incident of this.#open.values()) incidents += incident.stateBytes;
    return incidents + this.#targets.stateBytes;
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** The open incident of an evidence slot. */
  of(slot: number): Incident | undefined {
    return this.#open.get(slot);
  }

  /** Opens an incident with the probes kept of the source. */
  open(slot: number, probe: JudgedProbe): void {
    if (this.#open.size >= incidentsMax) {
      this.forgottenCount++;
      return;
    }
    const source = this.#formatAt(probe.key, 0);
    const id = this.#context.nextId();
    const incident = new Incident(id, slot, source, probe.family, probe.atUs);
    this.#open.set(slot, incident);
    for (const index of this.#keptInOrder(slot, probe.atUs)) this.#takeKept(incident, index);
    incident.judgedUs = probe.atUs;
    this.#findDecoys(incident);
    this.#tell(incident, true);
  }

  take(incident: Incident, probe: JudgedProbe): void {
    const { key, ends, outcome, port, traits, startUs, flowId } = probe;
    const isNewTarget = this.#isNewTarget(incident, ends.destination0, ends.destination1);
    const target = incident.needsTarget(isNewTarget, outcome) ? this.#formatAt(key, 4) : "";
    incident.take({ target, isNewTarget, port, traits, outcome, startUs, flowId });
    incident.judgedUs = probe.atUs;
    if (incident.attempts >= incident.tellAt) this.#tell(incident, true);
  }

  /** The source has sent a probe of this incident again: it goes on, but the evidence stays what it was. */
  noteRepeat(incident: Incident, ends: EndsHash, port: number, timestampUs: number): void {
    if (!isSweep(incident.family) && !incident.ports.has(port)) return;
    // What was found open may be used: that is no scanning any more.
    if (incident.answeredPorts.has(port)) return;
    const { destination0, destination1 } = ends;
    const { id } = incident;
    const isTarget = this.#targets.has(mix(destination0, id, 0), mix(destination1, id, 0));
    if (isTarget) incident.noteRepeat(timestampUs);
  }

  /** Data went both ways between the incident's source and a port. */
  noteData(incident: Incident, target: string, port: number): void {
    if (incident.noteData(target, port)) this.#tell(incident, true);
  }

  advance(nowUs: number): void {
    this.#targets.advance(nowUs);
    for (const incident of this.#open.values()) {
      const quietUs = Math.abs(nowUs - incident.judgedUs);
      if (quietUs >= this.#options.quietUs) this.#close(incident, nowUs);
      else if (quietUs >= PAUSE_US && incident.hasNews) this.#tell(incident, true);
    }
  }

  /** Closes the incident of an evidence slot, if there is one. */
  closeOf(slot: number, nowUs: number): void {
    const incident = this.#open.get(slot);
    if (incident) this.#close(incident, nowUs);
  }

  closeAll(nowUs: number): void {
    for (const incident of this.#open.values()) this.#close(incident, nowUs);
  }

  #close(incident: Incident, nowUs: number): void {
    this.#open.delete(incident.slot);
    this.#evidence.acquit(incident.slot, nowUs);
    this.#tell(incident, false);
  }

  #tell(incident: Incident, isOpen: boolean): void {
    incident.noteTold();
    const least = evidenceMin(this.#options, incident.family, incident.traits);
    this.#context.report(scanFinding(incidentSummary(incident, least), isOpen));
  }

  /** Places of the slot's kept probes that belong to the scan, oldest first. */
  #keptInOrder(slot: number, nowUs: number): number[] {
    const base = slot * RING_LENGTH;
    const { ringStartUs } = this.#evidence;
    const oldestUs = nowUs - evidenceHalfLives * this.#options.halfLifeUs;
    return Array.from({ length: this.#evidence.count(slot) }, (_, index) => base + index)
      .filter((place) => ringStartUs[place] >= oldestUs)
      .sort((a, b) => ringStartUs[a] - ringStartUs[b]);
  }

  #takeKept(incident: Incident, place: number): void {
    const { ring, ringStartUs } = this.#evidence;
    const at = place * RING_WORDS;
    incident.take({
      target: this.#formatAt(ring, at),
      isNewTarget: this.#isNewTarget(incident, hashAddress0(ring, at), hashAddress1(ring, at)),
      port: ring[at + RING_PORTS] >>> 16,
      traits: ring[at + RING_TRAITS],
      outcome: ring[at + RING_OUTCOME],
      startUs: ringStartUs[place],
      flowId: ring[at + RING_FLOW] >>> 0,
    });
  }

  /** By the target's two hashes. */
  #isNewTarget({ id }: Incident, hash0: number, hash1: number): boolean {
    return !this.#targets.add(mix(hash0, id, 0), mix(hash1, id, 0));
  }

  #formatAt(words: Int32Array, at: number): string {
    return this.#context.formatAddress(words[at], words[at + 1], words[at + 2], words[at + 3]);
  }

  #findDecoys(incident: Incident): void {
    if (isSweep(incident.family)) return;
    for (const other of this.#open.values()) {
      if (other === incident || !areDecoys(incident, other)) continue;
      incident.decoyCount++;
      other.decoyCount++;
      // The others' counts are told when they grow or end; at once only that there are decoys at all.
      if (other.decoyCount === 1) this.#tell(other, true);
    }
  }
}

function areDecoys(incident: Incident, other: Incident): boolean {
  return other.family === incident.family && incident.targetCount === 1 &&
    other.targetCount === 1 && other.targets[0] === incident.targets[0] &&
    Math.abs(other.firstUs - incident.firstUs) <= decoyStartUs &&
    other.lastUs >= incident.firstUs && incident.lastUs >= other.firstUs &&
    incident.ports.countShared(other.ports) >= decoyPortsMin;
}
