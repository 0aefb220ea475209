/**
 * What each host did in the window in progress, counted from the observations: a row of counters a host, exact distinct
 * counts by a shared set of fingerprints, and the flows and peers to show. All of it is bounded and begins anew with each
 * window; only the memory of who has met whom lasts.
 */
import { FLOWS_LINKED_MAX, Transport } from "../../records.ts";
import { KeyedSlots } from "../keyed_slots.ts";
import { Mark, type Observation, ObservationKind } from "../observation.ts";
import { FingerprintSet } from "./fingerprint_set.ts";
import { PeerMemory } from "./peer_memory.ts";

/**
 * Counters of a host in a window. A connection is a flow of any transport; those to group and broadcast addresses do not
 * count, nor do ICMP messages other than echo.
 */
export const Count = {
  packetsOut: 0,
  packetsIn: 1,
  bytesOut: 2,
  bytesIn: 3,
  /** ARP packets that it sent, and that named it as target. */
  arpOut: 4,
  arpIn: 5,
  /** Connections it opened; of them those answered other than by a refusal, and those refused (RST, ICMP error). */
  opened: 6,
  accepted: 7,
  refused: 8,
  /** Different hosts that it opened connections to or asked for by ARP; different ports; pairs of host and port. */
  peersOut: 9,
  portsOut: 10,
  targetsOut: 11,
  /** Of peersOut: those it had not met before. */
  firstContacts: 12,
  /** Connections opened towards it; of them those it answered, and those it refused. */
  received: 13,
  acceptedIn: 14,
  refusedIn: 15,
  peersIn: 16,
  portsIn: 17,
  /** Different hosts that it asked for by ARP, and the answers. */
  arpAsked: 18,
  arpAnswered: 19,
  dnsQueries: 20,
  dnsResponses: 21,
  dnsNxdomain: 22,
  /** Different names that it asked for, and the bytes of the names of all queries. */
  dnsNames: 23,
  dnsNameBytes: 24,
} as const;
export const COUNT_WIDTH = 25;
/** Hosts with fewer packets in a window are not judged. */
export const PACKETS_MIN = 8;

/** Flows and peers kept of each host. */
export const FLOWS_KEPT = FLOWS_LINKED_MAX;
export const PEERS_KEPT = 4;
/** Address, connections. */
export const PEER_WORDS = 5;

const hostsMax = 8192;
/** Fuller than this, a new host needs a second contact, so that forged sources do not push out the others. */
const crowdedAt = hostsMax / 2;
const doorBits = 1 << 20;
const distinctMax = 1 << 17;
const tcpReset = 0x04;
const icmpUnreachable = 3;
const icmpv6Unreachable = 1;
const echoRequest = 8;
const echoReply = 0;
const echoRequestV6 = 128;
const echoReplyV6 = 129;
const sourceAt = 3;
const destinationAt = 7;

const Kind = { peerOut: 1, portOut: 2, targetOut: 3, peerIn: 4, portIn: 5, arp: 6, name: 7 };

export class HostActivity {
  /** Row of the counters of all hosts together. */
  readonly linkSlot = hostsMax;
  readonly counts = new Float64Array((hostsMax + 1) * COUNT_WIDTH);
  readonly flowIds = new Uint32Array((hostsMax + 1) * FLOWS_KEPT);
  readonly flowCounts = new Uint8Array(hostsMax + 1);
  readonly peers = new Int32Array((hostsMax + 1) * PEERS_KEPT * PEER_WORDS);
  /** Slots of the hosts seen in this window. */
  readonly #active = new Int32Array(hostsMax);
  #activeCount = 0;
  /** Window in which a slot was last begun. */
  readonly #begunIn = new Int32Array(hostsMax);
  #window = 1;
  readonly #slots = new KeyedSlots({ capacity: hostsMax, keyWords: 4 });
  readonly #distinct = new FingerprintSet(distinctMax);
  readonly #memory = new PeerMemory();
  readonly #door = new Int32Array(doorBits / 32);
  /** Tells apart the hosts that had the same slot in one window. */
  readonly #tenants = new Int32Array(hostsMax + 1);
  #tenantCount = 0;

