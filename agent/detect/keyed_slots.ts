/**
 * A bounded map from keys of a few 32-bit words to slots, the numbers 0 to capacity - 1, by which a detector keeps what
 * it knows of a key in typed arrays of its own. When it is full, the slot untouched for longest is taken over. An
 * open-addressing index (linear probing, at most half full) and a list in order of use; nothing is allocated after
 * the constructor.
 */
export interface KeyedSlotsOptions {
  /** Most keys at a time. */
  readonly capacity: number;
  readonly keyWords: number;
  /** A full table takes over this slot, or remove() was called: forget what belongs to it. The key can still be read. */
  readonly onForget?: (slot: number) => void;
}

export class KeyedSlots {
  readonly capacity: number;
  /** About the last add(): the key was not there before. */
  isNew = false;
  /** Slots taken over because the table was full. */
  forgottenCount = 0;
  readonly #keyWords: number;
  readonly #onForget: ((slot: number) => void) | undefined;
  readonly #keys: Int32Array;
  readonly #hashes: Int32Array;
  readonly #index: Int32Array;
  readonly #mask: number;
  /** Previous and next in order of use; node `capacity` is the head: next is the oldest, previous the newest. */
  readonly #links: Int32Array;
  readonly #free: Int32Array;
  #freeCount: number;

  constructor(options: KeyedSlotsOptions) {
    const { capacity, keyWords } = options;
    if (!Number.isInteger(capacity) || capacity < 1 || capacity > 2 ** 24) {
      throw new RangeError(`Cannot make table: capacity must be 1 to 16777216, got ${capacity}`);
    }
    this.capacity = capacity;
    this.#keyWords = keyWords;
    this.#onForget = options.onForget;
    this.#keys = new Int32Array(capacity * keyWords);
    this.#hashes = new Int32Array(capacity);
    let size = 4;
    while (size < capacity * 2) size *= 2;
    this.#index = new Int32Array(size).fill(-1);
    this.#mask = size - 1;
    this.#links = new Int32Array((capacity + 1) * 2);
    this.#links[capacity * 2] = capacity;
    this.#links[capacity * 2 + 1] = capacity;
    this.#free = Int32Array.from({ length: capacity }, (_, index) => capacity - 1 - index);
    this.#freeCount = capacity;
  }

  /** Bytes of the arrays. */
  get stateBytes(): number {
    return this.#keys.byteLength + this.#hashes.byteLength + this.#index.byteLength +
      this.#links.byteLength + this.#free.byteLength;
  }

  /** Keys held now. */
  get count(): number {
    return this.capacity - this.#freeCount;
  }

  /** Slot of the key at `key[at]`, -1 when it is not there. Does not count as use. */
  find(key: Int32Array, at = 0): number {
    const place = this.#place(key, at, this.#hash(key, at));
    return this.#index[place];
  }

  /** Slot of the key, added when it is not there (see isNew), and now the one used last. */
  add(key: Int32Array, at = 0): number {
    const hash = this.#hash(key, at);
    const place = this.#place(key, at, hash);
    const found = this.#index[place];
    this.isNew = found < 0;
    if (found >= 0) {
      this.touch(found);
      return found;
    }
    if (this.#freeCount > 0) return this.#insert(place, hash, key, at);
    this.forgottenCount++;
    this.remove(this.oldest);
    // Removing shifts the index, so the place is looked for again.
    return this.#insert(this.#place(key, at, hash), hash, key, at);
  }

  /** Makes a slot the one used last. */
  touch(slot: number): void {
    const links = this.#links;
    const head = this.capacity;
    if (links[head * 2] === slot) return;
    this.#unlink(slot);
    this.#append(slot);
  }

  /** Forgets a slot; it must be in use. */
  remove(slot: number): void {
    this.#onForget?.(slot);
    this.#unlink(slot);
    this.#removeFromIndex(slot);
    this.#free[this.#freeCount++] = slot;
  }

  /** The slot untouched for longest, -1 when the table is empty. */
  get oldest(): number {
    const slot = this.#links[this.capacity * 2 + 1];
    return slot === this.capacity ? -1 : slot;
  }

  /** The slot touched just after `slot`, -1 after the newest. */
  after(slot: number): number {
    const next = this.#links[slot * 2 + 1];
    return next === this.capacity ? -1 : next;
  }

  /** A word of the key of a slot in use. */
  keyWord(slot: number, word: number): number {
    return this.#keys[slot * this.#keyWords + word];
  }

  /** Place in the index of the key, or the empty one where it belongs. */
  #place(key: Int32Array, at: number, hash: number): number {
    const width = this.#keyWords;
    let place = hash & this.#mask;
    for (;;) {
      const slot = this.#index[place];
      if (slot < 0) return place;
      if (this.#hashes[slot] === hash) {
        const base = slot * width;
        let word = 0;
        while (word < width && this.#keys[base + word] === key[at + word]) word++;
        if (word === width) return place;
      }
      place = place + 1 & this.#mask;
    }
  }

  #insert(place: number, hash: number, key: Int32Array, at: number): number {
    const slot = this.#free[--this.#freeCount];
    const base = slot * this.#keyWords;
    for (let word = 0; word < this.#keyWords; word++) this.#keys[base + word] = key[at + word];
    this.#hashes[slot] = hash;
    this.#index[place] = slot;
    this.#append(slot);
    return slot;
  }

  /** Backward-shift deletion (Knuth, TAOCP vol. 3, section 6.4, algorithm R). */
  #removeFromIndex(slot: number): void {
    const mask = this.#mask;
    let hole = this.#hashes[slot] & mask;
    while (this.#index[hole] !== slot) hole = hole + 1 & mask;
    let next = hole;
    for (;;) {
      next = next + 1 & mask;
      const other = this.#index[next];
      if (other < 0) break;
      const home = this.#hashes[other] & mask;
      if ((next - home & mask) >= (next - hole & mask)) {
        this.#index[hole] = other;
        hole = next;
      }
    }
    this.#index[hole] = -1;
  }

  #unlink(slot: number): void {
    const links = this.#links;
    const previous = links[slot * 2];
    const next = links[slot * 2 + 1];
    links[previous * 2 + 1] = next;
    links[next * 2] = previous;
  }

  #append(slot: number): void {
    const links = this.#links;
    const head = this.capacity;
    const last = links[head * 2];
    links[slot * 2] = last;
    links[slot * 2 + 1] = head;
    links[last * 2 + 1] = slot;
    links[head * 2] = slot;
  }

  /** MurmurHash3's mixing (Appleby, public domain) of the key's words. */
  #hash(key: Int32Array, at: number): number {
    let hash = 0x74617077;
    for (let word = 0; word < this.#keyWords; word++) {
      let k = Math.imul(key[at + word], 0xcc9e2d51);
      k = Math.imul(k << 15 | k >>> 17, 0x1b873593);
      hash ^= k;
      hash = Math.imul(hash << 13 | hash >>> 19, 5) + 0xe6546b64 | 0;
    }
    hash ^= hash >>> 16;
    hash = Math.imul(hash, 0x85ebca6b);
    hash ^= hash >>> 13;
    hash = Math.imul(hash, 0xc2b2ae35);
    return hash ^ hash >>> 16;
  }
}
