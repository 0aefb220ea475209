/** An IPv4 address that more than one MAC address has claimed, and when that is spoofing. */

const secondUs = 1_000_000;
/** Turns this far apart are moves, not a conflict. */
const conflictUs = 600 * secondUs;
const turnsWhenUnasked = 2;
const unaskedMin = 3;
const turnsOtherwise = 6;
/** Claims of the newcomer while the former goes on: with packets of its own, or as a gateway with packets from outside. */
const claimsBeside = 3;
const besideUs = 5 * secondUs;
/** The former gateway must have been silent for so long before a change is told as one. */
const silentUs = 60 * secondUs;
const victimsMax = 16;

export interface Mac {
  readonly upper: number;
  readonly lower: number;
}
/** One ARP packet that says whose an address is. */
export interface Claim extends Mac {
  readonly timestampUs: number;
  /** A reply to a request that was seen. */
  readonly isAsked: boolean;
  /** A reply to no request that was seen, in a frame of the claimant's own, and no announcement (RFC 5227). */
  readonly isUnasked: boolean;
  /** IPv4 address of the one it was told to; 0 when told to all. */
  readonly toldTo: number;
}
export interface Claimant extends Mac {
  claims: number;
  unasked: number;
}

export type Verdict = "spoofing" | "besideOwner" | "besideGateway" | "conflict" | "gatewayChange";

/** What IP packets show of a MAC address; -Infinity when they do not. */
interface Signs {
  /** When packets from outside last came through it. */
  readonly outsideUs: (mac: Mac) => number;
  /** When it last sent from the contested address, as nobody else does. */
  readonly usedUs: (mac: Mac) => number;
}

export class Contest {
  /** The present claimant, and the one before. */
  present: Claimant;
  former: Claimant;
  turns = 1;
  firstUs: number;
  lastUs: number;
  /** The one that came later. */
  #newcomer: Claimant;
  #wasAsked: boolean;
  readonly victims = new Set<number>();

  /** `former` held the address until now. */
  constructor(former: Claimant, claim: Claim) {
    this.former = former;
    this.present = { upper: claim.upper, lower: claim.lower, claims: 0, unasked: 0 };
    this.#newcomer = this.present;
    this.firstUs = claim.timestampUs;
    this.lastUs = claim.timestampUs;
    this.#wasAsked = false;
    this.#count(claim);
  }

  take(claim: Claim): void {
    if (Math.abs(claim.timestampUs - this.lastUs) > conflictUs) this.#beginAnew(claim);
    if (isSameMac(claim, this.present)) return this.#count(claim);
    const isReturn = isSameMac(claim, this.former);
    const next = isReturn
      ? this.former
      : { upper: claim.upper, lower: claim.lower, claims: 0, unasked: 0 };
    this.former = this.present;
    this.present = next;
    if (!isReturn) this.#newcomer = next;
    // Two cards of a host in one network both answer each question.
    if (!(claim.isAsked && this.#wasAsked)) this.turns = isReturn ? this.turns + 1 : 1;
    this.#count(claim);
  }

  /** What it looks like by now; null while it may be harmless. */
  judge(nowUs: number, { outsideUs, usedUs }: Signs): Verdict | null {
    const { suspect, turns, former } = this;
    if (turns >= turnsWhenUnasked && suspect.unasked >= unaskedMin) return "spoofing";
    if (turns >= turnsOtherwise) return "conflict";
    const goesOn = (us: number) => us > this.firstUs + besideUs && turns <= 1;
    const isInsistent = this.present.unasked >= claimsBeside;
    if (isInsistent && goesOn(usedUs(former))) return "besideOwner";
    const formerUs = outsideUs(former);
    if (formerUs === -Infinity) return null;
    if (isInsistent && goesOn(formerUs)) return "besideGateway";
    const isSilent = nowUs - formerUs > silentUs;
    return isSilent && outsideUs(this.present) > formerUs ? "gatewayChange" : null;
  }

  isBetween(a: Mac, b: Mac): boolean {
    const { present, former } = this;
    return isSameMac(present, a) && isSameMac(former, b) ||
      isSameMac(present, b) && isSameMac(former, a);
  }

  /** The claimant that answers unasked more often; the newcomer when neither does. */
  get suspect(): Claimant {
    if (this.former.unasked === this.present.unasked) return this.#newcomer;
    return this.former.unasked > this.present.unasked ? this.former : this.present;
  }

  #beginAnew({ timestampUs }: Claim): void {
    this.turns = 0;
    this.firstUs = timestampUs;
    this.victims.clear();
    for (const claimant of [this.present, this.former]) {
      claimant.claims = 0;
      claimant.unasked = 0;
    }
  }

  #count(claim: Claim): void {
    this.present.claims++;
    if (claim.isUnasked) {
      this.present.unasked++;
      if (claim.toldTo !== 0 && this.victims.size < victimsMax) this.victims.add(claim.toldTo);
    }
    this.#wasAsked = claim.isAsked;
    this.lastUs = claim.timestampUs;
  }
}

export function isSameMac(a: Mac, b: Mac): boolean {
  return a.lower === b.lower && a.upper === b.upper;
}
