/**
 * What is local, for "in" and "out", for hosts, and for the detectors, who go by the marks of their rows: this is the one
 * place that decides it. By default the private networks and the own ones: those of the interfaces of the host that
 * captures, and what the captured link shows to be on it (link_view.ts). --home-net says it otherwise. What never leaves a
 * link is local always.
 */
import {
  isInNetwork,
  isIpv4,
  isPrivate,
  type Network,
  parseNetwork,
  staysOnLink,
} from "../decode/addresses.ts";
import { KeyedSlots } from "../detect/common/keyed_slots.ts";

/** As --home-net takes them: networks, and the words "private" and "own". */
const defaultHomeNets: readonly string[] = ["private", "own"];
const learntAddressesMax = 4096;
const learntNetworksMax = 64;

/** Words as in Packet. */
export type Address = Network["words"];

interface HomeNetworkOptions {
  readonly homeNets?: readonly string[] | undefined;
  /** Addresses of this network may have become local, or no longer are. */
  readonly onChange?: (network: Network) => void;
}

export class HomeNetwork {
  readonly #isPrivateLocal: boolean;
  readonly #isOwnLocal: boolean;
  readonly #onChange: (network: Network) => void;
  /** Those named, those of the interfaces, and those learnt. */
  readonly #networks: [readonly Network[], readonly Network[], Network[]];
  readonly #learntAddresses: KeyedSlots;
  /** Of learnt addresses: nothing takes it back. */
  readonly #isSure = new Uint8Array(learntAddressesMax);
  readonly #key = new Int32Array(4);
  #changeCount = 0;

  constructor({ homeNets = defaultHomeNets, onChange = () => {} }: HomeNetworkOptions = {}) {
    this.#isPrivateLocal = homeNets.includes("private");
    this.#isOwnLocal = homeNets.includes("own");
    this.#networks = [networksOf(homeNets), [], []];
    this.#onChange = onChange;
    this.#learntAddresses = new KeyedSlots({ capacity: learntAddressesMax, keyWords: 4 });
  }

  /** Rises with each address and network learnt or forgotten, and with changes of the own ones. */
  get changeCount(): number {
    return this.#changeCount;
  }

  /** Words as in Packet. */
  isLocal(word0: number, word1: number, word2: number, word3: number): boolean {
    if (this.#isInside(word0, word1, word2, word3)) return true;
    if (this.#learntAddresses.count === 0) return false;
    return this.#learntAddresses.find(this.#keyOf(word0, word1, word2, word3)) >= 0;
  }

  /** As isLocal(); an address is not spread, which costs as much again. */
  isLocalAddress(address: Address): boolean {
    return this.isLocal(address[0], address[1], address[2], address[3]);
  }

  #isInside(word0: number, word1: number, word2: number, word3: number): boolean {
    if (staysOnLink(word0, word1, word2, word3)) return true;
    if (this.#isPrivateLocal && isPrivate(word0, word1, word2, word3)) return true;
    for (let source = 0; source < this.#networks.length; source++) {
      const networks = this.#networks[source];
      for (let index = 0; index < networks.length; index++) {
        if (isInNetwork(networks[index], word0, word1, word2, word3)) return true;
      }
    }
    return false;
  }

  /** Whether it is local only until what has shown so is taken back. */
  isGuessed(word0: number, word1: number, word2: number, word3: number): boolean {
    if (this.#learntAddresses.count === 0) return false;
    const slot = this.#learntAddresses.find(this.#keyOf(word0, word1, word2, word3));
    return slot >= 0 && this.#isSure[slot] === 0 && !this.#isInside(word0, word1, word2, word3);
  }

  /** Replaces the networks of the capturing host's interfaces: `203.0.113.5/24`, or a single address. */
  setOwn(networks: readonly string[]): void {
    if (!this.#isOwnLocal) return;
    this.#networks[1] = networksOf(networks);
    this.#changeCount++;
    this.#onChange(everything);
  }

  /** The link has shown that the network is on it. */
  learnNetwork(network: Network): void {
    const learnt = this.#networks[2];
    const isKnown = learnt.some((known) =>
      known.prefixLength <= network.prefixLength && isInNetwork(known, ...network.words)
    );
    if (!this.#isOwnLocal || isKnown) return;
    if (learnt.length === learntNetworksMax) learnt.shift();
    learnt.push(network);
    this.#changeCount++;
    this.#onChange(network);
  }

  /** The link has shown that the address is on it: for sure, or until it is taken back. */
  learnAddress(address: Address, isSure: boolean): void {
    if (!this.#isOwnLocal) return;
    const slot = this.#learntAddresses.add(
      this.#keyOf(address[0], address[1], address[2], address[3]),
    );
    const { isNew } = this.#learntAddresses;
    const wasSure = !isNew && this.#isSure[slot] !== 0;
    this.#isSure[slot] = wasSure || isSure ? 1 : 0;
    if (!isNew && (wasSure || !isSure)) return;
    this.#changeCount++;
    this.#onChange({ words: address, prefixLength: 128 });
  }

  /** What had shown so does not hold any more. */
  forgetAddress(address: Address): void {
    const slot = this.#learntAddresses.find(
      this.#keyOf(address[0], address[1], address[2], address[3]),
    );
    if (slot < 0 || this.#isSure[slot] !== 0) return;
    this.#learntAddresses.remove(slot);
    this.#changeCount++;
    this.#onChange({ words: address, prefixLength: 128 });
  }

  #keyOf(word0: number, word1: number, word2: number, word3: number): Int32Array {
    const key = this.#key;
    key[0] = word0;
    key[1] = word1;
    key[2] = word2;
    key[3] = word3;
    return key;
  }
}

const everything: Network = { words: [0, 0, 0, 0], prefixLength: 0 };

function networksOf(texts: readonly string[]): Network[] {
  return texts.map(parseNetwork).filter((network) => network !== null);
}

/** As isUnicastAddress(). */
export function isUnicast(address: Address): boolean {
  return isUnicastAddress(address[0], address[1], address[2], address[3]);
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
