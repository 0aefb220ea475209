/**
 * What becomes of judged probes that nothing excuses: they are weighed against their source and for their target, and
 * enough of them, in a scan's pattern, open an incident.
 */
import type { DetectorContext } from "../detector.ts";
import type { Observation } from "../observation.ts";
import { copySource } from "./ends.ts";
import { EndsHash } from "./ends_hash.ts";
import type { Incident } from "./incident.ts";
import { type JudgedProbe, Outcome } from "./judged_probe.ts";
import type { ScanOptions } from "./options.ts";
import { Family, isSweep } from "./probe_family.ts";
import { ScanIncidents } from "./scan_incidents.ts";
import { evidenceMin, ScanPattern } from "./scan_pattern.ts";
import { RING_LENGTH, SourceEvidence } from "./source_evidence.ts";
import { VictimWatch } from "./victim_watch.ts";

const sourcesMax = 8192;

/** What it asks of the memory of contacts; see ContactJudge. */
export interface ContactMemory {
  addContact(portWord: number): boolean;
  hasRouterAddress(hash0: number, hash1: number): boolean;
}

export class ProbeJudge {
  readonly #options: ScanOptions;
  readonly #memory: ContactMemory;
  readonly #evidence: SourceEvidence;
  readonly #pattern = new ScanPattern();
  readonly #incidents: ScanIncidents;
  readonly #victims: VictimWatch;
  readonly #source = new Int32Array(4);
  /** Of the row that may begin another scan. */
  readonly #ends = new EndsHash();
  #nowUs = -Infinity;

  constructor(context: DetectorContext, options: ScanOptions, memory: ContactMemory) {
    this.#options = options;
    this.#memory = memory;
    this.#evidence = new SourceEvidence(options, sourcesMax, {
      isProtected: (slot) => this.#isWatched(slot),
      onForget: (slot) => this.#incidents.closeOf(slot, this.#nowUs),
    });
    this.#incidents = new ScanIncidents(context, options, this.#evidence);
    this.#victims = new VictimWatch(context, options);
  }

  get stateBytes(): number {
    return this.#evidence.stateBytes + this.#incidents.stateBytes + this.#victims.stateBytes;
  }

  get forgottenCount(): number {
    return this.#evidence.forgottenCount + this.#incidents.forgottenCount +
      this.#victims.forgottenCount;
  }

  /** Whether any scan is under way. */
  get isAnyOpen(): boolean {
    return this.#incidents.openCount > 0;
  }

  advance(nowUs: number): void {
    this.#nowUs = nowUs;
    this.#incidents.advance(nowUs);
    this.#victims.advance(nowUs);
  }

  closeAll(nowUs: number): void {
    this.#incidents.closeAll(nowUs);
    this.#victims.closeAll();
  }

  /** Whether something speaks against a source; `hash` is the first of its address. */
  isSuspicious(source: Int32Array, hash: number, family: number): boolean {
    return this.#evidence.find(source, hash, family) >= 0;
  }

  /**
   * A contact that was tried before is a retry, unless its source has been quiet since it was named a scanner for it:
   * then it scans again.
   */
  isScannedAnew(o: Observation, port: number, family: number): boolean {
    const evidence = this.#evidence;
    if (this.#incidents.openCount + evidence.namedCount === 0) return false;
    const ends = this.#ends;
    ends.ofRow(o);
    copySource(o, this.#source);
    const slot = evidence.find(this.#source, ends.source0, family);
    if (slot < 0) return false;
    const incident = this.#incidents.of(slot);
    if (incident) this.#incidents.noteRepeat(incident, ends, port, o.timestampUs);
    const scansOver = evidence.scansOver(slot);
    if (scansOver === 0) return false;
    return !this.#memory.addContact(port << 16 | scansOver << 8 | family);
  }

  /** Data went both ways between a source and a port; `hash` as for isSuspicious(). */
  noteData(source: Int32Array, hash: number, family: number, port: number, target: () => string) {
    const slot = this.#evidence.find(source, hash, family);
    const incident = slot < 0 ? undefined : this.#incidents.of(slot);
    if (incident) this.#incidents.noteData(incident, target(), port);
  }

  weigh(probe: JudgedProbe): void {
    const known = this.incidentOf(probe);
    if (known) {
      if (probe.outcome !== Outcome.used) this.#incidents.take(known, probe);
    } else {
      const slot = this.#evidence.add(probe);
      const isEvidence = probe.outcome === Outcome.failed || probe.outcome === Outcome.answered;
      if (isEvidence && this.#suffices(slot, probe)) this.#incidents.open(slot, probe);
    }
    if (probe.outcome !== Outcome.failed || !isForVictim(probe)) return;
    const own = known ?? this.incidentOf(probe);
    // Decoys all try the same; they share no work.
    if (own === undefined || own.decoyCount === 0) this.#victims.take(probe, own !== undefined);
  }

  incidentOf(probe: JudgedProbe): Incident | undefined {
    if (this.#incidents.openCount === 0) return undefined;
    const slot = this.#evidence.find(probe.key, probe.ends.source0, probe.family);
    return slot < 0 ? undefined : this.#incidents.of(slot);
  }

  #suffices(slot: number, probe: JudgedProbe): boolean {
    if (!this.#evidence.isAboveThreshold(slot)) return false;
    const { family, traits, ends } = probe;
    let least = evidenceMin(this.#options, family, traits);
    if (isSweep(family) && this.#memory.hasRouterAddress(ends.source0, ends.source1)) {
      least *= this.#options.routerFactor;
    }
    this.#pattern.look(this.#evidence, slot);
    if (!this.#pattern.isScan()) return false;
    return least <= RING_LENGTH
      ? this.#pattern.evidence >= least
      : this.#evidence.failures(slot) >= least;
  }

  #isWatched(slot: number): boolean {
    return this.#incidents.of(slot) !== undefined || this.#evidence.isGrowing(slot, this.#nowUs);
  }
}

function isForVictim({ family, isSilent }: JudgedProbe): boolean {
  return family === Family.tcp || family === Family.sctp || family === Family.udp && !isSilent;
}
