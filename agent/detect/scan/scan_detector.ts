/**
 * Port scans, in real time and on traffic time. The way of a contact: its first packet opens a pending probe, unless the
 * same was tried before, it answers something, or its destination is being flooded; an answer, its silence or the
 * end of the input judges it; guards drop what is no evidence; the rest is evidence against its source
 * (source_evidence.ts) and for its target (victim_watch.ts); enough of it, in a scan's pattern, opens an incident.
 *
 * Memory: pending probes 6.5 MB, evidence 10 MB, remembered contacts 5.5 MB, victims 2.2 MB, targets of incidents 1 MB,
 * counters 0.3 MB; 256 incidents 7 MB and 16 distributed ones 2 MB, if all were of the largest. In all 31 MB, mostly 23.
 */
import { Transport } from "../../records.ts";
import type { Detector, DetectorContext, Interest } from "../detector.ts";
import { Mark, type Observation, ObservationKind } from "../observation.ts";
import {
  type ContactSoFar,
  HAS_ANSWERED,
  isTelling,
  outcomeOfAnswer,
  outcomeOfAsker,
  outcomeOfSilence,
  STILL_PENDING,
} from "./contact_outcome.ts";
import { ContactPressure } from "./contact_pressure.ts";
import { copyDestination, copySource } from "./ends.ts";
import { EndsHash, hashAddress0 } from "./ends_hash.ts";
import { JudgedProbe, Outcome } from "./judged_probe.ts";
import { ScanMemory } from "./memory.ts";
import { DEFAULT_SCAN_OPTIONS, type ScanOptions } from "./options.ts";
import { PendingProbes } from "./pending_probes.ts";
import { ProbeJudge } from "./probe_judge.ts";
import { Family, familyOf, isOddByItself, isSweep, Trait, traitsOf } from "./probe_family.ts";

const pendingMax = 65_536;
const familyMask = 0xf;
/** Pending probes that lie in the future by more than this are from before a jump of time. */
const jumpUs = 60_000_000;
const bothLocal = Mark.isSourceLocal | Mark.isDestinationLocal;
const tellingMarks = Mark.isFirstOfSide | Mark.hasTcpStateMoved | Mark.isFirstPayload;

export class ScanDetector implements Detector {
  readonly interests: readonly Interest[] = [
    { kind: ObservationKind.contact, marks: Mark.isNew | tellingMarks },
    { kind: ObservationKind.arp, marks: 0 },
    { kind: ObservationKind.icmpError, marks: 0 },
    { kind: ObservationKind.dns, marks: 0 },
  ];
  readonly #options: ScanOptions;
  readonly #context: DetectorContext;
  readonly #memory = new ScanMemory();
  readonly #pressure: ContactPressure;
  readonly #pending: PendingProbes;
  readonly #judge: ProbeJudge;
  readonly #judged = new JudgedProbe();
  readonly #contact = { family: 0, traits: 0, isAnswered: false as boolean };
  readonly #source = new Int32Array(4);
  /** Of the present row, where it is a first contact. */
  readonly #ends = new EndsHash();
  #nowUs = -Infinity;

