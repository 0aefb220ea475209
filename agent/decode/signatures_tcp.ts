/**
 * Applications over TCP by what a segment says at its start. Nothing here throws, or allocates but for a proxy's header; ports
 * are looked at only
 * where two protocols say the same.
 */
import { Application, type Packet } from "../records.ts";
import { findLineEnd, isTextAt, readUint24, startsWithAt, wordOf } from "./app_text.ts";
import { readInt32, readUint16, readUint32 } from "./bytes.ts";
import { isDnsShaped } from "./dns.ts";
import { LineProtocol, readLineProtocol } from "./http.ts";
import { isKerberosTag, isLdapMessage } from "./signatures_ber.ts";
import { skipProxyHeader } from "./proxy_header.ts";
import { isSslv2Hello, isTlsRecord } from "./tls.ts";

const {
  tls,
  http,
  ssh,
  smtp,
  ftp,
  pop3,
  imap,
  irc,
  redis,
  rtsp,
  sip,
  vnc,
  bittorrent,
  smb,
  nbss,
  rdp,
  mqtt,
  mysql,
  postgresql,
  telnet,
  dns,
  ldap,
  kerberos,
  bgp,
  modbus,
  openvpn,
  stun,
} = Application;

const stunCookie = 0x2112a442;

const word = {
  ssh: wordOf("SSH-"),
  rfb: wordOf("RFB "),
  ehlo: wordOf("EHLO"),
  helo: wordOf("HELO"),
  mail: wordOf("MAIL"),
  rcpt: wordOf("RCPT"),
  user: wordOf("USER"),
  nick: wordOf("NICK"),
  ok: wordOf("* OK"),
  bye: wordOf("* BY"),
  preauth: wordOf("* PR"),
  pong: wordOf("+PON"),
  greeting: wordOf("220 "),
  greetingMore: wordOf("220-"),
  http2: wordOf("PRI "),
  smb1: 0xff534d42 | 0,
  smb2: 0xfe534d42 | 0,
  smb2Sealed: 0xfd534d42 | 0,
} as const;

/** What is known of a message besides its bytes; `payloadLength` is its length, captured or not. */
export type Segment = Pick<Packet, "sourcePort" | "destinationPort" | "payloadLength">;

/**
 * Index into APPLICATION_NAMES of the segment between `at` and `end`, 0 when it says nothing. A proxy's header in front of
 * it is left out.
 */
export function matchTcp(bytes: Uint8Array, at: number, end: number, packet: Segment): number {
  if (end - at < 3) return 0;
  if (isTlsRecord(bytes, at, end)) return tls;
  const message = skipProxyHeader(bytes, at, end);
  if (message > at) {
    const { sourcePort, destinationPort } = packet;
    const payloadLength = packet.payloadLength - (message - at);
    return matchTcp(bytes, message, end, { sourcePort, destinationPort, payloadLength });
  }
  const isText = isTextAt(bytes, at, Math.min(end, at + 4));
  return isText ? matchText(bytes, at, end, packet) : matchBinary(bytes, at, end, packet);
}

function matchText(bytes: Uint8Array, at: number, end: number, packet: Segment): number {
  if (end - at < 4) return 0;
  const start = readInt32(bytes, at);
  switch (start) {
    case word.ssh:
      return ssh;
    case word.rfb:
      return startsWithAt(bytes, at, end, "RFB 00") ? vnc : 0;
    case word.ehlo:
    case word.helo:
    case word.mail:
    case word.rcpt:
      return end - at > 4 && bytes[at + 4] <= 0x20 ? smtp : 0;
    case word.ok:
    case word.bye:
    case word.preauth:
      return imap;
    case word.nick:
      return bytes[at + 4] === 0x20 ? irc : 0;
    case word.pong:
      return redis;
    case word.http2:
      return startsWithAt(bytes, at, end, "PRI * HTTP/2.0") ? http : 0;
    case word.greeting:
    case word.greetingMore:
      return matchGreeting(bytes, at, end, packet);
    case word.user:
      return matchUser(bytes, at, end, packet);
  }
  if (bytes[at] === 0x2b || bytes[at] === 0x2d) return matchPlusMinus(bytes, at, end, packet);
  if (isRedisArray(bytes, at, end)) return redis;
  return matchLine(bytes, at, end);
}

function matchLine(bytes: Uint8Array, at: number, end: number): number {
  switch (readLineProtocol(bytes, at, end)) {
    case LineProtocol.http:
      return http;
    case LineProtocol.sip:
      return sip;
    case LineProtocol.rtsp:
      return rtsp;
    default:
      return 0;
  }
}

