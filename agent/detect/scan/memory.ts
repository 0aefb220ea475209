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
import { type EndsHash, hashAddress0, hashAddress1, mix } from "./ends_hash.ts";
import { FingerprintSet } from "./fingerprint_set.ts";

const minuteUs = 60_000_000;
const dayUs = 24 * 60 * minuteUs;

/** Sorts of facts that one set holds side by side: taken into the hash, so any numbers will do. */
const Fact = {
  contact: 0x2545f491,
  pair: 0x1b873593,
  ftp: 0x38b34ae5,
  routerAddress: 0x6c8e9cf5,
  service: 0x4f1bbcdc,
  resolved: 0x5be0cd19,
  reply: 0x3c6ef372,
  used: 0x510e527f,
  asked: 0x1f83d9ab,
} as const;

export class ScanMemory {
  readonly #day = new FingerprintSet({ capacity: 2 ** 19, periodUs: dayUs });
  readonly #week = new FingerprintSet({ capacity: 2 ** 17, periodUs: 7 * dayUs });
  readonly #recent = new FingerprintSet({ capacity: 2 ** 16, periodUs: 30 * minuteUs });
  readonly #routers = new KeyedSlots({ capacity: 256, keyWords: 2 });
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
  addContact(ends: EndsHash, portWord: number): boolean {
    return addFact(this.#day, ends, portWord, Fact.contact);
  }

  /** The source has used the destination's port: connected to it, or was found in the middle of a connection. */
  addUsed(ends: EndsHash, port: number): void {
    addFact(this.#day, ends, port, Fact.used);
  }

  hasUsed(ends: EndsHash, port: number): boolean {
    return hasFact(this.#day, ends, port, Fact.used);
  }

  /** The source has asked the destination's UDP port from its own. */
  addAsked(ends: EndsHash, { sourcePort, destinationPort }: Observation): void {
    addFact(this.#recent, ends, destinationPort << 16 | sourcePort, Fact.asked);
  }

  /** Whether the destination has asked the source, so that this is an answer. */
  hasAsked(ends: EndsHash, { sourcePort, destinationPort }: Observation): boolean {
    return hasFactBack(this.#recent, ends, sourcePort << 16 | destinationPort, Fact.asked);
  }

  /** Both ends have exchanged IP packets, or one has tried to. */
  addPair(ends: EndsHash): void {
    addFact(this.#day, ends, 0, Fact.pair);
  }

  hasPair(ends: EndsHash): boolean {
    return hasFact(this.#day, ends, 0, Fact.pair) || hasFactBack(this.#day, ends, 0, Fact.pair);
  }

  /** The source has an FTP control connection with the destination. */
  addFtp(ends: EndsHash): void {
    addFact(this.#day, ends, 0, Fact.ftp);
  }

  hasFtp(ends: EndsHash): boolean {
    return hasFact(this.#day, ends, 0, Fact.ftp);
  }

  /** A port of the destination has accepted; `portWord` holds port and transport. */
  addService({ destination0, destination1 }: EndsHash, portWord: number): void {
    const fact = Fact.service;
    this.#week.add(mix(destination0, fact, portWord), mix(destination1, fact, portWord));
  }

  hasService({ destination0, destination1 }: EndsHash, portWord: number): boolean {
    const fact = Fact.service;
    return this.#week.has(
      mix(destination0, fact, portWord),
      mix(destination1, fact, portWord),
    );
  }

  /** The row's destination was told an address, four words at `at` of the row's words. */
  addResolved({ words, at: rowAt }: Observation, at: number): void {
    const fact = Fact.resolved;
    this.#recent.add(
      mix(hashAddress0(words, rowAt + 7), hashAddress0(words, at) ^ fact, 0),
      mix(hashAddress1(words, rowAt + 7), hashAddress1(words, at) ^ fact, 0),
    );
  }

  isResolved(ends: EndsHash): boolean {
    return hasFact(this.#recent, ends, 0, Fact.resolved);
  }

  /** A server's port has sent to a client's port without having been asked there. */
  addReply({ destination0, destination1 }: EndsHash, o: Observation): void {
    const ports = o.destinationPort << 16 | o.sourcePort;
    const fact = Fact.reply;
    this.#recent.add(mix(destination0, fact, ports), mix(destination1, fact, ports));
  }

  /** Whether some server's `port` has sent to the source at `clientPort`. */
  hasReply({ source0, source1 }: EndsHash, clientPort: number, port: number): boolean {
    const ports = clientPort << 16 | port;
    const fact = Fact.reply;
    return this.#recent.has(mix(source0, fact, ports), mix(source1, fact, ports));
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
  addRouterAddress({ words, at }: Observation): void {
    const fact = Fact.routerAddress;
    const source0 = hashAddress0(words, at + 3);
    this.#day.add(mix(source0, fact, 0), mix(hashAddress1(words, at + 3), fact, 0));
  }

  /** Whether the source is a router's own address. */
  hasRouterAddress({ source0, source1 }: EndsHash): boolean {
    const fact = Fact.routerAddress;
    return this.#day.has(mix(source0, fact, 0), mix(source1, fact, 0));
  }

  #setMac(mac: number): void {
    this.#mac[0] = mac / 2 ** 32;
    this.#mac[1] = mac;
  }
}

function addFact(set: FingerprintSet, ends: EndsHash, word: number, fact: number): boolean {
  const { source0, source1, destination0, destination1 } = ends;
  return set.add(mix(source0, destination0 ^ fact, word), mix(source1, destination1 ^ fact, word));
}

function hasFact(set: FingerprintSet, ends: EndsHash, word: number, fact: number): boolean {
  if (set.isEmpty) return false;
  const { source0, source1, destination0, destination1 } = ends;
  return set.has(mix(source0, destination0 ^ fact, word), mix(source1, destination1 ^ fact, word));
}

/** The same where source and destination have changed places. */
function hasFactBack(set: FingerprintSet, ends: EndsHash, word: number, fact: number): boolean {
  if (set.isEmpty) return false;
  const { source0, source1, destination0, destination1 } = ends;
  return set.has(mix(destination0, source0 ^ fact, word), mix(destination1, source1 ^ fact, word));
}