  get stateBytes(): number {
    const arrays = [this.counts, this.flowIds, this.flowCounts, this.peers, this.#active];
    const others = [this.#begunIn, this.#door, this.#tenants];
    return [...arrays, ...others].reduce((sum, { byteLength }) => sum + byteLength, 0) +
      this.#slots.stateBytes + this.#distinct.stateBytes + this.#memory.stateBytes;
  }

  get forgottenCount(): number {
    return this.#slots.forgottenCount + this.#memory.forgottenCount;
  }

  get hostCount(): number {
    return this.#activeCount;
  }

  observe(observation: Observation): void {
    switch (observation.kind) {
      case ObservationKind.contact:
        return this.#contact(observation);
      case ObservationKind.icmpError:
        return this.#icmpError(observation);
      case ObservationKind.arp:
        return this.#arp(observation);
      case ObservationKind.dns:
        return this.#dns(observation);
      case ObservationKind.hostWindow:
        return this.#volumes(observation);
    }
  }

  /** Slot of the `index`th host of the window, 0 to hostCount - 1. */
  slot(index: number): number {
    return this.#active[index];
  }

  addressWord(slot: number, word: number): number {
    return this.#slots.keyWord(slot, word);
  }

  /** Forgets the window. */
  clear(): void {
    this.#activeCount = 0;
    this.#window++;
    this.#distinct.clear();
    this.#door.fill(0);
    this.#begin(this.linkSlot);
  }

  #contact(observation: Observation): void {
    const { marks } = observation;
    const isTold = Mark.isNew | Mark.isFirstOfSide | Mark.isFirstInWindow;
    if ((marks & isTold) === 0 || (marks & (Mark.isToMany | Mark.isLinkBroadcast)) !== 0) return;
    if (!isConnection(observation)) return;
    const source = this.#enter(observation, sourceAt);
    const destination = this.#enter(observation, destinationAt);
    const isOut = (marks & Mark.sentByOriginator) !== 0;
    const originator = isOut ? source : destination;
    const responder = isOut ? destination : source;
    if ((marks & (Mark.isNew | Mark.isContinued)) === Mark.isNew) {
      this.#opened(observation, originator, responder, isOut);
    }
    if (!isOut && (marks & Mark.isFirstOfSide) !== 0) {
      const isRefusal = observation.transport === Transport.tcp &&
        (observation.tcpFlags & tcpReset) !== 0;
      this.#answered(originator, responder, isRefusal);
    }
    if ((marks & (Mark.isNew | Mark.isFirstInWindow)) !== 0) {
      this.#keepFlow(originator, observation.flowId);
      this.#keepFlow(responder, observation.flowId);
    }
  }

  #opened(
    observation: Observation,
    originator: number,
    responder: number,
    isOut: boolean,
  ): void {
    const port = isOut ? observation.destinationPort : observation.sourcePort;
    const protocolPort = observation.transport << 16 | (hasPorts(observation) ? port : 0);
    const originatorAt = isOut ? sourceAt : destinationAt;
    const responderAt = isOut ? destinationAt : sourceAt;
    // Forged sources are left out, lest they push everyone out of the memory.
    const isFirst = originator >= 0 && this.#memory.meet(observation);
    this.#addNumber(this.linkSlot, Kind.portOut, protocolPort, Count.portsOut);
    this.counts[this.linkSlot * COUNT_WIDTH + Count.opened]++;
    if (isFirst) this.counts[this.linkSlot * COUNT_WIDTH + Count.firstContacts]++;
    if (originator >= 0) {
      const base = originator * COUNT_WIDTH;
      this.counts[base + Count.opened]++;
      if (isFirst) this.counts[base + Count.firstContacts]++;
      this.#addAddress(originator, Kind.peerOut, observation, responderAt, Count.peersOut);
      this.#addNumber(originator, Kind.portOut, protocolPort, Count.portsOut);
      this.#mixAddress(originator, Kind.targetOut, observation, responderAt).mix(protocolPort);
      if (this.#distinct.add()) this.counts[base + Count.targetsOut]++;
      this.#keepPeer(originator, observation, responderAt);
    }
    if (responder >= 0) {
      this.counts[responder * COUNT_WIDTH + Count.received]++;
      this.#addAddress(responder, Kind.peerIn, observation, originatorAt, Count.peersIn);
      this.#addNumber(responder, Kind.portIn, protocolPort, Count.portsIn);
      this.#keepPeer(responder, observation, originatorAt);
    }
  }

  #answered(originator: number, responder: number, isRefusal: boolean): void {
    const counts = this.counts;
    const out = isRefusal ? Count.refused : Count.accepted;
    counts[this.linkSlot * COUNT_WIDTH + out]++;
    if (originator >= 0) counts[originator * COUNT_WIDTH + out]++;
    if (responder < 0) return;
    counts[responder * COUNT_WIDTH + (isRefusal ? Count.refusedIn : Count.acceptedIn)]++;
  }

