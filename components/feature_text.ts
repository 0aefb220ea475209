/** The features of the Isolation Forest (agent/detect/features.ts) in plain words, with their units. Pure. */
import { formatBytes, formatCount } from "./format.ts";

type Unit = "count" | "share" | "bytes" | "mean";

interface FeatureText {
  readonly label: string;
  /** What exactly is measured, in a few words. */
  readonly hint: string;
  readonly unit: Unit;
}

const texts: Readonly<Record<string, FeatureText>> = {
  packets_out: { label: "Packets sent", hint: "in this window", unit: "count" },
  packets_in: { label: "Packets received", hint: "in this window", unit: "count" },
  out_in_ratio: { label: "Sent for each received", hint: "bytes for a byte", unit: "mean" },
  connections: { label: "Flows begun", hint: "TCP, UDP, pings", unit: "count" },
  peers: { label: "Hosts contacted", hint: "by ARP or by a flow", unit: "count" },
  ports: { label: "Ports asked for", hint: "different ones", unit: "count" },
  ports_per_peer: { label: "Ports for each host", hint: "mean of those contacted", unit: "mean" },
  connections_per_target: {
    label: "Flows for each service",
    hint: "mean of hosts and ports",
    unit: "mean",
  },
  failed: { label: "Attempts nobody accepted", hint: "refused or unanswered", unit: "count" },
  failed_share: { label: "Share of failed attempts", hint: "of those it made", unit: "share" },
  refused: { label: "Attempts refused", hint: "by the other end", unit: "count" },
  first_contacts: { label: "Hosts never met before", hint: "contacted first now", unit: "count" },
  sources: { label: "Hosts that contacted it", hint: "in this window", unit: "count" },
  ports_in: { label: "Ports it was asked for", hint: "different ones", unit: "count" },
  failed_in: { label: "Attempts it did not accept", hint: "in this window", unit: "count" },
  nxdomain_share: {
    label: "Names that do not exist",
    hint: "share of its DNS answers",
    unit: "share",
  },
  dns_names: { label: "DNS names asked for", hint: "different ones", unit: "count" },
  dns_name_length: { label: "Length of DNS names", hint: "mean of its queries", unit: "bytes" },
};

/** The feature's name for people. */
export function featureLabel(name: string): string {
  return texts[name]?.label ?? plainName(name);
}

export function featureHint(name: string): string {
  return texts[name]?.hint ?? "in this window";
}

/** Right end of a scale with room for the value and the usual range; that of a share is all. */
export function featureScaleEnd(
  name: string,
  value: number,
  [, high]: readonly [number, number],
): number {
  return texts[name]?.unit === "share" ? 1 : 1.04 * Math.max(value, high);
}

/** A value of the feature with its unit. */
export function featureValue(name: string, value: number): string {
  return formatters[texts[name]?.unit ?? "mean"](value);
}

const space = "\u00a0";
const formatters: Readonly<Record<Unit, (value: number) => string>> = {
  count: formatNumber,
  share: (value) => `${formatNumber(Math.round(100 * value))}${space}%`,
  bytes: (value) => formatBytes(Math.round(value)),
  mean: formatNumber,
};

/** Whole from 100 on, three digits below; no zeros at the end. */
function formatNumber(value: number): string {
  if (Math.abs(value) >= 100) return formatCount(value);
  return String(Number(value.toPrecision(3)));
}

/** Of a feature of another version: "new_flows" becomes "new flows". */
function plainName(name: string): string {
  return name.replaceAll("_", " ");
}

/** "usual 18 to 42 %" in words, or how far above it the value is. */
export function usualText(
  name: string,
  value: number,
  [low, high]: readonly [number, number],
): string {
  if (value >= low && value <= high) return "as usual";
  if (high > 0 && value >= 2 * high) {
    return `${formatNumber(value / high)} × the top of usual`;
  }
  return usualRange(name, [low, high]);
}

/** "usual 40 to 220 MB". */
export function usualRange(name: string, [low, high]: readonly [number, number]): string {
  const [from, to] = [featureValue(name, low), featureValue(name, high)];
  if (from === to) return `usual ${to}`;
  const [fromValue, fromUnit] = from.split(space);
  const [, toUnit] = to.split(space);
  const start = fromUnit === toUnit ? fromValue : from;
  return low <= 0 ? `usual up to ${to}` : `usual ${start} to ${to}`;
}
