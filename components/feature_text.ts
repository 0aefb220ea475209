/** The features of the Isolation Forest (agent/detect/features.ts) in plain words, with their units. Pure. */
import { formatBitRate, formatBytes, formatCount } from "./format.ts";

type Unit = "bytes" | "bitRate" | "share" | "perSecond" | "count" | "bits" | "ratio" | "number";

interface FeatureText {
  readonly label: string;
  /** What exactly is measured, in a few words. */
  readonly hint: string;
  readonly unit: Unit;
}

const texts: Readonly<Record<string, FeatureText>> = {};

/** The feature's name for people. */
export function featureLabel(name: string): string {
  return texts[name]?.label ?? plainName(name);
}

export function featureHint(name: string): string {
  return texts[name]?.hint ?? "in this window";
}

/** A value of the feature with its unit. */
export function featureValue(name: string, value: number): string {
  return formatters[texts[name]?.unit ?? "number"](value);
}

const space = "\u00a0";
const formatters: Readonly<Record<Unit, (value: number) => string>> = {
  bytes: formatBytes,
  bitRate: formatBitRate,
  share: (value) => `${formatNumber(100 * value)}${space}%`,
  perSecond: (value) => `${formatNumber(value)}${space}/s`,
  count: formatNumber,
  bits: (value) => `${formatNumber(value)}${space}bits`,
  ratio: formatNumber,
  number: formatNumber,
};

/** Whole from 100 on, three digits below; no zeros at the end. */
function formatNumber(value: number): string {
  if (Math.abs(value) >= 100) return formatCount(value);
  return String(Number(value.toPrecision(3)));
}

/** "newFlows" and "new_flows" become "new flows". */
function plainName(name: string): string {
  return name.replace(/([a-z])([A-Z])/g, "$1 $2").replaceAll("_", " ").toLowerCase();
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
