/** SNMP, LDAP and Kerberos by the first tags of their BER messages (ITU-T X.690). Nothing here allocates. */

const sequence = 0x30;
const integer = 0x02;

/** Position of the contents of the element at `at`, -1 when its length is cut off or longer than four bytes. */
function contentsOf(bytes: Uint8Array, at: number, end: number): number {
  if (at + 2 > end) return -1;
  const first = bytes[at + 1];
  if (first < 0x80) return at + 2;
  const lengthBytes = first & 0x7f;
  return lengthBytes >= 1 && lengthBytes <= 4 && at + 2 + lengthBytes <= end
    ? at + 2 + lengthBytes
    : -1;
}

/** SNMP (RFC 3416): a sequence that starts with version 0, 1 or 3. */
export function isSnmpMessage(bytes: Uint8Array, at: number, end: number): boolean {
  if (bytes[at] !== sequence) return false;
  const version = contentsOf(bytes, at, end);
  if (version < 0 || version + 4 > end) return false;
  const isVersion = bytes[version] === integer && bytes[version + 1] === 1;
  const value = bytes[version + 2];
  return isVersion && (value === 0 || value === 1 || value === 3);
}

/** LDAP (RFC 4511): a sequence of a message id of up to four bytes and an operation of application class. */
export function isLdapMessage(bytes: Uint8Array, at: number, end: number): boolean {
  if (bytes[at] !== sequence) return false;
  const id = contentsOf(bytes, at, end);
  if (id < 0 || id + 3 > end || bytes[id] !== integer) return false;
  const idLength = bytes[id + 1];
  const operation = id + 2 + idLength;
  if (idLength < 1 || idLength > 4 || operation >= end) return false;
  const tag = bytes[operation];
  // 0 to 25 are the operations; unbind, delete and abandon are primitive.
  return (tag >= 0x60 && tag <= 0x79) || tag === 0x42 || tag === 0x4a || tag === 0x50;
}

/** The first byte of a Kerberos message (RFC 4120 section 5.10): AS, TGS, AP, errors. */
export function isKerberosTag(tag: number): boolean {
  return (tag >= 0x6a && tag <= 0x6f) || (tag >= 0x74 && tag <= 0x76) || tag === 0x7e;
}

/** A Kerberos message as UDP carries it: a known tag around a sequence. */
export function isKerberosMessage(bytes: Uint8Array, at: number, end: number): boolean {
  const contents = contentsOf(bytes, at, end);
  return contents > 0 && contents < end && isKerberosTag(bytes[at]) &&
    bytes[contents] === sequence;
}
