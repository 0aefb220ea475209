/** The one sentence that tells an incident: who did what to whom, and how far it got, in at most HEADLINE_MAX characters. */
import { formatCount, formatEstimate } from "../text/amounts.ts";
import { processName } from "../text/processes.ts";
import { isOfItself } from "../finding_ends.ts";
import {
  ESTIMATE_MAX,
  type Finding,
  type FlowProcess,
  HEADLINE_MAX,
  type ScanDetails,
  SERVICES_FOUND_MAX,
} from "../records.ts";
import { isAnomaly, isFirstContact, isWeak } from "./kinship.ts";
import { hostOf, OPENING_PROBES, portOf } from "../service.ts";

/** The name of a host; "" when none is known. */
export type Names = (address: string) => string;

export interface Told {
  readonly actor: string | null;
  /** All listed sources of the causes, the actor first. */
  readonly sources: readonly string[];
  /** In order of time. */
  readonly causes: readonly Finding[];
  readonly nameOf: Names;
}

/** Ports of one host that are named. */
const portsNamedMax = 12;
/** Probes that ask whether a host is there, not which ports it has open. */
const sweepProbes: ReadonlySet<string> = new Set(["icmp_echo", "arp", "ndp"]);

export function headlineOf(told: Told): string {
  const { causes, nameOf } = told;
  const isOfWindows = causes.some(isAnomaly) && causes.every(isWeak);
  const deeds = isOfWindows || causes.length === 1 && isFirstContact(causes[0]!)
    ? []
    : deedsOf(told);
  if (deeds.length === 0) {
    const first = causes.find(isAnomaly) ?? causes[0];
    return cut(named(first?.reason ?? "", told));
  }
  const who = whoText(told);
  const { count, lists } = foundText(causes, nameOf);
  if (count !== "") deeds.push(count);
  const head = `${who} ${joined(deeds)}`;
  if (head.length > HEADLINE_MAX) return shortened(who, deeds);
  const fitting = lists.map((list) => `${head} (${list})`)
    .find(({ length }) => length <= HEADLINE_MAX);
  return fitting ?? head;
}

/** As many of the deeds as fit, "and more". */
function shortened(who: string, deeds: readonly string[]): string {
  const fitting = deeds.map((_, left) => `${who} ${deeds.slice(0, -left - 1).join(", ")} and more`)
    .slice(0, -1).find(({ length }) => length <= HEADLINE_MAX);
  return fitting ?? cut(`${who} ${joined(deeds)}`);
}

/** "nas (10.0.0.2)", "nmap (bob) on nas (10.0.0.2)", "8 hosts together", "10.0.0.9 or one of 4 other sources". */
function whoText(told: Told): string {
  const process = processOfCauses(told.causes);
  const who = hostsText(told);
  if (process === undefined) return who;
  return `${processName(process)} on ${who.replace(/^This host/, "this host")}`;
}

/** Of the first that has one. */
export function processOfCauses(causes: readonly Finding[]): FlowProcess | undefined {
  return causes.find(({ process }) => process !== undefined)?.process;
}

function hostsText({ actor, sources, causes, nameOf }: Told): string {
  if (
    causes.every((finding) =>
      isOfItself(finding) && /^This host | on this host /.test(finding.reason)
    )
  ) {
    return `This host (${actor ?? sources[0]})`;
  }
  if (actor !== null) return nameAndAddress(actor, nameOf);
  const count = Math.max(sources.length, ...causes.map(({ sourceCount }) => sourceCount));
  if (causes.some(({ scan }) => scan?.hasDecoys)) {
    return `One of ${formatCount(count)} hosts, the others forged,`;
  }
  if (count === 1) return nameAndAddress(sources[0] ?? "Somebody", nameOf);
  // Of a scan that more share than are counted.
  if (causes.some(({ reason }) => reason.startsWith("More than "))) {
    return `More than ${formatCount(Math.min(count, ESTIMATE_MAX))} hosts together`;
  }
  const isEstimate = causes.some(({ kind }) => kind === "flood" || kind === "reflection");
  return `${isEstimate ? formatEstimate(count) : formatCount(count)} hosts together`;
}

