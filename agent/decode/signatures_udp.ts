/**
 * Applications over UDP by what a datagram says. Nothing here allocates or throws. What has a magic number is known on any
 * port; what has only a plausible shape needs its port beside it.
 */
import { Application, type Packet } from "../records.ts";
import { isTextAt, startsWithAt } from "./app_text.ts";
import { readInt32, readUint16, readUint32 } from "./bytes.ts";
import { isDhcp, isDhcpv6 } from "./dhcp.ts";
import { isDnsQueryStrict, isDnsShaped } from "./dns.ts";
import { LineProtocol, readLineProtocol } from "./http.ts";
import { isQuicLongHeader } from "./quic.ts";
import { isKerberosMessage, isLdapMessage, isSnmpMessage } from "./signatures_ber.ts";
import { isDtlsRecord } from "./tls.ts";

const {
  dns,
  mdns,
  llmnr,
  nbns,
  nbdgm,
  quic,
  dhcp,
  dhcpv6,
  ntp,
  snmp,
  ssdp,
  sip,
  stun,
  dtls,
  tftp,
  radius,
  wireguard,
  openvpn,
  ike,
  bittorrent,
  coap,
  syslog,
  kerberos,
  ldap,
  rtp,
  bjnp,
} = Application;

const stunCookie = 0x2112a442;

/** Index into APPLICATION_NAMES of the datagram between `at` and `end`, 0 when it says nothing. */
export function matchUdp(bytes: Uint8Array, at: number, end: number, packet: Packet): number {
  if (end - at < 4) return 0;
  const { sourcePort, destinationPort } = packet;
  return matchByPort(bytes, at, end, destinationPort, packet.payloadLength) ||
    matchByPort(bytes, at, end, sourcePort, packet.payloadLength) ||
    matchAnyPort(bytes, at, end, packet);
}

/** Protocols whose shape is believed on their own ports. */
function matchByPort(
  bytes: Uint8Array,
  at: number,
  end: number,
  port: number,
  length: number,
): number {
  switch (port) {
    case 53:
      return isDnsShaped(bytes, at, end, length) ? dns : 0;
    case 5353:
      return isDnsShaped(bytes, at, end, length) ? mdns : 0;
    case 5355:
      return isDnsShaped(bytes, at, end, length) ? llmnr : 0;
    case 137:
      return isDnsShaped(bytes, at, end, length) ? nbns : 0;
    case 138:
      return end - at >= 10 && bytes[at] >= 0x10 && bytes[at] <= 0x16 ? nbdgm : 0;
    case 67:
    case 68:
      return end - at >= 44 && (bytes[at] === 1 || bytes[at] === 2) ? dhcp : 0;
    case 546:
    case 547:
      return isDhcpv6(bytes, at, end) ? dhcpv6 : 0;
    case 69:
      return isTftpRequest(bytes, at, end) ? tftp : 0;
    case 88:
      return isKerberosMessage(bytes, at, end) ? kerberos : 0;
    case 123:
      return isNtp(bytes, at, end) ? ntp : 0;
    case 161:
    case 162:
      return isSnmpMessage(bytes, at, end) ? snmp : 0;
    case 389:
      return isLdapMessage(bytes, at, end) ? ldap : 0;
    case 500:
      return isIke(bytes, at, end) ? ike : 0;
    case 4500:
      return matchNatTraversal(bytes, at, end);
    case 514:
      return isSyslog(bytes, at, end) ? syslog : 0;
    case 1194:
      return isOpenvpn(bytes, at, end) ? openvpn : 0;
    case 1645:
    case 1646:
    case 1812:
    case 1813:
    case 3799:
      return isRadius(bytes, at, end, length) ? radius : 0;
    case 1900:
      return isHttpLike(bytes, at, end) ? ssdp : 0;
    case 5683:
      return isCoap(bytes, at, end) ? coap : 0;
    case 51820:
      return isWireguard(bytes, at, length) ? wireguard : 0;
    default:
      return 0;
  }
}

