/**
 * How many new contacts each destination gets, so that a flood with forged sources does not push everything else out of
 * the tables: above a limit, contacts of sources not known to be suspicious are left out. Counters in 65,536 cells by a
 * hash of the destination, for spans of 10 s; two destinations in one cell only make the limit come sooner.
 */
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

  /** Counts a new contact with the address of a hash; whether it gets too many. */
  add(addressHash: number): boolean {
    const cell = (addressHash ^ addressHash >>> 16) & cellCount - 1;
    const isOver = ++this.#counts[cell] > this.#contactMax;
    if (isOver) this.skippedCount++;
    return isOver;
  }
}
