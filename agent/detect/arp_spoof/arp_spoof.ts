/**
 * ARP spoofing: a MAC address claims an IPv4 address that another one still claims, or from which another one still sends,
 * or that of a gateway whose own MAC address still brings packets from outside.
 *
 * RFC 826 lets a host answer when asked, and RFC 5227 makes it defend its address when another claims it. So two
 * claimants in turn, one of which answers unasked again and again, is arpspoof's or ettercap's work; two in turn
 * without that is a conflict of addresses, told with less confidence once it goes on. Left out: an address that moves
 * once (DHCP, failover), virtual router addresses (VRRP and CARP, HSRP, GLBP), two answers to one question (a host with
 * two cards in one network), probes (RFC 5227 section 2.1.1).
 *
 * When a gateway's address has gone to another MAC address and the former one is silent, that is told as a change.
 */
import type { Detector, DetectorContext, Interest } from "../detector.ts";
import {
  type Claim,
  type Claimant,
  Contest,
  isSameMac,
  type Mac,
  type Verdict,
} from "./contest.ts";
import { GatewayMacs } from "./gateways.ts";
import { AddressOwners } from "./owners.ts";
import { type Episode, type EpisodeFacts, Episodes } from "../common/episodes.ts";
import { KeyedSlots } from "../common/keyed_slots.ts";
import { Mark, type Observation, ObservationKind } from "../observation.ts";
import { formatMac } from "../common/address_words.ts";

const secondUs = 1_000_000;
/** An answer is asked for by a request this recent. */
const askedUs = 5 * secondUs;
const quietUs = 600 * secondUs;
const capacity = 4096;
const contestMax = 256;
/** Senders whose packets tell nothing until ARP says something new. */
const idleMax = 256;

const arpRequest = 1;
const arpReply = 2;

export class ArpSpoof implements Detector {
  readonly interests: readonly Interest[] = [
    // From outside, and of those in the network themselves.
    {
      kind: ObservationKind.contact,
      marks: Mark.isFirstOfSide | Mark.isFirstInWindow,
      all: Mark.isDestinationLocal,
      without: Mark.isSourceLocal | Mark.isTunnelled,
    },
    {
      kind: ObservationKind.contact,
      marks: Mark.isFirstOfSide | Mark.isFirstInWindow,
      all: Mark.isSourceLocal,
      without: Mark.isSentByRouter | Mark.isTunnelled,
      skips: (words, at) =>
        this.#slots.count === 0 || !isOfLink(words, at) || this.#isIdle(words, at),
    },
    { kind: ObservationKind.arp, marks: 0 },
  ];
  readonly #context: DetectorContext;
  readonly #gateways = new GatewayMacs();
  readonly #owners = new AddressOwners(capacity);
  /** IPv4 addresses that someone has claimed or asked for. */
  readonly #slots: KeyedSlots;
  readonly #askedUs = new Float64Array(capacity);
  /** Claimant of each; MAC address 0 stands for none yet. */
  readonly #uppers = new Int32Array(capacity);
  readonly #lowers = new Int32Array(capacity);
  readonly #claims = new Uint32Array(capacity);
  readonly #unasked = new Uint32Array(capacity);
  /** Addresses that had more than one claimant. */
  readonly #contests = new Map<number, Contest>();
  readonly #verdicts = new Map<number, Verdict>();
  readonly #episodes: Episodes;
  readonly #key = new Int32Array(1);
  /** Of each: address, MAC address, and #newsCount when its packets told nothing. */
  readonly #idle = new Int32Array(idleMax * 4);
  /** Rises when an address is claimed or asked for first, and when its claimant is another. Most ARP is said again and again. */
  #newsCount = 0;

