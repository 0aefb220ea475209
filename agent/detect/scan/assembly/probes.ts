/** What kind of probe the row, a flow's first packet, could be. Flags as in nmap's manual, "Port scanning techniques". */
import {
  application,
  destinationPort,
  has,
  headerLength,
  ipIdentification,
  isIpv4At,
  isOnCable,
  isWithinHost,
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
  APPLICATION_BJNP,
  FAMILY_ACK,
  FAMILY_ARP,
  FAMILY_FIN,
  FAMILY_ICMP,
  FAMILY_MAIMON,
  FAMILY_NDP,
  FAMILY_NONE,
  FAMILY_NULL,
  FAMILY_ODD,
  FAMILY_ODD_ACK,
  FAMILY_SCTP,
  FAMILY_TCP,
  FAMILY_UDP,
  FAMILY_XMAS,
  TCP_ACK,
  TCP_CWR,
  TCP_ECE,
  TCP_FIN,
  TCP_PSH,
  TCP_RST,
  TCP_SYN,
  TCP_URG,
  TRAIT_HAS_PAYLOAD,
  TRAIT_IS_CLIENT_LIKE,
  TRAIT_IS_DESTINATION_LOCAL,
  TRAIT_IS_DISCOVERY,
  TRAIT_IS_MASSCAN_LIKE,
  TRAIT_IS_NMAP_LIKE,
  TRAIT_IS_ODD_PING,
  TRAIT_IS_RAW,
  TRAIT_IS_REPLY_LIKE,
  TRAIT_IS_REVERSED,
  TRAIT_IS_SOURCE_LOCAL,
  TRAIT_IS_ON_CABLE,
  TRAIT_IS_WITHIN_HOST,
  TRAIT_IS_ZMAP_LIKE,
} from "../contact_layout";

/** The flags where they were cut off. */
const unknownFlags: i32 = 0xffff;
/** Those that probes without SYN, RST and ACK are told apart by. */
const PROBING_FLAGS: i32 = TCP_FIN | TCP_PSH | TCP_URG | TCP_ECE | TCP_CWR;
const firstDynamicPort: i32 = 32_768;

/** Whether the family is a sweep of hosts, without ports. */
export function isSweep(family: i32): bool {
  return family == FAMILY_ICMP || family == FAMILY_ARP || family == FAMILY_NDP;
}

/** Probes that no benign host sends and that are judged at once. */
export function isOddByItself(family: i32): bool {
  return family == FAMILY_FIN || family == FAMILY_NULL || family == FAMILY_XMAS ||
    family == FAMILY_ODD;
}

/** Packets that may also belong to a connection that was forgotten, or began before the capture. */
export function isBare(family: i32): bool {
  return family == FAMILY_ACK || family == FAMILY_MAIMON || family == FAMILY_ODD_ACK ||
    family == FAMILY_FIN;
}

/** Family of a flow's first packet, whichever side is taken for its sender; none for group messages and what is no probe. */
export function familyOfRow(): i32 {
  if (has(MARK_IS_TO_MANY | MARK_IS_LINK_BROADCAST)) return FAMILY_NONE;
  // A later fragment whose first one was not seen.
  if (has(MARK_IS_FRAGMENT) && destinationPort() == 0) return FAMILY_NONE;
  const askedFor = sourcePort();
  switch (transport()) {
    case TRANSPORT_TCP:
      return tcpFamily(tcpFlags());
    case TRANSPORT_UDP:
      return isTraceroute() || isDhcpAnswer() ? FAMILY_NONE : FAMILY_UDP;
    case TRANSPORT_ICMP:
      // Echo, timestamp and address mask requests (RFC 792, 950).
      return askedFor == 8 || askedFor == 13 || askedFor == 17 ? FAMILY_ICMP : FAMILY_NONE;
    case TRANSPORT_ICMPV6:
      return askedFor == 128 ? FAMILY_ICMP : FAMILY_NONE;
    case TRANSPORT_SCTP:
      return has(MARK_SENT_BY_ORIGINATOR) ? FAMILY_SCTP : FAMILY_NONE;
    default:
      return FAMILY_NONE;
  }
}

/** Without SYN, RST and ACK every packet does what a NULL probe does (RFC 9293 section 3.10.7); payload changes nothing. */
function tcpFamily(flags: i32): i32 {
  if (flags == unknownFlags) {
    // A first fragment without room for the flags (RFC 1858): nobody's stack makes it.
    const isFirst = has(MARK_SENT_BY_ORIGINATOR) && has(MARK_IS_FRAGMENT);
    return isFirst && destinationPort() > 0 ? FAMILY_TCP : FAMILY_NONE;
  }
  if ((flags & TCP_SYN) != 0) return synFamily(flags);
  if ((flags & TCP_RST) != 0) {
    const isOdd = (flags & TCP_ACK) == 0 && (flags & (TCP_FIN | TCP_URG)) != 0;
    return isOdd ? FAMILY_ODD : FAMILY_NONE;
  }
  if ((flags & TCP_ACK) != 0) {
    if ((flags & TCP_URG) != 0) return FAMILY_ODD_ACK;
    return (flags & TCP_FIN) != 0 ? FAMILY_MAIMON : FAMILY_ACK;
  }
  switch (flags & PROBING_FLAGS) {
    case 0:
      return FAMILY_NULL;
    case TCP_FIN | TCP_PSH | TCP_URG:
      return FAMILY_XMAS;
    case TCP_FIN:
      return FAMILY_FIN;
    default:
      return FAMILY_ODD;
  }
}

