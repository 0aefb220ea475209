/** Who on this host began what lately, by the ends of it: bounded, the oldest goes. */
import type { ContactsMessage } from "../messages.ts";
import { remember } from "../process/remember.ts";
import type { Finding, FindingKind, FlowProcess } from "../records.ts";

interface Contact {
  readonly local: string;
  readonly remote: string;
  readonly port: number;
  readonly process: FlowProcess;
  readonly lastUs: number;
}

/** An unusual window is of all that a host does; ARP is spoken by no process. */
const notOfProcesses: readonly FindingKind[] = ["anomaly", "arp_spoof"];
const contactsOfScan = 5;
const contactsMax = 16_384;
/** Answers come a moment after their packets, and clocks differ. */
const slackUs = 5_000_000;

export class ProcessContacts {
  /** The latest last. */
  readonly #contacts = new Map<string, Contact>();

  take({ processes, contacts }: ContactsMessage, nowUs: number): void {
    for (const { local, remote, port, process: index } of contacts) {
      const process = processes[index];
      if (process === undefined) continue;
      const key = `${local} ${remote} ${port} ${process.pid} ${process.user}`;
      const contact = { local, remote, port, process, lastUs: nowUs };
      remember(this.#contacts, key, contact, contactsMax);
    }
  }

  /** The process that began most of what a finding of this host is about; undefined when none began more than half of it. */
  processOf(finding: Finding): FlowProcess | undefined {
    if (!isOfProcess(finding)) return undefined;
    const sources = new Set(finding.sources);
    const targets = new Set(finding.targets);
    const areAllListed = finding.targetCount <= finding.targets.length;
    const isPort = portTest(finding.scan?.ports ?? finding.ports ?? "");
    const weights = new Map<string, { process: FlowProcess; count: number }>();
    let all = 0;
    for (const { local, remote, port, process, lastUs } of this.#contacts.values()) {
      if (!sources.has(local) || lastUs < finding.firstUs - slackUs) continue;
      if (areAllListed && targets.size > 0 && !targets.has(remote)) continue;
      if (!isPort(port)) continue;
      all++;
      const key = `${process.name} ${process.user}`;
      const weight = weights.get(key);
      weights.set(key, { process, count: (weight?.count ?? 0) + 1 });
    }
    const [first] = [...weights.values()].sort((a, b) => b.count - a.count);
    if (first === undefined || first.count < needed(finding)) return undefined;
    return first.count * 2 > all ? first.process : undefined;
  }
}

/** Whether it is a process that does what a finding tells of. */
export function isOfProcess({ kind }: Finding): boolean {
  return !notOfProcesses.includes(kind);
}

/** One contact among the probes of a scan may be anybody's. */
function needed({ scan }: Finding): number {
  return scan === undefined ? 1 : Math.min(contactsOfScan, Math.ceil(scan.attempts / 4));
}

/** Whether a port is one of "22,80,1000-1024"; any is one of "". */
function portTest(ports: string): (port: number) => boolean {
  const ranges = [...ports.matchAll(/(\d+)(?:-(\d+))?/g)].map(([, from, to]) =>
    [Number(from), Number(to ?? from)] as const
  );
  return (port) => ranges.length === 0 || ranges.some(([from, to]) => port >= from && port <= to);
}
