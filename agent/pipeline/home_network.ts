/**
 * What is local, for "in" and "out", for hosts, and for the detectors, who go by the marks of their rows: this is the one
 * place that decides it. By default the private networks and the own ones, which are those of the interfaces of the host that
 * captures; --home-net says it otherwise. What never leaves a link is local always.
 */
import { isInNetwork, type Network, parseNetwork } from "../decode/addresses.ts";

/** As --home-net takes them: networks, and the words "private" and "own". */
export const DEFAULT_HOME_NETS: readonly string[] = ["private", "own"];

export class HomeNetwork {
  readonly #isPrivateLocal: boolean;
  readonly #isOwnLocal: boolean;
  readonly #named: readonly Network[];
  #own: readonly Network[] = [];

  constructor(homeNets = DEFAULT_HOME_NETS) {
    this.#isPrivateLocal = homeNets.includes("private");
    this.#isOwnLocal = homeNets.includes("own");
    this.#named = networksOf(homeNets);
  }

  /** Replaces the networks of the capturing host's interfaces: `203.0.113.5/24`, or a single address. */
  setOwn(networks: readonly string[]): void {
    if (this.#isOwnLocal) this.#own = networksOf(networks);
  }

  /** Words as in Packet. */
  isLocal(word0: number, word1: number, word2: number, word3: number): boolean {
    if (staysOnLink(word0, word1, word2, word3)) return true;
    if (this.#isPrivateLocal && isPrivate(word0, word1, word2, word3)) return true;
    const has = (network: Network) => isInNetwork(network, word0, word1, word2, word3);
    return this.#named.some(has) || this.#own.some(has);
  }
}

function networksOf(texts: readonly string[]): Network[] {
  return texts.map(parseNetwork).filter((network) => network !== null);
}

/** Loopback, link-local, unspecified, multicast and broadcast addresses. */
function staysOnLink(word0: number, word1: number, word2: number, word3: number): boolean {
  if (isIpv4(word0, word1, word2)) {
    const first = word3 >>> 24;
    return first === 127 || first === 0 || first >= 224 || word3 >>> 16 === 0xa9fe;
  }
  if ((word0 | word1 | word2) === 0 && (word3 >>> 0) <= 1) return true;
  return word0 >>> 24 === 0xff || word0 >>> 22 === 0x3fa;
}

/** RFC 1918, shared (RFC 6598), unique local (RFC 4193) and site-local (RFC 3513) addresses. */
function isPrivate(word0: number, word1: number, word2: number, word3: number): boolean {
  if (!isIpv4(word0, word1, word2)) return word0 >>> 25 === 0x7e || word0 >>> 22 === 0x3fb;
  return word3 >>> 24 === 10 || word3 >>> 16 === 0xc0a8 || word3 >>> 20 === 0xac1 ||
    word3 >>> 22 === 0x191;
}

function isIpv4(word0: number, word1: number, word2: number): boolean {
  return (word0 | word1) === 0 && word2 === 0xffff;
}

/** False for what stands for no host, or for many: unspecified, multicast and broadcast addresses. */
export function isUnicastAddress(
  word0: number,
  word1: number,
  word2: number,
  word3: number,
): boolean {
  if (isIpv4(word0, word1, word2)) return word3 !== 0 && word3 >>> 24 < 224;
  return (word0 >>> 24) !== 0xff && (word0 | word1 | word2 | word3) !== 0;
}
