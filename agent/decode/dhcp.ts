/**
 * Host names in DHCP: option 12 and 81 of version 4 (RFC 2131, RFC 2132 section 3.14, RFC 4702), option 39 of version 6
 * (RFC 8415, RFC 4704).
 *
 *     v4   236 bytes of BOOTP | cookie:32 | code:8 length:8 data …   (0 pads, 255 ends)
 *     v6   type:8 transaction:24 | code:16 length:16 data …          (relays: type:8 hops:8, two addresses, options)
 */
import { readText } from "./app_text.ts";
import { readInt32, readUint16 } from "./bytes.ts";
import { dnsNameLengthMax, expandDnsName, expandedName } from "./dns.ts";

const cookieOffset = 236;
const optionsOffset = 240;
const cookie = 0x63825363;
const nameMax = 255;
const relayHeaderLength = 34;
const relaysMax = 8;
const bootRequest = 1;
/** `giaddr`, RFC 2131 section 2. */
const relayAddressOffset = 24;
/** ADVERTISE, REPLY and RECONFIGURE come from servers. */
const serverTypesV6 = new Set([2, 7, 10]);
const relayForward = 12;
const relayReply = 13;

const OptionV4 = { pad: 0, hostName: 12, fqdn: 81, end: 255 } as const;
const OptionV6 = { relayMessage: 9, fqdn: 39 } as const;

/** True when a BOOTP message with DHCP's cookie is at `at`. */
export function isDhcp(bytes: Uint8Array, at: number, end: number): boolean {
  return end - at >= optionsOffset && (bytes[at] === 1 || bytes[at] === 2) &&
    readInt32(bytes, at + cookieOffset) === cookie;
}

/** True when a DHCPv6 message may be at `at`: its type is known. */
export function isDhcpv6(bytes: Uint8Array, at: number, end: number): boolean {
  return end - at >= 4 && bytes[at] >= 1 && bytes[at] <= 36;
}

/** True when the sender of a DHCPv4 message is a relay, not the client itself. */
export function isRelayedDhcp(bytes: Uint8Array, at: number, end: number): boolean {
  return end - at >= optionsOffset && readInt32(bytes, at + relayAddressOffset) !== 0;
}

/** True when the sender of a DHCPv6 message is a relay, not the client itself. */
export function isRelayedDhcpv6(bytes: Uint8Array, at: number, end: number): boolean {
  return at < end && (bytes[at] === relayForward || bytes[at] === relayReply);
}

/**
 * The host name that a DHCPv4 client gives itself; null when it has none, and in a server's message. The plain name wins
 * over the qualified one.
 */
export function readDhcpHostName(bytes: Uint8Array, at: number, end: number): string | null {
  if (!isDhcp(bytes, at, end) || bytes[at] !== bootRequest) return null;
  let qualified: string | null = null;
  let next = at + optionsOffset;
  while (next < end && bytes[next] !== OptionV4.end) {
    if (bytes[next] === OptionV4.pad) {
      next++;
      continue;
    }
    const data = next + 2;
    const dataEnd = data + bytes[next + 1];
    if (data > end || dataEnd > end) break;
    if (bytes[next] === OptionV4.hostName) return readHostName(bytes, data, dataEnd);
    if (bytes[next] === OptionV4.fqdn) qualified = readQualifiedV4(bytes, data, dataEnd);
    next = dataEnd;
  }
  return qualified;
}

/** Some clients end the name with NULs. */
function readHostName(bytes: Uint8Array, at: number, end: number): string | null {
  let stop = end;
  while (stop > at && bytes[stop - 1] === 0) stop--;
  return stop > at ? readText(bytes, at, stop, nameMax) : null;
}

/** flags:8 rcode:8 rcode:8 | name, in DNS form when bit E (0x04) is set. */
function readQualifiedV4(bytes: Uint8Array, at: number, end: number): string | null {
  if (end - at < 4) return null;
  return (bytes[at] & 0x04) === 0
    ? readHostName(bytes, at + 3, end)
    : readEncodedName(bytes, at + 3, end);
}

/** The client's name of a DHCPv6 message, also inside relay messages; null when it has none. */
export function readDhcpv6HostName(bytes: Uint8Array, at: number, end: number): string | null {
  let start = at;
  let stop = end;
  for (let i = 0; i < relaysMax && stop - start >= 4; i++) {
    if (serverTypesV6.has(bytes[start])) return null;
    const isRelay = bytes[start] === relayForward || bytes[start] === relayReply;
    const options = start + (isRelay ? relayHeaderLength : 4);
    const wanted = isRelay ? OptionV6.relayMessage : OptionV6.fqdn;
    const option = findOptionV6(bytes, options, stop, wanted);
    if (option < 0) return null;
    start = option + 4;
    stop = start + readUint16(bytes, option + 2);
    if (!isRelay) return stop - start < 2 ? null : readEncodedName(bytes, start + 1, stop);
  }
  return null;
}

/** Position of the first whole option `code`, -1 when there is none. */
function findOptionV6(bytes: Uint8Array, at: number, end: number, code: number): number {
  let next = at;
  while (next + 4 <= end) {
    const dataEnd = next + 4 + readUint16(bytes, next + 2);
    if (dataEnd > end) return -1;
    if (readUint16(bytes, next) === code) return next;
    next = dataEnd;
  }
  return -1;
}

/** A name in DNS form; a partial one (RFC 4704 section 4.2) has no empty label at its end. */
function readEncodedName(bytes: Uint8Array, at: number, end: number): string | null {
  const whole = expandDnsName(bytes, at, end, at);
  if (whole > 0) return readText(expandedName, 0, whole, dnsNameLengthMax);
  const isPartial = bytes[at] > 0 && bytes[at] < 64 && at + 1 + bytes[at] === end;
  return isPartial ? readText(bytes, at + 1, end, nameMax) : null;
}
