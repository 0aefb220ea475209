/**
 * What an Ethernet link shows of who is on it. It serves two questions that addresses alone do not answer: which public
 * addresses are of the own network, and which MAC addresses are routers'.
 *
 * Sure signs, which no router passes on: who speaks ARP (RFC 826) or neighbour discovery (RFC 4861, hop limit 255), who sends
 * to groups of the link (224.0.0.0/24 and ff02::/16), what a router advertises as the link's prefix, and that two addresses of one
 * /64 talk to each other. IPv6 signs hold for the /64, of which a link has all.
 *
 * Without them, as in captures of TCP alone: a MAC address that stands for one network's few addresses, opposite one that stands
 * for many, is a host's and not a router's, provided that its packets have a hop limit that nobody has counted down. Between two
 * routers both stand for many, and all limits are counted down, so nothing is local there.
 *
 *     1,024 MAC addresses, each with 32 addresses (17 bytes) and 4 others that sent to it (8 bytes)     0.6 MB
 */
import { KeyedSlots } from "../detect/common/keyed_slots.ts";
import { isIpv4 } from "../decode/addresses.ts";
import { type Address, type HomeNetwork, isUnicast } from "./home_network.ts";

const macsMax = 1024;
const addressesMax = 32;
const peersMax = 4;
/** As many outside addresses of several networks make a router, whomever it talks to. */
const routerAddressesMin = 8;
/** By how much an opposite stands for more addresses: when they are of several networks, and otherwise. */
const factorOfNetworks = 2;
const factorOfAddresses = 4;

/** What is known of an address behind a MAC address. */
const Trait = {
  /** It has sent with a whole hop limit, and packets for it went to this MAC address. */
  hasSentWhole: 1,
  hasReceived: 2,
  /** It has sent to a local address. */
  hasSentHome: 4,
  /** Was told to be local for this reason. */
  isLearnt: 8,
} as const;
const hostTraits = Trait.hasSentWhole | Trait.hasReceived;

/** More packets tell nothing more of the packet's source, or destination. */
export const Known = { source: 1, destination: 2 } as const;

export interface MacKnowledge {
  /** Nothing more is to be learnt of what is behind it. Most packets come from such. */
  readonly isSettled: boolean;
  /** Packets from elsewhere come through it. */
  readonly isRouter: boolean;
}

/** Upper 16 bits, lower 32. */
export type MacWords = readonly [number, number];

/** A packet that is in no tunnel, from the frame on. */
interface LinkPacket {
  readonly fromMac: MacWords;
  /** Null where it is not known, or a group's. */
  readonly toMac: MacWords | null;
  readonly source: Address;
  readonly destination: Address;
  readonly hopLimit: number;
  /** The destination has sent to the source as well. */
  readonly isAnswered: boolean;
}

export class LinkView {
  readonly #home: HomeNetwork;
  readonly #onKnown: (mac: MacWords, known: MacKnowledge) => void;
  readonly #macs: KeyedSlots;
  readonly #isRouter = new Uint8Array(macsMax);
  readonly #saysRouter = new Uint8Array(macsMax);
  /** Of the home network, at the last look. */
  #changeCount = 0;
  /** Of each MAC address: the same when it was last judged to be a router's or not, + 1; 0 when more is known since. */
  readonly #judgedCounts = new Float64Array(macsMax);
  /** Of each MAC address: the addresses it stands for, as source or destination of its frames. */
  readonly #sizes = new Uint8Array(macsMax);
  readonly #addresses = new Int32Array(macsMax * addressesMax * 4);
  readonly #traits = new Uint8Array(macsMax * addressesMax);
  /** How many of them were told to be local. */
  readonly #learntOf = new Uint8Array(macsMax);
  /** They are of several networks. */
  readonly #isSpread = new Uint8Array(macsMax);
  /** And others that sent frames to it: slot, and the use of the slot that is meant. */
  readonly #peers = new Int32Array(macsMax * peersMax);
  readonly #peerUses = new Int32Array(macsMax * peersMax);
  readonly #uses = new Int32Array(macsMax);
  readonly #key = new Int32Array(2);