  constructor(context: DetectorContext) {
    this.#context = context;
    this.#episodes = new Episodes({
      context,
      kind: "arp_spoof",
      quietUs,
      describe: (slot, episode) => this.#describe(slot, episode),
    });
    this.#slots = new KeyedSlots({
      capacity,
      keyWords: 1,
      onForget: (slot) => {
        this.#episodes.close(slot);
        this.#forget(slot);
      },
    });
  }

  get stateBytes(): number {
    return this.#slots.stateBytes + this.#gateways.stateBytes +
      this.#owners.stateBytes + this.#idle.byteLength + capacity * (8 + 4 * 4);
  }
  get forgottenCount(): number {
    return this.#slots.forgottenCount;
  }

  observe(observation: Observation): void {
    if (observation.kind === ObservationKind.arp) this.#arp(observation);
    else if (!observation.has(Mark.isSourceLocal)) this.#gateways.observe(observation);
    else this.#use(observation);
  }

  advance(nowUs: number): void {
    for (const slot of this.#contests.keys()) this.#judgeSilence(slot, nowUs);
    this.#episodes.advance(nowUs);
  }
  finish(): void {
    this.#episodes.finish();
  }

  /** Whether the row's sender told nothing, and ARP has said nothing new since. */
  #isIdle(words: Int32Array, at: number): boolean {
    const idle = this.#idle;
    const address = words[at + 6];
    const lower = words[at + 25];
    const own = placeOf(address, lower);
    return idle[own] === address && idle[own + 1] === lower && idle[own + 2] === words[at + 24] &&
      idle[own + 3] === this.#newsCount;
  }

  /** A packet from a local address, of which ARP may have spoken. */
  #use(observation: Observation): void {
    const { words, at } = observation;
    const address = words[at + 6];
    this.#key[0] = address;
    const slot = this.#slots.find(this.#key);
    const mac = { upper: words[at + 24], lower: words[at + 25] };
    const isOne = (mac.upper | mac.lower) !== 0 && !isVirtual(mac.upper, mac.lower);
    if (slot >= 0 && isOne && !this.#isClaimedBy(slot, mac)) {
      return this.#owners.use(slot, mac, observation.timestampUs);
    }
    const own = placeOf(address, mac.lower);
    this.#idle[own] = address;
    this.#idle[own + 1] = mac.lower;
    this.#idle[own + 2] = mac.upper;
    this.#idle[own + 3] = this.#newsCount;
  }

  #arp(observation: Observation): void {
    const { arpOperation, timestampUs } = observation;
    if (arpOperation !== arpRequest && arpOperation !== arpReply) return;
    const sender = observation.source3;
    const target = observation.destination3;
    const isAnnouncement = sender === target;
    if (arpOperation === arpRequest && !isAnnouncement) {
      this.#askedUs[this.#slot(target)] = timestampUs;
    }
    const upper = observation.word(16);
    const lower = observation.word(17) | 0;
    // Probes have no sender address yet.
    if (sender === 0 || (upper | lower) === 0 || isVirtual(upper, lower)) return;
    const slot = this.#slot(sender);
    const isReply = arpOperation === arpReply && !isAnnouncement;
    const isAsked = isReply && Math.abs(timestampUs - this.#askedUs[slot]) <= askedUs;
    const isOwnFrame = observation.arpFrameMac === observation.arpSenderMac;
    const isUnasked = isReply && !isAsked && isOwnFrame;
    this.#claim(slot, { upper, lower, timestampUs, isAsked, isUnasked, toldTo: target });
    if (isReply) this.#answered(target, observation.word(18), observation.word(19) | 0);
  }

  /** Someone has answered to an address at a MAC address. */
  #answered(target: number, upper: number, lower: number): void {
    const isOne = target !== 0 && (upper | lower) !== 0 && (upper & 0x100) === 0;
    if (isOne && !isVirtual(upper, lower)) {
      this.#owners.answer(this.#slot(target), { upper, lower });
    }
  }

  #claim(slot: number, claim: Claim): void {
    const contest = this.#contests.get(slot);
    if (contest) contest.take(claim);
    else this.#contend(slot, claim);
    if (this.#isClaimedBy(slot, claim)) {
      this.#claims[slot]++;
      if (claim.isUnasked) this.#unasked[slot]++;
    } else {
      this.#newsCount = this.#newsCount + 1 | 0;
      this.#uppers[slot] = claim.upper;
      this.#lowers[slot] = claim.lower;
      this.#claims[slot] = 1;
      this.#unasked[slot] = claim.isUnasked ? 1 : 0;
    }
    if (contest) this.#judge(slot, claim.timestampUs);
  }

  /** Begins a contest if the address is another's. */
  #contend(slot: number, claim: Claim): void {
    const former = this.#rival(slot, claim);
    if (former === null) return;
    if (this.#contests.size >= contestMax) this.#forget(this.#contests.keys().next().value!);
    this.#contests.set(slot, new Contest(former, claim));
  }

  /** Whose the address is, if not the one's that claims it: the present claimant's, or its owner's. */
  #rival(slot: number, claim: Claim): Claimant | null {
    const present = this.#claimant(slot);
    const isClaimed = (present.upper | present.lower) !== 0;
    if (isClaimed && !isSameMac(present, claim)) return present;
    const owner = this.#owners.of(slot);
    return owner === null || isSameMac(owner, claim) ? null : { ...owner, claims: 0, unasked: 0 };
  }

  #judge(slot: number, nowUs: number): void {
    const verdict = this.#verdict(slot, nowUs);
    if (verdict === null || verdict === "gatewayChange") return;
    const { lastUs, firstUs, suspect } = this.#contests.get(slot)!;
    const evidence = { timestampUs: lastUs, amount: suspect.claims, flowId: 0 };
    const before = this.#verdicts.get(slot);
    this.#verdicts.set(slot, verdict);
    if (!this.#episodes.get(slot)) this.#episodes.open(slot, firstUs, evidence);
    else {
      this.#episodes.grow(slot, evidence);
      if (verdict !== before) this.#episodes.retell(slot);
    }
  }

  /** A gateway's change shows in the silence of the former one, not in claims; it is told once. */
  #judgeSilence(slot: number, nowUs: number): void {
    if (this.#verdicts.has(slot) || this.#verdict(slot, nowUs) !== "gatewayChange") return;
    const { firstUs, suspect } = this.#contests.get(slot)!;
    this.#verdicts.set(slot, "gatewayChange");
    const evidence = { timestampUs: nowUs, amount: suspect.claims, flowId: 0 };
    this.#episodes.open(slot, firstUs, evidence);
  }

  #verdict(slot: number, nowUs: number): Verdict | null {
    const contest = this.#contests.get(slot)!;
    const verdict = contest.judge(nowUs, {
      outsideUs: ({ upper, lower }: Mac) => this.#gateways.lastUs(upper, lower),
      usedUs: (mac: Mac) => this.#owners.usedUs(slot, mac, nowUs),
    });
    // A bond of two cards sends from both.
    if (verdict === "besideOwner" && this.#ownAddress(contest.suspect, slot) === null) return null;
    return verdict === "conflict" && this.#areOfOneHost(contest) ? null : verdict;
  }

  /** A host on cable and wireless in one network answers with either card for both addresses. */
  #areOfOneHost(contest: Contest): boolean {
    for (const other of this.#contests.values()) {
      if (other !== contest && other.isBetween(contest.present, contest.former)) return true;
    }
    return false;
  }

  #slot(address: number): number {
    this.#key[0] = address;
    const slot = this.#slots.add(this.#key);
    if (this.#slots.isNew) {
      this.#newsCount = this.#newsCount + 1 | 0;
      this.#askedUs[slot] = -Infinity;
      this.#uppers[slot] = 0;
      this.#lowers[slot] = 0;
      this.#claims[slot] = 0;
      this.#unasked[slot] = 0;
      this.#owners.clear(slot);
    }
    return slot;
  }

  #forget(slot: number): void {
    this.#contests.delete(slot);
    this.#verdicts.delete(slot);
  }

  #isClaimedBy(slot: number, { upper, lower }: Mac): boolean {
    return this.#lowers[slot] === lower && this.#uppers[slot] === upper;
  }

  #claimant(slot: number): Claimant {
    return {
      upper: this.#uppers[slot],
      lower: this.#lowers[slot],
      claims: this.#claims[slot],
      unasked: this.#unasked[slot],
    };
  }

  /** Another address of a MAC address's own: the one claimed most often; null when none is known. */
  #ownAddress(mac: Claimant, contested: number): string | null {
    let best = -1;
    for (let slot = this.#slots.oldest; slot >= 0; slot = this.#slots.after(slot)) {
      const isIts = this.#lowers[slot] === mac.lower && this.#uppers[slot] === mac.upper;
      if (!isIts || slot === contested || this.#contests.has(slot)) continue;
      if (best < 0 || this.#claims[slot] > this.#claims[best]) best = slot;
    }
    return best < 0 ? null : this.#text(this.#slots.keyWord(best, 0));
  }

  #text(address: number): string {
    return this.#context.formatAddress(0, 0, 0xffff, address);
  }

  #describe(slot: number, _episode: Episode): EpisodeFacts {
    const contest = this.#contests.get(slot)!;
    const verdict = this.#verdicts.get(slot)!;
    const { suspect } = contest;
    const other = isSameMac(suspect, contest.present) ? contest.former : contest.present;
    const address = this.#text(this.#slots.keyWord(slot, 0));
    const mac = formatMac(suspect.upper, suspect.lower);
    const own = this.#ownAddress(suspect, slot);
    const otherMac = formatMac(other.upper, other.lower);
    const victims = [...contest.victims].map((victim) => this.#text(victim));
    const targets = [address, ...victims.filter((victim) => victim !== address)];
    return {
      ...weights[own === null && verdict === "spoofing" ? "besideGateway" : verdict],
      attackId: "T1557.002",
      sources: [own ?? mac],
      sourceCount: 1,
      targets,
      targetCount: targets.length,
      reason: sentence(verdict, { who: own ? `${own} (${mac})` : mac, address, otherMac, victims }),
    };
  }
}

