/**
 * Tells the scans under way: when a source's evidence has sufficed, again at tenfold growth, over after quiet or at
 * the end. Sources that begin to probe the same ports of the same host together are marked as each other's decoys.
 */
import { PAUSE_US } from "../incident.ts";
import type { DetectorContext } from "../detector.ts";
import type { ContactJudge } from "./contact_judge.ts";
import { Incident } from "./incident.ts";
import type { ScanOptions } from "./options.ts";
import { isSweep } from "./probe_family.ts";
import { incidentSummary, scanFinding, type ScanSummary } from "./scan_finding.ts";

const decoyPortsMin = 3;
const decoyStartUs = 10_000_000;

export class ScanIncidents {
  readonly #context: DetectorContext;
  readonly #options: ScanOptions;
  readonly #contacts: ContactJudge;
  /** By their addresses in the memory of the contacts. */
  readonly #open = new Map<number, Incident>();

  constructor(context: DetectorContext, options: ScanOptions, contacts: ContactJudge) {
    this.#context = context;
    this.#options = options;
    this.#contacts = contacts;
  }

  /** The incident at an address has been opened. */
  open(at: number): void {
    const incident = new Incident(this.#contacts.memory, at, this.#context.formatAddress);
    this.#open.set(at, incident);
    this.#findDecoys(incident);
    this.#tell(incident, true);
  }

  /** The incident at an address has grown tenfold. */
  noteGrowth(at: number): void {
    this.#tell(this.#open.get(at)!, true);
  }

  /** Data went both ways between the source of the incident at an address and a port of `target`, four words. */
  noteReturn(at: number, target: Int32Array, port: number): void {
    const incident = this.#open.get(at)!;
    const text = this.#context.formatAddress(target[0], target[1], target[2], target[3]);
    incident.cameBack.push(text.includes(":") ? `[${text}]:${port}` : `${text}:${port}`);
    this.#tell(incident, true);
  }

  advance(nowUs: number): void {
    for (const incident of this.#open.values()) {
      const quietUs = Math.abs(nowUs - incident.judgedUs);
      if (quietUs >= this.#options.quietUs) this.#close(incident, nowUs);
      else if (quietUs >= PAUSE_US && incident.hasNews) this.#tell(incident, true);
    }
  }

  /** Closes the incident at an address. */
  close(at: number, nowUs: number): void {
    this.#close(this.#open.get(at)!, nowUs);
  }

  closeAll(nowUs: number): void {
    for (const incident of this.#open.values()) this.#close(incident, nowUs);
  }

  #close(incident: Incident, nowUs: number): void {
    this.#open.delete(incident.at);
    this.#tell(incident, false);
    this.#contacts.closeIncident(incident.at, nowUs);
  }

  #tell(incident: Incident, isOpen: boolean): void {
    incident.noteTold();
    this.#context.report(scanFinding(this.#summaryOf(incident), isOpen));
  }

  #summaryOf(incident: Incident): ScanSummary {
    const { family, traits, ports, answeredPorts } = incident;
    return incidentSummary(incident, {
      evidenceMin: this.#contacts.evidenceMin(family, traits),
      ports: this.#contacts.listPorts(ports),
      answeredPorts: this.#contacts.listPorts(answeredPorts),
    });
  }

  #findDecoys(incident: Incident): void {
    if (isSweep(incident.family)) return;
    for (const other of this.#open.values()) {
      if (other === incident || !areTogether(incident, other)) continue;
      const shared = this.#contacts.countSharedPorts(incident.at, other.at);
      if (shared < decoyPortsMin) continue;
      incident.noteDecoy();
      other.noteDecoy();
      // The others' counts are told when they grow or end; at once only that there are decoys at all.
      if (other.decoyCount === 1) this.#tell(other, true);
    }
  }
}

/** Whether both probe one target, and did so at the same time. */
function areTogether(incident: Incident, other: Incident): boolean {
  return other.family === incident.family && incident.targetCount === 1 &&
    other.targetCount === 1 && other.targets[0] === incident.targets[0] &&
    Math.abs(other.firstUs - incident.firstUs) <= decoyStartUs &&
    other.lastUs >= incident.firstUs && incident.lastUs >= other.firstUs;
}
