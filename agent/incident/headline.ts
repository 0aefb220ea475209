/** The one sentence that tells an incident: who did what to whom, and how far it got, in at most HEADLINE_MAX characters. */
import { formatCount, formatEstimate } from "../detect/common/sentence.ts";
import { type Finding, HEADLINE_MAX, type ScanProbe } from "../records.ts";
import { isAnomaly } from "./kinship.ts";
import { hostOf, portOf } from "./service.ts";

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

/** Probes that ask whether a host is there, not which ports it has open. */
const sweepProbes: ReadonlySet<string> = new Set(["icmp_echo", "arp", "ndp"]);
/** Probes by which open ports show. */
const openingProbes: readonly ScanProbe[] = ["syn", "connect", "sctp_init"];

export function headlineOf(told: Told): string {
  const { causes, nameOf } = told;
  const deeds = causes.every(isAnomaly) ? [] : deedsOf(told);
  if (deeds.length === 0) return cut(named(causes[0]?.reason ?? "", told));
  const found = foundBy(causes);
  const tail = foundText(found, nameOf);
  const head = `${whoText(told)} ${joined(deeds)}`;
  const withList = `${head}${tail.long}`;
  return withList.length <= HEADLINE_MAX ? withList : cut(`${head}${tail.short}`);
}

/** "nas (10.0.0.2)", "8 hosts together", "10.0.0.9 or one of 4 other sources". */
function whoText({ actor, sources, causes, nameOf }: Told): string {
  if (actor !== null) return nameAndAddress(actor, nameOf);
  const count = Math.max(sources.length, ...causes.map(({ sourceCount }) => sourceCount));
  if (causes.some(({ scan }) => scan?.hasDecoys)) {
    return `One of ${formatCount(count)} hosts, the others forged,`;
  }
  if (count === 1) return nameAndAddress(sources[0] ?? "Somebody", nameOf);
  const isEstimate = causes.some(({ kind }) => kind === "flood" || kind === "reflection");
  return `${isEstimate ? formatEstimate(count) : formatCount(count)} hosts together`;
}

/** What was done, each kind once, in order of time. */
function deedsOf({ causes, nameOf }: Told): string[] {
  const kinds = [...new Set(causes.filter((finding) => !isAnomaly(finding)).map(deedKind))];
  return kinds.map((kind) => {
    const findings = causes.filter((finding) => deedKind(finding) === kind && !isAnomaly(finding));
    return deedText(kind, findings, nameOf);
  });
}

function deedKind({ kind, scan }: Finding): string {
  if (!scan) return kind;
  return sweepProbes.has(scan.probe) ? "sweep" : "scan";
}

function deedText(kind: string, findings: readonly Finding[], nameOf: Names): string {
  const whom = whomText(findings, nameOf);
  switch (kind) {
    case "scan":
      return `scanned ${whom}`;
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
    default:
      return `reached for ${whom}`;
  }
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

/** Ports found open, by host. */
export function foundBy(causes: readonly Finding[]): ReadonlyMap<string, readonly string[]> {
  const byHost = new Map<string, string[]>();
  for (const { scan } of causes) {
    if (!scan || !openingProbes.includes(scan.probe)) continue;
    for (const service of scan.found) {
      const ports = byHost.get(hostOf(service)) ?? [];
      if (!ports.includes(portOf(service))) ports.push(portOf(service));
      byHost.set(hostOf(service), ports);
    }
  }
  for (const ports of byHost.values()) ports.sort((a, b) => Number(a) - Number(b));
  return byHost;
}

/** " and found 4 ports open (nas: 22, 443, 445; gateway: 22)" and the same without the list; "" when nothing was found. */
function foundText(
  found: ReadonlyMap<string, readonly string[]>,
  nameOf: Names,
): { readonly long: string; readonly short: string } {
  const count = [...found.values()].reduce((sum, ports) => sum + ports.length, 0);
  if (count === 0) return { long: "", short: "" };
  const short = ` and found ${formatCount(count)} ${count === 1 ? "port" : "ports"} open`;
  const hosts = [...found].map(([host, ports]) => `${nameOf(host) || host}: ${ports.join(", ")}`);
  const list = found.size === 1 ? [...found.values()][0]!.join(", ") : hosts.join("; ");
  return { long: `${short} (${list})`, short };
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
