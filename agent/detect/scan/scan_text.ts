/** The sentence that tells a person what a scan was: who did what, to whom, how much. */
import type { ScanKind, ScanProbe } from "../../records.ts";
import { formatCount } from "../../text/amounts.ts";

export interface ScanStory {
  readonly kind: ScanKind;
  readonly probe: ScanProbe;
  readonly source: string;
  readonly sourceCount: number;
  readonly target: string;
  readonly targetCount: number;
  readonly ports: string;
  readonly portCount: number;
  readonly answered: number;
  readonly spanUs: number;
  readonly decoyCount: number;
  readonly cameBack: readonly string[];
  /** There are more sources, or more that it came back to, than are counted. */
  readonly areSourcesMore: boolean;
  readonly isBackToMore: boolean;
  /** The source has scanned itself. */
  readonly isWithinHost: boolean;
  /** Its packets came over a cable, where another host can send in its name. */
  readonly mayBeForged: boolean;
  /** Answers would not have been seen. */
  readonly isOneSided: boolean;
}

const portsShownMax = 40;

const verbs: { readonly [probe in ScanProbe]: string } = {
  syn: "probed",
  connect: "tried to connect to",
  fin: "sent bare FIN packets to",
  null: "sent packets without flags to",
  xmas: "sent FIN, PSH and URG packets to",
  ack: "sent ACK packets of no connection to",
  maimon: "sent FIN and ACK packets of no connection to",
  odd_flags: "sent TCP packets with odd flags to",
  udp: "sent UDP packets to",
  icmp_echo: "pinged",
  arp: "asked by ARP for",
  ndp: "asked by neighbour discovery for",
  sctp_init: "tried SCTP on",
};

export function scanReason(story: ScanStory): string {
  const { source, sourceCount, probe } = story;
  const more = story.areSourcesMore ? "More than " : "";
  const who = story.kind === "distributed" && sourceCount > 1
    ? `${more}${formatCount(sourceCount)} hosts together`
    : source;
  return `${itselfText(story)}${who} ${verbs[probe]} ${whatOf(story)} in ${
    spanText(story.spanUs)
  }` +
    `${answeredText(story)}${decoyText(story)}${cameBackText(story)}`;
}

function itselfText({ isWithinHost, mayBeForged, source }: ScanStory): string {
  if (!isWithinHost) return "";
  return mayBeForged
    ? `${source} scanned itself, or its address is forged: `
    : "This host scanned itself: ";
}

function whatOf({ kind, probe, ports, portCount, target, targetCount }: ScanStory): string {
  const hosts = targetCount === 1 ? target : `${formatCount(targetCount)} hosts`;
  if (probe === "icmp_echo") return hosts;
  if (probe === "arp" || probe === "ndp") return `${formatCount(targetCount)} addresses`;
  const portText = portCount === 1 ? `port ${ports}` : `${formatCount(portCount)} ports`;
  const isListed = kind === "horizontal" && portCount > 1 && ports.length <= portsShownMax;
  return `${isListed ? `ports ${ports.replaceAll(",", ", ")}` : portText} of ${hosts}`;
}

/** Probes by which open ports show. What answers FIN, NULL, XMAS, Maimon and ACK probes is closed or behind no filter. */
const opening: readonly ScanProbe[] = ["syn", "connect", "sctp_init"];
const asking: readonly ScanProbe[] = ["udp", "icmp_echo", "arp", "ndp"];

/** Nothing of a distributed scan, of which only failed probes are counted. */
function answeredText({ kind, probe, answered, isOneSided }: ScanStory): string {
  const count = answered === 0 ? "none" : answered === 1 ? "one" : formatCount(answered);
  if (kind === "distributed") return "";
  if (isOneSided && answered === 0) return "; answers to it were not captured";
  if (opening.includes(probe)) return `, and found ${count} open`;
  return asking.includes(probe) ? `, and ${count} answered` : "";
}

/** Who exchanged data is not forged. */
function decoyText({ decoyCount, cameBack }: ScanStory): string {
  if (decoyCount === 0 || cameBack.length > 0) return "";
  const others = decoyCount === 1 ? "another source" : `${formatCount(decoyCount)} other sources`;
  return `, at the same time as ${others}, so all but one may be forged`;
}

function cameBackText({ cameBack, isBackToMore }: ScanStory): string {
  if (cameBack.length === 0) return "";
  const count = isBackToMore ? `at least ${cameBack.length - 1}` : `${cameBack.length - 1}`;
  const more = cameBack.length > 1 ? ` and ${count} more` : "";
  return `; it later exchanged data with ${cameBack[0]}${more}`;
}

function spanText(spanUs: number): string {
  if (spanUs < 1000) return "less than a millisecond";
  if (spanUs < 1_000_000) return `${Math.round(spanUs / 1000)} ms`;
  const seconds = spanUs / 1e6;
  if (seconds < 120) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  return seconds < 7200
    ? `${Math.round(seconds / 60)} min`
    : `${(seconds / 3600).toFixed(1)} hours`;
}
