/**
 * What the guards against false alarms remember of the traffic:
 * - first contacts of the last day, so that a client that tries again is no second probe;
 * - services that accepted someone in the last week, so that an outage is no scan;
 * - addresses that a client has just been told by DNS;
 * - answers that came from another address than was asked, as behind some resolvers;
 * - pairs that exchanged IP packets, whose ARP is upkeep; routers, which ask on behalf of others.
 *
 *     1 + 1 sets of 2^19 places (4 bytes)    4 MB, 260,000 to 390,000 contacts and pairs a generation
 *     1 + 1 sets of 2^17                     1 MB
 *     1 + 1 sets of 2^16                     0.5 MB
 */
import { KeyedSlots } from "../keyed_slots.ts";
import type { Observation } from "../observation.ts";
import { copyDestination, copySource } from "./ends.ts";
import { FingerprintSet } from "./fingerprint_set.ts";

const minuteUs = 60_000_000;
const dayUs = 24 * 60 * minuteUs;

/** Last word of a key, so that one set holds several sorts of facts. */
const Fact = {
  contact: 1,
  pair: 2,
  ftp: 3,
  routerAddress: 4,
  service: 5,
  resolved: 6,
  reply: 7,
  used: 8,
  asked: 9,
} as const;

export class ScanMemory {
  readonly #day = new FingerprintSet({ capacity: 2 ** 19, periodUs: dayUs });
  readonly #week = new FingerprintSet({ capacity: 2 ** 17, periodUs: 7 * dayUs });
  readonly #recent = new FingerprintSet({ capacity: 2 ** 16, periodUs: 30 * minuteUs });
  readonly #routers = new KeyedSlots({ capacity: 256, keyWords: 2 });
  readonly #key = new Int32Array(10);
  readonly #mac = new Int32Array(2);
  #newestRouter = 0;

  get stateBytes(): number {
    return this.#day.stateBytes + this.#week.stateBytes + this.#recent.stateBytes +
      this.#routers.stateBytes;
  }

  get forgottenCount(): number {
    return this.#day.forgottenCount + this.#week.forgottenCount + this.#recent.forgottenCount;
  }

  advance(nowUs: number): void {
    this.#day.advance(nowUs);
    this.#week.advance(nowUs);
    this.#recent.advance(nowUs);
  }

  /** Remembers that the source tried the port (`portWord` holds port and family); whether it had before. */
  addContact(o: Observation, portWord: number): boolean {
    this.#setEnds(o);
    this.#key[8] = portWord;
    this.#key[9] = Fact.contact;
    return this.#day.add(this.#key, 10);
  }

  /** The source has used the destination's port: connected to it, or was found in the middle of a connection. */
  addUsed(o: Observation): void {
    this.#setEnds(o);
    this.#addUsed(o.destinationPort);
  }

  /** The same for the key of a pending probe. */
  addUsedKey(key: Int32Array): void {
    for (let word = 0; word < 8; word++) this.#key[word] = key[word];
    this.#addUsed(key[8] >>> 16);
  }

  hasUsed(o: Observation): boolean {
    this.#setEnds(o);
    this.#key[8] = o.destinationPort;
    this.#key[9] = Fact.used;
    return this.#day.has(this.#key, 10);
  }

  /** The source has asked the destination's UDP port from its own. */
  addAsked(o: Observation): void {
    this.#setEnds(o);
    this.#key[8] = o.destinationPort << 16 | o.sourcePort;
    this.#key[9] = Fact.asked;
    this.#recent.add(this.#key, 10);
  }

  /** Whether the destination has asked the source, so that this is an answer. */
  hasAsked(o: Observation): boolean {
    this.#setEndsBack(o);
    this.#key[8] = o.sourcePort << 16 | o.destinationPort;
    this.#key[9] = Fact.asked;
    return this.#recent.has(this.#key, 10);
  }

  /** Both ends have exchanged IP packets, or one has tried to. */
  addPair(o: Observation): void {
    this.#setEnds(o);
    this.#key[8] = Fact.pair;
    this.#day.add(this.#key, 9);
  }