/** What was done, each kind once, in order of time. */
function deedsOf({ causes, nameOf }: Told): string[] {
  const all = [...new Set(causes.filter((finding) => !isAnomaly(finding)).map(deedKind))];
  // What single agents saw of a scan of them all says less.
  const kinds = all.includes("fleet_scan") ? all.filter((kind) => kind !== "scan") : all;
  return kinds.map((kind) => {
    const findings = causes.filter((finding) => deedKind(finding) === kind && !isAnomaly(finding));
    return deedText(kind, findings, nameOf);
  });
}

function deedKind(finding: Finding): string {
  const { kind, scan, targets, ports = "" } = finding;
  if (isFirstContact(finding)) {
    return targets.length > 0 ? "new peer" : ports === "" ? "new device" : "new service";
  }
  if (!scan) return kind;
  if (isOfItself(finding)) return "own scan";
  return sweepProbes.has(scan.probe) ? "sweep" : "scan";
}

function deedText(kind: string, findings: readonly Finding[], nameOf: Names): string {
  const whom = whomText(findings, nameOf);
  switch (kind) {
    case "scan":
      return `scanned ${whom}`;
    case "own scan":
      return "scanned itself";
    case "sweep":
      return `looked for hosts at ${formatCount(countTargets(findings))} addresses`;
    case "brute_force":
      return `guessed passwords on ${whom}${
        findings.some(({ hasSucceeded }) => hasSucceeded) ? " and logged in" : ""
      }`;
    case "flood":
      return `flooded ${whom}`;
    case "reflection":
      return `sent unasked answers to ${whom}`;
    case "arp_spoof":
      return `claimed the address ${nameAndAddress(findings[0]!.targets[0] ?? "", nameOf)}`;
    case "dns_tunnel":
      return "sent data inside DNS names";
    case "beacon":
      return `called ${whom} at even intervals`;
    case "blocklist":
      return blockedText(findings, whom);
    case "exfiltration":
      return `sent far more than usual to ${whom}`;
    case "new device":
      return "was first seen";
    case "new service":
      return `first answered on port ${findings.map(({ ports }) => ports).join(", ")}`;
    case "new peer":
      return `first talked to ${whom}`;
    case "fleet_scan":
      return fleetScanText(findings, whom);
    case "lateral_movement":
      return `moved on over ${whom}`;
    case "first_seen":
      return "showed what the fleet had not seen before";
    case "agent_silent":
      return "is silent";
    case "agent_cloned":
      return "reports from two places";
    default:
      return `reached for ${whom}`;
  }
}

/** Its newest reason says of how many: "10.0.0.9 scanned hosts of 14 of 20 agents: 70 contacts …". */
function fleetScanText(findings: readonly Finding[], whom: string): string {
  const [, agents] =
    /\b(scanned hosts of [\d,]+ of [\d,]+ agents)\b/.exec(findings.at(-1)!.reason) ?? [];
  return agents ?? `scanned ${whom}`;
}

/** A listed address that calls is the source; else the host that met the entry is. */
function blockedText([finding]: readonly Finding[], whom: string): string {
  if (finding!.attackId === "") return `called ${whom} and is on a block list`;
  if (finding!.attackId === "T1071.004") return "asked for a name on a block list";
  return `spoke with ${whom}, which is on a block list`;
}

function whomText(findings: readonly Finding[], nameOf: Names): string {
  const count = countTargets(findings);
  const [target] = findings[0]!.targets;
  if (count === 1 && target !== undefined) return nameAndAddress(target, nameOf);
  return `${formatCount(count)} hosts`;
}

function countTargets(findings: readonly Finding[]): number {
  const listed = new Set(findings.flatMap(({ targets }) => targets));
  return Math.max(listed.size, ...findings.map(({ targetCount }) => targetCount));
}

