/**
 * Which MAC addresses are gateways': those that bring packets from addresses outside the network, and when they did so
 * last.
 */
import { KeyedSlots } from "../common/keyed_slots.ts";
import type { Observation } from "../observation.ts";

const capacity = 64;
/** So many contacts from outside make a gateway; a packet with a forged source does not. */
const contactsMin = 8;

export class GatewayMacs {
  readonly #slots = new KeyedSlots({ capacity, keyWords: 2 });
  readonly #contacts = new Uint32Array(capacity);
  readonly #lastUs = new Float64Array(capacity);
  readonly #key = new Int32Array(2);
  /** The gateway of the last contact: nearly always that of the next. */
  #slot = -1;

  get stateBytes(): number {
    return this.#slots.stateBytes + this.#contacts.byteLength + this.#lastUs.byteLength;
  }

  /** Takes a contact from outside with a local host, in no tunnel. One with outside may be a host's that is not known to be local. */
  observe(observation: Observation): void {
    const { words, at } = observation;
    const upper = words[at + 24];
    const lower = words[at + 25];
    if ((upper | lower) === 0) return;
    const key = this.#key;
    if (this.#slot < 0 || key[0] !== upper || key[1] !== lower) {
      key[0] = upper;
      key[1] = lower;
      this.#slot = this.#slots.add(key);
      if (this.#slots.isNew) this.#contacts[this.#slot] = 0;
    }
    this.#contacts[this.#slot]++;
    this.#lastUs[this.#slot] = observation.timestampUs;
  }

  /** When the MAC address last brought a packet from outside; -Infinity when it is no gateway's. */
  lastUs(upper: number, lower: number): number {
    this.#key[0] = upper;
    this.#key[1] = lower;
    this.#slot = this.#slots.find(this.#key);
    const isGateway = this.#slot >= 0 && this.#contacts[this.#slot] >= contactsMin;
    return isGateway ? this.#lastUs[this.#slot] : -Infinity;
  }
}