  /** `key` holds source and destination in its first eight words. */
  hasPair(key: Int32Array): boolean {
    for (let word = 0; word < 8; word++) this.#key[word] = key[word];
    this.#key[8] = Fact.pair;
    if (this.#day.has(this.#key, 9)) return true;
    for (let word = 0; word < 8; word++) this.#key[word] = key[word ^ 4];
    return this.#day.has(this.#key, 9);
  }

  /** The source has an FTP control connection with the destination. */
  addFtp(key: Int32Array): void {
    for (let word = 0; word < 8; word++) this.#key[word] = key[word];
    this.#key[8] = Fact.ftp;
    this.#day.add(this.#key, 9);
  }

  hasFtp(key: Int32Array): boolean {
    for (let word = 0; word < 8; word++) this.#key[word] = key[word];
    this.#key[8] = Fact.ftp;
    return this.#day.has(this.#key, 9);
  }

  /** A port has accepted; `key` is that of a pending probe: source, destination, port and transport. */
  addService(key: Int32Array): void {
    this.#setService(key);
    this.#week.add(this.#key, 6);
  }

  hasService(key: Int32Array): boolean {
    this.#setService(key);
    return this.#week.has(this.#key, 6);
  }

  /** The row's destination was told an address, four words at `at` of the row's words. */
  addResolved(o: Observation, at: number): void {
    copyDestination(o, this.#key);
    for (let word = 0; word < 4; word++) this.#key[4 + word] = o.words[at + word];
    this.#key[8] = Fact.resolved;
    this.#recent.add(this.#key, 9);
  }

  isResolved(o: Observation): boolean {
    this.#setEnds(o);
    this.#key[8] = Fact.resolved;
    return this.#recent.has(this.#key, 9);
  }

  /** A server's port has sent to a client's port without having been asked there. */
  addReply(o: Observation): void {
    copyDestination(o, this.#key);
    this.#key[4] = o.destinationPort << 16 | o.sourcePort;
    this.#key[5] = Fact.reply;
    this.#recent.add(this.#key, 6);
  }

  /** Whether some server's `port` has sent to the client (first four words of `key`) at `clientPort`. */
  hasReply(key: Int32Array, clientPort: number, port: number): boolean {
    for (let word = 0; word < 4; word++) this.#key[word] = key[word];
    this.#key[4] = clientPort << 16 | port;
    this.#key[5] = Fact.reply;
    return this.#recent.has(this.#key, 6);
  }

  /** A frame brought a packet from outside: its sender is a router. */
  addRouter(mac: number): void {
    if (mac === 0 || mac === this.#newestRouter) return;
    this.#newestRouter = mac;
    this.#setMac(mac);
    this.#routers.add(this.#mac);
  }

  isRouter(mac: number): boolean {
    this.#setMac(mac);
    return this.#routers.find(this.#mac) >= 0;
  }

  /** The row's source is a router's own address. */
  addRouterAddress(o: Observation): void {
    copySource(o, this.#key);
    this.#key[4] = Fact.routerAddress;
    this.#day.add(this.#key, 5);
  }

  /** Whether the first four words of `key` are a router's own address. */
  hasRouterAddress(key: Int32Array): boolean {
    for (let word = 0; word < 4; word++) this.#key[word] = key[word];
    this.#key[4] = Fact.routerAddress;
    return this.#day.has(this.#key, 5);
  }

  #addUsed(port: number): void {
    this.#key[8] = port;
    this.#key[9] = Fact.used;
    this.#day.add(this.#key, 10);
  }

  #setMac(mac: number): void {
    this.#mac[0] = mac / 2 ** 32;
    this.#mac[1] = mac;
  }

  #setService(key: Int32Array): void {
    for (let word = 0; word < 5; word++) this.#key[word] = key[4 + word];
    this.#key[5] = Fact.service;
  }

  #setEnds(o: Observation): void {
    copySource(o, this.#key);
    copyDestination(o, this.#key, 4);
  }

  #setEndsBack(o: Observation): void {
    copyDestination(o, this.#key);
    copySource(o, this.#key, 4);
  }
}
