/** First contacts as findings (--first-contact-findings): a few in a minute of traffic, the list of new hosts has the others. */
import type { Finding, FirstContactKind, FirstContactNews, Severity } from "../records.ts";
import { countryName } from "../text/countries.ts";
import { firstContactText } from "../text/first_contacts.ts";
import { printable } from "../text/printable.ts";

/** Below the least severity that is alerted unless told otherwise. */
const severities: Readonly<Record<FirstContactKind, Severity>> = {
  device: "low",
  service: "low",
  country: "low",
  peer: "info",
};
export const findingsPerMinuteMax = 10;
const minuteUs = 60_000_000;

export class FirstContactFindings {
  /** The newest minute of traffic with a first contact; what comes late counts for it, too. */
  #minute = -Infinity;
  #told = 0;

  findingsOf(contacts: readonly FirstContactNews[]): Omit<Finding, "id">[] {
    return contacts.filter((contact) => this.#hasRoom(contact)).map(toFinding);
  }

  #hasRoom({ tsUs }: FirstContactNews): boolean {
    const minute = Math.floor(tsUs / minuteUs);
    if (minute > this.#minute) [this.#minute, this.#told] = [minute, 0];
    return ++this.#told <= findingsPerMinuteMax;
  }
}

function toFinding(contact: FirstContactNews): Omit<Finding, "id"> {
  const { kind, tsUs, address, mac, peer, name, proto, port, service } = contact;
  const what = kind === "country"
    ? countryName(service)
    : service === ""
    ? `port ${port}/${proto}`
    : `${service} (${port}/${proto})`;
  const whom = name === "" ? peer : `${name} (${peer})`;
  const targets = peer === "" ? [] : [peer];
  return {
    kind: "first_contact",
    severity: severities[kind],
    attackId: "",
    sources: [address],
    sourceCount: 1,
    targets,
    targetCount: targets.length,
    firstUs: tsUs,
    lastUs: tsUs,
    detectedUs: tsUs,
    confidence: 1,
    reason: printable(firstContactText(kind, { who: address, mac, whom, what })),
    isOpen: false,
    flowIds: [],
    amount: 1,
    ...kind === "service" && { ports: String(port) },
  };
}