/**
 * A spoofing MAC address without an address of its own weighs less: a bond of two cards (Linux balance-alb) tells its
 * clients by turns and unasked to use the one or the other.
 */
const weights: { readonly [verdict in Verdict]: Pick<EpisodeFacts, "severity" | "confidence"> } = {
  spoofing: { severity: "critical", confidence: 0.95 },
  besideOwner: { severity: "critical", confidence: 0.9 },
  besideGateway: { severity: "high", confidence: 0.85 },
  conflict: { severity: "medium", confidence: 0.6 },
  gatewayChange: { severity: "low", confidence: 0.5 },
};

interface Names {
  readonly who: string;
  readonly address: string;
  readonly otherMac: string;
  readonly victims: readonly string[];
}

function sentence(verdict: Verdict, { who, address, otherMac, victims }: Names): string {
  const toWhom = victims.length === 0
    ? ""
    : victims.length === 1
    ? ` to ${victims[0]}`
    : ` to ${victims[0]} and ${victims.length - 1} more`;
  switch (verdict) {
    case "spoofing":
    case "besideOwner":
      return `${who} claimed ${address} again and again${toWhom}, unasked, while ${otherMac} ` +
        `was using that address`;
    case "besideGateway":
      return `${who} claimed the gateway's address ${address}${toWhom}, unasked, while packets ` +
        `from outside still came through ${otherMac}`;
    case "conflict":
      return `${who} and ${otherMac} claimed ${address} in turn: two devices have one address, ` +
        `or one of them is spoofing`;
    case "gatewayChange":
      return `The gateway ${address} changed its MAC address from ${otherMac} to ${who}: ` +
        `expected after replacing a router, otherwise worth a look`;
  }
}

/** Where a sender is among those that are idle. */
function placeOf(address: number, lower: number): number {
  return ((address ^ address >>> 8 ^ lower) & idleMax - 1) * 4;
}

/** IPv4, with a hop limit as systems set it: no router has counted it down. */
function isOfLink(words: Int32Array, at: number): boolean {
  const hopLimit = words[at + 14] & 0xffff;
  return words[at + 5] === 0xffff && (hopLimit === 64 || hopLimit === 128 || hopLimit === 255);
}

/** Addresses that move between routers by design: VRRP and CARP (RFC 5798), HSRP, GLBP. */
function isVirtual(upper: number, lower: number): boolean {
  const next = lower >>> 8;
  if (upper === 0x0007) return lower >>> 16 === 0xb400;
  return upper === 0 && (next === 0x5e0001 || next === 0x5e0002 || next === 0x0c07ac ||
    (next & 0xfffff0) === 0x0c9ff0);
}