/** Ports found open, by host; those that were used afterwards first. */
export function foundBy(causes: readonly Finding[]): ReadonlyMap<string, readonly string[]> {
  const byHost = new Map<string, string[]>();
  for (const { scan } of causes) {
    if (!scan || !OPENING_PROBES.includes(scan.probe)) continue;
    for (const service of scan.found) {
      const ports = byHost.get(hostOf(service)) ?? [];
      if (!ports.includes(portOf(service))) ports.push(portOf(service));
      byHost.set(hostOf(service), ports);
    }
  }
  for (const ports of byHost.values()) ports.sort((a, b) => Number(a) - Number(b));
  const used = new Set(causes.flatMap(({ scan }) => scan?.cameBack ?? []).map(hostOf));
  return new Map([...byHost].sort(([a], [b]) => Number(used.has(b)) - Number(used.has(a))));
}

/** Ports found open, of which `foundBy()` has no more than are listed. */
export function countFound(causes: readonly Finding[]): number {
  let count = 0;
  for (const ports of foundBy(causes).values()) count += ports.length;
  return causes.reduce((sum, { scan }) => sum + notListed(scan), count);
}

/** Ports that a scan found open beyond those that it lists. */
function notListed(scan: ScanDetails | undefined): number {
  if (!scan || !OPENING_PROBES.includes(scan.probe)) return 0;
  return scan.found.length < SERVICES_FOUND_MAX ? 0 : scan.answered - scan.found.length;
}

/** "found 4 ports open" ("" when nothing was found), and which: "nas: 22, 443, 445; gateway: 22", then shorter and shorter. */
function foundText(
  causes: readonly Finding[],
  nameOf: Names,
): { readonly count: string; readonly lists: readonly string[] } {
  const found = [...foundBy(causes)];
  const count = countFound(causes);
  if (count === 0) return { count: "", lists: [] };
  const text = `found ${formatCount(count)} ${count === 1 ? "port" : "ports"} open`;
  if (found.length === 1) return { count: text, lists: portLists(found[0]![1], count) };
  const hosts = found.map(([host, ports]) => ({
    text: `${nameOf(host) || host}: ${ports.join(", ")}`,
    count: ports.length,
  }));
  const lists = hosts.map((_, left) => {
    const shown = hosts.slice(0, hosts.length - left);
    const more = count - shown.reduce((sum, host) => sum + host.count, 0);
    const rest = more > 0 ? `; and ${formatCount(more)} more` : "";
    return shown.map((host) => host.text).join("; ") + rest;
  });
  return { count: text, lists };
}

/** "22, 80, 443", "22, 80 and 1 more", "22 and 2 more". */
function portLists(ports: readonly string[], count: number): string[] {
  return ports.slice(0, portsNamedMax).map((_, left) => {
    const shown = ports.slice(0, Math.min(ports.length, portsNamedMax) - left);
    const more = count - shown.length;
    return shown.join(", ") + (more > 0 ? ` and ${formatCount(more)} more` : "");
  });
}

/** A reason with the name of its actor in front of the address. */
function named(reason: string, { actor, nameOf }: Told): string {
  if (actor === null || nameOf(actor) === "" || !reason.startsWith(`${actor} `)) return reason;
  return nameAndAddress(actor, nameOf) + reason.slice(actor.length);
}

export function nameAndAddress(address: string, nameOf: Names): string {
  const name = nameOf(address);
  return name === "" ? address : `${name} (${address})`;
}

/** "a", "a and b", "a, b and c". */
function joined(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}

/** At most HEADLINE_MAX characters, cut off between words. */
function cut(text: string): string {
  if (text.length <= HEADLINE_MAX) return text;
  const end = text.lastIndexOf(" ", HEADLINE_MAX - 1);
  return `${text.slice(0, end > HEADLINE_MAX / 2 ? end : HEADLINE_MAX - 1).replace(/[,;(]$/, "")}…`;
}
