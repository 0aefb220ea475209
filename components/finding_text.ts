/** The words for findings: kinds, probes, techniques, times, and who they are about. Pure. */
import {
  type Finding,
  type FindingKind,
  type ScanKind,
  type ScanProbe,
  type Severity,
} from "../agent/records.ts";
import { type Ends, endsOf } from "../agent/finding_ends.ts";
import { counted, formatEstimate } from "../agent/text/amounts.ts";
import { formatClock, formatCount, formatDay, formatDuration, formatWhen } from "./format.ts";

export const severityLabels: Readonly<Record<Severity, string>> = {
  info: "Info",
  low: "Low",
  medium: "Medium",
  high: "High",
  critical: "Critical",
};

export const scanKindLabels: Readonly<Record<ScanKind, string>> = {
  vertical: "many ports, few hosts",
  horizontal: "many hosts, few ports",
  block: "many ports, many hosts",
  distributed: "many sources, one host",
};

export const probeLabels: Readonly<Record<ScanProbe, string>> = {
  syn: "TCP SYN",
  connect: "TCP connect",
  fin: "TCP FIN",
  null: "TCP NULL",
  xmas: "TCP XMAS",
  ack: "TCP ACK",
  maimon: "TCP Maimon (FIN and ACK)",
  odd_flags: "TCP with odd flags",
  udp: "UDP",
  icmp_echo: "ICMP echo (ping)",
  arp: "ARP request",
  ndp: "IPv6 neighbour solicitation",
  sctp_init: "SCTP INIT",
};

export const kindLabels: Readonly<Record<FindingKind, string>> = {
  scan: "Scan",
  anomaly: "Unusual behaviour",
  brute_force: "Password guessing",
  flood: "Flood",
  reflection: "Reflected traffic",
  arp_spoof: "ARP spoofing",
  dns_tunnel: "DNS tunnel",
  beacon: "Beacon",
  blocklist: "On a block list",
  exfiltration: "Unusual upload",
  first_contact: "First contact",
  fleet_scan: "Scan of the fleet",
  lateral_movement: "Move from host to host",
  first_seen: "First seen in the fleet",
  agent_silent: "Silent agent",
  agent_cloned: "Agent in two places",
};

/** Names of the MITRE ATT&CK techniques that findings carry (attack.mitre.org, version 15). */
const attackNames: Readonly<Record<string, string>> = {
  T1018: "Remote System Discovery",
  T1021: "Remote Services",
  T1040: "Network Sniffing",
  T1041: "Exfiltration Over C2 Channel",
  T1046: "Network Service Discovery",
  T1048: "Exfiltration Over Alternative Protocol",
  T1071: "Application Layer Protocol",
  "T1071.001": "Application Layer Protocol: Web Protocols",
  "T1071.004": "Application Layer Protocol: DNS",
  T1095: "Non-Application Layer Protocol",
  T1110: "Brute Force",
  "T1110.001": "Brute Force: Password Guessing",
  T1498: "Network Denial of Service",
  "T1498.001": "Network Denial of Service: Direct Network Flood",
  "T1498.002": "Network Denial of Service: Reflection Amplification",
  T1499: "Endpoint Denial of Service",
  "T1499.001": "Endpoint Denial of Service: OS Exhaustion Flood",
  "T1499.002": "Endpoint Denial of Service: Service Exhaustion Flood",
  T1557: "Adversary-in-the-Middle",
  "T1557.002": "Adversary-in-the-Middle: ARP Cache Poisoning",
  "T1568.002": "Dynamic Resolution: Domain Generation Algorithms",
  T1571: "Non-Standard Port",
  T1572: "Protocol Tunneling",
  T1573: "Encrypted Channel",
  T1595: "Active Scanning",
  "T1595.001": "Active Scanning: Scanning IP Blocks",
  "T1595.002": "Active Scanning: Vulnerability Scanning",
};

/** "T1046, Network Service Discovery"; the number alone where the name is not known. */
export function attackText(attackId: string): string {
  const name = attackNames[attackId];
  return name === undefined ? attackId : `${attackId}, ${name}`;
}

/** nmap's name of a tempo, by nmap.org/book/performance-timing-templates.html. */
const tempoNames: Readonly<Record<string, string>> = {
  T0: "paranoid",
  T1: "sneaky",
  T2: "polite",
  T3: "normal",
  T4: "aggressive",
  T5: "insane",
};

/** "like nmap T1 (sneaky)". */
export function tempoText(tempo: string): string {
  const name = tempoNames[tempo];
  return name === undefined ? tempo : `like nmap ${tempo} (${name})`;
}

