/** What the row, a later packet of a flow, says about the contact that opened it. */
import {
  has,
  origBytes,
  origPackets,
  payloadLength,
  respBytes,
  respPackets,
  tcpFlags,
  transport,
} from "../../common/assembly/row";
import {
  MARK_HAS_DOUBLED,
  MARK_IS_FIRST_PAYLOAD,
  MARK_SENT_BY_ORIGINATOR,
  TRANSPORT_TCP,
  TRANSPORT_UDP,
} from "../../common/row_layout";
import {
  FAMILY_ACK,
  FAMILY_ARP,
  FAMILY_ICMP,
  FAMILY_MAIMON,
  FAMILY_NDP,
  FAMILY_ODD_ACK,
  FAMILY_SCTP,
  FAMILY_TCP,
  FAMILY_UDP,
  OUTCOME_ANSWERED,
  OUTCOME_FAILED,
  OUTCOME_NEUTRAL,
  OUTCOME_USED,
  TCP_FIN,
  TCP_RST,
  TRAIT_HAS_PAYLOAD,
  TRAIT_IS_ODD_PING,
  TRAIT_IS_RAW,
} from "../contact_layout";

import { isBare, isOddByItself } from "./probes";

/** The contact stays pending; or it does, but someone has answered. */
export const STILL_PENDING: i32 = -1;
export const HAS_ANSWERED: i32 = -2;
/** It is no probe. */
export const IS_STREAM: i32 = -3;

/**
 * An INIT-ACK has 20 bytes and then a cookie (RFC 9260 section 3.3.3), which no stack makes shorter than 8; an ABORT has
 * 4, and seldom more than one cause.
 */
const initAckLengthMin: u32 = 28;
/** Datagrams to one port within the time for an answer: nobody asks as often. */
const streamPackets: u32 = 8;

/** Outcome by a packet of the side that was asked. */
export function outcomeOfAnswer(family: i32, traits: i32, isAnswered: bool): i32 {
  switch (family) {
    case FAMILY_TCP:
      if ((tcpFlags() & TCP_RST) != 0) return isAnswered ? OUTCOME_NEUTRAL : OUTCOME_FAILED;
      return has(MARK_IS_FIRST_PAYLOAD) ? OUTCOME_USED : HAS_ANSWERED;
    case FAMILY_ACK:
    case FAMILY_MAIMON:
    case FAMILY_ODD_ACK:
      return (tcpFlags() & TCP_RST) != 0 ? OUTCOME_FAILED : OUTCOME_USED;
    case FAMILY_ICMP:
      return (traits & TRAIT_IS_ODD_PING) != 0 ? OUTCOME_ANSWERED : OUTCOME_NEUTRAL;
    case FAMILY_SCTP:
      return payloadLength() < initAckLengthMin ? OUTCOME_FAILED : OUTCOME_NEUTRAL;
    default:
      return OUTCOME_USED;
  }
}

/** Whether a later packet of the side that asked can say anything. */
export function isTelling(): bool {
  if (has(MARK_IS_FIRST_PAYLOAD)) return true;
  if (transport() == TRANSPORT_UDP) return has(MARK_HAS_DOUBLED);
  return transport() == TRANSPORT_TCP && (tcpFlags() & (TCP_RST | TCP_FIN)) != 0;
}

/**
 * Outcome by a later packet of the side that asked. Its own payload shows a connection even where only one direction
 * was captured. A reset after a scanner's own SYN leaves the connection half open; after a stack's it is a client, or a
 * health check, that looked in and left.
 */
export function outcomeOfAsker(family: i32, traits: i32): i32 {
  if (family == FAMILY_UDP) return isStream() ? IS_STREAM : STILL_PENDING;
  if (has(MARK_IS_FIRST_PAYLOAD)) return OUTCOME_USED;
  if (family != FAMILY_TCP) return STILL_PENDING;
  const flags = tcpFlags();
  if ((flags & TCP_RST) != 0) {
    if (respBytes() > 0) return OUTCOME_USED;
    return (traits & TRAIT_IS_RAW) != 0 ? OUTCOME_ANSWERED : OUTCOME_NEUTRAL;
  }
  return (flags & TCP_FIN) != 0 ? OUTCOME_NEUTRAL : STILL_PENDING;
}

/**
 * Whether the datagrams that nothing answers are more than a probe sent again: several of different lengths, as of who has an
 * answer that was not captured, or many.
 */
function isStream(): bool {
  const isOriginator = has(MARK_SENT_BY_ORIGINATOR);
  if ((isOriginator ? respPackets() : origPackets()) != 0) return false;
  const packets = isOriginator ? origPackets() : respPackets();
  const bytes = isOriginator ? origBytes() : respBytes();
  return packets >= streamPackets || packets >= 4 && bytes != packets * payloadLength();
}

/**
 * Outcome when nothing more came in time. Data under way when a capture begins goes unanswered where only one direction
 * was captured.
 */
export function outcomeOfSilence(family: i32, traits: i32, isAnswered: bool): i32 {
  if (!isAnswered) {
    const isData = (traits & TRAIT_HAS_PAYLOAD) != 0 && isBare(family);
    return isData && !isOddByItself(family) ? OUTCOME_USED : OUTCOME_FAILED;
  }
  const isProbe = family == FAMILY_ARP || family == FAMILY_NDP || (traits & TRAIT_IS_RAW) != 0;
  return isProbe ? OUTCOME_ANSWERED : OUTCOME_NEUTRAL;
}