  /** `onKnown` is told what is known of the MAC addresses of each packet, and again when that is no longer so. */
  constructor(home: HomeNetwork, onKnown: (mac: MacWords, known: MacKnowledge) => void) {
    this.#home = home;
    this.#onKnown = onKnown;
    this.#macs = new KeyedSlots({ capacity: macsMax, keyWords: 2 });
  }

  /** Takes a packet of a listed host; returns Known bits. */
  see(packet: LinkPacket): number {
    const { source, destination, isAnswered } = packet;
    const isOfLink = isLinkGroup(destination) || isAnswered && areOfOneLink(source, destination);
    if (isOfLink && !this.#isSurelyLocal(source)) this.#learnSpeaker(source);
    const known = this.#seeSource(packet) | this.#seeDestination(packet);
    this.#review();
    return known;
  }

  /** An ARP packet says that `sender` is at the sender's MAC address. */
  seeArp(sender: Address, target: Address): void {
    // A router that answers for all the world (proxy ARP, RFC 1027) makes no address of the world local.
    const isPlausible = sender[3] >>> 16 === target[3] >>> 16;
    if (!isPlausible || !isUnicast(sender) || this.#isSurelyLocal(sender)) return;
    this.#home.learnAddress(sender, true);
    this.#review();
  }

  /** A message of neighbour discovery, whose hop limit was whole. */
  seeNeighbour(source: Address): void {
    if (!isUnicast(source) || this.#isSurelyLocal(source)) return;
    this.#learnSpeaker(source);
    this.#review();
  }

  /** A router has advertised a prefix of the link. */
  seePrefix(words: Address, prefixLength: number): void {
    this.#home.learnNetwork({ words, prefixLength });
    this.#review();
  }

  /** The MAC address has said that it is a router's. */
  setRouter(mac: MacWords): void {
    const slot = this.#slot(mac);
    this.#saysRouter[slot] = 1;
    this.#judgedCounts[slot] = 0;
    this.#tell(slot);
  }

  /** Tells what is known of a MAC address, if anything is. */
  #tell(slot: number): void {
    const isSettled = this.#sizes[slot] === addressesMax;
    const judgedCount = this.#home.changeCount + 1;
    if (this.#isRouter[slot] === 0 && this.#judgedCounts[slot] !== judgedCount) {
      this.#isRouter[slot] = this.#bringsOthers(slot) ? 1 : 0;
      this.#judgedCounts[slot] = judgedCount;
    }
    const isRouter = this.#isRouter[slot] !== 0;
    if (isSettled || isRouter) this.#onKnown(this.#macOf(slot), { isSettled, isRouter });
  }

  /** More addresses are local than at the last look: what made a router may be a host's own address. */
  #review(): void {
    if (this.#home.changeCount === this.#changeCount) return;
    this.#changeCount = this.#home.changeCount;
    for (let slot = this.#macs.oldest; slot >= 0; slot = this.#macs.after(slot)) {
      if (this.#isRouter[slot] === 0 || this.#bringsOthers(slot)) continue;
      this.#isRouter[slot] = 0;
      const isSettled = this.#sizes[slot] === addressesMax;
      this.#onKnown(this.#macOf(slot), { isSettled, isRouter: false });
    }
  }

  #macOf(slot: number): MacWords {
    return [this.#macs.keyWord(slot, 0), this.#macs.keyWord(slot, 1)];
  }

  /** Whether packets from elsewhere come through the MAC address. */
  #bringsOthers(slot: number): boolean {
    if (this.#saysRouter[slot] !== 0) return true;
    const isOfEnough = this.#isSpread[slot] !== 0 && this.#sizes[slot] >= routerAddressesMin;
    const end = this.#endOf(slot);
    let outsideCount = 0;
    let firstHome: Address | null = null;
    for (let place = slot * addressesMax; place < end; place++) {
      const hasSentHome = (this.#traits[place] & Trait.hasSentHome) !== 0;
      // Whether an address is local costs more than all the rest.
      if (!hasSentHome && !isOfEnough || this.#isLocalAt(place)) continue;
      if (isOfEnough && ++outsideCount >= routerAddressesMin) return true;
      if (!hasSentHome) continue;
      const address = this.#addressAt(place);
      // A dual-stack host's own IPv6 network, not known as such, may talk to local addresses.
      firstHome ??= address;
      if (isIpv4(address[0], address[1], address[2]) || !areOfOneLink(address, firstHome)) {
        return true;
      }
    }
    return false;
  }

  #isLocalAt(place: number): boolean {
    const addresses = this.#addresses;
    const at = place * 4;
    return this.#home.isLocal(
      addresses[at],
      addresses[at + 1],
      addresses[at + 2],
      addresses[at + 3],
    );
  }

  #isSurelyLocal(address: Address): boolean {
    return this.#home.isLocalAddress(address) && !this.#home.isGuessed(...address);
  }

  #learnSpeaker(address: Address): void {
    const [word0, word1, word2] = address;
    if (isIpv4(word0, word1, word2)) this.#home.learnAddress(address, true);
    else this.#home.learnNetwork({ words: [word0, word1, 0, 0], prefixLength: 64 });
  }

  #seeSource({ fromMac, source, destination, hopLimit }: LinkPacket): number {
    if (this.#home.isLocalAddress(source)) return Known.source;
    const isWhole = hopLimit === 64 || hopLimit === 128 || hopLimit === 255;
    const isToHome = isUnicast(destination) && this.#home.isLocalAddress(destination);
    const from = this.#slot(fromMac);
    const traits = (isWhole ? Trait.hasSentWhole : 0) | (isToHome ? Trait.hasSentHome : 0);
    this.#note(from, source, traits);
    this.#tell(from);
    return isWhole || this.#isOfMany(from) ? Known.source : 0;
  }

  #seeDestination({ fromMac, toMac, destination }: LinkPacket): number {
    if (toMac === null) return Known.destination;
    const from = this.#slot(fromMac);
    const to = this.#slot(toMac);
    const hasMet = this.#addPeer(to, from);
    if (!isUnicast(destination) || this.#home.isLocalAddress(destination)) {
      return Known.destination;
    }
    this.#note(to, destination, Trait.hasReceived);
    this.#tell(to);
    if (hasMet) this.#judge(to);
    const isKnown = this.#isOfMany(to) || this.#home.isLocalAddress(destination);
    return isKnown ? Known.destination : 0;
  }