/** Protocols with a magic number, or a shape that random bytes hardly ever have. */
function matchAnyPort(bytes: Uint8Array, at: number, end: number, packet: Packet): number {
  const length = packet.payloadLength;
  if (isStun(bytes, at, end, length)) return stun;
  if (isDtlsRecord(bytes, at, end)) return dtls;
  if (isQuicLongHeader(bytes, at, end)) return quic;
  if (isDhcp(bytes, at, end)) return dhcp;
  if (isWireguardHandshake(bytes, at, length)) return wireguard;
  if (isOpenvpnHello(bytes, at, end, length)) return openvpn;
  if (isTorrentDht(bytes, at, end)) return bittorrent;
  if (isTextAt(bytes, at, at + 4)) return matchText(bytes, at, end);
  if (isDnsQueryStrict(bytes, at, end)) return dns;
  return isRtp(bytes, at, end, packet) ? rtp : 0;
}

function matchText(bytes: Uint8Array, at: number, end: number): number {
  if (isSsdp(bytes, at, end)) return ssdp;
  if (isBjnp(bytes, at, end)) return bjnp;
  return readLineProtocol(bytes, at, end) === LineProtocol.sip ? sip : 0;
}

/** On its port, any request or answer in the form of HTTP is SSDP. */
function isHttpLike(bytes: Uint8Array, at: number, end: number): boolean {
  return isSsdp(bytes, at, end) || readLineProtocol(bytes, at, end) === LineProtocol.http;
}

/** HTTP over UDP (UPnP Device Architecture 2.0 section 1.1). */
function isSsdp(bytes: Uint8Array, at: number, end: number): boolean {
  return startsWithAt(bytes, at, end, "M-SEARCH * HTTP/1") ||
    startsWithAt(bytes, at, end, "NOTIFY * HTTP/1") ||
    startsWithAt(bytes, at, end, "HTTP/1.");
}

/** Canon's protocol of printers and scanners: a header of 16 bytes. */
function isBjnp(bytes: Uint8Array, at: number, end: number): boolean {
  return end - at >= 16 &&
    (startsWithAt(bytes, at, end, "BJNP") || startsWithAt(bytes, at, end, "MFNP"));
}

/** RFC 5905: version 1 to 4 and a mode; 48 bytes but for control and private messages. */
function isNtp(bytes: Uint8Array, at: number, end: number): boolean {
  const version = bytes[at] >> 3 & 7;
  const mode = bytes[at] & 7;
  if (version < 1 || version > 4 || mode === 0) return false;
  return mode >= 6 ? end - at >= 8 : end - at >= 48;
}

/** RFC 8489: two zero bits, a length of whole words that fits, the cookie. */
function isStun(bytes: Uint8Array, at: number, end: number, length: number): boolean {
  return end - at >= 20 && bytes[at] < 0x40 && readInt32(bytes, at + 4) === stunCookie &&
    (bytes[at + 3] & 3) === 0 && readUint16(bytes, at + 2) + 20 <= length;
}

/** RFC 1350: read or write request, a readable file name. */
function isTftpRequest(bytes: Uint8Array, at: number, end: number): boolean {
  const opcode = readUint16(bytes, at);
  return (opcode === 1 || opcode === 2) && end - at >= 6 && isTextAt(bytes, at + 2, at + 4);
}

/** RFC 2865: a known code and the datagram's own length. */
function isRadius(bytes: Uint8Array, at: number, end: number, length: number): boolean {
  const code = bytes[at];
  const isCode = (code >= 1 && code <= 13) || (code >= 40 && code <= 45);
  const declared = readUint16(bytes, at + 2);
  return isCode && end - at >= 20 && declared >= 20 && declared <= length;
}

