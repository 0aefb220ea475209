/** Addresses in a `struct sockaddr` as text. */

/** `struct sockaddr_in` and `struct sockaddr_in6`. */
export const Sockaddr = { ipv4Address: 4, ipv6Address: 8 } as const;

const isDarwin = Deno.build.os === "darwin";

/** BSD keeps the struct's own length in the first byte, Linux has a 16-bit family. */
export const sockaddrFamily = isDarwin
  ? { offset: 1, bits: 8, ipv4: 2, ipv6: 30 } as const
  : { offset: 0, bits: 16, ipv4: 2, ipv6: 10 } as const;

/** The address of an AF_INET or AF_INET6 `sockaddr`; null for other families and a null pointer. */
export function addressText(sockaddr: Deno.PointerValue): string | null {
  const bytes = addressBytes(sockaddr);
  if (bytes === null) return null;
  return bytes.length === 4 ? bytes.join(".") : ipv6Text(bytes);
}

/** Leading one bits of a netmask; null without one. */
export function prefixLength(sockaddr: Deno.PointerValue): number | null {
  const bytes = addressBytes(sockaddr);
  if (bytes === null) return null;
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
  const firstZero = bits.indexOf("0");
  return firstZero < 0 ? bits.length : firstZero;
}

/** RFC 5952: lower case, no leading zeros, the first longest run of two or more zero groups as "::". */
export function ipv6Text(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => bytes[2 * i] << 8 | bytes[2 * i + 1]);
  let runStart = -1;
  let runLength = 1;
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length++;
    if (length > runLength) [runStart, runLength] = [start, length];
  }
  const text = (from: number, to: number) =>
    groups.slice(from, to).map((group) => group.toString(16)).join(":");
  if (runStart < 0) return text(0, 8);
  return `${text(0, runStart)}::${text(runStart + runLength, 8)}`;
}

function addressBytes(sockaddr: Deno.PointerValue): Uint8Array | null {
  if (sockaddr === null) return null;
  const view = new Deno.UnsafePointerView(sockaddr);
  const { offset, bits, ipv4, ipv6 } = sockaddrFamily;
  const family = bits === 8 ? view.getUint8(offset) : view.getUint16(offset);
  if (family === ipv4) return new Uint8Array(view.getArrayBuffer(4, Sockaddr.ipv4Address).slice(0));
  if (family === ipv6) {
    return new Uint8Array(view.getArrayBuffer(16, Sockaddr.ipv6Address).slice(0));
  }
  return null;
}