/** What a finding is, for a table: "many ports, few hosts, TCP SYN". */
export function kindText({ kind, scan }: Finding): string {
  if (!scan) return kindLabels[kind] ?? kind;
  return `${scanKindLabels[scan.kind] ?? scan.kind}, ${probeLabels[scan.probe] ?? scan.probe}`;
}

/** One address, or the first and how many others: "10.0.0.9 and 3 others". */
export function addressesText(addresses: readonly string[], count: number): string {
  const first = addresses[0];
  if (first === undefined) return count > 0 ? counted(count, "host") : "";
  if (count <= 1) return first;
  return `${first} and ${formatCount(count - 1)} ${count === 2 ? "other" : "others"}`;
}

/** One end as a line has it: "10.0.0.9 and 3 others", "203.0.113.1 and others (about 1,200 in all)". */
export function endText({ addresses, count, isEstimate }: Ends): string {
  if (count <= 1 || !isEstimate) return addressesText(addresses, count);
  return `${addresses[0]} and others (${hostCount({ count, isEstimate })} in all)`;
}

/** "12", "about 1,200", "more than 3,000". */
export function hostCount({ count, isEstimate }: Pick<Ends, "count" | "isEstimate">): string {
  if (!isEstimate) return formatCount(count);
  return formatEstimate(count).toLowerCase();
}

function entityText(entity: string): string {
  return entity === "link" ? "all traffic of the link" : entity;
}

/** The second line of a finding: addresses and circumstances. */
export function circumstances(finding: Finding): string {
  const { scan } = finding;
  const { from, to } = endsOf(finding);
  const ends = [from, to]
    .map((end) => endText({ ...end, addresses: end.addresses.map(entityText) }))
    .filter((text) => text !== "").join(" to ");
  const lasted = (finding.lastUs - finding.firstUs) / 1e6;
  const span = lasted >= 1 ? formatDuration(lasted) : "";
  const what = scan
    ? [`${formatCount(scan.attempts)} attempts${span && ` in ${span}`}`, probeLabels[scan.probe]]
    : [kindLabels[finding.kind], span];
  return [ends, ...what].filter(Boolean).join(", ");
}

/** When a finding was, as a list says it: the time, and what goes with it. */
export function whenText(
  { firstUs, lastUs, isOpen }: Pick<Finding, "firstUs" | "lastUs" | "isOpen">,
  nowUs: number,
  zone: string,
): { readonly time: string; readonly note: string } {
  const time = formatWhen(firstUs, nowUs, zone);
  const age = Math.max(0, nowUs - lastUs) / 1e6;
  if (isOpen) return { time, note: openText(age) };
  if (age < 60) return { time, note: "ended just now" };
  return {
    time,
    note: age < 3600 ? `ended ${formatDuration(Math.floor(age / 60) * 60)} ago` : "ended",
  };
}

/** What an open finding is doing whose newest evidence is `ageS` old: it may go on, and ends when it has been quiet. */
export function openText(ageS: number): string {
  if (ageS < 60) return "still going on";
  return `quiet for ${formatDuration(Math.floor(ageS / 60) * 60)}`;
}

/** "Sun 22 Nov, 13:24:09 to 13:27:51", with both days where they differ. */
export function spanText(
  { firstUs, lastUs }: Pick<Finding, "firstUs" | "lastUs">,
  nowUs: number,
  zone: string,
): string {
  const [from, to] = [formatClock(firstUs, zone), formatClock(lastUs, zone)];
  const [fromDay, toDay] = [formatDay(firstUs, nowUs, zone), formatDay(lastUs, nowUs, zone)];
  if (fromDay !== toDay) return `${fromDay}, ${from} to ${toDay}, ${to}`;
  return from === to ? `${fromDay}, ${from}` : `${fromDay}, ${from} to ${to}`;
}

/** A list of ports as people read it: "22, 80, 1000 to 1024", cut after `partsMax` parts. */
export function portsText(ports: string, partsMax = 12): string {
  const parts = ports.split(",").filter((part) => part !== "");
  const shown = parts.slice(0, partsMax).map((part) => part.replace("-", " to ")).join(", ");
  const more = parts.slice(partsMax).reduce((sum, part) => sum + portCount(part), 0);
  return more > 0 ? `${shown} and ${formatCount(more)} more` : shown;
}

/** Of "22" one, of "1000-1024" 25. */
function portCount(part: string): number {
  const [low, high = low] = part.split("-").map(Number);
  return high! - low! + 1;
}

/** Whether `port` is in a list like "22,80,1000-1024". */
export function hasPort(ports: string, port: number): boolean {
  return ports.split(",").some((part) => {
    const [low, high = low] = part.split("-").map(Number);
    return part !== "" && port >= low! && port <= high!;
  });
}
