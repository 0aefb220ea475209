/** What kind of probe the row, a flow's first packet, could be. Flags as in nmap's manual, "Port scanning techniques". */
import {
  destinationPort,
  has,
  headerLength,
  ipIdentification,
  isIpv4At,
  payloadLength,
  sourcePort,
  tcpFlags,
  tcpWindow,
  transport,
  ttl,
} from "../../common/assembly/row";
import {
  MARK_IS_DESTINATION_LOCAL,
  MARK_IS_FRAGMENT,
  MARK_IS_LINK_BROADCAST,
  MARK_IS_SOURCE_LOCAL,
  MARK_IS_TO_MANY,
  MARK_SENT_BY_ORIGINATOR,
  TRANSPORT_ICMP,
  TRANSPORT_ICMPV6,
  TRANSPORT_SCTP,
  TRANSPORT_TCP,
  TRANSPORT_UDP,
} from "../../common/row_layout";
import {
  FAMILY_ACK,
  FAMILY_ARP,
  FAMILY_FIN,
  FAMILY_ICMP,
  FAMILY_MAIMON,
  FAMILY_NONE,
  FAMILY_NULL,
  FAMILY_SCTP,
  FAMILY_TCP,
  FAMILY_UDP,
  FAMILY_XMAS,
  TCP_ACK,
  TCP_FIN,
  TCP_PSH,
  TCP_RST,
  TCP_SYN,
  TCP_URG,
  TRAIT_IS_DESTINATION_LOCAL,
  TRAIT_IS_MASSCAN_LIKE,
  TRAIT_IS_NMAP_LIKE,
  TRAIT_IS_ODD_PING,
  TRAIT_IS_RAW,
  TRAIT_IS_SOURCE_LOCAL,
  TRAIT_IS_ZMAP_LIKE,
} from "../contact_layout";

/** The flags where they were cut off. */
const unknownFlags: i32 = 0xffff;

/** Whether the family is a sweep of hosts, without ports. */
export function isSweep(family: i32): bool {
  return family == FAMILY_ICMP || family == FAMILY_ARP;
}

/** Probes that no benign host sends and that are judged at once. */
export function isOddByItself(family: i32): bool {
  return family == FAMILY_FIN || family == FAMILY_NULL || family == FAMILY_XMAS;
}

/** Packets that may also belong to a connection that was forgotten, or began before the capture. */
export function isBare(family: i32): bool {
  return family == FAMILY_ACK || family == FAMILY_MAIMON || family == FAMILY_FIN;
}

/** Family of a flow's first packet; none for what is an answer, a group message or no probe. */
export function familyOfRow(): i32 {
  if (has(MARK_IS_TO_MANY | MARK_IS_LINK_BROADCAST)) return FAMILY_NONE;
  // A later fragment whose first one was not seen.
  if (has(MARK_IS_FRAGMENT) && destinationPort() == 0) return FAMILY_NONE;
  const isAsker = has(MARK_SENT_BY_ORIGINATOR);
  const askedFor = sourcePort();
  switch (transport()) {
    case TRANSPORT_TCP:
      return tcpFamily(isAsker);
    case TRANSPORT_UDP:
      return isAsker && !isTraceroute() ? FAMILY_UDP : FAMILY_NONE;
    case TRANSPORT_ICMP:
      // Echo, timestamp and address mask requests (RFC 792, 950).
      return askedFor == 8 || askedFor == 13 || askedFor == 17 ? FAMILY_ICMP : FAMILY_NONE;
    case TRANSPORT_ICMPV6:
      return askedFor == 128 ? FAMILY_ICMP : FAMILY_NONE;
    case TRANSPORT_SCTP:
      return isAsker ? FAMILY_SCTP : FAMILY_NONE;
    default:
      return FAMILY_NONE;
  }
}

function tcpFamily(isAsker: bool): i32 {
  const flags = tcpFlags();
  if (flags == unknownFlags) {
    // A first fragment without room for the flags (RFC 1858): nobody's stack makes it.
    return isAsker && has(MARK_IS_FRAGMENT) && destinationPort() > 0 ? FAMILY_TCP : FAMILY_NONE;
  }
  if ((flags & TCP_RST) != 0) return FAMILY_NONE;
  if ((flags & TCP_SYN) != 0) {
    return (flags & TCP_ACK) == 0 && isAsker ? FAMILY_TCP : FAMILY_NONE;
  }
  if (payloadLength() > 0) return FAMILY_NONE;
  switch (flags & 0x3f) {
    case 0:
      return FAMILY_NULL;
    case TCP_FIN | TCP_PSH | TCP_URG:
      return FAMILY_XMAS;
    case TCP_FIN:
      return isAsker ? FAMILY_FIN : FAMILY_NONE;
    case TCP_FIN | TCP_ACK:
      return isAsker ? FAMILY_MAIMON : FAMILY_NONE;
    case TCP_ACK:
      return isAsker ? FAMILY_ACK : FAMILY_NONE;
    default:
      return FAMILY_NONE;
  }
}

function isOddPing(): bool {
  return payloadLength() == 0 || sourcePort() == 13 || sourcePort() == 17;
}

/** Ports and hop limits of traceroute (Jacobson's and Butskoy's: from 33434 up, hop by hop). */
function isTraceroute(): bool {
  return destinationPort() >= 33434 && destinationPort() <= 33600 && ttl() <= 30;
}

/** Trait bits of a first packet. */
export function traitsOfRow(family: i32): i32 {
  let traits = has(MARK_IS_SOURCE_LOCAL) ? TRAIT_IS_SOURCE_LOCAL : 0;
  if (has(MARK_IS_DESTINATION_LOCAL)) traits |= TRAIT_IS_DESTINATION_LOCAL;
  if (family == FAMILY_ICMP && isOddPing()) traits |= TRAIT_IS_ODD_PING;
  if (ipIdentification() == 54321) traits |= TRAIT_IS_ZMAP_LIKE;
  if (family == FAMILY_TCP) traits |= synTraits();
  return traits;
}

/**
 * The SYN's shape: stacks send 12 to 20 bytes of options; nmap -sS only the segment size, with one of four windows and
 * a hop limit of at most 60; masscan the window 1024 and a hop limit of 255.
 */
function synTraits(): i32 {
  const isIpv4 = isIpv4At(3);
  const options = headerLength() - (isIpv4 ? 40 : 60);
  if (options > 4) return 0;
  const window = tcpWindow();
  let traits = TRAIT_IS_RAW;
  const isNmapWindow = window >= 1024 && window <= 4096 && window % 1024 == 0;
  if (options == 4 && isNmapWindow && ttl() <= 64) traits |= TRAIT_IS_NMAP_LIKE;
  if (isIpv4 && window == 1024 && ttl() > 192) traits |= TRAIT_IS_MASSCAN_LIKE;
  return traits;
}
