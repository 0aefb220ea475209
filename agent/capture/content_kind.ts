/** Says what a file that is no capture looks like, by its first bytes. */

const signatures: readonly (readonly [string, string])[] = [
  ["snoop\0\0\0", "a Solaris snoop capture: convert it with editcap"],
  ["\x28\xb5\x2f\xfd", "zstd-compressed data: unpack it first"],
  ["\xfd7zXZ\0", "xz-compressed data: unpack it first"],
  ["BZh", "bzip2-compressed data: unpack it first"],
  ["\x04\x22\x4d\x18", "lz4-compressed data: unpack it first"],
  ["\x1f\x8b", "gzip data inside gzip: unpack it first"],
  ["PK\x03\x04", "a ZIP archive: unpack it first"],
  ["GMBU", "a Microsoft Network Monitor capture: convert it with editcap"],
  ["RTSS", "a Microsoft Network Monitor capture: convert it with editcap"],
  ["\x1c\x00\x01\xac", "an IXIA capture: convert it with editcap"],
  ["\x1c\x00\x01\xab", "an IXIA capture: convert it with editcap"],
  ["SQLite format 3\0", "an SQLite database"],
  ["\x7fELF", "a program"],
  ["%PDF", "a PDF document"],
  ["<?xml", "XML text"],
];

/** As "it looks like text"; `head` is the start of the file. */
export function describeContent(head: Uint8Array): string {
  if (head.length === 0) return "it holds no data";
  const text = String.fromCharCode(...head.subarray(0, 64));
  const known = signatures.find(([signature]) => text.startsWith(signature));
  if (known !== undefined) return `it looks like ${known[1]}`;
  if (/^[\t\r\n\x20-\x7e]+$/.test(text)) return "it looks like text";
  const bytes = [...head.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, "0"));
  return `it starts with the bytes ${bytes.join(" ")}`;
}
