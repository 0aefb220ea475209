/**
 * A bounded map from keys of a few 32-bit words to slots, the numbers 0 to capacity - 1, by which a detector keeps what
 * it knows of a key in typed arrays of its own. When it is full, the slot untouched for longest is taken over. An
 * open-addressing index (linear probing, at most half full) and a list in order of use; nothing is allocated after
 * the constructor.
 */
interface KeyedSlotsOptions {
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
  /** Slot + 1 at the place of its hash; 0 is an empty place. */
  readonly #index: Int32Array;
  readonly #mask: number;
  /** Previous and next in order of use; node `capacity` is the head: next is the oldest, previous the newest. */
  readonly #links: Int32Array;
  #count = 0;
  /** Slots from here on were never used. */
  #unused = 0;
  /** The slot removed last, linked to the one removed before; -1 when all used slots hold keys. */
  #removed = -1;

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
    this.#index = new Int32Array(size);
    this.#mask = size - 1;
    this.#links = new Int32Array((capacity + 1) * 2);
    this.#links[capacity * 2] = capacity;
    this.#links[capacity * 2 + 1] = capacity;
  }

  /** Bytes of the arrays. */
  get stateBytes(): number {
    return this.#keys.byteLength + this.#hashes.byteLength + this.#index.byteLength +
      this.#links.byteLength;
  }

  /** Keys held now. */
  get count(): number {
    return this.#count;
  }

  /** Slot of the key at `key[at]`, -1 when it is not there. Does not count as use. */
  find(key: Int32Array, at = 0): number {
    if (this.#count === 0) return -1;
    const newest = this.#links[this.capacity * 2];
    if (this.#isKeyOf(newest, key, at)) return newest;
    return this.findHashed(key, at, this.#hash(key, at));
  }

  /** As find(), by a hash of the caller's own, which must be that of all calls of this table. */
  findHashed(key: Int32Array, at: number, hash: number): number {
    return this.#index[this.#place(key, at, hash)] - 1;
  }

  /** Slot of the key, added when it is not there (see isNew), and now the one used last. */
  add(key: Int32Array, at = 0): number {
    // Often it is the one of the row before.
    const newest = this.#links[this.capacity * 2];
    if (this.#count === 0 || !this.#isKeyOf(newest, key, at)) {
      return this.addHashed(key, at, this.#hash(key, at));
    }
    this.isNew = false;
    return newest;
  }

  /** As add(), by a hash of the caller's own. */
  addHashed(key: Int32Array, at: number, hash: number): number {
    const place = this.#place(key, at, hash);
    const found = this.#index[place] - 1;
    this.isNew = found < 0;
    if (found >= 0) {
      this.touch(found);
      return found;
    }
    if (this.#count < this.capacity) return this.#insert(place, hash, key, at);
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
    this.#links[slot * 2 + 1] = this.#removed;
    this.#removed = slot;
    this.#count--;
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

  /** Copies the key of a slot in use. */
  readKey(slot: number, key: Int32Array): void {
    const width = this.#keyWords;
    const keys = this.#keys;
    for (let word = 0, from = slot * width; word < width; word++, from++) key[word] = keys[from];
  }

  /** Place in the index of the key, or the empty one where it belongs. */
  #place(key: Int32Array, at: number, hash: number): number {
    const index = this.#index;
    const hashes = this.#hashes;
    const mask = this.#mask;
    let place = hash & mask;
    for (;;) {
      const slot = index[place] - 1;
      if (slot < 0 || hashes[slot] === hash && this.#isKeyOf(slot, key, at)) return place;
      place = place + 1 & mask;
    }
  }

  #isKeyOf(slot: number, key: Int32Array, at: number): boolean {
    const width = this.#keyWords;
    const keys = this.#keys;
    for (let word = 0, own = slot * width; word < width; word++, own++) {
      if (keys[own] !== key[at + word]) return false;
    }
    return true;
  }

  #insert(place: number, hash: number, key: Int32Array, at: number): number {
    const slot = this.#freeSlot();
    const width = this.#keyWords;
    const keys = this.#keys;
    for (let word = 0, to = slot * width; word < width; word++, to++) keys[to] = key[at + word];
    this.#hashes[slot] = hash;
    this.#index[place] = slot + 1;
    this.#count++;
    this.#append(slot);
    return slot;
  }

  #freeSlot(): number {
    const removed = this.#removed;
    if (removed < 0) return this.#unused++;
    this.#removed = this.#links[removed * 2 + 1];
    return removed;
  }

  /** Backward-shift deletion (Knuth, TAOCP vol. 3, section 6.4, algorithm R). */
  #removeFromIndex(slot: number): void {
    const index = this.#index;
    const hashes = this.#hashes;
    const mask = this.#mask;
    let hole = hashes[slot] & mask;
    while (index[hole] !== slot + 1) hole = hole + 1 & mask;
    let next = hole;
    for (;;) {
      next = next + 1 & mask;
      const other = index[next];
      if (other === 0) break;
      const home = hashes[other - 1] & mask;
      if ((next - home & mask) >= (next - hole & mask)) {
        index[hole] = other;
        hole = next;
      }
    }
    index[hole] = 0;
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

  /** Each word multiplied in and spread, as FNV-1a does with bytes; then MurmurHash3's last steps (Appleby). */
  #hash(key: Int32Array, at: number): number {
    let hash = 0x74617077;
    for (let word = at, end = at + this.#keyWords; word < end; word++) {
      hash = Math.imul(hash ^ key[word], 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    hash = Math.imul(hash, 0x85ebca6b);
    return hash ^ hash >>> 13;
  }
}
