/**
 * Port scans, in real time and on traffic time. The way of a contact: its first packet opens a pending probe, unless the
 * same was tried before, it answers something, or its destination is being flooded; an answer, its silence or the
 * end of the input judges it; guards drop what is no evidence; the rest is evidence against its source
 * (source_evidence.ts) and for its target (victim_watch.ts); enough of it, in a scan's pattern, opens an incident.
 *
 * Memory: pending probes 5.3 MB, evidence 10 MB, remembered contacts 5.5 MB, victims 2.2 MB, targets of incidents 1 MB,
 * counters 0.3 MB; 256 incidents 7 MB and 16 distributed ones 2 MB, if all were of the largest. In all 31 MB, mostly 23.
 */
import { Transport } from "../../records.ts";
import type { Detector, DetectorContext } from "../detector.ts";
import { Mark, type Observation, ObservationKind } from "../observation.ts";
import {
  type ContactSoFar,
  HAS_ANSWERED,
  outcomeOfAnswer,
  outcomeOfAsker,
  outcomeOfSilence,
  STILL_PENDING,
} from "./contact_outcome.ts";
import { ContactPressure } from "./contact_pressure.ts";
import type { Incident } from "./incident.ts";
import { JudgedProbe, Outcome } from "./judged_probe.ts";
import { ScanMemory } from "./memory.ts";
import { DEFAULT_SCAN_OPTIONS, type ScanOptions } from "./options.ts";
import { PendingProbes } from "./pending_probes.ts";
import { Family, familyOf, isOddByItself, isSweep, Trait, traitsOf } from "./probe_family.ts";
import { ScanIncidents } from "./scan_incidents.ts";
import { evidenceMin, ScanPattern } from "./scan_pattern.ts";
import { RING_LENGTH, SourceEvidence } from "./source_evidence.ts";
import { VictimWatch } from "./victim_watch.ts";

const pendingMax = 65_536;
const sourcesMax = 8192;
const familyMask = 0xf;
/** Pending probes that lie in the future by more than this are from before a jump of time. */
const jumpUs = 60_000_000;
const ftpPort = 21;
const bothLocal = Mark.isSourceLocal | Mark.isDestinationLocal;
const tellingMarks = Mark.isFirstOfSide | Mark.hasTcpStateMoved | Mark.isFirstPayload;

export class ScanDetector implements Detector {
  readonly #options: ScanOptions;
  readonly #context: DetectorContext;
  readonly #memory = new ScanMemory();
  readonly #pressure: ContactPressure;
  readonly #pending: PendingProbes;
  readonly #evidence: SourceEvidence;
  readonly #pattern = new ScanPattern();
  readonly #incidents: ScanIncidents;
  readonly #victims: VictimWatch;
  readonly #judged = new JudgedProbe();
  readonly #contact = { family: 0, traits: 0, isAnswered: false as boolean };
  readonly #source = new Int32Array(4);
  #nowUs = -Infinity;