/** "220 …" is FTP's greeting and SMTP's: the port or the line itself tells them apart. */
function matchGreeting(bytes: Uint8Array, at: number, end: number, packet: Segment): number {
  if (hasPort(packet, 21)) return ftp;
  if (hasPort(packet, 25) || hasPort(packet, 587) || hasPort(packet, 465)) return smtp;
  const lineEnd = findLineEnd(bytes, at, Math.min(end, at + 512));
  for (let i = at + 4; i + 3 <= lineEnd; i++) {
    if (startsWithAt(bytes, i, lineEnd, "FTP")) return ftp;
    if (startsWithAt(bytes, i, lineEnd, "SMTP")) return smtp;
  }
  return 0;
}

/** "USER name" is FTP's, POP3's, and with more words IRC's. */
function matchUser(bytes: Uint8Array, at: number, end: number, packet: Segment): number {
  if (bytes[at + 4] !== 0x20) return 0;
  if (hasPort(packet, 110)) return pop3;
  const lineEnd = findLineEnd(bytes, at, Math.min(end, at + 512));
  for (let i = at + 5; i + 2 <= lineEnd; i++) {
    if (bytes[i] === 0x20 && bytes[i + 1] === 0x3a) return irc;
  }
  return ftp;
}

/** "+OK" and "-ERR" are POP3's and Redis's; Redis says nothing behind "+OK". */
function matchPlusMinus(bytes: Uint8Array, at: number, end: number, packet: Segment): number {
  const isOk = startsWithAt(bytes, at, end, "+OK");
  if (!isOk && !startsWithAt(bytes, at, end, "-ERR")) return 0;
  if (hasPort(packet, 6379)) return redis;
  return hasPort(packet, 110) || (isOk && bytes[at + 3] === 0x20) ? pop3 : 0;
}

/** "*2\r\n$3\r\n…", a command of RESP. */
function isRedisArray(bytes: Uint8Array, at: number, end: number): boolean {
  if (bytes[at] !== 0x2a) return false;
  let next = at + 1;
  while (next < end && next < at + 6 && bytes[next] >= 0x30 && bytes[next] <= 0x39) next++;
  return next > at + 1 && startsWithAt(bytes, next, end, "\r\n$");
}

function matchBinary(bytes: Uint8Array, at: number, end: number, packet: Segment): number {
  const length = packet.payloadLength;
  switch (bytes[at]) {
    case 0x00:
      return matchZero(bytes, at, end, packet);
    case 0x03:
      return isRdpConnect(bytes, at, end, packet) ? rdp : matchLengthFirst(bytes, at, end, packet);
    case 0x10:
      if (isMqttConnect(bytes, at, end)) return mqtt;
      break;
    case 0x13:
      if (startsWithAt(bytes, at, end, "\x13BitTorrent protocol")) return bittorrent;
      break;
    case 0x30:
      if (isLdapMessage(bytes, at, end)) return ldap;
      break;
    case 0xff:
      return matchAllOnes(bytes, at, end);
  }
  if (isMysqlGreeting(bytes, at, end, length)) return mysql;
  if (isSslv2Hello(bytes, at, end)) return tls;
  return matchLengthFirst(bytes, at, end, packet);
}

/** Messages that begin with a length, and NetBIOS sessions of type 0 (RFC 1002 section 4.3). */
function matchZero(bytes: Uint8Array, at: number, end: number, packet: Segment): number {
  if (end - at < 8) return matchLengthFirst(bytes, at, end, packet);
  const inner = readInt32(bytes, at + 4);
  if (inner === stunCookie || isFramedStun(bytes, at, end)) return stun;
  if (inner === word.smb1 || inner === word.smb2 || inner === word.smb2Sealed) return smb;
  if (isPostgresqlStart(bytes, at)) return postgresql;
  const isKerberos = end - at > 6 && isKerberosTag(bytes[at + 4]) &&
    readUint32(bytes, at) + 4 === packet.payloadLength;
  if (isKerberos) return kerberos;
  return isOpenvpnReset(bytes, at, end) ? openvpn : matchLengthFirst(bytes, at, end, packet);
}

/** STUN behind its length (RFC 4571, as ICE over TCP has it). */
function isFramedStun(bytes: Uint8Array, at: number, end: number): boolean {
  return end - at >= 22 && bytes[at + 2] < 0x40 && readInt32(bytes, at + 6) === stunCookie;
}

