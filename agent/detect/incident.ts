/**
 * The life of a detector's findings: told when it is opened, again each time its amount has grown tenfold, after a pause
 * if it has grown by a fifth, and once more when it is over, after quiet or at the end of the input. A detector keeps its
 * evidence by slots of a bounded table; an incident is known by that slot, and to be closed when its key is forgotten.
 */
import { type Finding, type FindingKind, FLOWS_LINKED_MAX } from "../records.ts";
import type { DetectorContext } from "./detector.ts";

/** What a detector says of an incident; the rest of a Finding is kept here. */
export type IncidentFacts = Pick<
  Finding,
  | "severity"
  | "attackId"
  | "sources"
  | "sourceCount"
  | "targets"
  | "targetCount"
  | "confidence"
  | "reason"
>;

/** Evidence, in the detector's own unit (sessions, packets, names …). */
export interface Evidence {
  readonly timestampUs: number;
  /** All so far. */
  readonly amount: number;
  /** Flow.id, 0 without one. */
  readonly flowId: number;
}

export interface IncidentsOptions {
  readonly context: DetectorContext;
  readonly kind: FindingKind;
  /** An incident is over after so long without evidence, in microseconds. */
  readonly quietUs: number;
  /** By slot: kept 1 while it has an incident, for who asks often. */
  readonly openSlots?: Uint8Array;
  /** Asked whenever the incident of a slot is told. */
  readonly describe: (slot: number, incident: Incident) => IncidentFacts;
}

export interface Incident {
  readonly id: number;
  readonly firstUs: number;
  readonly detectedUs: number;
  readonly lastUs: number;
  readonly amount: number;
}
interface OpenIncident extends Incident {
  lastUs: number;
  amount: number;
  /** Amount when it was told last. */
  toldAmount: number;
  readonly flowIds: number[];
}

/** Most incidents of a detector that are open at a time; the oldest is closed to make room. */
const openMax = 256;
const growth = 10;
/** After so long without evidence an incident is told again that has grown by a fifth: what people see stays true. */
export const PAUSE_US = 10_000_000;
export const PAUSE_GROWTH = 1.2;

export class Incidents {
  readonly #options: IncidentsOptions;
  readonly #open = new Map<number, OpenIncident>();

  constructor(options: IncidentsOptions) {
    this.#options = options;
  }

  /** Slots that have an incident. */
  get slots(): IterableIterator<number> {
    return this.#open.keys();
  }

  get(slot: number): Incident | undefined {
    return this.#open.get(slot);
  }

  /** Opens and tells the incident of a slot that has none. */
  open(slot: number, firstUs: number, evidence: Evidence, flowIds: readonly number[] = []): void {
    if (this.#open.size >= openMax) this.close(this.#open.keys().next().value!);
    const { timestampUs, amount } = evidence;
    const incident: OpenIncident = {
      id: this.#options.context.nextId(),
      firstUs,
      detectedUs: timestampUs,
      lastUs: timestampUs,
      amount,
      toldAmount: amount,
      flowIds: flowIds.slice(0, FLOWS_LINKED_MAX),
    };
    linkFlow(incident, evidence.flowId);
    this.#open.set(slot, incident);
    if (this.#options.openSlots) this.#options.openSlots[slot] = 1;
    this.#tell(slot, incident, true);
  }

  /** Takes more evidence, if the slot has an incident. */
  grow(slot: number, evidence: Evidence): void {
    const incident = this.#open.get(slot);
    if (!incident) return;
    incident.lastUs = Math.max(incident.lastUs, evidence.timestampUs);
    incident.amount = evidence.amount;
    linkFlow(incident, evidence.flowId);
    if (incident.amount < incident.toldAmount * growth) return;
    this.#tell(slot, incident, true);
  }

  /** Tells an incident again whose facts have changed. */
  retell(slot: number): void {
    const incident = this.#open.get(slot);
    if (incident) this.#tell(slot, incident, true);
  }

  /** Closes the incident of a slot, if it has one. */
  close(slot: number): void {
    const incident = this.#open.get(slot);
    if (!incident) return;
    this.#tell(slot, incident, false);
    this.#open.delete(slot);
    if (this.#options.openSlots) this.#options.openSlots[slot] = 0;
  }

  /** Closes what has been quiet; time that has gone back (another capture) closes too. */
  advance(nowUs: number): void {
    for (const [slot, incident] of this.#open) {
      const quietUs = Math.abs(nowUs - incident.lastUs);
      if (quietUs > this.#options.quietUs) this.close(slot);
      else if (quietUs >= PAUSE_US && incident.amount >= incident.toldAmount * PAUSE_GROWTH) {
        this.#tell(slot, incident, true);
      }
    }
  }

  finish(): void {
    for (const slot of [...this.#open.keys()]) this.close(slot);
  }

  #tell(slot: number, incident: OpenIncident, isOpen: boolean): void {
    const { context, kind, describe } = this.#options;
    incident.toldAmount = incident.amount;
    const { id, firstUs, lastUs, detectedUs, flowIds } = incident;
    const facts = describe(slot, incident);
    context.report({
      id,
      kind,
      ...facts,
      firstUs,
      lastUs,
      detectedUs,
      isOpen,
      flowIds: [...flowIds],
    });
  }
}

function linkFlow({ flowIds }: OpenIncident, flowId: number): void {
  if (flowId === 0 || flowIds.length >= FLOWS_LINKED_MAX || flowIds.includes(flowId)) return;
  flowIds.push(flowId);
}
