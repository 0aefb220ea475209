/**
 * Names of addresses as the traffic itself tells them: answers of DNS, mDNS, LLMNR and NBNS, and what a DHCP client
 * calls itself. Bounded: the name learnt longest ago leaves first (a Map keeps the order of insertion).
 */
import type { DnsDetails } from "../records.ts";

/** 16,384 names of at most 255 characters: 10 MB at the very most, 2 MB as usual. */
const nameCountMax = 16_384;

export class NameBook {
  readonly #byAddress = new Map<string, string>();
  readonly #byMac = new Map<string, string>();

  /** Takes the addresses of an answer under the name that was asked for. */
  learn(dns: DnsDetails): void {
    if (!dns.isResponse) return;
    for (const answer of dns.answers) {
      const isAddress = answer.type === "A" || answer.type === "AAAA" || answer.type === "NB";
      if (isAddress) keep(this.#byAddress, answer.data, plainName(dns.queryName || answer.name));
    }
  }

  setMacName(mac: string, name: string): void {
    keep(this.#byMac, mac, name);
  }

  /** The name of an address, or of the card it was seen with; "" without one. */
  nameOf(address: string, mac: string): string {
    return this.#byMac.get(mac) ?? this.#byAddress.get(address) ?? "";
  }
}

function keep(names: Map<string, string>, key: string, name: string): void {
  names.delete(key);
  names.set(key, name);
  if (names.size > nameCountMax) names.delete(names.keys().next().value!);
}

/** Without the suffix of a NetBIOS name ("PC<20>", RFC 1001 section 14) and the root's dot. */
function plainName(name: string): string {
  return name.replace(/<[0-9a-f]{2}>$/i, "").replace(/(?<=.)\.$/, "");
}
