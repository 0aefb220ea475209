/**
 * What a host's behaviour in a window is told by: 18 features, computed from the counters of HostActivity. Skewed ones
 * are learnt on a logarithmic scale. What cannot be known is missing (NaN), never zero: a share of nothing, first
 * contacts before there was time to meet anyone.
 *
 * Fan-out and failures tell attacks from busy hosts far better than volumes do, so most features count those. A
 * feature is telling from a value on: below it, however unusual, it is a trifle and alone makes no anomaly.
 */
import { formatCount } from "../../text/amounts.ts";
import { Count } from "./host_activity.ts";

interface Feature {
  readonly name: string;
  readonly unit: string;
  /** What it is good for. */
  readonly reason: string;
  /** How it is learnt: ln(1 + value), ln(value), or as it is. */
  readonly scale: "log1p" | "log" | "linear";
  /** Least spread (on the scale learnt) that is taken for usual, however even a quiet network is. */
  readonly spreadMin: number;
  /** Value from which on it alone may speak for an anomaly; null when it never may. */
  readonly tellingFrom: number | null;
  /** MITRE ATT&CK technique that it hints at; "" for none. */
  readonly attackId: string;
  /** The value in its unit from the counters at `base`; NaN when missing. */
  readonly value: (counts: Float64Array, base: number) => number;
  /** What the host did, for a sentence; `text` is the value as text. */
  readonly says: (text: string) => string;
}

const shareSpread = 0.2;
const logSpread = 0.5;
/** Of fewer no share is taken. */
const shareOfMin = 3;

