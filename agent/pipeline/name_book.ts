/**
 * Names of addresses as the traffic itself tells them: answers of DNS, mDNS, LLMNR and NBNS, and what a DHCP client
 * calls itself. Bounded: the name learnt longest ago leaves first (a Map keeps the order of insertion).
 */
import {
  Application,
  type DnsDetails,
  type HostNaming,
  type NameNews,
  type NameOrigin,
} from "../records.ts";

/** 16,384 addresses and cards, of each the newest name of an origin, at most 255 characters: 30 MB at the very most, 3 MB as usual. */
const namedMax = 16_384;
/** The first is the name to show. */
const precedence: readonly NameOrigin[] = ["dhcp", "mdns", "nbns", "llmnr", "dns"];
const none: readonly HostNaming[] = [];

export class NameBook {
  readonly #byAddress = new Map<string, readonly HostNaming[]>();
  readonly #byMac = new Map<string, readonly HostNaming[]>();
  readonly #onNews: ((news: NameNews) => void) | undefined;
  readonly #onStale: () => void;

  /**
   * `onNews` is told what the book did not hold, but not what came by take(). As long as `onStale` is not called, an answer
   * need not be learnt again whose addresses no other answer has named since.
   */
  constructor(onNews?: (news: NameNews) => void, onStale = () => {}) {
    this.#onNews = onNews;
    this.#onStale = onStale;
  }

  /** A name that another book has learnt. */
  take(news: NameNews): void {
    this.#onStale();
    this.#keep(news);
  }

  /** Takes the addresses of an answer under the name that was asked for; `application` has told it. */
  learn(dns: DnsDetails, application: number = Application.dns): void {
    if (!dns.isResponse) return;
    for (const answer of dns.answers) {
      const isNetBios = answer.type === "NB";
      if (!isNetBios && answer.type !== "A" && answer.type !== "AAAA") continue;
      const name = plainName(dns.queryName || answer.name);
      const naming = { name, origin: originOf(application, isNetBios) };
      this.#learn({ isOfMac: false, of: answer.data, naming });
    }
  }

  setMacName(mac: string, name: string): void {
    this.#learn({ isOfMac: true, of: mac, naming: { name, origin: "dhcp" } });
  }

  #learn(news: NameNews): void {
    const isNew = this.#onNews !== undefined && !this.#holds(news);
    this.#keep(news);
    if (isNew) this.#onNews!(news);
  }

  #keep({ isOfMac, of, naming }: NameNews): void {
    const names = isOfMac ? this.#byMac : this.#byAddress;
    keep(names, of, naming);
    // The name learnt longest ago leaves first: from now on it matters when that was.
    if (names.size > namedMax / 2) this.#onStale();
  }

  #holds({ isOfMac, of, naming }: NameNews): boolean {
    const namings = (isOfMac ? this.#byMac : this.#byAddress).get(of) ?? none;
    return namings.some(({ name, origin }) => name === naming.name && origin === naming.origin);
  }

  /** The name of an address, or of the card it was seen with; "" without one. */
  nameOf(address: string, mac: string): string {
    return this.namesOf(address, mac)[0]?.name ?? "";
  }

  /** All names of an address and the card it was seen with, the one to show first. */
  namesOf(address: string, mac: string): readonly HostNaming[] {
    const [ofMac, ofAddress] = [this.#byMac.get(mac) ?? none, this.#byAddress.get(address) ?? none];
    return ofMac.length === 0 ? ofAddress : [...ofMac, ...ofAddress];
  }
}

function originOf(application: number, isNetBios: boolean): NameOrigin {
  if (isNetBios || application === Application.nbns) return "nbns";
  if (application === Application.mdns) return "mdns";
  return application === Application.llmnr ? "llmnr" : "dns";
}

function keep(names: Map<string, readonly HostNaming[]>, key: string, naming: HostNaming): void {
  if (naming.name === "") return;
  const before = names.get(key) ?? none;
  names.delete(key);
  names.set(key, withNaming(before, naming));
  if (names.size > namedMax) names.delete(names.keys().next().value!);
}

function withNaming(before: readonly HostNaming[], naming: HostNaming): readonly HostNaming[] {
  // Nearly always.
  if (before.length === 0 || before.length === 1 && before[0].origin === naming.origin) {
    return [naming];
  }
  const others = before.filter(({ origin }) => origin !== naming.origin);
  const rank = ({ origin }: HostNaming) => precedence.indexOf(origin);
  return [...others, naming].sort((a, b) => rank(a) - rank(b));
}

/** Without the suffix of a NetBIOS name ("PC<20>", RFC 1001 section 14) and the root's dot. */
function plainName(name: string): string {
  if (!name.endsWith(">") && !name.endsWith(".")) return name;
  return name.replace(/<[0-9a-f]{2}>$/i, "").replace(/(?<=.)\.$/, "");
}
