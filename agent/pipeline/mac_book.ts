/**
 * Which MAC address is a host's own, so that all addresses of one device are known to be of one: IPv4, IPv6, and those that it
 * changes for privacy (RFC 8981). Sure is what ARP (RFC 826) and neighbour discovery (RFC 4861) say. A packet's MAC address alone is
 * taken where nothing speaks against it: it may be that of a router, which stands for all that is behind it.
 *
 *     8,192 addresses (16 bytes, 8 of the MAC address, 32 of the table)     0.5 MB
 *     2,048 MAC addresses, at some 300 bytes                                0.6 MB
 */
import { KeyedSlots } from "../detect/common/keyed_slots.ts";
import { isIpv4 } from "../decode/addresses.ts";
import type { Address } from "./home_network.ts";
import type { MacWords } from "./link_view.ts";

const addressesMax = 8192;
const macsMax = 2048;
/** Who answers ARP for more addresses does so for others (proxy ARP, RFC 1027). */
const spokenMax = 32;
/** Without ARP: who is seen with more IPv4 addresses, or with any of two /24, passes packets on. */
const unspokenMax = 4;
const prefixesMax = 4;

interface CardBook {
  isRouter: boolean;
  /** IPv4 addresses that it has said to have. */
  spoken: number;
  /** IPv4 addresses that it was seen with and has said nothing of. */
  readonly seen: Set<number>;
  /** Upper halves of the IPv6 addresses that it has said to have, and of those that it was seen with. */
  readonly spokenPrefixes: Set<string>;
  readonly seenPrefixes: Set<string>;
}

export class MacBook {
  readonly #addresses = new KeyedSlots({
    capacity: addressesMax,
    keyWords: 4,
    onForget: (slot) => this.#forget(slot),
  });
  readonly #macs = new Float64Array(addressesMax);
  readonly #key = new Int32Array(4);
  readonly #cards = new Map<number, CardBook>();

  /** The link has said that the address is at the MAC address. */
  bind(mac: MacWords, address: Address): void {
    const number = numberOf(mac);
    if (number === 0 || (mac[0] & 0x100) !== 0) return;
    const slot = this.#addresses.add(this.#keyOf(address));
    if (!this.#addresses.isNew) {
      if (this.#macs[slot] === number) return;
      this.#forget(slot);
    }
    this.#macs[slot] = number;
    const card = this.#card(number);
    if (isIpv4(address[0], address[1], address[2])) {
      card.spoken++;
      card.seen.delete(address[3]);
    } else if (!isLinkLocal(address)) addTo(card.spokenPrefixes, prefixOf(address));
  }

  /** Packets from elsewhere come through the MAC address. */
  setRouter(mac: MacWords, isRouter: boolean): void {
    const number = numberOf(mac);
    if (isRouter) this.#card(number).isRouter = true;
    else if (this.#cards.has(number)) this.#card(number).isRouter = false;
  }

  /** The MAC address of the device that has `address`, 0 when it is not known; `seenMac` is the one that its packets had. */
  macOf(address: Address, seenMac: number): number {
    const slot = this.#addresses.find(this.#keyOf(address));
    if (slot >= 0) {
      const mac = this.#macs[slot]!;
      return this.#card(mac).spoken > spokenMax ? 0 : mac;
    }
    return seenMac !== 0 && this.#isOwn(address, this.#card(seenMac)) ? seenMac : 0;
  }

  /** The MAC address is a router's. */
  isRouter(mac: number): boolean {
    return this.#cards.get(mac)?.isRouter ?? false;
  }

  #isOwn(address: Address, card: CardBook): boolean {
    if (isIpv4(address[0], address[1], address[2])) {
      if (card.spoken > 0) return false;
      if (card.seen.size <= unspokenMax) card.seen.add(address[3]);
      const [first] = card.seen;
      return !card.isRouter && card.seen.size <= unspokenMax &&
        [...card.seen].every((word) => word >>> 8 === first! >>> 8);
    }
    if (isLinkLocal(address)) return true;
    const prefix = prefixOf(address);
    if (card.spokenPrefixes.size > 0) return card.spokenPrefixes.has(prefix);
    addTo(card.seenPrefixes, prefix);
    return !card.isRouter && card.seenPrefixes.size < prefixesMax;
  }

  #keyOf(address: Address): Int32Array {
    for (let word = 0; word < 4; word++) this.#key[word] = address[word];
    return this.#key;
  }

  #card(number: number): CardBook {
    let card = this.#cards.get(number);
    if (card !== undefined) return card;
    card = {
      isRouter: false,
      spoken: 0,
      seen: new Set(),
      spokenPrefixes: new Set(),
      seenPrefixes: new Set(),
    };
    this.#cards.set(number, card);
    if (this.#cards.size > macsMax) this.#cards.delete(this.#cards.keys().next().value!);
    return card;
  }

  #forget(slot: number): void {
    const card = this.#cards.get(this.#macs[slot]!);
    const word2 = this.#addresses.keyWord(slot, 2);
    const ofIpv4 = isIpv4(
      this.#addresses.keyWord(slot, 0),
      this.#addresses.keyWord(slot, 1),
      word2,
    );
    if (card !== undefined && ofIpv4 && card.spoken > 0) card.spoken--;
  }
}

/** 48 bits as one number. */
export function numberOf(mac: MacWords): number {
  return mac[0] * 2 ** 32 + (mac[1] >>> 0);
}

function addTo(prefixes: Set<string>, prefix: string): void {
  if (prefixes.size < prefixesMax) prefixes.add(prefix);
}

function prefixOf([word0, word1]: Address): string {
  return `${word0} ${word1}`;
}

/** fe80::/10, which no router passes on. */
function isLinkLocal([word0]: Address): boolean {
  return word0 >>> 22 === 0x3fa;
}