export const FEATURES: readonly Feature[] = [
  {
    name: "packets_out",
    unit: "packets",
    reason: "Floods and exfiltration send far more than usual.",
    scale: "log1p",
    spreadMin: logSpread,
    tellingFrom: 10_000,
    attackId: "",
    value: (counts, base) => counts[base + Count.packetsOut] + counts[base + Count.arpOut],
    says: (text) => `sent ${text} packets`,
  },
  {
    name: "packets_in",
    unit: "packets",
    reason: "The victim of a flood receives far more than usual.",
    scale: "log1p",
    spreadMin: logSpread,
    tellingFrom: 10_000,
    attackId: "",
    value: (counts, base) => counts[base + Count.packetsIn] + counts[base + Count.arpIn],
    says: (text) => `received ${text} packets`,
  },
  {
    name: "out_in_ratio",
    unit: "bytes sent per byte received",
    reason: "Downloads, uploads and one-sided traffic differ.",
    scale: "log",
    spreadMin: logSpread,
    tellingFrom: null,
    attackId: "",
    value: (counts, base) => {
      const bytesOut = counts[base + Count.bytesOut];
      const bytesIn = counts[base + Count.bytesIn];
      return bytesOut > 0 && bytesIn > 0 ? bytesOut / bytesIn : NaN;
    },
    says: (text) => `sent ${text} bytes for each that it received`,
  },
  {
    name: "connections",
    unit: "connections opened",
    reason: "Scans, floods and password guessing open many.",
    scale: "log1p",
    spreadMin: logSpread,
    tellingFrom: null,
    attackId: "",
    value: (counts, base) => counts[base + Count.opened],
    says: (text) => `opened ${text} connections`,
  },
  {
    name: "peers",
    unit: "hosts contacted",
    reason: "A sweep reaches for many hosts, by ARP or by connections.",
    scale: "log1p",
    spreadMin: logSpread,
    tellingFrom: 50,
    attackId: "T1018",
    value: (counts, base) => counts[base + Count.peersOut],
    says: (text) => `reached for ${text} hosts`,
  },
  {
    name: "ports",
    unit: "different ports asked for",
    reason: "A port scan asks for ports that nobody else uses.",
    scale: "log1p",
    spreadMin: logSpread,
    tellingFrom: 15,
    attackId: "T1046",
    value: (counts, base) => counts[base + Count.portsOut],
    says: (text) => `asked for ${text} different ports`,
  },
  {
    name: "ports_per_peer",
    unit: "ports per host contacted",
    reason: "A vertical scan asks one host for much.",
    scale: "log",
    spreadMin: logSpread,
    tellingFrom: 15,
    attackId: "T1046",
    value: (counts, base) => ratio(counts[base + Count.targetsOut], counts[base + Count.peersOut]),
    says: (text) => `asked each host that it contacted for ${text} ports`,
  },
  {
    name: "connections_per_target",
    unit: "connections per host and port",
    reason: "Guessing passwords and floods return to the same service.",
    scale: "log",
    spreadMin: logSpread,
    tellingFrom: 20,
    attackId: "",
    value: (counts, base) => ratio(counts[base + Count.opened], counts[base + Count.targetsOut]),
    says: (text) => `opened ${text} connections to each service that it used`,
  },
  {
    name: "failed",
    unit: "connections that nobody accepted",
    reason: "Who guesses addresses and ports fails more than who knows them.",
    scale: "log1p",
    spreadMin: logSpread,
    tellingFrom: 20,
    attackId: "T1046",
    value: failedOut,
    says: (text) => `made ${text} attempts that nobody accepted`,
  },
  {
    name: "failed_share",
    unit: "share of attempts",
    reason: "As failed, for slow ones.",
    scale: "linear",
    spreadMin: shareSpread,
    tellingFrom: null,
    attackId: "T1046",
    value: (counts, base) =>
      share(failedOut(counts, base), counts[base + Count.opened] + counts[base + Count.arpAsked]),
    says: (text) => `failed with ${text} of its attempts`,
  },
  {
    name: "refused",
    unit: "connections refused",
    reason: "Refusals (RST, ICMP unreachable) come from closed ports.",
    scale: "log1p",
    spreadMin: logSpread,
    tellingFrom: null,
    attackId: "T1046",
    value: (counts, base) => counts[base + Count.refused],
    says: (text) => `was refused ${text} connections`,
  },
  {
    name: "first_contacts",
    unit: "hosts never met before",
    reason: "Most hosts talk to those that they know.",
    scale: "log1p",
    spreadMin: logSpread,
    tellingFrom: 50,
    attackId: "T1018",
    value: (counts, base) => counts[base + Count.firstContacts],
    says: (text) => `contacted ${text} hosts for the first time`,
  },
  {
    name: "sources",
    unit: "hosts that opened connections to it",
    reason: "Forged sources of a flood, and distributed scans, are many.",
    scale: "log1p",
    spreadMin: logSpread,
    tellingFrom: 200,
    attackId: "",
    value: (counts, base) => counts[base + Count.peersIn],
    says: (text) => `was contacted by ${text} hosts`,
  },
  {
    name: "ports_in",
    unit: "different ports it was asked for",
    reason: "The victim of a port scan is asked for ports that it does not serve.",
    scale: "log1p",
    spreadMin: logSpread,
    tellingFrom: 20,
    attackId: "T1046",
    value: (counts, base) => counts[base + Count.portsIn],
    says: (text) => `was asked for ${text} different ports`,
  },
  {
    name: "failed_in",
    unit: "connections to it that it did not accept",
    reason: "The victim of a scan or of a flood leaves many unanswered.",
    scale: "log1p",
    spreadMin: logSpread,
    tellingFrom: 50,
    attackId: "",
    value: (counts, base) =>
      Math.max(0, counts[base + Count.received] - counts[base + Count.acceptedIn]),
    says: (text) => `did not accept ${text} connections`,
  },
  {
    name: "nxdomain_share",
    unit: "share of DNS answers",
    reason: "Names made up by a program seldom exist.",
    scale: "linear",
    spreadMin: shareSpread,
    tellingFrom: null,
    attackId: "T1568.002",
    value: (counts, base) =>
      share(counts[base + Count.dnsNxdomain], counts[base + Count.dnsResponses]),
    says: (text) => `got the answer that the name does not exist for ${text} of its DNS queries`,
  },
  {
    name: "dns_names",
    unit: "different names asked for",
    reason: "A DNS tunnel asks for a new name with every query.",
    scale: "log1p",
    spreadMin: logSpread,
    tellingFrom: 60,
    attackId: "T1071.004",
    value: (counts, base) => counts[base + Count.dnsNames],
    says: (text) => `asked DNS for ${text} different names`,
  },
  {
    name: "dns_name_length",
    unit: "bytes",
    reason: "A DNS tunnel carries its data in long names.",
    scale: "linear",
    spreadMin: 8,
    tellingFrom: 40,
    attackId: "T1071.004",
    value: (counts, base) =>
      ratio(counts[base + Count.dnsNameBytes], counts[base + Count.dnsQueries]),
    says: (text) => `asked DNS for names of ${text} bytes in the mean`,
  },
];

