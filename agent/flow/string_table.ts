/**
 * Names of flows, each kept once however many flows share it, with a count of its users and a bound on number and
 * total length. When the table is full a new name is not kept, and counted.
 */

interface StringTableOptions {
  /** Most different strings. */
  readonly countMax: number;
  /** Most UTF-16 units over all strings. */
  readonly lengthMax: number;
}

/** UTF-16 units kept of one string. */
const stringLengthMax = 255;

export class StringTable {
  /** Strings not kept because the table was full. */
  droppedCount = 0;
  readonly #options: StringTableOptions;
  readonly #indexes = new Map<string, number>();
  /** Index 0 is the empty string, which is never counted. */
  readonly #texts: string[] = [""];
  readonly #users: number[] = [0];
  readonly #free: number[] = [];
  #length = 0;

  constructor(options: StringTableOptions) {
    this.#options = options;
  }

  /** Different strings held. */
  get count(): number {
    return this.#indexes.size;
  }

  /** A number for `text`, to be released as often as it was acquired; 0 for "" and when the table is full. */
  acquire(text: string): number {
    if (text.length > stringLengthMax) text = text.slice(0, stringLengthMax);
    if (text === "") return 0;
    const known = this.#indexes.get(text);
    if (known !== undefined) {
      this.#users[known]++;
      return known;
    }
    const isFull = this.#indexes.size >= this.#options.countMax ||
      this.#length + text.length > this.#options.lengthMax;
    if (isFull) {
      this.droppedCount++;
      return 0;
    }
    return this.#add(text);
  }

  release(index: number): void {
    if (index === 0 || --this.#users[index] > 0) return;
    const text = this.#texts[index];
    this.#indexes.delete(text);
    this.#length -= text.length;
    this.#texts[index] = "";
    this.#free.push(index);
  }

  text(index: number): string {
    return this.#texts[index];
  }

  #add(text: string): number {
    const index = this.#free.pop() ?? this.#texts.length;
    this.#indexes.set(text, index);
    this.#texts[index] = text;
    this.#users[index] = 1;
    this.#length += text.length;
    return index;
  }
}