/** RFC 7296 section 3.1: version 1.0 or 2.x and a length that reaches over the header. */
function isIke(bytes: Uint8Array, at: number, end: number): boolean {
  if (end - at < 28) return false;
  const version = bytes[at + 17];
  return (version === 0x10 || version >> 4 === 2) && readUint32(bytes, at + 24) >= 28;
}

/** RFC 3948: IKE behind four zero bytes, else ESP (which has no name here). */
function matchNatTraversal(bytes: Uint8Array, at: number, end: number): number {
  return readInt32(bytes, at) === 0 && isIke(bytes, at + 4, end) ? ike : 0;
}

/** RFC 3164: a priority of one to three digits in angle brackets. */
function isSyslog(bytes: Uint8Array, at: number, end: number): boolean {
  if (bytes[at] !== 0x3c) return false;
  let next = at + 1;
  while (next < end && next < at + 4 && bytes[next] >= 0x30 && bytes[next] <= 0x39) next++;
  return next > at + 1 && next < end && bytes[next] === 0x3e;
}

/** RFC 7252 section 3: version 1, a token of up to 8 bytes, a code class of 0, 2, 4, 5 or 7. */
function isCoap(bytes: Uint8Array, at: number, end: number): boolean {
  const codeClass = bytes[at + 1] >> 5;
  const isClass = codeClass !== 1 && codeClass !== 3 && codeClass !== 6;
  return bytes[at] >> 6 === 1 && (bytes[at] & 0xf) <= 8 && isClass && end - at >= 4;
}

/** Type 1 to 4 and three zero bytes. */
function isWireguard(bytes: Uint8Array, at: number, length: number): boolean {
  const type = readUint32(bytes, at);
  const isType = type === 0x01000000 || type === 0x02000000 || type === 0x03000000;
  return isType ? isWireguardHandshake(bytes, at, length) : type === 0x04000000 && length >= 32;
}

/** Handshake messages have fixed lengths: 148, 92, 64. */
function isWireguardHandshake(bytes: Uint8Array, at: number, length: number): boolean {
  switch (length) {
    case 148:
      return readInt32(bytes, at) === 0x01000000;
    case 92:
      return readInt32(bytes, at) === 0x02000000;
    case 64:
      return readInt32(bytes, at) === 0x03000000;
    default:
      return false;
  }
}

/** An opcode of 1 to 11 and a session id. */
function isOpenvpn(bytes: Uint8Array, at: number, end: number): boolean {
  const opcode = bytes[at] >> 3;
  return opcode >= 1 && opcode <= 11 && end - at >= 9;
}

/** P_CONTROL_HARD_RESET_CLIENT_V2 without tls-auth: opcode, session id, no acknowledgements, packet id 0. */
function isOpenvpnHello(bytes: Uint8Array, at: number, end: number, length: number): boolean {
  return bytes[at] === 0x38 && length === 14 && end - at === 14 && bytes[at + 9] === 0 &&
    readInt32(bytes, at + 10) === 0;
}

/** BEP 5: a bencoded dictionary that starts with the query's or the answer's arguments. */
function isTorrentDht(bytes: Uint8Array, at: number, end: number): boolean {
  return startsWithAt(bytes, at, end, "d1:ad2:id20:") ||
    startsWithAt(bytes, at, end, "d1:rd2:id20:");
}

/**
 * RTP (RFC 3550 section 5.1) without padding or sources, an audio or video type, between ports that servers of other kinds
 * do not use. One random datagram in a thousand passes.
 */
function isRtp(bytes: Uint8Array, at: number, end: number, packet: Packet): boolean {
  if (end - at < 13 || bytes[at] !== 0x80 && bytes[at] !== 0x90) return false;
  const type = bytes[at + 1] & 0x7f;
  const isType = type <= 18 || (type >= 25 && type <= 34) || type >= 96;
  return isType && packet.sourcePort >= 1024 && packet.destinationPort >= 1024 &&
    readInt32(bytes, at + 8) !== 0;
}
