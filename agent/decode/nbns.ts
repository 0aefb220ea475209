/**
 * NetBIOS name service, RFC 1002 section 4.2: DNS messages whose names are 16 bytes in "first-level encoding" (RFC 1001
 * section 14.1), two letters A to P a byte; the last byte says what the name stands for and is shown as `NAME<20>`.
 */
import type { DnsDetails } from "../records.ts";
import { formatIpv4 } from "./addresses.ts";
import { readText } from "./app_text.ts";
import { type DnsDialect, type Message, readDnsMessage } from "./dns_message.ts";
import { dnsNameLengthMax, expandDnsName, expandedName } from "./dns.ts";

const encodedLength = 32;
const plainName = new Uint8Array(encodedLength / 2);

const netbios: DnsDialect = { readName, typeName, describeData };

/** Reads the message between `start` and `end` as readDnsMessage does; names look like `WORKGROUP<1e>`. */
export function readNbnsMessage(bytes: Uint8Array, start: number, end: number): DnsDetails | null {
  return readDnsMessage(bytes, start, end, netbios);
}

function readName(message: Message, at: number): string | null {
  const length = expandDnsName(message.bytes, message.start, message.end, at);
  if (length < 0) return null;
  if (!isEncoded(length)) return readText(expandedName, 0, length, dnsNameLengthMax);
  for (let i = 0; i < plainName.length; i++) {
    plainName[i] = (expandedName[2 * i] - 0x41) << 4 | (expandedName[2 * i + 1] - 0x41);
  }
  let end = plainName.length - 1;
  while (end > 0 && (plainName[end - 1] === 0x20 || plainName[end - 1] === 0)) end--;
  const suffix = plainName[plainName.length - 1].toString(16).padStart(2, "0");
  const scope = readText(expandedName, encodedLength, length, dnsNameLengthMax);
  return `${readText(plainName, 0, end, end)}<${suffix}>${scope}`;
}

function isEncoded(length: number): boolean {
  if (length < encodedLength) return false;
  for (let i = 0; i < encodedLength; i++) {
    if (expandedName[i] < 0x41 || expandedName[i] > 0x50) return false;
  }
  return length === encodedLength || expandedName[encodedLength] === 0x2e;
}

function typeName(type: number): string {
  return type === 0x20 ? "NB" : type === 0x21 ? "NBSTAT" : `TYPE${type}`;
}

/** NB data is flags and an address (RFC 1002 section 4.2.1.3). */
function describeData(message: Message, type: number, at: number, end: number): string | null {
  return type === 0x20 && end - at >= 6 ? formatIpv4(message.bytes, at + 2) : null;
}