  constructor(context: DetectorContext, options: ScanOptions = DEFAULT_SCAN_OPTIONS) {
    this.#context = context;
    this.#options = options;
    this.#pressure = new ContactPressure(options.floodContactMax);
    this.#pending = new PendingProbes({
      capacity: pendingMax,
      onGivenUp: (slot) => this.#giveUp(slot),
    });
    this.#judge = new ProbeJudge(context, options, this.#memory);
  }

  get stateBytes(): number {
    return this.#memory.stateBytes + this.#pressure.stateBytes + this.#pending.stateBytes +
      this.#judge.stateBytes;
  }

  get forgottenCount(): number {
    return this.#memory.forgottenCount + this.#pressure.skippedCount +
      this.#pending.forgottenCount + this.#judge.forgottenCount;
  }

  observe(o: Observation): void {
    switch (o.kind) {
      case ObservationKind.contact:
        if ((o.marks & Mark.isContinued) !== 0) return;
        if ((o.marks & Mark.isNew) !== 0) this.#takeFirst(o);
        else this.#takeLater(o);
        return;
      case ObservationKind.arp:
        return this.#takeArp(o);
      case ObservationKind.icmpError:
        return this.#takeIcmpError(o);
      case ObservationKind.dns:
        return this.#takeDns(o);
    }
  }

  advance(nowUs: number): void {
    this.#memory.advance(nowUs);
    this.#pressure.advance(nowUs);
    this.#judgeDue(nowUs);
    this.#judge.advance(nowUs);
  }

  finish(nowUs: number): void {
    // A clock that waits for more packets before it believes a jump stands behind the contacts.
    const endUs = Math.max(nowUs, this.#nowUs);
    for (let slot = this.#pending.oldest; slot >= 0; slot = this.#pending.oldest) {
      const startUs = this.#pending.startUs[slot];
      const dueUs = startUs + this.#options.answerTimeoutUs;
      this.#judgeSilent(slot, Math.max(startUs, Math.min(dueUs, endUs)));
    }
    this.#judge.closeAll(nowUs);
  }

  // ------------------------------------------------ contacts

  /** The first packet of a flow. */
  #takeFirst(o: Observation): void {
    if (isToItself(o)) return;
    if (o.timestampUs > this.#nowUs + this.#options.answerTimeoutUs) this.#judgeDue(o.timestampUs);
    this.#ends.ofRow(o);
    const isAsker = o.has(Mark.sentByOriginator);
    if ((o.marks & (Mark.isSourceLocal | Mark.isTunnelled)) === 0) {
      this.#memory.addRouter(o.sourceMac);
    }
    const family = familyOf(o);
    if (!isAsker) this.#takeUnasked(o);
    else if (this.#isFlooded(o, family)) return;
    if (family === Family.none) {
      if (isAsker && o.transport === Transport.tcp) {
        this.#memory.addUsed(this.#ends, o.destinationPort);
      }
      return;
    }
    this.#takeProbe(o, family);
  }

  /** Whether a contact is left out because its destination gets too many, and nothing is known of its source. */
  #isFlooded(o: Observation, family: number): boolean {
    if (!this.#pressure.add(this.#ends.destination0)) return false;
    copySource(o, this.#source);
    return !this.#judge.isSuspicious(this.#source, this.#ends.source0, family);
  }

  /** The first packet of a flow comes from the side that is asked: an answer to what was not seen, or to forgery. */
  #takeUnasked(o: Observation): void {
    if (o.transport === Transport.udp) this.#memory.addReply(this.#ends, o);
  }

  #takeProbe(o: Observation, family: number): void {
    const memory = this.#memory;
    const ends = this.#ends;
    const port = isSweep(family) ? 0 : o.destinationPort;
    if ((o.marks & bothLocal) === bothLocal) memory.addPair(ends);
    if (family === Family.udp && memory.hasAsked(ends, o)) return;
    if (isBare(family) && memory.hasUsed(ends, o.destinationPort)) return;
    if (!this.#isFirst(o, port, family)) return;
    if (family === Family.udp) memory.addAsked(ends, o);
    let traits = traitsOf(o, family) | family;
    if (memory.isResolved(ends)) traits |= Trait.isResolved;
    if (isOddByItself(family)) this.#judgeAtOnce(o, port, traits);
    else this.#pending.add(o, ends, port, traits);
  }

  /** Whether the contact is the first of its kind, or the first of another scan. */
  #isFirst(o: Observation, port: number, family: number): boolean {
    if (!this.#memory.addContact(this.#ends, port << 16 | family)) return true;
    return this.#judge.isScannedAnew(o, this.#ends, port, family);
  }

  /** A packet that changes what is known of a flow. */
  #takeLater(o: Observation): void {
    const isAsker = (o.marks & Mark.sentByOriginator) !== 0;
    if (isAsker && !isTelling(o)) return;
    const askedPort = isAsker ? o.destinationPort : o.sourcePort;
    const isIcmp = o.transport === Transport.icmp || o.transport === Transport.icmpv6;
    const port = isIcmp ? 0 : askedPort;
    const slot = isAsker ? this.#pending.find(o, port) : this.#pending.findAsked(o, port);
    if (slot >= 0) {
      const contact = this.#readContact(slot);
      const outcome = isAsker ? outcomeOfAsker(o, contact) : outcomeOfAnswer(o, contact);
      if (outcome === HAS_ANSWERED) this.#pending.isAnswered[slot] = 1;
      else if (outcome !== STILL_PENDING) this.#settle(slot, outcome, o.timestampUs);
    }
    if (this.#judge.isAnyOpen && o.has(Mark.isFirstPayload)) {
      this.#takeData(o, isAsker, askedPort);
    }
  }

  /** The first payload of a side: does a scanner come back to what it found? */
  #takeData(o: Observation, isAsker: boolean, port: number): void {
    if (o.origBytes === 0 || o.respBytes === 0) return;
    const { formatAddress } = this.#context;
    const family = o.transport === Transport.tcp ? Family.tcp : Family.udp;
    if (isAsker) copySource(o, this.#source);
    else copyDestination(o, this.#source);
    const target = () =>
      isAsker
        ? formatAddress(o.destination0, o.destination1, o.destination2, o.destination3)
        : formatAddress(o.source0, o.source1, o.source2, o.source3);
    this.#judge.noteData(this.#source, hashAddress0(this.#source, 0), family, port, target);
  }

  // ------------------------------------------------ ARP, ICMP, DNS

  #takeArp(o: Observation): void {
    if (o.arpOperation === 2) {
      const slot = this.#pending.findAsked(o, 0);
      if (slot >= 0) this.#pending.isAnswered[slot] = 1;
      return;
    }
    // Announcements, address probes and the unicast upkeep of a known neighbour ask for nobody new.
    if (o.arpOperation !== 1 || o.source3 === 0 || o.source3 === o.destination3) return;
    if (!o.has(Mark.isLinkBroadcast)) return;
    if (this.#memory.isRouter(o.arpSenderMac)) this.#memory.addRouterAddress(o);
    this.#ends.ofRow(o);
    if (!this.#isFirst(o, 0, Family.arp)) return;
    this.#pending.add(
      o,
      this.#ends,
      0,
      Family.arp | Trait.isSourceLocal | Trait.isDestinationLocal,
    );
  }

  #takeIcmpError(o: Observation): void {
    const isIpv4 = o.word(16) === 0 && o.word(17) === 0 && o.word(18) === 0xffff;
    const { icmpType, icmpCode } = o;
    const isUnreachable = isIpv4 ? icmpType === 3 && icmpCode !== 4 : icmpType === 1;
    const isTimeExceeded = icmpType === (isIpv4 ? 11 : 3);
    if (!isUnreachable && !isTimeExceeded) return;
    const isIcmp = o.transport === Transport.icmp || o.transport === Transport.icmpv6;
    const slot = this.#pending.find(o, isIcmp ? 0 : o.destinationPort);
    if (slot < 0) return;
    // Whoever lets packets die on the way looks for the way, not for ports.
    if (isTimeExceeded) this.#pending.remove(slot);
    else this.#settle(slot, Outcome.failed, o.timestampUs);
  }

  #takeDns(o: Observation): void {
    if (!o.isDnsResponse || o.has(Mark.isToMany)) return;
    for (let index = o.dnsAddressCount - 1; index >= 0; index--) {
      this.#memory.addResolved(o, o.dnsAddressAt(index));
    }
  }

  // ------------------------------------------------ judgement

  /** Judges what has waited long enough, and what is from before time went back. */
  #judgeDue(nowUs: number): void {
    this.#nowUs = nowUs;
    const timeoutUs = this.#options.answerTimeoutUs;
    for (let slot = this.#pending.oldest; slot >= 0; slot = this.#pending.oldest) {
      const startUs = this.#pending.startUs[slot];
      if (startUs > nowUs - timeoutUs && startUs < nowUs + jumpUs) break;
      this.#judgeSilent(slot, startUs + timeoutUs);
    }
  }

  #judgeAtOnce(o: Observation, port: number, traits: number): void {
    const probe = this.#judged;
    const { key } = probe;
    probe.ends.ofRow(o);
    copySource(o, key);
    copyDestination(o, key, 4);
    key[8] = port << 16 | o.transport;
    probe.family = traits & familyMask;
    probe.traits = traits;
    probe.outcome = Outcome.failed;
    probe.isSilent = false;
    probe.startUs = o.timestampUs;
    probe.atUs = o.timestampUs;
    probe.sourcePort = o.sourcePort;
    probe.flowId = o.flowId;
    this.#judge.weigh(probe);
  }

  #judgeSilent(slot: number, atUs: number): void {
    this.#settle(slot, outcomeOfSilence(this.#readContact(slot)), atUs, true);
  }

  #settle(slot: number, outcome: number, atUs: number, isSilent = false): void {
    const probe = this.#readProbe(slot, atUs);
    probe.outcome = outcome;
    probe.isSilent = isSilent;
    this.#pending.remove(slot);
    this.#judge.judge(probe);
  }

  /** The table of pending probes is full: those of known scanners count as unanswered, others are dropped. */
  #giveUp(slot: number): void {
    const probe = this.#readProbe(slot, this.#nowUs);
    if (this.#judge.incidentOf(probe) === undefined) return;
    probe.outcome = Outcome.failed;
    probe.isSilent = true;
    this.#judge.weigh(probe);
  }

  // ------------------------------------------------ reading

  #readContact(slot: number): ContactSoFar {
    const contact = this.#contact;
    contact.traits = this.#pending.traits[slot];
    contact.family = contact.traits & familyMask;
    contact.isAnswered = this.#pending.isAnswered[slot] !== 0;
    return contact;
  }

  #readProbe(slot: number, atUs: number): JudgedProbe {
    const probe = this.#judged;
    const pending = this.#pending;
    pending.readKey(slot, probe.key, probe.ends);
    probe.traits = pending.traits[slot];
    probe.family = probe.traits & familyMask;
    probe.startUs = pending.startUs[slot];
    probe.atUs = atUs;
    probe.sourcePort = pending.sourcePort[slot];
    probe.flowId = pending.flowId[slot];
    return probe;
  }
}

/** Packets that may also belong to a connection that was forgotten, or began before the capture. */
function isBare(family: number): boolean {
  return family === Family.ack || family === Family.maimon || family === Family.fin;
}

function isToItself(o: Observation): boolean {
  return o.source3 === o.destination3 && o.source2 === o.destination2 &&
    o.source1 === o.destination1 && o.source0 === o.destination0;
}
