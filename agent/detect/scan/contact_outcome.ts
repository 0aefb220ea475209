/** What a later packet of a flow says about the contact that opened it. Pure decisions over an observation. */
import { Transport } from "../../records.ts";
import { Mark, type Observation } from "../observation.ts";
import { Outcome } from "./judged_probe.ts";
import { Family, TcpFlag, Trait } from "./probe_family.ts";

/** The contact stays pending; or it does, but someone has answered. */
export const STILL_PENDING = -1;
export const HAS_ANSWERED = -2;

/**
 * An INIT-ACK has 20 bytes and then a cookie (RFC 9260 section 3.3.3), which no stack makes shorter than 8; an ABORT has
 * 4, and seldom more than one cause.
 */
const initAckLengthMin = 28;

/** What is known of a pending contact. */
export interface ContactSoFar {
  readonly family: number;
  readonly traits: number;
  readonly isAnswered: boolean;
}

/** Outcome by a packet of the side that was asked. */
export function outcomeOfAnswer(o: Observation, contact: ContactSoFar): number {
  switch (contact.family) {
    case Family.tcp:
      return outcomeOfTcpAnswer(o, contact);
    case Family.ack:
    case Family.maimon:
      return (o.tcpFlags & TcpFlag.rst) !== 0 ? Outcome.failed : Outcome.used;
    case Family.icmp:
      return (contact.traits & Trait.isOddPing) !== 0 ? Outcome.answered : Outcome.neutral;
    case Family.sctp:
      return o.payloadLength < initAckLengthMin ? Outcome.failed : Outcome.neutral;
    default:
      return Outcome.used;
  }
}

function outcomeOfTcpAnswer(o: Observation, { isAnswered }: ContactSoFar): number {
  if ((o.tcpFlags & TcpFlag.rst) !== 0) return isAnswered ? Outcome.neutral : Outcome.failed;
  if (o.has(Mark.isFirstPayload)) return Outcome.used;
  return HAS_ANSWERED;
}

/** Whether a later packet of the side that asked can say anything. */
export function isTelling(o: Observation): boolean {
  return (o.marks & Mark.isFirstPayload) !== 0 ||
    o.transport === Transport.tcp && (o.tcpFlags & (TcpFlag.rst | TcpFlag.fin)) !== 0;
}

/**
 * Outcome by a later packet of the side that asked. Its own payload shows a connection even where only one direction
 * was captured. A reset after a scanner's own SYN leaves the connection half open; after a stack's it is a client, or a
 * health check, that looked in and left.
 */
export function outcomeOfAsker(o: Observation, { family, traits }: ContactSoFar): number {
  if (o.has(Mark.isFirstPayload)) return Outcome.used;
  if (family !== Family.tcp) return STILL_PENDING;
  const flags = o.tcpFlags;
  if ((flags & TcpFlag.rst) !== 0) return outcomeOfReset(o, traits);
  return (flags & TcpFlag.fin) !== 0 ? Outcome.neutral : STILL_PENDING;
}

function outcomeOfReset(o: Observation, traits: number): number {
  if (o.respBytes > 0) return Outcome.used;
  return (traits & Trait.isRaw) !== 0 ? Outcome.answered : Outcome.neutral;
}

/** Outcome when nothing more came in time. */
export function outcomeOfSilence({ family, traits, isAnswered }: ContactSoFar): number {
  if (!isAnswered) return Outcome.failed;
  const isProbe = family === Family.arp || (traits & Trait.isRaw) !== 0;
  return isProbe ? Outcome.answered : Outcome.neutral;
}
