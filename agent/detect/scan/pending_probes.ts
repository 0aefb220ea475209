/**
 * First contacts whose outcome is not known yet, in order of their beginning. A slot is a contact: its key is source
 * (words 0 to 3), destination (4 to 7), port << 16 | transport (8).
 *
 *     65,536 slots of (60 + 24) bytes    5.3 MB
 */
import { KeyedSlots } from "../keyed_slots.ts";
import type { Observation } from "../observation.ts";
import { copyDestination, copySource } from "./ends.ts";

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
      this.sourcePort.byteLength + this.flowId.byteLength + this.isAnswered.byteLength;
  }

  get forgottenCount(): number {
    return this.#slots.forgottenCount;
  }

  /** The contact of the row's source with the row's destination; -1 when it is not pending. */
  find(o: Observation, port: number): number {
    if (this.#slots.count === 0) return -1;
    this.#setKey(o, 0, port);
    return this.#slots.find(this.key);
  }

  /** The contact that the row may answer: of its destination with its source. */
  findAsked(o: Observation, port: number): number {
    if (this.#slots.count === 0) return -1;
    this.#setKey(o, 4, port);
    return this.#slots.find(this.key);
  }

  /** A contact that is pending already begins anew. */
  add(o: Observation, port: number, traits: number): void {
    this.#setKey(o, 0, port);
    const slot = this.#slots.add(this.key);
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

  /** Copies a slot's key into `key`. */
  readKey(slot: number, key: Int32Array): void {
    for (let word = 0; word < PENDING_KEY_WORDS; word++) {
      key[word] = this.#slots.keyWord(slot, word);
    }
  }

  #setKey(o: Observation, sourceAt: number, port: number): void {
    const { key } = this;
    copySource(o, key, sourceAt);
    copyDestination(o, key, 4 - sourceAt);
    key[8] = port << 16 | o.transport;
  }
}
