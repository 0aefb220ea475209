/**
 * The entries of all lists: 64-bit hashes with the line that each stands in, 12 bytes a place, at most 3 of 4 places taken. Of
 * equal entries the first counts.
 */

/** 6.3 million entries: 100 MB. */
const placesMax = 2 ** 23;
const placesMin = 2 ** 10;
const loadMax = 0.75;

export const BLOCK_ENTRIES_MAX = placesMax * loadMax;

export class BlockTable {
  #lanes0 = new Int32Array(placesMin);
  #lanes1 = new Int32Array(placesMin);
  /** Line + 1; 0 is an empty place. */
  #lines = new Uint32Array(placesMin);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get stateBytes(): number {
    return this.#lines.length * 12;
  }

  /** `line` counts over all lists, from 0. False when the table is full. */
  add(lane0: number, lane1: number, line: number): boolean {
    if (this.#count >= this.#lines.length * loadMax) {
      if (this.#lines.length >= placesMax) return this.find(lane0, lane1) >= 0;
      this.#grow();
    }
    const place = this.#place(lane0, lane1);
    if (this.#lines[place] === 0) this.#put(place, lane0, lane1, line);
    return true;
  }

  /** The line of an entry; -1 when it is in no list. */
  find(lane0: number, lane1: number): number {
    return this.#lines[this.#place(lane0, lane1)] - 1;
  }

  #put(place: number, lane0: number, lane1: number, line: number): void {
    this.#lanes0[place] = lane0;
    this.#lanes1[place] = lane1;
    this.#lines[place] = line + 1;
    this.#count++;
  }

  /** Where the entry is, or would be. */
  #place(lane0: number, lane1: number): number {
    const mask = this.#lines.length - 1;
    let place = lane0 & mask;
    while (
      this.#lines[place] !== 0 &&
      (this.#lanes0[place] !== lane0 || this.#lanes1[place] !== lane1)
    ) place = place + 1 & mask;
    return place;
  }

  #grow(): void {
    const [lanes0, lanes1, lines] = [this.#lanes0, this.#lanes1, this.#lines];
    const size = lines.length * 2;
    this.#lanes0 = new Int32Array(size);
    this.#lanes1 = new Int32Array(size);
    this.#lines = new Uint32Array(size);
    this.#count = 0;
    for (let place = 0; place < lines.length; place++) {
      if (lines[place] === 0) continue;
      const [lane0, lane1] = [lanes0[place], lanes1[place]];
      this.#put(this.#place(lane0, lane1), lane0, lane1, lines[place] - 1);
    }
  }
}