  constructor(context: DetectorContext, options: ScanOptions = DEFAULT_SCAN_OPTIONS) {
    this.#context = context;
    this.#options = options;
    this.#pressure = new ContactPressure(options.floodContactMax);
    this.#pending = new PendingProbes({
      capacity: pendingMax,
      onGivenUp: (slot) => this.#giveUp(slot),
    });
    this.#evidence = new SourceEvidence(options, sourcesMax, {
      isProtected: (slot) => this.#isWatched(slot),
      onForget: (slot) => this.#incidents.closeOf(slot, this.#nowUs),
    });
    this.#incidents = new ScanIncidents(context, options, this.#evidence);
    this.#victims = new VictimWatch(context, options);
  }

  get stateBytes(): number {
    return this.#memory.stateBytes + this.#pressure.stateBytes + this.#pending.stateBytes +
      this.#evidence.stateBytes + this.#incidents.stateBytes + this.#victims.stateBytes;
  }

  get forgottenCount(): number {
    return this.#memory.forgottenCount + this.#pressure.skippedCount +
      this.#pending.forgottenCount + this.#evidence.forgottenCount +
      this.#incidents.forgottenCount + this.#victims.forgottenCount;
  }

  observe(o: Observation): void {
    switch (o.kind) {
      case ObservationKind.contact:
        if ((o.marks & Mark.isContinued) !== 0) return;
        if ((o.marks & Mark.isNew) !== 0) this.#takeFirst(o);
        else if ((o.marks & tellingMarks) !== 0) this.#takeLater(o);
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
    this.#incidents.advance(nowUs);
    this.#victims.advance(nowUs);
  }

  finish(nowUs: number): void {
    // A clock that waits for more packets before it believes a jump stands behind the contacts.
    const endUs = Math.max(nowUs, this.#nowUs);
    for (let slot = this.#pending.oldest; slot >= 0; slot = this.#pending.oldest) {
      const startUs = this.#pending.startUs[slot];
      const dueUs = startUs + this.#options.answerTimeoutUs;
      this.#judgeSilent(slot, Math.max(startUs, Math.min(dueUs, endUs)));
    }
    this.#incidents.closeAll(nowUs);
    this.#victims.closeAll();
  }

  // ------------------------------------------------ contacts

  /** The first packet of a flow. */
  #takeFirst(o: Observation): void {
    if (isToItself(o)) return;
    if (o.timestampUs > this.#nowUs + this.#options.answerTimeoutUs) this.#judgeDue(o.timestampUs);
    const isAsker = o.has(Mark.sentByOriginator);
    if ((o.marks & (Mark.isSourceLocal | Mark.isTunnelled)) === 0) {
      this.#memory.addRouter(o.sourceMac);
    }
    const family = familyOf(o);
    if (!isAsker) this.#takeUnasked(o);
    else if (this.#pressure.add(o) && !this.#isSuspicious(o, family)) return;
    if (family === Family.none) {
      if (isAsker && o.transport === Transport.tcp) this.#memory.addUsed(o);
      return;
    }
    this.#takeProbe(o, family);
  }

  /** The first packet of a flow comes from the side that is asked: an answer to what was not seen, or to forgery. */
  #takeUnasked(o: Observation): void {
    if (o.transport === Transport.udp) this.#memory.addReply(o);
  }

  #takeProbe(o: Observation, family: number): void {
    const memory = this.#memory;
    const port = isSweep(family) ? 0 : o.destinationPort;
    if ((o.marks & bothLocal) === bothLocal) memory.addPair(o);
    if (canBeUpkeep(family) && (memory.hasAsked(o) || memory.hasUsed(o))) return;
    const isRepeated = memory.addContact(o, port << 16 | family);
    if (isRepeated && !this.#isScannedAnew(o, port, family)) return;
    if (family === Family.udp) memory.addAsked(o);
    let traits = traitsOf(o, family) | family;
    if (memory.isResolved(o)) traits |= Trait.isResolved;
    if (isOddByItself(family)) this.#judgeAtOnce(o, port, traits);
    else this.#pending.add(o, port, traits);
  }

  /**
   * A contact that was tried before is a retry, unless its source has been quiet since it was named a scanner for it:
   * then it scans again.
   */
  #isScannedAnew(o: Observation, port: number, family: number): boolean {
    const evidence = this.#evidence;
    if (this.#incidents.openCount + evidence.namedCount === 0) return false;
    const slot = evidence.find(this.#readSource(o), family);
    if (slot < 0) return false;
    const incident = this.#incidents.of(slot);
    if (incident) this.#incidents.noteRepeat(incident, o, port);
    const scansOver = evidence.scansOver(slot);
    if (scansOver === 0) return false;
    return !this.#memory.addContact(o, port << 16 | scansOver << 8 | family);
  }

  /** A packet that changes what is known of a flow. */
  #takeLater(o: Observation): void {
    const isAsker = o.has(Mark.sentByOriginator);
    const askedPort = isAsker ? o.destinationPort : o.sourcePort;
    const isIcmp = o.transport === Transport.icmp || o.transport === Transport.icmpv6;
    const port = isIcmp ? 0 : askedPort;
    const slot = isAsker ? this.#pending.find(o, port) : this.#pending.findAsked(o, port);
    if (slot >= 0) {
      const contact = this.#readContact(slot);
      const outcome = isAsker ? outcomeOfAsker(o, contact) : outcomeOfAnswer(o, contact);
      if (outcome === HAS_ANSWERED) this.#pending.isAnswered[slot] = 1;
      else if (outcome !== STILL_PENDING) this.#judge(slot, outcome, o.timestampUs);
    }
    if (this.#incidents.openCount > 0 && o.has(Mark.isFirstPayload)) {
      this.#takeData(o, isAsker, askedPort);
    }
  }

  /** The first payload of a side: does a scanner come back to what it found? */
  #takeData(o: Observation, isAsker: boolean, port: number): void {
    if (o.origBytes === 0 || o.respBytes === 0) return;
    const source = this.#source;
    source[0] = isAsker ? o.source0 : o.destination0;
    source[1] = isAsker ? o.source1 : o.destination1;
    source[2] = isAsker ? o.source2 : o.destination2;
    source[3] = isAsker ? o.source3 : o.destination3;
    const family = o.transport === Transport.tcp ? Family.tcp : Family.udp;
    const slot = this.#evidence.find(source, family);
    const incident = slot < 0 ? undefined : this.#incidents.of(slot);
    if (!incident) return;
    const target = isAsker
      ? this.#context.formatAddress(
        o.destination0,
        o.destination1,
        o.destination2,
        o.destination3,
      )
      : this.#context.formatAddress(o.source0, o.source1, o.source2, o.source3);
    this.#incidents.noteData(incident, target, port);
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
    if (this.#memory.addContact(o, Family.arp)) return;
    this.#pending.add(o, 0, Family.arp | Trait.isSourceLocal | Trait.isDestinationLocal);
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
    else this.#judge(slot, Outcome.failed, o.timestampUs);
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
    key[0] = o.source0;
    key[1] = o.source1;
    key[2] = o.source2;
    key[3] = o.source3;
    key[4] = o.destination0;
    key[5] = o.destination1;
    key[6] = o.destination2;
    key[7] = o.destination3;
    key[8] = port << 16 | o.transport;
    probe.family = traits & familyMask;
    probe.traits = traits;
    probe.outcome = Outcome.failed;
    probe.isSilent = false;
    probe.startUs = o.timestampUs;
    probe.atUs = o.timestampUs;
    probe.sourcePort = o.sourcePort;
    probe.flowId = o.flowId;
    this.#weigh(probe);
  }

  #judgeSilent(slot: number, atUs: number): void {
    this.#judge(slot, outcomeOfSilence(this.#readContact(slot)), atUs, true);
  }

  #judge(slot: number, outcome: number, atUs: number, isSilent = false): void {
    const probe = this.#readProbe(slot, atUs);
    probe.outcome = outcome;
    probe.isSilent = isSilent;
    this.#pending.remove(slot);
    if (outcome === Outcome.failed ? this.#isExcused(probe) : this.#isSettled(probe)) return;
    this.#weigh(probe);
  }

  /** The table of pending probes is full: those of known scanners count as unanswered, others are dropped. */
  #giveUp(slot: number): void {
    const probe = this.#readProbe(slot, this.#nowUs);
    if (this.#incidentOf(probe) === undefined) return;
    probe.outcome = Outcome.failed;
    probe.isSilent = true;
    this.#weigh(probe);
  }

  /** Whether a failure has a harmless reason. */
  #isExcused(probe: JudgedProbe): boolean {
    const { family, key, port } = probe;
    const memory = this.#memory;
    if (family === Family.arp) return memory.hasPair(key);
    if (family === Family.icmp || family === Family.ack || family === Family.maimon) return false;
    if (memory.hasService(key)) return true;
    if (port >= 1024 && family === Family.tcp && memory.hasFtp(key)) return true;
    return family === Family.udp && probe.isSilent && memory.hasReply(key, probe.sourcePort, port);
  }

  /** Remembers what an accepted contact teaches; whether nothing more is to be said of it. */
  #isSettled({ family, key, port, outcome }: JudgedProbe): boolean {
    const memory = this.#memory;
    if (family === Family.arp) return memory.hasPair(key);
    if (family === Family.icmp) return outcome === Outcome.neutral;
    memory.addService(key);
    if (family === Family.tcp && outcome !== Outcome.answered) memory.addUsedKey(key);
    if (family === Family.tcp && port === ftpPort && outcome === Outcome.used) memory.addFtp(key);
    return false;
  }

  #weigh(probe: JudgedProbe): void {
    const known = this.#incidentOf(probe);
    if (known) {
      if (probe.outcome !== Outcome.used) this.#incidents.take(known, probe);
    } else {
      const slot = this.#evidence.add(probe);
      const isEvidence = probe.outcome === Outcome.failed || probe.outcome === Outcome.answered;
      if (isEvidence && this.#suffices(slot, probe)) this.#incidents.open(slot, probe);
    }
    if (probe.outcome !== Outcome.failed || !isForVictim(probe)) return;
    const own = known ?? this.#incidentOf(probe);
    // Decoys all try the same; they share no work.
    if (own === undefined || own.decoyCount === 0) this.#victims.take(probe, own !== undefined);
  }

  #incidentOf(probe: JudgedProbe): Incident | undefined {
    if (this.#incidents.openCount === 0) return undefined;
    const slot = this.#evidence.find(probe.key, probe.family);
    return slot < 0 ? undefined : this.#incidents.of(slot);
  }

  #suffices(slot: number, probe: JudgedProbe): boolean {
    if (!this.#evidence.isAboveThreshold(slot)) return false;
    const { family, traits, key } = probe;
    let least = evidenceMin(this.#options, family, traits);
    if (isSweep(family) && this.#memory.hasRouterAddress(key)) least *= this.#options.routerFactor;
    this.#pattern.look(this.#evidence, slot);
    if (!this.#pattern.isScan()) return false;
    return least <= RING_LENGTH
      ? this.#pattern.evidence >= least
      : this.#evidence.failures(slot) >= least;
  }

  // ------------------------------------------------ reading

  #isSuspicious(o: Observation, family: number): boolean {
    return this.#evidence.find(this.#readSource(o), family) >= 0;
  }

  #readSource(o: Observation): Int32Array {
    const source = this.#source;
    source[0] = o.source0;
    source[1] = o.source1;
    source[2] = o.source2;
    source[3] = o.source3;
    return source;
  }

  #isWatched(slot: number): boolean {
    return this.#incidents.of(slot) !== undefined || this.#evidence.isGrowing(slot, this.#nowUs);
  }

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
    pending.readKey(slot, probe.key);
    probe.traits = pending.traits[slot];
    probe.family = probe.traits & familyMask;
    probe.startUs = pending.startUs[slot];
    probe.atUs = atUs;
    probe.sourcePort = pending.sourcePort[slot];
    probe.flowId = pending.flowId[slot];
    return probe;
  }
}

/** Bare ACKs and FINs, and UDP, may also belong to what began before the capture. */
function canBeUpkeep(family: number): boolean {
  return family === Family.ack || family === Family.maimon || family === Family.fin ||
    family === Family.udp;
}

function isForVictim({ family, isSilent }: JudgedProbe): boolean {
  return family === Family.tcp || family === Family.sctp || family === Family.udp && !isSilent;
}

function isToItself(o: Observation): boolean {
  return o.source3 === o.destination3 && o.source2 === o.destination2 &&
    o.source1 === o.destination1 && o.source0 === o.destination0;
}
