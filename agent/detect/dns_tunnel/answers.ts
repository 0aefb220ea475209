/** What the answers to a name say of it: that it is an ordinary look-up of its kind, or that they carry data themselves. */
import type { Observation } from "../observation.ts";
import type { QueriedName } from "./queried_name.ts";

const typeA = 1;
const typeTxt = 16;
const typeNaptr = 35;
const loopbackNet = 127;
/** SPF macros and lists put addresses, host names and hashes into names, a label each; encoded data fills its labels. */
const plainLabelMax = 40;
const longLabel = 20;
/** An answer of so many bytes is a policy or a key; more would be a message. */
const plainBytesMax = 1024;
/** Selectors have few labels (RFC 6376 section 3.1). */
const selectorLabelsMax = 2;
/** A token of 43 base64url characters and its length (RFC 8555 section 8.4). */
const acmeBytes = 44;
/** Fewer bytes say nothing of what they are. */
const dataShownMin = 16;

/** How policies that are published as text begin: RFC 7208, RFC 4406, RFC 7489, RFC 8461, RFC 8460, BIMI, EIP-1459. */
const policies: readonly string[] = [
  ...["v=spf1", "spf2.0/", "v=dmarc1", "v=stsv1", "v=tlsrptv1", "v=bimi1", "enr:", "enrtree-"],
];
/** How keys do (RFC 6376 section 3.6.1). */
const keys: readonly string[] = ["v=dkim1", "k=rsa", "k=ed25519", "p="];

/** The one marker without an underscore. */
const plainMarker = "spf";
const underscore = 0x5f;
/** Labels of the names at which such text stands. */
const markers: readonly string[] = [
  ...["_domainkey", "_dmarc", "_spf", "_acme-challenge", "_mta-sts", "_tls", "_bimi"],
  // RFC 7208 section 7 and appendix D: parts of names that senders put together by macros.
  ...["_ip", "_ehlo", "_helo", "_d", "_h", "_i", "_l", plainMarker],
];

/** Whether the name has a label of mail's own; what its answers are says whether that is true. */
export function hasMarker(name: QueriedName): boolean {
  if (!name.has(underscore)) return name.indexOfLabel(plainMarker) >= 0;
  return markers.some((marker) => name.indexOfLabel(marker) >= 0);
}

/** Whether the response is what an ordinary look-up of such a name gets. */
export function isPlainAnswer(response: Observation, name: QueriedName): boolean {
  const type = response.dnsQueryType;
  if (response.dnsRcode !== 0) return false;
  if (type === typeTxt) return isPlainText(response, name);
  if (type === typeNaptr) return isNaptr(response);
  return type === typeA && isListed(response) && name.labelsOver(longLabel) <= 1;
}

function isPlainText(response: Observation, name: QueriedName): boolean {
  if (response.dnsDataBytes > plainBytesMax) return false;
  if (beginsWith(response, keys)) return isSelector(name);
  if (name.indexOfLabel("_acme-challenge") === 0) return response.dnsDataBytes === acmeBytes;
  return beginsWith(response, policies) && name.longestLabel <= plainLabelMax;
}

/** A DKIM selector (RFC 6376 section 3.6.2.1). */
function isSelector(name: QueriedName): boolean {
  const labels = name.indexOfLabel("_domainkey");
  return labels > 0 && labels <= selectorLabelsMax;
}

/** Addresses of lists of mail senders and of virus look-ups (RFC 5782 section 2.1), and nothing else. */
function isListed(response: Observation): boolean {
  const count = response.dnsAddressCount;
  for (let index = 0; index < count; index++) {
    const at = response.dnsAddressAt(index);
    if (response.words[at + 3] >>> 24 !== loopbackNet) return false;
  }
  return count > 0;
}

/** Order, preference, and one flag or none (RFC 3403 section 4.1). */
function isNaptr(response: Observation): boolean {
  if (response.dnsDataShown < 7) return false;
  const flags = response.dnsDataByte(4);
  return flags === 0 || flags === 1 && "SAUP".includes(character(response, 5).toUpperCase());
}

/** Whether the answers carry what looks like encoded data: no words, no settings. */
export function hasEncodedData(response: Observation): boolean {
  const shown = response.dnsDataShown;
  if (shown < dataShownMin) return false;
  let digits = 0;
  let upper = 0;
  let lower = 0;
  let binary = 0;
  for (let index = 0; index < shown; index++) {
    const byte = response.dnsDataByte(index);
    if (byte >= 0x30 && byte <= 0x39) digits++;
    else if (byte >= 0x41 && byte <= 0x5a) upper++;
    else if (byte >= 0x61 && byte <= 0x7a) lower++;
    else if (byte < 0x20 || byte >= 0x7f) binary++;
    else if (byte === 0x20 || byte === 0x3d && index < shown - 2) return false;
  }
  if (binary >= shown / 4) return true;
  if (digits + upper + lower < shown * 0.8) return false;
  return digits >= shown * 0.1 || Math.min(upper, lower) >= shown / 4;
}

function beginsWith(response: Observation, starts: readonly string[]): boolean {
  return starts.some((start) => {
    if (response.dnsDataShown < start.length) return false;
    for (let index = 0; index < start.length; index++) {
      if (character(response, index).toLowerCase() !== start[index]) return false;
    }
    return true;
  });
}

function character(response: Observation, index: number): string {
  return String.fromCharCode(response.dnsDataByte(index));
}
