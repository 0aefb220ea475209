/** Tells addresses of one's own network from the rest, for "in" and "out". */

/**
 * True for addresses that cannot be across the internet: private (RFC 1918), shared (RFC 6598), loopback, link-local,
 * unique local (RFC 4193), multicast and broadcast. Words as in Packet.
 */
export function isLocalAddress(
  word0: number,
  word1: number,
  word2: number,
  word3: number,
): boolean {
  if (word0 === 0 && word1 === 0 && word2 === 0xffff) return isLocalIpv4(word3 >>> 0);
  if (word0 === 0 && word1 === 0 && word2 === 0 && (word3 >>> 0) <= 1) return true;
  const first = word0 >>> 24;
  return (first & 0xfe) === 0xfc || first === 0xff || (word0 >>> 22) === 0x3fa;
}

function isLocalIpv4(address: number): boolean {
  const first = address >>> 24;
  if (first === 10 || first === 127 || first === 0 || first >= 224) return true;
  const first16 = address >>> 16;
  return first16 === 0xc0a8 || first16 === 0xa9fe || (address >>> 20) === 0xac1 ||
    (address >>> 22) === 0x191;
}

/** False for what stands for no host, or for many: unspecified, multicast and broadcast addresses. */
export function isUnicastAddress(
  word0: number,
  word1: number,
  word2: number,
  word3: number,
): boolean {
  if (word0 === 0 && word1 === 0 && word2 === 0xffff) {
    const first = word3 >>> 24;
    return word3 !== 0 && first < 224;
  }
  return (word0 >>> 24) !== 0xff && (word0 | word1 | word2 | word3) !== 0;
}
