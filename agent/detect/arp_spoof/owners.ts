/**
 * Whose an address is when ARP has not said so: whose MAC address sends packets from it, or whom others answer there. Kept
 * for the addresses that ARP speaks of.
 *
 * Packets count whose hop limit is whole and whose MAC address is no router's: those passed on, by a router or by whoever
 * stands between, show nobody's own. Where two MAC addresses use an address (a bond, real servers behind a balancer, a
 * lease that moves) none owns it for a while.
 */
import type { Mac } from "./contest.ts";

const sharedUs = 600_000_000;

export class AddressOwners {
  readonly #uppers: Int32Array;
  readonly #lowers: Int32Array;
  /** When the owner last sent from the address; -Infinity when it was only answered there. */
  readonly #usedUs: Float64Array;
  /** When another than the owner last did. */
  readonly #sharedUs: Float64Array;

  constructor(capacity: number) {
    this.#uppers = new Int32Array(capacity);
    this.#lowers = new Int32Array(capacity);
    this.#usedUs = new Float64Array(capacity);
    this.#sharedUs = new Float64Array(capacity);
  }

  get stateBytes(): number {
    return this.#uppers.byteLength * 2 + this.#usedUs.byteLength * 2;
  }

  clear(slot: number): void {
    this.#uppers[slot] = 0;
    this.#lowers[slot] = 0;
    this.#usedUs[slot] = -Infinity;
    this.#sharedUs[slot] = -Infinity;
  }

  /** A packet of its own came from the address. */
  use(slot: number, mac: Mac, nowUs: number): void {
    const isOwner = this.#isOwner(slot, mac);
    if (!isOwner && nowUs - this.#usedUs[slot] < sharedUs) {
      this.#sharedUs[slot] = nowUs;
      return;
    }
    if (!isOwner) this.#set(slot, mac);
    this.#usedUs[slot] = nowUs;
  }

  /** Another has answered to the address at the MAC address. */
  answer(slot: number, mac: Mac): void {
    if (this.#usedUs[slot] === -Infinity) this.#set(slot, mac);
  }

  /** Null when none is known. */
  of(slot: number): Mac | null {
    const upper = this.#uppers[slot];
    const lower = this.#lowers[slot];
    return (upper | lower) === 0 ? null : { upper, lower };
  }

  /** When the MAC address last sent from the address that it owns; -Infinity when it does not. */
  usedUs(slot: number, mac: Mac, nowUs: number): number {
    const isAlone = nowUs - this.#sharedUs[slot] >= sharedUs;
    return isAlone && this.#isOwner(slot, mac) ? this.#usedUs[slot] : -Infinity;
  }

  #isOwner(slot: number, { upper, lower }: Mac): boolean {
    return this.#lowers[slot] === lower && this.#uppers[slot] === upper;
  }

  #set(slot: number, { upper, lower }: Mac): void {
    this.#uppers[slot] = upper;
    this.#lowers[slot] = lower;
  }
}
