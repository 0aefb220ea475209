/** Amounts and lengths of time as the sentences of findings, reports and messages have them. Safe in browsers. */
import { ESTIMATE_MAX } from "../records.ts";

/** A length of time with one unit, as "40 ms", "2.5 s", "34 s", "12 min", "3.5 h", "9.5 d". */
export function formatPeriod(lengthUs: number): string {
  const seconds = lengthUs / 1e6;
  if (seconds < 0.9995) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
  if (seconds < 9.95) return `${round(seconds)} s`;
  if (seconds < 119.5) return `${Math.round(seconds)} s`;
  const minutes = seconds / 60;
  if (minutes < 119.5) return `${round(minutes)} min`;
  const hours = minutes / 60;
  return hours < 47.5 ? `${round(hours)} h` : `${round(hours / 24)} d`;
}

/** A count with thousands set apart, as "12,500". */
export function formatCount(count: number): string {
  // Number.toLocaleString() would do, but takes 20 ms the first time.
  return Math.round(count).toString().replace(/\B(?=(\d{3})+$)/g, ",");
}

/** "1 finding", "2,000 findings": of nouns that take an s. */
export function counted(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${Math.round(count) === 1 ? "" : "s"}`;
}

/** An amount of data with one unit, as "900 bytes", "8.2 kB", "59 MB". */
export function formatSize(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} bytes`;
  if (bytes < 999_500) return `${round(bytes / 1000)} kB`;
  return bytes < 999_500_000 ? `${round(bytes / 1e6)} MB` : `${round(bytes / 1e9)} GB`;
}

/** What is passed on of an estimate: two digits, and no more than that it is above ESTIMATE_MAX. */
export function roundEstimate(count: number): number {
  return Math.min(ESTIMATE_MAX + 1, Number(count.toPrecision(2)));
}

/** An estimate at the start of a sentence: "About 60", "About 1,200", "More than 3,000". */
export function formatEstimate(count: number): string {
  if (count > ESTIMATE_MAX) return `More than ${formatCount(ESTIMATE_MAX)}`;
  return `About ${formatCount(roundEstimate(count))}`;
}

/** One decimal below ten, none above. */
function round(value: number): string {
  return value < 9.95 ? value.toFixed(1).replace(/\.0$/, "") : Math.round(value).toString();
}