  /** Source and destination are those of the packet that was refused. */
  #icmpError(observation: Observation): void {
    const { icmpType, transport } = observation;
    const isV4 = observation.source2 === 0xffff && observation.source1 === 0;
    const isRefusal = icmpType === (isV4 ? icmpUnreachable : icmpv6Unreachable) &&
      transport !== Transport.icmp && transport !== Transport.icmpv6;
    if (!isRefusal) return;
    const source = this.#slots.find(observation.words, observation.at + sourceAt);
    const destination = this.#slots.find(observation.words, observation.at + destinationAt);
    this.counts[this.linkSlot * COUNT_WIDTH + Count.refused]++;
    if (this.#isBegun(source)) this.counts[source * COUNT_WIDTH + Count.refused]++;
    if (this.#isBegun(destination)) this.counts[destination * COUNT_WIDTH + Count.refusedIn]++;
  }

  #arp(observation: Observation): void {
    const source = this.#enter(observation, sourceAt);
    const target = this.#enter(observation, destinationAt);
    if (source < 0 || target < 0 || source === target) return;
    const base = source * COUNT_WIDTH;
    const link = this.linkSlot * COUNT_WIDTH;
    this.counts[base + Count.arpOut]++;
    this.counts[target * COUNT_WIDTH + Count.arpIn]++;
    if (observation.arpOperation === 2) {
      this.counts[target * COUNT_WIDTH + Count.arpAnswered]++;
      this.counts[link + Count.arpAnswered]++;
      return;
    }
    if (!this.#mixAddress(source, Kind.arp, observation, destinationAt).add()) return;
    this.counts[base + Count.arpAsked]++;
    this.counts[link + Count.arpAsked]++;
    this.#addAddress(source, Kind.peerOut, observation, destinationAt, Count.peersOut);
  }

  #dns(observation: Observation): void {
    if (observation.has(Mark.isToMany)) return;
    const { isDnsResponse } = observation;
    const host = this.#enter(observation, isDnsResponse ? destinationAt : sourceAt);
    if (host < 0) return;
    for (const base of [host * COUNT_WIDTH, this.linkSlot * COUNT_WIDTH]) {
      if (isDnsResponse) {
        this.counts[base + Count.dnsResponses]++;
        if (observation.dnsRcode === 3) this.counts[base + Count.dnsNxdomain]++;
      } else {
        this.counts[base + Count.dnsQueries]++;
        this.counts[base + Count.dnsNameBytes] += observation.dnsNameLength;
      }
    }
    if (!isDnsResponse) this.#addName(host, observation);
  }

  #addName(host: number, observation: Observation): void {
    const { words, at } = observation;
    const nameWords = observation.dnsNameLength + 3 >> 2;
    this.#distinct.begin(Kind.name).mix(this.#tenants[host]);
    for (let word = 0; word < nameWords; word++) this.#distinct.mix(words[at + 16 + word]);
    if (!this.#distinct.add()) return;
    this.counts[host * COUNT_WIDTH + Count.dnsNames]++;
    // Names that several hosts ask for count for each.
    this.counts[this.linkSlot * COUNT_WIDTH + Count.dnsNames]++;
  }

  #volumes(observation: Observation): void {
    const { words, at, packetsOut, packetsIn, bytesOut, bytesIn } = observation;
    const link = this.linkSlot * COUNT_WIDTH;
    this.counts[link + Count.packetsOut] += packetsOut;
    this.counts[link + Count.bytesOut] += bytesOut;
    // Nobody with fewer packets is judged, so nobody has to leave for it.
    const isWorthIt = packetsOut + packetsIn >= PACKETS_MIN;
    const slot = isWorthIt
      ? this.#add(words, at + sourceAt)
      : this.#slots.find(words, at + sourceAt);
    if (!this.#isBegun(slot)) return;
    const base = slot * COUNT_WIDTH;
    this.counts[base + Count.packetsOut] = packetsOut;
    this.counts[base + Count.packetsIn] = packetsIn;
    this.counts[base + Count.bytesOut] = bytesOut;
    this.counts[base + Count.bytesIn] = bytesIn;
  }