  /** Nothing more makes it a host's. */
  #isOfMany(slot: number): boolean {
    return this.#isSpread[slot] !== 0 || this.#sizes[slot] === addressesMax;
  }

  /** The address is behind the MAC address, which has these traits. */
  #note(slot: number, address: Address, traits: number): void {
    const place = this.#placeOf(slot, address);
    if (place === this.#endOf(slot)) {
      if (this.#sizes[slot] === addressesMax) return;
      for (let word = 0; word < 4; word++) this.#addresses[place * 4 + word] = address[word];
      this.#traits[place] = traits;
      this.#sizes[slot]++;
      if (this.#isOfOther(slot, address)) this.#isSpread[slot] = 1;
      this.#judgeBeside(slot);
    } else if ((this.#traits[place] | traits) === this.#traits[place]) return;
    this.#traits[place] |= traits;
    this.#judgedCounts[slot] = 0;
    this.#judge(slot);
  }

  #endOf(slot: number): number {
    return slot * addressesMax + this.#sizes[slot];
  }

  #addressAt(place: number): Address {
    const addresses = this.#addresses;
    const at = place * 4;
    return [addresses[at], addresses[at + 1], addresses[at + 2], addresses[at + 3]];
  }

  /** Whether the first address of the same family is of another network: /24 of IPv4, /64 of IPv6. */
  #isOfOther(slot: number, address: Address): boolean {
    const isOfIpv4 = isIpv4(address[0], address[1], address[2]);
    for (let place = slot * addressesMax; place < this.#endOf(slot); place++) {
      const first = this.#addressAt(place);
      if (isIpv4(first[0], first[1], first[2]) !== isOfIpv4) continue;
      return isOfIpv4 ? first[3] >>> 8 !== address[3] >>> 8 : !areOfOneLink(first, address);
    }
    return false;
  }

  /** Where the address is among those of the MAC address, or the place behind them. */
  #placeOf(slot: number, address: Address): number {
    const addresses = this.#addresses;
    const end = this.#endOf(slot);
    const word0 = address[0] | 0;
    const word1 = address[1] | 0;
    const word2 = address[2] | 0;
    const word3 = address[3] | 0;
    for (let place = slot * addressesMax, at = place * 4; place < end; place++, at += 4) {
      if (addresses[at + 3] !== word3 || addresses[at + 2] !== word2) continue;
      if (addresses[at + 1] === word1 && addresses[at] === word0) return place;
    }
    return end;
  }

  /** Remembers that `from` sent to `to`: those that stand for most. Returns whether that is new. */
  #addPeer(to: number, from: number): boolean {
    let least = to * peersMax;
    for (let place = least; place < (to + 1) * peersMax; place++) {
      if (this.#peers[place] === from && this.#isPeer(place)) return false;
      if (this.#peerSize(place) < this.#peerSize(least)) least = place;
    }
    if (this.#peerSize(least) >= this.#sizes[from]) return false;
    this.#peers[least] = from;
    this.#peerUses[least] = this.#uses[from];
    return true;
  }

  #isPeer(place: number): boolean {
    return this.#peerUses[place] !== 0 && this.#peerUses[place] === this.#uses[this.#peers[place]];
  }

  #peerSize(place: number): number {
    return this.#isPeer(place) ? this.#sizes[this.#peers[place]] : -1;
  }

  /** The MAC address stands for more than before: judges those that it has sent to. */
  #judgeBeside(slot: number): void {
    const macs = this.#macs;
    const peers = this.#peers;
    for (let other = macs.oldest; other >= 0; other = macs.after(other)) {
      const from = other * peersMax;
      for (let place = from; place < from + peersMax; place++) {
        if (peers[place] === slot && this.#isPeer(place)) this.#judge(other);
      }
    }
  }

  /** Tells which of its addresses are local. */
  #judge(slot: number): void {
    const isHost = this.#isSpread[slot] === 0 && this.#hasManyOpposite(slot);
    if (!isHost && this.#learntOf[slot] === 0) return;
    for (let place = slot * addressesMax; place < this.#endOf(slot); place++) {
      const isLocal = isHost && (this.#traits[place] & hostTraits) === hostTraits;
      if (isLocal === ((this.#traits[place] & Trait.isLearnt) !== 0)) continue;
      this.#traits[place] ^= Trait.isLearnt;
      this.#learntOf[slot] += isLocal ? 1 : -1;
      if (isLocal) this.#home.learnAddress(this.#addressAt(place), false);
      else this.#home.forgetAddress(this.#addressAt(place));
    }
  }

  #hasManyOpposite(slot: number): boolean {
    for (let place = slot * peersMax; place < (slot + 1) * peersMax; place++) {
      if (!this.#isPeer(place)) continue;
      const opposite = this.#peers[place];
      const factor = this.#isSpread[opposite] !== 0 ? factorOfNetworks : factorOfAddresses;
      if (this.#sizes[opposite] >= factor * this.#sizes[slot]) return true;
    }
    return false;
  }

  #slot(mac: MacWords): number {
    this.#key[0] = mac[0];
    this.#key[1] = mac[1];
    const slot = this.#macs.add(this.#key);
    if (!this.#macs.isNew) return slot;
    this.#uses[slot]++;
    this.#sizes[slot] = 0;
    this.#learntOf[slot] = 0;
    this.#isSpread[slot] = 0;
    this.#isRouter[slot] = 0;
    this.#saysRouter[slot] = 0;
    this.#judgedCounts[slot] = 0;
    this.#peerUses.fill(0, slot * peersMax, (slot + 1) * peersMax);
    return slot;
  }
}

/** 224.0.0.0/24 (RFC 5771 section 4) and ff02::/16, which no router passes on. */
function isLinkGroup(address: Address): boolean {
  const word0 = address[0];
  return isIpv4(word0, address[1], address[2])
    ? address[3] >>> 8 === 0xe00000
    : word0 >>> 16 === 0xff02;
}

function areOfOneLink(a: Address, b: Address): boolean {
  return !isIpv4(a[0], a[1], a[2]) && a[0] === b[0] && a[1] === b[1];
}