/** What only the port makes likely, and a length that fits makes certain. */
function matchLengthFirst(bytes: Uint8Array, at: number, end: number, packet: Segment): number {
  const length = packet.payloadLength;
  if (hasPort(packet, 53)) {
    return isDnsShaped(bytes, at + 2, end, readUint16(bytes, at)) ? dns : 0;
  }
  if (hasPort(packet, 139)) return isNetbiosSession(bytes, at, end, length) ? nbss : 0;
  return hasPort(packet, 502) && isModbus(bytes, at, end) ? modbus : 0;
}

/** BGP's marker (RFC 4271 section 4.1), or a telnet negotiation. */
function matchAllOnes(bytes: Uint8Array, at: number, end: number): number {
  if (end - at >= 19 && bytes[at + 18] >= 1 && bytes[at + 18] <= 5) {
    let i = at;
    while (i < at + 16 && bytes[i] === 0xff) i++;
    if (i === at + 16) return bgp;
  }
  return isTelnetNegotiation(bytes, at, end) ? telnet : 0;
}

/** IAC and SB, WILL, WONT, DO or DONT with a known option (RFC 854), and nothing or the next command behind it. */
function isTelnetNegotiation(bytes: Uint8Array, at: number, end: number): boolean {
  if (bytes[at + 1] < 0xfa || bytes[at + 1] > 0xfe || bytes[at + 2] >= 50) return false;
  return bytes[at + 1] === 0xfa || end === at + 3 || bytes[at + 3] === 0xff;
}

/** TPKT (RFC 1006) with an X.224 connection request or confirm, and RDP's port, cookie or negotiation. */
function isRdpConnect(bytes: Uint8Array, at: number, end: number, packet: Segment): boolean {
  if (end - at < 11 || bytes[at + 1] !== 0) return false;
  const type = bytes[at + 5] & 0xf0;
  if (type !== 0xe0 && type !== 0xd0) return hasPort(packet, 3389);
  return hasPort(packet, 3389) || startsWithAt(bytes, at + 11, end, "Cookie: mstshash=");
}

/** CONNECT with the name of MQTT 3.1.1 and 5, or of 3.1. */
function isMqttConnect(bytes: Uint8Array, at: number, end: number): boolean {
  let next = at + 1;
  while (next < end && next < at + 4 && (bytes[next] & 0x80) !== 0) next++;
  return startsWithAt(bytes, next + 1, end, "\x00\x04MQTT") ||
    startsWithAt(bytes, next + 1, end, "\x00\x06MQIsdp");
}

/**
 * The server's greeting, protocol 10: length:24 little-endian, sequence 0, version, a readable version text. It may go on in
 * the next segment.
 */
function isMysqlGreeting(bytes: Uint8Array, at: number, end: number, length: number): boolean {
  if (end - at < 10 || bytes[at + 3] !== 0 || bytes[at + 4] !== 0x0a) return false;
  const declared = bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16;
  return declared + 4 >= length && declared < 1024 && bytes[at + 5] >= 0x30 &&
    bytes[at + 5] <= 0x39 &&
    isTextAt(bytes, at + 5, at + 8);
}

/** length:32 and version 3.0, or the code of an SSL, GSS or cancel request. */
function isPostgresqlStart(bytes: Uint8Array, at: number): boolean {
  const length = readUint32(bytes, at);
  const code = readInt32(bytes, at + 4);
  if (length === 8) return code === 80877103 || code === 80877104;
  if (length === 16 && code === 80877102) return true;
  return code === 0x00030000 && length > 8 && length < 10000;
}

/** Session message, request, responses, keep-alive; the length is 17 bits (RFC 1002 section 4.3.1). */
function isNetbiosSession(bytes: Uint8Array, at: number, end: number, length: number): boolean {
  if (end - at < 4) return false;
  const type = bytes[at];
  const isType = type === 0 || (type >= 0x81 && type <= 0x85);
  return isType && bytes[at + 1] <= 1 && (readUint24(bytes, at + 1) & 0x1ffff) + 4 >= length;
}

/** transaction:16 protocol:16 (0) length:16 unit:8 function:8. */
function isModbus(bytes: Uint8Array, at: number, end: number): boolean {
  if (end - at < 8 || readUint16(bytes, at + 2) !== 0) return false;
  const length = readUint16(bytes, at + 4);
  return length >= 2 && length <= 260;
}

/** length:16, then P_CONTROL_HARD_RESET_CLIENT_V2 or _SERVER_V2 with key 0. */
function isOpenvpnReset(bytes: Uint8Array, at: number, end: number): boolean {
  const isReset = bytes[at + 2] === 0x38 || bytes[at + 2] === 0x40;
  const length = readUint16(bytes, at);
  return isReset && length >= 14 && length + 2 === end - at;
}

function hasPort(packet: Segment, port: number): boolean {
  return packet.sourcePort === port || packet.destinationPort === port;
}