  /** Slot of one end of the row, begun in this window; -1 while it is crowded and the host was seen only once. */
  #enter(observation: Observation, end: number): number {
    const { words } = observation;
    const at = observation.at + end;
    if (this.#slots.count <= crowdedAt || this.#slots.find(words, at) >= 0) {
      return this.#add(words, at);
    }
    return this.#isAtDoorAgain(words, at) ? this.#add(words, at) : -1;
  }

  #isAtDoorAgain(words: Int32Array, at: number): boolean {
    const hash = Math.imul(words[at + 3] ^ Math.imul(words[at + 1], 0x85ebca6b), 0x9e3779b1) ^
      Math.imul(words[at + 2], 0xc2b2ae35) ^ words[at];
    const bit = hash >>> 12;
    const isAgain = (this.#door[bit >> 5] & 1 << (bit & 31)) !== 0;
    this.#door[bit >> 5] |= 1 << (bit & 31);
    return isAgain;
  }

  #add(words: Int32Array, at: number): number {
    const slot = this.#slots.add(words, at);
    const wasActive = this.#isBegun(slot);
    if (!this.#slots.isNew && wasActive) return slot;
    if (!wasActive) this.#active[this.#activeCount++] = slot;
    this.#begunIn[slot] = this.#window;
    this.#begin(slot);
    return slot;
  }

  #isBegun(slot: number): boolean {
    return slot >= 0 && this.#begunIn[slot] === this.#window;
  }

  #begin(slot: number): void {
    this.counts.fill(0, slot * COUNT_WIDTH, (slot + 1) * COUNT_WIDTH);
    this.peers.fill(0, slot * PEERS_KEPT * PEER_WORDS, (slot + 1) * PEERS_KEPT * PEER_WORDS);
    this.flowCounts[slot] = 0;
    this.#tenants[slot] = ++this.#tenantCount;
  }

  #mixAddress(slot: number, kind: number, { words, at }: Observation, end: number): FingerprintSet {
    const from = at + end;
    return this.#distinct.begin(kind).mix(this.#tenants[slot])
      .mix(words[from]).mix(words[from + 1]).mix(words[from + 2]).mix(words[from + 3]);
  }

  #addAddress(slot: number, kind: number, observation: Observation, end: number, count: number) {
    if (this.#mixAddress(slot, kind, observation, end).add()) {
      this.counts[slot * COUNT_WIDTH + count]++;
    }
  }

  #addNumber(slot: number, kind: number, number: number, count: number): void {
    if (this.#distinct.begin(kind).mix(this.#tenants[slot]).mix(number).add()) {
      this.counts[slot * COUNT_WIDTH + count]++;
    }
  }

  #keepFlow(slot: number, flowId: number): void {
    if (slot < 0 || flowId === 0 || this.flowCounts[slot] === FLOWS_KEPT) return;
    this.flowIds[slot * FLOWS_KEPT + this.flowCounts[slot]++] = flowId;
  }

  /** Keeps the peers with most connections, about (space saving; Metwally et al. 2005). */
  #keepPeer(slot: number, { words, at }: Observation, end: number): void {
    const peers = this.peers;
    const from = at + end;
    let least = -1;
    for (let peer = 0; peer < PEERS_KEPT; peer++) {
      const place = (slot * PEERS_KEPT + peer) * PEER_WORDS;
      const isSame = peers[place + 3] === words[from + 3] && peers[place + 2] === words[from + 2] &&
        peers[place + 1] === words[from + 1] && peers[place] === words[from];
      if (isSame && peers[place + 4] > 0) {
        peers[place + 4]++;
        return;
      }
      if (least < 0 || peers[place + 4] < peers[least + 4]) least = place;
    }
    for (let word = 0; word < 4; word++) peers[least + word] = words[from + word];
    peers[least + 4]++;
  }
}

function hasPorts({ transport }: Observation): boolean {
  return transport === Transport.tcp || transport === Transport.udp ||
    transport === Transport.sctp || transport === Transport.dccp;
}

/** Everything but ICMP that is no echo: errors and neighbour discovery open nothing. */
function isConnection({ transport, sourcePort: icmpType }: Observation): boolean {
  if (transport === Transport.icmp) return icmpType === echoRequest || icmpType === echoReply;
  if (transport !== Transport.icmpv6) return true;
  return icmpType === echoRequestV6 || icmpType === echoReplyV6;
}
