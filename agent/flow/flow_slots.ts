/**
 * Storage of the flow table: two typed arrays with a fixed row for each slot, so that a packet touches few cache
 * lines and a flow costs no object. `main` is read by every packet, `tcp` only by TCP.
 *
 *     main, 40 words (160 bytes)                      tcp, 18 words (72 bytes)
 *      0 id (double)      14..23 words of the FlowKey    0 originator: start sequence
 *      2 start us         18..21 high end's address    1   highest sequence
 *      4 last us          22 ports low<<16|high        2   hole start     (no hole: 2 and 3 are equal)
 *      6 payload bytes    23 FlowKey.meta              3   hole end
 *     10 wire bytes       27 transport, application,   4   last FIN
 *        (doubles,           timeout class             5   last RST
 *        originator,      28 packets orig, 29 resp     6..11 the same of the responder
 *        responder)       30 interface, VLAN id        12 retransmissions, originator, responder
 *                         31 name  32 JA4              14 zero windows, originator<<16|responder
 *                         33 history length            15 gaps, the same
 *                         34..39 history letters       16 last SYN, us after the start; -1
 *                                                      17 SYN to SYN-ACK, us; -1
 *
 * The arrays start small and double. Each is copied on its own and the old one given back at once, so the peak of
 * the last doubling to n slots is n * (160 + 36) + n/2 * 160 bytes: 276 MB for a million.
 */

/** Words of a slot in `main`. */
export const MAIN_WORDS = 40;
/** Words of a slot in `tcp`. */
export const TCP_WORDS = 18;

/** Offsets in `mainDoubles`, where a slot has MAIN_WORDS / 2 places. */
export const D_ID = 0;
export const D_START = 1;
export const D_LAST = 2;
export const D_ORIG_BYTES = 3;
export const D_RESP_BYTES = 4;
export const D_ORIG_WIRE_BYTES = 5;
export const D_RESP_WIRE_BYTES = 6;

/** Offsets in `main`. */
export const M_KEY = 14;
export const M_HASH = 24;
export const M_STATE = 25;
export const M_SEEN = 26;
export const M_KIND = 27;
export const M_ORIG_PACKETS = 28;
export const M_RESP_PACKETS = 29;
export const M_INTERFACE = 30;
export const M_NAME = 31;
export const M_JA4 = 32;
export const M_HISTORY_LENGTH = 33;
export const M_HISTORY = 34;

/** Offsets in `tcp`; those of a direction are relative to T_ORIGINATOR or T_RESPONDER. */
export const T_ORIGINATOR = 0;
export const T_RESPONDER = 6;
export const T_START = 0;
export const T_HIGHEST = 1;
export const T_HOLE_START = 2;
export const T_HOLE_END = 3;
export const T_LAST_FIN = 4;
export const T_LAST_RST = 5;
export const T_ORIG_RETRANSMISSIONS = 12;
export const T_RESP_RETRANSMISSIONS = 13;
export const T_ZERO_WINDOWS = 14;
export const T_GAPS = 15;
export const T_SYN_DELTA = 16;
export const T_RTT = 17;

/** M_STATE: endpoint states (see conn_state.ts) are the low twelve bits. */
export const STATE_TCP_MASK = 0xfff;
/** The originator is the low end. */
export const STATE_ORIGINATOR_IS_LOW = 0x1000;
/** The originator was not the sender of the first packet: `^` in the history. */
export const STATE_IS_FLIPPED = 0x2000;

/** M_SEEN: letters seen are the low sixteen bits, the inspection budget the high eight. */
export const SEEN_BUDGET_SHIFT = 24;

/** M_KIND: transport in the low byte, timeout class in the next, application in the upper half. */
export const KIND_CLASS_SHIFT = 8;
export const KIND_APPLICATION_SHIFT = 16;

/** History letters kept of a flow; later ones are not recorded. */
export const HISTORY_LENGTH_MAX = 24;

const slotsAtStart = 1024;

export class FlowSlots {
  main = new Int32Array(0);
  mainDoubles = new Float64Array(0);
  /** Over the bytes of `main`, for the history letters. */
  mainBytes = new Uint8Array(0);
  tcp = new Int32Array(0);
  capacity = 0;
  /** Slots ever handed out; those below it are in use or in #free. */
  #used = 0;
  #free: Int32Array = new Int32Array(0);
  #freeCount = 0;
  readonly #capacityMax: number;

  constructor(capacityMax: number) {
    this.#capacityMax = capacityMax;
    this.#grow(Math.min(slotsAtStart, capacityMax));
  }

  get inUse(): number {
    return this.#used - this.#freeCount;
  }

  /** A slot with all words 0, or -1 when `capacityMax` are in use. */
  take(): number {
    if (this.#freeCount > 0) {
      const slot = this.#free[--this.#freeCount];
      this.main.fill(0, slot * MAIN_WORDS, (slot + 1) * MAIN_WORDS);
      this.tcp.fill(0, slot * TCP_WORDS, (slot + 1) * TCP_WORDS);
      return slot;
    }
    if (this.#used === this.#capacityMax) return -1;
    if (this.#used === this.capacity) {
      this.#grow(Math.min(this.capacity * 2, this.#capacityMax));
    }
    return this.#used++;
  }

  giveBack(slot: number): void {
    this.#free[this.#freeCount++] = slot;
  }

  #grow(capacity: number): void {
    this.main = enlarged(this.main, capacity * MAIN_WORDS);
    this.mainDoubles = new Float64Array(this.main.buffer);
    this.mainBytes = new Uint8Array(this.main.buffer);
    this.tcp = enlarged(this.tcp, capacity * TCP_WORDS);
    this.#free = enlarged(this.#free, capacity);
    this.capacity = capacity;
  }
}

/** Copies into a longer array and gives the old memory back now, not at the next garbage collection. */
export function enlarged(old: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const words = new Int32Array(length);
  words.set(old);
  if (old.buffer instanceof ArrayBuffer) old.buffer.transfer(0);
  return words;
}
