/**
 * How many new contacts each destination gets, so that a flood with forged sources does not push everything else out of
 * the tables: above a limit, contacts of sources not known to be suspicious are left out. Counters in 65,536 cells by a
 * hash of the destination, for spans of 10 s; two destinations in one cell only make the limit come sooner.
 */
import type { Observation } from "../observation.ts";

const cellCount = 65_536;
const spanUs = 10_000_000;

export class ContactPressure {
  /** Contacts left out. */
  skippedCount = 0;
  readonly #contactMax: number;
  readonly #counts = new Uint32Array(cellCount);
  #spanStartUs = -Infinity;

  constructor(contactMax: number) {
    this.#contactMax = contactMax;
  }

  get stateBytes(): number {
    return this.#counts.byteLength;
  }

  advance(nowUs: number): void {
    if (Math.abs(nowUs - this.#spanStartUs) < spanUs) return;
    this.#spanStartUs = nowUs;
    this.#counts.fill(0);
  }

  /** Counts a new contact; whether its destination gets too many. */
  add(o: Observation): boolean {
    let hash = Math.imul(o.destination3 ^ Math.imul(o.destination1, 0x85ebca6b), 0x9e3779b1);
    hash = Math.imul(hash ^ o.destination2 ^ hash >>> 15, 0xc2b2ae35);
    const isOver = ++this.#counts[(hash ^ hash >>> 16) & cellCount - 1] > this.#contactMax;
    if (isOver) this.skippedCount++;
    return isOver;
  }
}
