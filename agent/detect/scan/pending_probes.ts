/**
 * First contacts whose outcome is not known yet, in order of their beginning. A slot is a contact: its key is source
 * (words 0 to 3), destination (4 to 7), port << 16 | transport (8).
 *
 *     65,536 slots of (60 + 39) bytes    6.5 MB
 */
import { KeyedSlots } from "../keyed_slots.ts";
import type { Observation } from "../observation.ts";
import { copyDestination, copySource } from "./ends.ts";
import { type EndsHash, hashAddress0, mix } from "./ends_hash.ts";

export const PENDING_KEY_WORDS = 9;

export interface PendingProbesOptions {
  readonly capacity: number;
  /** A full table gives up the oldest slot; it can still be read. */
  readonly onGivenUp: (slot: number) => void;
}

export class PendingProbes {
  readonly startUs: Float64Array;
  /** Family and Trait bits. */
  readonly traits: Int32Array;
  readonly sourcePort: Uint16Array;
  readonly flowId: Uint32Array;
  /** 1 when the port has accepted, or someone has answered. */
  readonly isAnswered: Uint8Array;
  /** Four hashes of each contact: EndsHash. */
  readonly #ends: Int32Array;
  /** Key of the contact looked up last. */
  readonly key = new Int32Array(PENDING_KEY_WORDS);
  readonly #slots: KeyedSlots;
  #isRemoving = false;

  constructor({ capacity, onGivenUp }: PendingProbesOptions) {
    this.startUs = new Float64Array(capacity);
    this.traits = new Int32Array(capacity);
    this.sourcePort = new Uint16Array(capacity);
    this.flowId = new Uint32Array(capacity);
    this.isAnswered = new Uint8Array(capacity);
    this.#ends = new Int32Array(capacity * 4);
    this.#slots = new KeyedSlots({
      capacity,
      keyWords: PENDING_KEY_WORDS,
      onForget: (slot) => {
        if (!this.#isRemoving) onGivenUp(slot);
      },
    });
  }

  get stateBytes(): number {
    return this.#slots.stateBytes + this.startUs.byteLength + this.traits.byteLength +
      this.sourcePort.byteLength + this.flowId.byteLength + this.isAnswered.byteLength +
      this.#ends.byteLength;
  }

  get forgottenCount(): number {
    return this.#slots.forgottenCount;
  }

  /** The contact of the row's source with the row's destination; -1 when it is not pending. */
  find(o: Observation, port: number): number {
    if (this.#slots.count === 0) return -1;
    this.#setKey(o, 0, port);
    return this.#findKey();
  }

  /** The contact that the row may answer: of its destination with its source. */
  findAsked(o: Observation, port: number): number {
    if (this.#slots.count === 0) return -1;
    this.#setKey(o, 4, port);
    return this.#findKey();
  }

  /** A contact that is pending already begins anew. */
  add(o: Observation, ends: EndsHash, port: number, traits: number): void {
    this.#setKey(o, 0, port);
    const { key } = this;
    const slot = this.#slots.addHashed(key, 0, mix(ends.source0, ends.destination0, key[8]));
    const at = slot * 4;
    this.#ends[at] = ends.source0;
    this.#ends[at + 1] = ends.source1;
    this.#ends[at + 2] = ends.destination0;
    this.#ends[at + 3] = ends.destination1;
    this.startUs[slot] = o.timestampUs;
    this.traits[slot] = traits;
    this.sourcePort[slot] = o.sourcePort;
    this.flowId[slot] = o.flowId;
    this.isAnswered[slot] = 0;
  }

  remove(slot: number): void {
    this.#isRemoving = true;
    this.#slots.remove(slot);
    this.#isRemoving = false;
  }

  /** The contact that began first; -1 without any. */
  get oldest(): number {
    return this.#slots.oldest;
  }

  /** Copies a slot's key and hashes. */
  readKey(slot: number, key: Int32Array, ends: EndsHash): void {
    this.#slots.readKey(slot, key);
    const at = slot * 4;
    ends.source0 = this.#ends[at];
    ends.source1 = this.#ends[at + 1];
    ends.destination0 = this.#ends[at + 2];
    ends.destination1 = this.#ends[at + 3];
  }

  #findKey(): number {
    const { key } = this;
    const hash = mix(hashAddress0(key, 0), hashAddress0(key, 4), key[8]);
    return this.#slots.findHashed(key, 0, hash);
  }

  #setKey(o: Observation, sourceAt: number, port: number): void {
    const { key } = this;
    copySource(o, key, sourceAt);
    copyDestination(o, key, 4 - sourceAt);
    key[8] = port << 16 | o.transport;
  }
}