export const FEATURE_COUNT = FEATURES.length;
const firstContactsAt = FEATURES.findIndex(({ name }) => name === "first_contacts");

/** A number that changes with the features, so that models of others are refused. */
export const FEATURE_KIND = FEATURES.reduce(
  (sum, { name, scale }) => [...name + scale].reduce(mixCharacter, sum),
  1,
);

/**
 * Writes the features of the counters at `base`, as they are learnt, to `vector`. `knowsPeers` is false while it is
 * too early to say who has met whom.
 */
export function fillFeatures(
  counts: Float64Array,
  base: number,
  vector: Float64Array,
  knowsPeers: boolean,
): void {
  for (let index = 0; index < FEATURE_COUNT; index++) {
    const feature = FEATURES[index];
    vector[index] = toScale(feature, feature.value(counts, base));
  }
  if (!knowsPeers) vector[firstContactsAt] = NaN;
}

/** From a feature's unit to the scale on which it is learnt. */
export function toScale({ scale }: Feature, value: number): number {
  if (scale === "linear") return value;
  if (scale === "log") return Math.log(value);
  // Most counters are 0.
  return value === 0 ? 0 : Math.log1p(value);
}

/** And back. */
export function fromScale({ scale }: Feature, learnt: number): number {
  if (scale === "linear") return learnt;
  return scale === "log" ? Math.exp(learnt) : Math.expm1(learnt);
}

/** Whether it counts things. */
export function isCount({ scale }: Feature): boolean {
  return scale === "log1p";
}

/** A value in the feature's unit as it is passed on: counts whole, others with four digits. */
export function naturalValue(feature: Feature, value: number): number {
  return isCount(feature) ? Math.round(value) : Number(value.toPrecision(4));
}

/** A value for a person: whole counts, two digits below ten, shares in per cent. */
export function formatFeature(feature: Feature, value: number): string {
  const rounded = roundFeature(feature, value);
  if (isShare(feature)) return `${rounded} %`;
  return Number.isInteger(rounded) ? formatCount(rounded) : String(rounded);
}

/** The number that a person is shown of a value. */
export function roundFeature(feature: Feature, value: number): number {
  if (isShare(feature)) return Math.round(value * 100);
  return value < 10 ? Math.round(value * 10) / 10 : Math.round(value);
}

function isShare({ unit }: Feature): boolean {
  return unit.startsWith("share");
}

function failedOut(counts: Float64Array, base: number): number {
  return Math.max(0, counts[base + Count.opened] - counts[base + Count.accepted]) +
    Math.max(0, counts[base + Count.arpAsked] - counts[base + Count.arpAnswered]);
}

function share(part: number, whole: number): number {
  return whole < shareOfMin ? NaN : Math.min(1, part / whole);
}

/** NaN unless both are there. */
function ratio(over: number, under: number): number {
  return over > 0 && under > 0 ? over / under : NaN;
}

function mixCharacter(sum: number, character: string): number {
  return (Math.imul(sum, 31) + character.charCodeAt(0)) >>> 0;
}