/** Some stacks push the data of their SYN (RFC 7413), and say that they know ECN (RFC 3168). */
function synFamily(flags: i32): i32 {
  if ((flags & (TCP_FIN | TCP_RST | TCP_URG)) != 0) return FAMILY_ODD;
  return (flags & TCP_ACK) != 0 ? FAMILY_ODD_ACK : FAMILY_TCP;
}

/**
 * Whether a server could be sending the packet to its client: from its own port to one that programs get, not choose.
 * Systems hand out ports from 32,768 on, address translators and older systems from 1024 on; only RPC and rsh have clients
 * with lower ones.
 */
function isReplyLike(): bool {
  const from = sourcePort();
  const to = destinationPort();
  if (to < 1024) return to >= 512 && (from == 111 || from == 2049 || from == 513 || from == 514);
  if (isServicePort(to)) return false;
  // Of a SYN-ACK, and only of it, the roles tell nothing.
  const isSynAck = transport() == TRANSPORT_TCP && (tcpFlags() & TCP_SYN) != 0;
  if (from < 1024 || !isSynAck && !has(MARK_SENT_BY_ORIGINATOR)) return true;
  return from < firstDynamicPort ? from < to : to >= firstDynamicPort;
}

/** Ports from 1024 on where scanners look for services. */
function isServicePort(port: i32): bool {
  switch (port) {
    case 1080:
    case 1194:
    case 1433:
    case 1434:
    case 1521:
    case 1723:
    case 1883:
    case 1900:
    case 2049:
    case 2375:
    case 3128:
    case 3268:
    case 3306:
    case 3389:
    case 3478:
    case 3702:
    case 5060:
    case 5061:
    case 5222:
    case 5353:
    case 5432:
    case 5601:
    case 5672:
    case 5683:
    case 5900:
    case 5985:
    case 5986:
    case 6379:
    case 6443:
    case 8000:
    case 8008:
    case 8009:
    case 8080:
    case 8081:
    case 8443:
    case 8883:
    case 8888:
    case 9000:
    case 9090:
    case 9100:
    case 9200:
    case 9300:
    case 11211:
    case 27017:
      return true;
    default:
      return false;
  }
}

function isOddPing(): bool {
  return payloadLength() == 0 || sourcePort() == 13 || sourcePort() == 17;
}

/** Ports and hop limits of traceroute (Jacobson's and Butskoy's: from 33434 up, hop by hop). */
function isTraceroute(): bool {
  return destinationPort() >= 33434 && destinationPort() <= 33600 && ttl() <= 30;
}

/** By unicast to an address that its owner does not have yet (RFC 2131 section 4.1), and the same of DHCPv6. */
function isDhcpAnswer(): bool {
  const from = sourcePort();
  const to = destinationPort();
  return from == 67 && to == 68 || from == 547 && to == 546;
}

/** Trait bits of a first packet. */
export function traitsOfRow(family: i32): i32 {
  let traits = has(MARK_IS_SOURCE_LOCAL) ? TRAIT_IS_SOURCE_LOCAL : 0;
  if (has(MARK_IS_DESTINATION_LOCAL)) traits |= TRAIT_IS_DESTINATION_LOCAL;
  if (isWithinHost()) traits |= TRAIT_IS_WITHIN_HOST | (isOnCable() ? TRAIT_IS_ON_CABLE : 0);
  if (!has(MARK_SENT_BY_ORIGINATOR)) traits |= TRAIT_IS_REVERSED;
  if ((isBare(family) || family == FAMILY_UDP) && isReplyLike()) traits |= TRAIT_IS_REPLY_LIKE;
  if (payloadLength() > 0) traits |= TRAIT_HAS_PAYLOAD;
  if (family == FAMILY_UDP) traits |= datagramTraits();
  if (family == FAMILY_ICMP && isOddPing()) traits |= TRAIT_IS_ODD_PING;
  if (ipIdentification() == 54321) traits |= TRAIT_IS_ZMAP_LIKE;
  if (family == FAMILY_TCP) traits |= synTraits();
  return traits;
}

/** Clients ask servers out there by STUN, DNS, NTP, QUIC, SIP and the like whether those answer or not. */
function datagramTraits(): i32 {
  const known = application();
  if (known == APPLICATION_BJNP) return TRAIT_IS_DISCOVERY;
  const isOutbound = has(MARK_IS_SOURCE_LOCAL) && !has(MARK_IS_DESTINATION_LOCAL);
  return known != 0 && isOutbound ? TRAIT_IS_CLIENT_LIKE : 0;
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
